"""The networks that all are asked to count: three whole ones, and probes of one thing each.

No probe has a bias, a normalisation or a pooling, over which conventions differ; so none can
explain a difference. The probe `conventions` has all three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models

from cnnref.models.counted import CountedCNN

__all__ = ["NETWORKS", "Network"]


@dataclass(frozen=True)
class Network:
    """One network: how it is made, and the size of its input, the batch of one included."""

    make: Callable[[], nn.Module]
    size: tuple[int, ...]


class Called(nn.Module):
    """A convolution that is called as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


class Product(nn.Module):
    """A matrix product that no layer holds."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(16, 16, bias=False)
        self.second = nn.Linear(16, 16, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class Reused(nn.Module):
    """One layer, called three times."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(self.layer(x)))


class SelfAttention(nn.Module):
    """A layer of attention, of a sequence to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, bias=False, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


NETWORKS: dict[str, Network] = {
    "IU-4": Network(CountedCNN, (1, 3, 256, 256)),
    "resnet50": Network(lambda: models.resnet50(weights=None), (1, 3, 224, 224)),
    "vit_b_16": Network(lambda: models.vit_b_16(weights=None), (1, 3, 224, 224)),
    "conventions": Network(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2)),
        (1, 3, 10, 10),
    ),
    "transposed": Network(
        lambda: nn.Sequential(nn.ConvTranspose2d(8, 4, 3, stride=2, bias=False)), (1, 8, 8, 8)
    ),
    "same": Network(
        lambda: nn.Sequential(nn.Conv2d(3, 8, 5, padding="same", bias=False)), (1, 3, 16, 16)
    ),
    "linear-3d": Network(lambda: nn.Sequential(nn.Linear(16, 8, bias=False)), (1, 20, 16)),
    "functional": Network(Called, (1, 3, 12, 12)),
    "product": Network(Product, (1, 20, 16)),
    "tied": Network(Tied, (1, 16)),
    "reused": Network(Reused, (1, 4, 10, 10)),
    "attention": Network(SelfAttention, (1, 10, 32)),
}
