"""Residual networks from scratch, and their plain twins: question IU-C.3."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import pad, relu

__all__ = ["ResNet", "ResidualUnit"]


class ResidualUnit(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, plus what went in: He et al. 2016, Fig. 2.

    Where the unit halves the map and doubles the channels, the skip takes every second pixel and
    fills the new channels with zeros (option A of their Section 4.2): it has no parameters, so a
    unit without the skip has the very same ones.

    Args:
        inputs: channels that come in.
        outputs: channels that go out; not fewer.
        stride: of the first convolution.
        skip: whether to add the input.

    Raises:
        ValueError: fewer channels go out than come in.

    Shape:
        Input `(N, inputs, H, W)`, output `(N, outputs, ceil(H / stride), ceil(W / stride))`.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, skip: bool = True) -> None:
        super().__init__()
        if outputs < inputs:
            raise ValueError(f"outputs must not be fewer than {inputs} inputs, got {outputs}")
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.new_channels = outputs - inputs
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        """Activations of the unit."""
        y = self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))
        if self.skip:
            same = x[:, :, :: self.stride, :: self.stride]
            y = y + pad(same, (0, 0, 0, 0, 0, self.new_channels))
        return relu(y)


class ResNet(nn.Module):
    r"""The residual network for small images of He et al. 2016, Section 4.2, of depth $6n + 2$.

    One 3 x 3 convolution; three stages of n units with 1, 2 and 4 times `width` channels, the
    later two starting with stride 2; the mean over all positions; one linear layer. Their ResNet-20
    for CIFAR-10 has width 16 and stride 1 in the first convolution.

    Args:
        depth: layers with weights, 6 n + 2.
        skip: whether the units add their input; without, the plain twin of the same depth.
        channels: of the image.
        classes: number of classes.
        width: channels of the first stage.
        stem_stride: stride of the first convolution; 2 makes everything four times cheaper.

    Raises:
        ValueError: `depth` is not 6 n + 2.

    Shape:
        Input `(N, channels, H, W)`, output `(N, classes)`.
    """

    def __init__(
        self,
        depth: int = 20,
        skip: bool = True,
        channels: int = 3,
        classes: int = 10,
        width: int = 16,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        units, rest = divmod(depth - 2, 6)
        if units < 1 or rest:
            raise ValueError(f"depth must be 8, 14, 20, 26 and so on, got {depth}")
        self.stem = nn.Conv2d(channels, width, 3, stride=stem_stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        plan = [(factor, i) for factor in (1, 2, 4) for i in range(units)]
        widths = pairwise([width, *(width * factor for factor, _ in plan)])
        self.units = nn.Sequential(
            *(
                ResidualUnit(a, b, stride=2 if factor > 1 and i == 0 else 1, skip=skip)
                for (factor, i), (a, b) in zip(plan, widths, strict=True)
            )
        )
        self.fc = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # He et al. 2015, Eq. 14, from a uniform law, which torch draws alike everywhere.
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, channels, H, W)`."""
        x = self.units(relu(self.norm(self.stem(x))))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits
