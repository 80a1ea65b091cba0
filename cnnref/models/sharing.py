"""One hidden layer with shared weights, or with the same reach and none shared."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, unfold

__all__ = ["LocalLayer", "OneLayer"]


class LocalLayer(nn.Module):
    """A convolution whose kernel is another one at every position: local, but not shared.

    Args:
        channels: that come in.
        features: that go out.
        kernel: side of the window in pixels.
        stride: steps of the window.
        side: of the input in pixels.

    Shape:
        Input `(N, channels, side, side)`, output `(N, features, M, M)`.
    """

    def __init__(self, channels: int, features: int, kernel: int, stride: int, side: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.positions = (side - kernel) // stride + 1
        taps = channels * kernel**2
        self.weight = nn.Parameter(torch.empty(self.positions**2, features, taps))
        self.bias = nn.Parameter(torch.empty(self.positions**2, features))
        # As `nn.Conv2d` draws its kernel, once for every position.
        for parameter in (self.weight, self.bias):
            nn.init.uniform_(parameter, -1 / math.sqrt(taps), 1 / math.sqrt(taps))

    def forward(self, x: Tensor) -> Tensor:
        """Weighted sums, before any activation."""
        windows = unfold(x, self.kernel, stride=self.stride)  # (N, taps, positions)
        sums = torch.einsum("nkm,mfk->nfm", windows, self.weight) + self.bias.T
        out: Tensor = sums.unflatten(2, (self.positions, self.positions))
        return out


class OneLayer(nn.Module):
    """One hidden layer of 5 x 5 windows with stride 2 and ReLU, then one linear layer.

    Args:
        shared: one kernel for all positions, a convolution; otherwise one for each.
        features: channels of the hidden layer.
        side: of the image in pixels.
        classes: number of classes.

    Shape:
        Input `(N, 1, side, side)`, output `(N, classes)`.
    """

    def __init__(
        self, shared: bool = True, features: int = 8, side: int = 28, classes: int = 10
    ) -> None:
        super().__init__()
        self.hidden: nn.Module
        if shared:
            self.hidden = nn.Conv2d(1, features, kernel_size=5, stride=2)
        else:
            self.hidden = LocalLayer(1, features, kernel=5, stride=2, side=side)
        self.fc = nn.Linear(features * ((side - 5) // 2 + 1) ** 2, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, 1, side, side)`."""
        logits: Tensor = self.fc(relu(self.hidden(x)).flatten(1))
        return logits
