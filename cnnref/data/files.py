"""Reading datasets from the data folder, and fetching them into it.

Files come from the data folder: `$CNNREF_DATA`, else the user's cache. `fetch` fills it by
torchvision's own, checksummed download. What is read is checked against its SHA-256, and nothing
here unpickles anything.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
import torch
from torch import Tensor

from cnnref.data.far_pairs import far_pairs
from cnnref.data.images import ImageSet, Normalization, synthetic
from cnnref.data.kats_cat import kats_images
from cnnref.errors import CnnrefError, require, unknown

__all__ = [
    "DATASETS",
    "SPLITS",
    "DamagedDataError",
    "DatasetInfo",
    "MissingDataError",
    "UnknownDatasetError",
    "data_folder",
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


class MissingDataError(CnnrefError, FileNotFoundError):
    """The dataset is not in the data folder. The message names the command that fetches it."""


class DamagedDataError(CnnrefError, ValueError):
    """A data file is truncated or altered. The message names the file and the reason."""


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


def data_folder() -> Path:
    """Where datasets live: `$CNNREF_DATA`, else the user's cache folder."""
    chosen = os.environ.get("CNNREF_DATA")
    return Path(chosen) if chosen else platformdirs.user_cache_path("cnnref") / "data"


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
        return synthetic(DATASETS[name].shape, len(DATASETS[name].class_names), count, seed=seed)
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
        whole, inexact = _read_cifar10(split)
        kept = torch.tensor([whole.class_names.index(c) for c in DATASETS[name].class_names])
        chosen = torch.isin(whole.labels, kept)
        return ImageSet(
            whole.images[chosen],
            torch.searchsorted(kept, whole.labels[chosen]),
            DATASETS[name].class_names,
            _cifar10_source(split, int(inexact[chosen].sum())),
        )
    return _read_cifar10(split)[0] if name == "cifar10" else _read_idx(name, split)


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
    paths = [path for split in SPLITS for path in _paths(name, split)]
    _require(name, paths)
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
            _fetch_cifar10(folder) if name == "cifar10" else _fetch_idx(name, folder)
        except (OSError, RuntimeError) as error:
            raise MissingDataError(
                f"could not download {name} to {folder}: {error}; check the network, or put the "
                "files there by hand"
            ) from error
        for split in SPLITS:
            load(name, split)
    return data_folder()


# -- MNIST and Fashion-MNIST: the official gzip files, in torchvision's layout ---------------------

_IDX_FOLDER = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
_IDX_PREFIX = {"train": "train", "test": "t10k"}


def _read_idx(name: str, split: str) -> ImageSet:
    paths = _paths(name, split)
    _require(name, paths)
    images, labels = (_read_idx_file(path) for path in paths)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DamagedDataError(
            f"{paths[0]} and {paths[1]} do not go together: arrays {images.shape} and "
            f"{labels.shape}; {_again(name)}"
        )
    data = ImageSet(
        torch.from_numpy(images)[:, None],
        torch.from_numpy(labels.astype(np.int64)),
        DATASETS[name].class_names,
        f"{name} {split}, official files",
    )
    return _verified(name, split, data, paths[0])


