"""CIFAR-10 behind torchvision's interface, from the arrays in the data folder.

`torchvision.datasets.CIFAR10` reads the original archive, which the data folder does not keep.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnnref import data
from cnnref.data import ImageDataset, ImageSet


@functools.cache
def cifar10(split: str) -> ImageSet:
    """A split, read and checked once for all tests."""
    return data.load("cifar10", split)


class CIFAR10(ImageDataset):
    """What the scripts use of `torchvision.datasets.CIFAR10`."""

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        assert download, f"nobody says that {root} has the data"
        super().__init__(cifar10("train" if train else "test"), transform)
        self.data = self.imageset.images.permute(0, 2, 3, 1).numpy()
        self.target_transform = target_transform

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = super().__getitem__(index)
        return image, self.target_transform(label) if self.target_transform else label
