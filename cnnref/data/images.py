"""Labelled images in memory, and the two-way bridge to torchvision's datasets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from cnnref.errors import require

__all__ = ["ImageDataset", "ImageSet", "Normalization", "class_extract", "synthetic"]


@dataclass(frozen=True)
class Normalization:
    """The mean and standard deviation that a network's input is normalised with, per channel.

    Args:
        mean: one value per channel, on the scale where pixels run from 0 to 1.
        std: likewise; positive.

    Raises:
        ValueError: a standard deviation is missing or not positive.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what would divide by zero."""
        if len(self.mean) != len(self.std) or not all(s > 0 for s in self.std):
            raise ValueError(
                f"each of {len(self.mean)} channels needs a positive standard deviation, got "
                f"{self.std}; a channel that is constant has none (Recipe(pixels='unit') asks for "
                "none)"
            )

    @classmethod
    def unit(cls, channels: int) -> Normalization:
        """The one that only scales pixels to run from 0 to 1.

        Args:
            channels: of the images.
        """
        return cls((0.0,) * channels, (1.0,) * channels)

    def __call__(self, images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Normalise uint8 images `(N, C, H, W)`, on their own device, to `dtype`.

        Raises:
            ValueError: the images have another number of channels.
        """
        if images.dim() != 4 or images.shape[1] != len(self.mean):
            raise ValueError(
                f"images must be (N, {len(self.mean)}, H, W), got {tuple(images.shape)}"
            )
        shape = (1, -1, 1, 1)
        mean = torch.tensor(self.mean, dtype=dtype, device=images.device).view(shape)
        std = torch.tensor(self.std, dtype=dtype, device=images.device).view(shape)
        return (images.to(dtype) / 255 - mean) / std


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images in memory.

    Args:
        images: uint8 `(N, C, H, W)`.
        labels: int64 `(N,)`, each an index into `class_names`.
        class_names: the name of every label.
        source: where the images came from, for people.

    Raises:
        ValueError: types, shapes or labels that do not go together.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Validate."""
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise ValueError(
                f"images must be uint8 (N, C, H, W), got {self.images.dtype} "
                f"{tuple(self.images.shape)}"
            )
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"labels must be int64 ({len(self.images)},), got {self.labels.dtype} "
                f"{tuple(self.labels.shape)}"
            )
        if isinstance(self.class_names, str):
            raise ValueError(f"class_names must be one name per class, got {self.class_names!r}")
        if len(self) and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise ValueError(
                f"labels run from {self.labels.min()} to {self.labels.max()}, but there are "
                f"{len(self.class_names)} class names"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """SHA-256 of the shape, the pixels and the labels."""
        digest = hashlib.sha256(repr(tuple(self.images.shape)).encode())
        digest.update(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()

    def normalization(self) -> Normalization:
        """Mean and standard deviation of each channel, over all pixels, in float64.

        Raises:
            ValueError: a channel is constant, or there are no images.
        """
        pixels = self.images.transpose(0, 1).flatten(1)
        # From the 256 counts: exact, and no float copy of the dataset.
        values = torch.arange(256, dtype=torch.float64) / 255
        shares = torch.stack([torch.bincount(c, minlength=256) for c in pixels]).double()
        shares /= pixels.shape[1]
        mean = shares @ values
        std = ((shares @ values.square()) - mean.square()).sqrt()
        return Normalization(tuple(mean.tolist()), tuple(std.tolist()))

    def select(self, indices: Tensor | Sequence[int]) -> ImageSet:
        """Some of the images.

        Args:
            indices: which, in that order; or a boolean mask `(N,)`.

        Raises:
            ValueError: the indices are neither whole numbers nor a mask of the right length.
        """
        indices = torch.as_tensor(indices)
        if indices.dtype == torch.bool and indices.shape == self.labels.shape:
            indices = indices.nonzero().flatten()
        elif indices.numel() == 0:
            indices = indices.long()
        elif indices.dtype == torch.bool or indices.is_floating_point():
            raise ValueError(
                f"indices must be whole numbers or a mask of {len(self)} booleans, got "
                f"{indices.dtype} {tuple(indices.shape)}"
            )
        return ImageSet(self.images[indices], self.labels[indices], self.class_names, self.source)

    def as_dataset(self, transform: Callable[[Any], Any] | None = None) -> ImageDataset:
        """The same images as a map-style dataset with torchvision's attributes.

        Args:
            transform: applied to each `PIL.Image`, as torchvision's datasets do.
        """
        return ImageDataset(self, transform)

    @classmethod
    def from_dataset(
        cls, dataset: Dataset[Any], class_names: Sequence[str], source: str = "dataset"
    ) -> ImageSet:
        """Collect a map-style dataset of `(PIL image, label)` pairs, a `Subset` included.

        Args:
            dataset: yields 8-bit images and whole-number labels; give it no transform.
            class_names: the name of every label.
            source: where the images came from.

        Raises:
            ValueError: the dataset yields something else.
        """
        images, labels = [], []
        for image, label in (dataset[i] for i in range(len(dataset))):  # type: ignore[arg-type]
            pixels = np.asarray(image)
            if pixels.dtype != np.uint8:
                raise ValueError(
                    f"the dataset must yield 8-bit images, got {type(image).__name__} of "
                    f"{pixels.dtype}; remove its transform"
                )
            images.append(pixels if pixels.ndim == 3 else pixels[..., None])
            labels.append(int(label))
        stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
        return cls(stacked, torch.tensor(labels), tuple(class_names), source)


class ImageDataset(Dataset[tuple[Any, int]]):
    """An `ImageSet` with the interface of torchvision's datasets, so `DataLoader` takes it.

    Args:
        imageset: the images.
        transform: applied to each `PIL.Image`.

    Attributes:
        classes: the class names.
        class_to_idx: from class name to label.
        targets: the label of every image.

    Raises:
        MissingExtraError: Pillow is not installed.
    """

    def __init__(self, imageset: ImageSet, transform: Callable[[Any], Any] | None = None) -> None:
        require("vision", "PIL")
        self.imageset = imageset
        self.transform = transform
        self.classes: list[str] = list(imageset.class_names)
        self.class_to_idx: dict[str, int] = {name: i for i, name in enumerate(self.classes)}
        self.targets: list[int] = imageset.labels.tolist()

    def __len__(self) -> int:
        return len(self.imageset)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        pixels = self.imageset.images[index].permute(1, 2, 0).numpy()
        from PIL import Image

        image: Any = Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])
        return self.transform(image) if self.transform else image, self.targets[index]


def class_extract(classes: Collection[int], dataset: Dataset[Any]) -> Subset[Any]:
    """The data points of some classes, with the labels they have: question UT-P1.6.

    Args:
        classes: labels to keep.
        dataset: a dataset with `targets`, ours or torchvision's.

    Returns:
        A `Subset`, in the dataset's order.

    Raises:
        TypeError: the dataset has no `targets`.
        ValueError: a class without a single data point.
    """
    if not hasattr(dataset, "targets"):
        raise TypeError(f"class_extract needs a dataset with targets, got {type(dataset).__name__}")
    targets = torch.as_tensor(dataset.targets)
    absent = sorted(set(classes) - set(targets.unique().tolist()))
    if absent or not classes:
        raise ValueError(f"classes {list(classes)}: the dataset has no data point of {absent}")
    kept = torch.isin(targets, torch.tensor(sorted(classes))).nonzero().flatten()
    return Subset(dataset, kept.tolist())


def synthetic(
    shape: tuple[int, int, int], classes: int, count: int, *, seed: int = 0, noise: float = 0.5
) -> ImageSet:
    """Seeded images that a network can learn: each class is a fixed pattern under noise.

    Args:
        shape: channels, height and width.
        classes: number of classes; labels run through them in turn.
        count: number of images.
        seed: seed of the noise; the patterns are the same for every seed.
        noise: share of each pixel that is noise, from 0 to 1.

    Raises:
        ValueError: `noise` is not a share, or there is no class or no image.
    """
    if not 0 <= noise <= 1 or classes < 1 or count < 1:
        raise ValueError(
            f"noise must be from 0 to 1, classes and count at least 1, got noise {noise}, "
            f"classes {classes}, count {count}"
        )
    patterns = np.random.default_rng(0).random((classes, *shape))
    labels = np.arange(count) % classes
    scatter = np.random.default_rng([1, seed]).random((count, *shape))
    pixels = np.round(255 * ((1 - noise) * patterns[labels] + noise * scatter)).astype(np.uint8)
    return ImageSet(
        torch.from_numpy(pixels),
        torch.from_numpy(labels.astype(np.int64)),
        tuple(f"pattern {i}" for i in range(classes)),
        f"synthetic (seed {seed})",
    )