def _read_idx_file(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read one IDX file: two zero bytes, type 8, the rank, the sizes, the bytes."""
    name = "mnist" if path.parent.parent.name == "MNIST" else "fashion-mnist"
    try:
        raw = gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise DamagedDataError(f"{path} cannot be unpacked: {error}; {_again(name)}") from error
    rank = raw[3] if raw[:3] == b"\0\0\x08" and len(raw) > 3 else 0
    header = 4 + 4 * rank
    shape = np.frombuffer(raw[4:header], ">u4").tolist() if len(raw) >= header else []
    if not rank or not shape or len(raw) != header + math.prod(shape):
        raise DamagedDataError(f"{path} is not a whole IDX file of bytes; {_again(name)}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape).copy()


def _fetch_idx(name: str, folder: Path) -> None:
    from torchvision import datasets
    from torchvision.datasets.utils import download_url

    dataset = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}[name]
    for filename, md5 in dataset.resources:
        failures = []
        for mirror in dataset.mirrors:
            try:
                download_url(mirror + filename, folder / _IDX_FOLDER[name] / "raw", md5=md5)
                break
            except (OSError, RuntimeError) as error:
                failures.append(f"{mirror}: {error}")
        else:
            raise OSError("; ".join(failures))


# -- CIFAR-10: arrays, written once from torchvision's checked download ----------------------------


def _read_cifar10(split: str) -> tuple[ImageSet, Tensor]:
    """The images, and for each whether its pixels are only near the original's."""
    (path,) = paths = _paths("cifar10", split)
    _require("cifar10", paths)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
            recorded = str(arrays["sha256"]) if "sha256" in arrays else None
            rows = arrays.get("inexact_index", [])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DamagedDataError(f"{path} cannot be read: {error}; {_again('cifar10')}") from error
    try:
        data = ImageSet(
            torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(labels),
            DATASETS["cifar10"].class_names,
            _cifar10_source(split, len(rows)),
        )
        inexact = torch.zeros(len(data), dtype=torch.bool)
        inexact[torch.as_tensor(rows, dtype=torch.int64)] = True
    except (TypeError, RuntimeError, ValueError, IndexError) as error:
        raise DamagedDataError(f"{path} does not hold CIFAR-10: {error}") from error
    return _verified("cifar10", split, data, path, recorded), inexact


def _cifar10_source(split: str, inexact: int) -> str:
    return f"cifar10 {split}" + (f", {inexact} images decoded from JPEG" if inexact else "")


def _fetch_cifar10(folder: Path) -> None:
    from torchvision import datasets

    for split in SPLITS:
        source = datasets.CIFAR10(folder, train=split == "train", download=True)
        images = torch.from_numpy(source.data).permute(0, 3, 1, 2).contiguous()
        labels = torch.tensor(source.targets)
        data = ImageSet(images, labels, tuple(source.classes), "torchvision")
        target = folder / "cifar10" / f"{split}.npz"
        target.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f"{split}.", suffix=".partial", delete=False
        ) as partial:
            np.savez(
                partial,
                images=source.data,
                labels=labels.numpy(),
                class_names=np.array(source.classes),
                sha256=np.array(data.sha256),
            )
        Path(partial.name).replace(target)


# -- checks ---------------------------------------------------------------------------------------

_SHA256 = {
    ("mnist", "train"): "71d3be42f93ad20da73bb4a9744d0bebdaa6832be56dc010e21940e72c4c8b1e",
    ("mnist", "test"): "4718853ea946af656684509414983beff2e65cf414265c27966161014c003b8b",
    ("fashion-mnist", "train"): "a8007d7be041707b663947cf4c2d8a73d1704ccde85043273b866d5181bde6c2",
    ("fashion-mnist", "test"): "3581bf52f521803120533f28e81ae934decd1771980630083c739dc6da7d3bc6",
    ("cifar10", "train"): "796dfa724232e1a5d335e001036607659cbe5ff204be5cfdabc790361f7cb900",
    ("cifar10", "test"): "7d8001abfb2c4f424c5ced5626115426bb031f81a33f2e417ebd5b331b462f50",
}
"""`ImageSet.sha256` of what `load` accepts. CIFAR-10's are of a mirror in which 98 ships, horses
(and no cat or dog) were decoded from JPEG; files that `fetch` wrote carry their own."""


def _paths(name: str, split: str) -> list[Path]:
    """The files of a whole dataset, images first."""
    if name == "cifar10":
        return [data_folder() / name / f"{split}.npz"]
    if name not in _IDX_FOLDER:
        return []
    folder = data_folder() / _IDX_FOLDER[name] / "raw"
    return [
        folder / f"{_IDX_PREFIX[split]}-{kind}-idx{rank}-ubyte.gz"
        for kind, rank in (("images", 3), ("labels", 1))
    ]


def _require(name: str, paths: Sequence[Path]) -> None:
    absent = [path for path in paths if not path.is_file()]
    if absent:
        raise MissingDataError(
            f"dataset {name!r} is not in the data folder: no {absent[0]}; "
            f"`cnnref data fetch {name}` downloads it, or set CNNREF_DATA to the folder that has it"
        )


def _verified(
    name: str, split: str, data: ImageSet, path: Path, recorded: str | None = None
) -> ImageSet:
    found = data.sha256
    if found not in (_SHA256[name, split], recorded):
        raise DamagedDataError(
            f"{path} has been altered: its pixels and labels have SHA-256 {found}, expected "
            f"{recorded or _SHA256[name, split]}; {_again(name)}"
        )
    return data


def _again(name: str) -> str:
    return f"delete it and run `cnnref data fetch {name}`"
