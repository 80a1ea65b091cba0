"""A stack of 3 x 3 convolutions whose dilations are the only choice."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["DilatedStack"]


class DilatedStack(nn.Module):
    """3 x 3 convolutions with ReLU on the image as a torus, then the maximum and a linear layer.

    Circular padding keeps every size and leaves no border to tell positions by. So the network is
    invariant to circular shifts, and what it answers depends only on the set of windows, as large
    as its receptive field, that the image holds.

    Args:
        dilations: one for each layer, first to last.
        channels: of the image.
        width: channels of every layer.
        classes: number of classes; two give one logit.
        he: draw the kernels by He et al. 2015, Eq. 10, so that signals neither grow nor shrink from
            layer to layer; torch's own law shrinks their energy to a sixth in each.

    Raises:
        ValueError: there is no layer, or a dilation is not positive.

    Shape:
        Input `(N, channels, H, W)`, output `(N, 1)` for two classes, else `(N, classes)`.
    """

    def __init__(
        self,
        dilations: Sequence[int] = (1, 2, 4, 8),
        channels: int = 1,
        width: int = 16,
        classes: int = 2,
        he: bool = False,
    ) -> None:
        super().__init__()
        if not dilations or min(dilations) < 1:
            raise ValueError(f"dilations must be positive and at least one, got {dilations}")
        layers: list[nn.Module] = []
        for i, d in enumerate(dilations):
            layers += [
                nn.Conv2d(
                    width if i else channels, width, 3,
                    padding=d, dilation=d, padding_mode="circular",
                ),
                nn.ReLU(),
            ]  # fmt: skip
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if he and isinstance(layer, nn.Conv2d):
                # From a uniform law, which torch draws alike everywhere.
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        self.fc = nn.Linear(width, 1 if classes == 2 else classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images `(N, channels, H, W)`."""
        logits: Tensor = self.fc(self.layers(x).amax((2, 3)))
        return logits
