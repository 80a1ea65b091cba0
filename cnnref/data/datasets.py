"""Datasets by name: what is known of each, how it is read or made, and how it is fetched.

A name stands for files, for a part of another dataset, or for images made on the spot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import torch

from cnnref.data import files
from cnnref.data.far_pairs import far_pairs
from cnnref.data.files import DamagedDataError, MissingDataError, data_folder
from cnnref.data.images import ImageSet, Normalization, synthetic
from cnnref.data.kats_cat import kats_images
from cnnref.errors import CnnrefError, require, unknown

__all__ = [
    "DATASETS",
    "HELD_OUT",
    "SPLITS",
    "DatasetInfo",
    "UnknownDatasetError",
    "fetch",
    "files_of",
    "load",
    "normalization_of",
]

SPLITS = ("train", "test")
"""The parts of a dataset that is whole; one for tuning has `"validation"` in place of `"test"`."""

HELD_OUT = {"mnist": 10_000, "fashion-mnist": 10_000, "cifar10": 5_000, "cats-dogs": 2_000}
"""Training images that the datasets for tuning hold out, the same for every seed of training."""


class UnknownDatasetError(CnnrefError, LookupError):
    """No dataset, or no split, of that name."""


class DatasetInfo(NamedTuple):
    """What is known of a dataset before it is read."""

    shape: tuple[int, int, int]
    """Channels, height and width of one image."""
    class_names: tuple[str, ...]
    """The name of every label, in order."""
    train_size: int
    """Number of training images."""
    parent: str | None = None
    """The dataset whose files hold it, where it is a subset."""
    splits: tuple[str, str] = SPLITS
    """What to train on, and what to evaluate on."""


_DIGITS = tuple("0123456789")
_FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

_WHOLE = {
    "mnist": DatasetInfo((1, 28, 28), _DIGITS, 60_000),
    "fashion-mnist": DatasetInfo((1, 28, 28), _FASHION, 60_000),
    "cifar10": DatasetInfo((3, 32, 32), _CIFAR10, 50_000),
    "cats-dogs": DatasetInfo((3, 32, 32), ("cat", "dog"), 10_000, parent="cifar10"),
}

DATASETS: Mapping[str, DatasetInfo] = {
    **_WHOLE,
    **{
        f"{name}-tuning": info._replace(
            train_size=info.train_size - HELD_OUT[name],
            parent=name,
            splits=("train", "validation"),
        )
        for name, info in _WHOLE.items()
    },
    "mnist-first-10000": DatasetInfo((1, 28, 28), _DIGITS, 10_000, parent="mnist"),
    "synthetic": DatasetInfo((3, 32, 32), ("pattern 0", "pattern 1"), 200),
    "far-pairs": DatasetInfo((1, 8, 32), ("ring to the right", "ring to the left"), 2_000),
    "kats-cat": DatasetInfo((1, 100, 100), ("no cat", "cat"), 800),
    "kats-cat-moved": DatasetInfo((1, 100, 100), ("no cat", "cat"), 800),
}
"""Every dataset that `load` knows."""


def load(name: str, split: str) -> ImageSet:
    """Read a split of a dataset from the data folder and check it against its SHA-256.

    Args:
        name: `"mnist"`, `"fashion-mnist"`, `"cifar10"` or `"cats-dogs"`: CIFAR-10's cats and dogs
            with the labels 3 and 5 remapped to 0 and 1; or `"synthetic"`, small images made on
            the spot, for trying things out without any file; or `"kats-cat"` and
            `"kats-cat-moved"`, made on the spot too: one training set with the cat in the lower
            left quadrant, and a test set with it there, or in the upper right one; or
            `"far-pairs"`, two marks that no small window holds together. For choosing settings:
            `"mnist-tuning"`, `"fashion-mnist-tuning"`, `"cifar10-tuning"` and `"cats-dogs-tuning"`,
            the training images alone, `HELD_OUT` of them kept for validation. For training on
            less: `"mnist-first-10000"`.
        split: `"train"` or `"test"`; of a dataset for tuning `"train"` or `"validation"`.

    Raises:
        UnknownDatasetError: no such dataset or split; the message suggests the nearest.
        MissingDataError: it is not in the data folder.
        DamagedDataError: a file of it is truncated or altered.
    """
    if name not in DATASETS:
        raise UnknownDatasetError(unknown("dataset", name, DATASETS))
    info = DATASETS[name]
    if split not in info.splits:
        raise UnknownDatasetError(unknown(f"split of {name}", split, info.splits))
    if name == "synthetic":
        count, seed = {"train": (200, 0), "test": (100, 1)}[split]
        return synthetic(info.shape, len(info.class_names), count, seed=seed)
    if name == "far-pairs":
        return far_pairs(2000, seed=0) if split == "train" else far_pairs(1000, seed=1)
    if name.startswith("kats-cat"):
        if split == "train":
            return kats_images(800, seed=0)
        return (
            kats_images(400, seed=1)
            if name == "kats-cat"
            else kats_images(400, seed=2, quadrant="upper right")
        )
    if info.splits != SPLITS and info.parent:
        return _held_out(load(info.parent, "train"), split, info.train_size)
    if name == "mnist-first-10000":
        mnist = load("mnist", split)
        return mnist.select(range(10_000)) if split == "train" else mnist
    if name == "cats-dogs":
        whole, inexact = files.read_cifar10(split, DATASETS["cifar10"].class_names)
        kept = torch.tensor([whole.class_names.index(c) for c in info.class_names])
        chosen = torch.isin(whole.labels, kept)
        return ImageSet(
            whole.images[chosen],
            torch.searchsorted(kept, whole.labels[chosen]),
            info.class_names,
            files.cifar10_source(split, int(inexact[chosen].sum())),
        )
    if name == "cifar10":
        return files.read_cifar10(split, info.class_names)[0]
    return files.read_idx(name, split, info.class_names)


def _held_out(whole: ImageSet, split: str, cut: int) -> ImageSet:
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(0))
    return whole.select(order[:cut] if split == "train" else order[cut:])


def files_of(name: str) -> list[Path]:
    """The files that hold a dataset, all of them there; what is made on the spot has none.

    Whether they are whole is for `load` to say, which reads them.

    Args:
        name: a key of `DATASETS`.

    Raises:
        UnknownDatasetError: no such dataset.
        MissingDataError: one of them is not in the data folder.
    """
    if name not in DATASETS:
        raise UnknownDatasetError(unknown("dataset", name, DATASETS))
    while parent := DATASETS[name].parent:
        name = parent
    paths = [path for split in SPLITS for path in files.paths_of(name, split)]
    files.require_there(name, paths)
    return paths


def normalization_of(name: str) -> Normalization:
    """`load(name, "train").normalization()`, without the data where they come from files.

    Args:
        name: a key of `DATASETS`.

    Raises:
        UnknownDatasetError: no such dataset.
    """
    if name not in DATASETS:
        raise UnknownDatasetError(unknown("dataset", name, DATASETS))
    known = _normalizations().get(name)
    if known is None:  # made on the spot
        return load(name, "train").normalization()
    return Normalization(tuple(known["mean"]), tuple(known["std"]))


@cache
def _normalizations() -> dict[str, dict[str, list[float]]]:
    kept = resources.files("cnnref.data").joinpath("normalizations.json").read_text("utf-8")
    found: dict[str, dict[str, list[float]]] = json.loads(kept)
    return found


def fetch(name: str) -> Path:
    """Download a dataset by torchvision, which checks its MD5 sums, into the data folder.

    What is already there and whole is not fetched again.

    Returns:
        The data folder.

    Raises:
        UnknownDatasetError: no such dataset.
        MissingDataError: the download failed; the message holds the reason.
        MissingExtraError: torchvision is not installed.
    """
    if name not in DATASETS:
        raise UnknownDatasetError(unknown("dataset", name, DATASETS))
    while parent := DATASETS[name].parent:
        name = parent
    try:
        for split in DATASETS[name].splits:
            load(name, split)
    except (MissingDataError, DamagedDataError):
        require("vision", "torchvision")
        folder = data_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files.fetch_cifar10(folder) if name == "cifar10" else files.fetch_idx(name, folder)
        except (OSError, RuntimeError) as error:
            raise MissingDataError(
                f"could not download {name} to {folder}: {error}; check the network, or put the "
                "files there by hand"
            ) from error
        for split in SPLITS:
            load(name, split)
    return data_folder()
