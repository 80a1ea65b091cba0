"""The network that learns CIFAR-10 to 94 per cent with the fewest operations known."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, max_pool2d

__all__ = ["FastCNN"]


class FastCNN(nn.Module):
    """Three blocks of two 3 x 3 convolutions behind a whitening layer: Jordan 2024, Section 3.

    | layer | kind | output |
    | --- | --- | --- |
    | whiten | 2 x 2 convolution, GELU | 24 x 31 x 31 |
    | block1 | convolution, pooling, norm, GELU; convolution, norm, GELU | 64 x 15 x 15 |
    | block2 | the same | 256 x 7 x 7 |
    | block3 | the same | 256 x 3 x 3 |
    | pool | 3 x 3 max-pooling | 256 x 1 x 1 |
    | fc | linear without bias, divided by 9 | 10 |

    Its start does much of its work. The whitening layer is set by `whiten` from the training
    images and its kernels are never trained. The first filters of every other convolution pass one
    channel each on as it is (Dirac's delta), so that signals reach every depth from the first step
    on. The norms have a trained bias and no trained scale, and forget their statistics quickly.

    Args:
        widths: channels of the three blocks.
        channels: of the image.
        classes: number of classes.
        prepared: whether it starts as above; without, every convolution starts at random, as torch
            starts it, and the first is trained like the others.

    Shape:
        Input `(N, channels, 32, 32)`, output `(N, classes)`.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 256, 256),
        channels: int = 3,
        classes: int = 10,
        prepared: bool = True,
    ) -> None:
        super().__init__()
        self.whitening = nn.Conv2d(channels, 2 * 4 * channels, kernel_size=2)
        inputs = [2 * 4 * channels, *widths[:-1]]
        self.blocks = nn.Sequential(*(_Block(a, b) for a, b in zip(inputs, widths, strict=True)))
        self.fc = nn.Linear(widths[-1], classes, bias=False)
        if prepared:
            self.whitening.weight.requires_grad_(False)
            nn.init.zeros_(self.whitening.bias)  # type: ignore[arg-type]
            for block in self.blocks:
                for conv in block.modules():
                    if isinstance(conv, nn.Conv2d):
                        nn.init.dirac_(conv.weight[: conv.in_channels].detach())

    @torch.no_grad()
    def whiten(self, images: Tensor, epsilon: float = 5e-4) -> None:
        """Set the first layer so that its outputs on 2 x 2 patches are uncorrelated, of equal size.

        Its kernels are the patches' principal components over the roots of their variances, and the
        same with the other sign, since what follows lets one sign through.

        Args:
            images: normalised, `(N, channels, H, W)`.
            epsilon: added to the variances, so that the rarest patterns are not blown up.
        """
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
        rows = patches.reshape(-1, patches.shape[-1]).double()
        variances, components = torch.linalg.eigh(rows.T @ rows / len(rows))
        # Eigenvectors have no sign of their own, and libraries differ in the one they return.
        components *= components.sum(0).sign()
        kernels = (components / (variances + epsilon).sqrt()).T.flip(0)
        weight = self.whitening.weight
        weight.copy_(torch.cat([kernels, -kernels]).view_as(weight))

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, classes)` of images `(N, channels, 32, 32)`."""
        x = self.blocks(gelu(self.whitening(x)))
        x = max_pool2d(x, kernel_size=3).flatten(1)
        logits: Tensor = self.fc(x) / 9
        return logits


class _Block(nn.Module):
    """Convolution, 2 x 2 pooling, norm, GELU; convolution, norm, GELU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        # Six tenths of the past are kept at a step; torch calls the other four its momentum.
        self.norm1, self.norm2 = (
            nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4) for _ in range(2)
        )
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x = gelu(self.norm1(max_pool2d(self.conv1(x), kernel_size=2)))
        return gelu(self.norm2(self.conv2(x)))
