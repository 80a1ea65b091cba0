"""The module of GoogLeNet: four paths of different reach, side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["InceptionBlock"]


class InceptionBlock(nn.Module):
    r"""The Inception module: 1 x 1, 3 x 3 and 5 x 5 convolutions and a pooling, concatenated.

    Every path has stride 1 and keeps height and width, so the outputs line up pixel by pixel and
    can be stacked along the channels, in the order of the table. A ReLU follows every convolution,
    the reductions too. With the numbers of GoogLeNet's module 3a, `InceptionBlock(192, 64, 96, 128,
    16, 32, 32)`, on 28 x 28 pixels:

    | path | layer | output | parameters |
    | --- | --- | --- | ---: |
    | path1 | 1 x 1 convolution | 64 x 28 x 28 | 12352 |
    | path3 | 1 x 1 convolution, the reduction | 96 x 28 x 28 | 18528 |
    | path3 | 3 x 3 convolution | 128 x 28 x 28 | 110720 |
    | path5 | 1 x 1 convolution, the reduction | 16 x 28 x 28 | 3088 |
    | path5 | 5 x 5 convolution | 32 x 28 x 28 | 12832 |
    | pool | 3 x 3 max-pooling | 192 x 28 x 28 | 0 |
    | pool | 1 x 1 convolution | 32 x 28 x 28 | 6176 |

    Args:
        in_channels: channels of the input.
        ch1x1: channels out of the 1 x 1 path.
        ch3x3reduce: channels between the two layers of the 3 x 3 path.
        ch3x3: channels out of the 3 x 3 path.
        ch5x5reduce: channels between the two layers of the 5 x 5 path.
        ch5x5: channels out of the 5 x 5 path.
        pool_proj: channels out of the pooling path.
        reduce: `False` builds the naive module, with no reduction and no projection; the two
            `reduce` sizes and `pool_proj` then have no effect, and the pooling path hands on all
            of its `in_channels`.

    Shape:
        Input `(N, in_channels, H, W)`, output `(N, out_channels, H, W)`: activations, not logits.

    Source: C. Szegedy et al., Going deeper with convolutions (2015), figure 2 and table 1.
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3reduce: int,
        ch3x3: int,
        ch5x5reduce: int,
        ch5x5: int,
        pool_proj: int,
        *,
        reduce: bool = True,
    ) -> None:
        super().__init__()
        before3 = _convolution(in_channels, ch3x3reduce, 1) if reduce else []
        before5 = _convolution(in_channels, ch5x5reduce, 1) if reduce else []
        after_pool = _convolution(in_channels, pool_proj, 1) if reduce else []
        self.path1 = nn.Sequential(*_convolution(in_channels, ch1x1, 1))
        self.path3 = nn.Sequential(
            *before3, *_convolution(ch3x3reduce if reduce else in_channels, ch3x3, 3)
        )
        self.path5 = nn.Sequential(
            *before5, *_convolution(ch5x5reduce if reduce else in_channels, ch5x5, 5)
        )
        # Without stride=1 torch would pool with the stride 3 of its window.
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *after_pool)
        self.out_channels = ch1x1 + ch3x3 + ch5x5 + (pool_proj if reduce else in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Activations `(N, out_channels, H, W)` of an input `(N, in_channels, H, W)`."""
        return torch.cat([self.path1(x), self.path3(x), self.path5(x), self.pool(x)], dim=1)


def _convolution(in_channels: int, out_channels: int, kernel: int) -> list[nn.Module]:
    """A convolution that keeps height and width, and its ReLU."""
    return [nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2), nn.ReLU()]


class InceptionNet(nn.Module):
    r"""A small network of two Inception modules, or of two plain convolutions of equal cost.

    A 3 x 3 convolution with stride 2 makes 24 channels; then come a block, a 2 x 2 max-pooling, a
    block, the mean over all positions, and a linear layer. With `plain` each block is one 3 x 3
    convolution, of 16 and 54 channels: so wide that the two networks need the same number of
    multiply-accumulates, to one in a thousand, on images of 28 x 28 pixels.

    Args:
        plain: take the plain convolutions.
        channels: of the image.
        classes: number of classes.

    Shape:
        Input `(N, channels, H, W)`, output `(N, classes)`.
    """

    def __init__(self, plain: bool = False, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, 24, 3, stride=2, padding=1), nn.ReLU())
        if plain:
            self.block1: nn.Module = nn.Sequential(*_convolution(24, 16, 3))
            self.block2: nn.Module = nn.Sequential(*_convolution(16, 54, 3))
            out = 54
        else:
            first = InceptionBlock(24, 8, 12, 16, 4, 8, 8)
            second = InceptionBlock(first.out_channels, 16, 16, 32, 6, 12, 12)
            self.block1, self.block2, out = first, second, second.out_channels
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(out, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, channels, H, W)`."""
        x = self.block2(self.pool(self.block1(self.stem(x))))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits
