"""The files of MNIST, Fashion-MNIST and CIFAR-10: read from the data folder, or fetched into it.

Files come from the data folder: `$CNNREF_DATA`, else the user's cache. They are fetched by
torchvision's own, checksummed download. What is read is checked against its SHA-256, and nothing
here unpickles anything.
"""

from __future__ import annotations

import gzip
import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from torch import Tensor

from cnnref.data.images import ImageSet
from cnnref.errors import CnnrefError

__all__ = [
    "DamagedDataError",
    "MissingDataError",
    "cifar10_source",
    "data_folder",
    "fetch_cifar10",
    "fetch_idx",
    "paths_of",
    "read_cifar10",
    "read_idx",
    "require_there",
]


class MissingDataError(CnnrefError, FileNotFoundError):
    """The dataset is not in the data folder. The message names the command that fetches it."""


class DamagedDataError(CnnrefError, ValueError):
    """A data file is truncated or altered. The message names the file and the reason."""


def data_folder() -> Path:
    """Where datasets live: `$CNNREF_DATA`, else the user's cache folder."""
    chosen = os.environ.get("CNNREF_DATA")
    return Path(chosen) if chosen else platformdirs.user_cache_path("cnnref") / "data"


# -- MNIST and Fashion-MNIST: the official gzip files, in torchvision's layout ---------------------

_IDX_FOLDER = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
_IDX_PREFIX = {"train": "train", "test": "t10k"}


def read_idx(name: str, split: str, class_names: tuple[str, ...]) -> ImageSet:
    """A split of MNIST or Fashion-MNIST.

    Raises:
        MissingDataError: a file is not there.
        DamagedDataError: a file is truncated or altered.
    """
    paths = paths_of(name, split)
    require_there(name, paths)
    images, labels = (_read_idx_file(path) for path in paths)
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise DamagedDataError(
            f"{paths[0]} and {paths[1]} do not go together: arrays {images.shape} and "
            f"{labels.shape}; {_again(name)}"
        )
    data = ImageSet(
        torch.from_numpy(images)[:, None],
        torch.from_numpy(labels.astype(np.int64)),
        class_names,
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


def fetch_idx(name: str, folder: Path) -> None:
    """Download the official files of MNIST or Fashion-MNIST into the data folder."""
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


def read_cifar10(split: str, class_names: tuple[str, ...]) -> tuple[ImageSet, Tensor]:
    """A split of CIFAR-10, and for each image whether its pixels are only near the original's.

    Raises:
        MissingDataError: the file is not there.
        DamagedDataError: it is truncated or altered.
    """
    (path,) = paths = paths_of("cifar10", split)
    require_there("cifar10", paths)
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
            class_names,
            cifar10_source(split, len(rows)),
        )
        inexact = torch.zeros(len(data), dtype=torch.bool)
        inexact[torch.as_tensor(rows, dtype=torch.int64)] = True
    except (TypeError, RuntimeError, ValueError, IndexError) as error:
        raise DamagedDataError(f"{path} does not hold CIFAR-10: {error}") from error
    return _verified("cifar10", split, data, path, recorded), inexact


def cifar10_source(split: str, inexact: int) -> str:
    """What a set says of where it is from."""
    return f"cifar10 {split}" + (f", {inexact} images decoded from JPEG" if inexact else "")


def fetch_cifar10(folder: Path) -> None:
    """Write CIFAR-10, as torchvision downloads and checks it, into the data folder."""
    from torchvision import datasets

    for split in ("train", "test"):
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


def paths_of(name: str, split: str) -> list[Path]:
    """The files of a whole dataset, images first; of one made on the spot none."""
    if name == "cifar10":
        return [data_folder() / name / f"{split}.npz"]
    if name not in _IDX_FOLDER:
        return []
    folder = data_folder() / _IDX_FOLDER[name] / "raw"
    return [
        folder / f"{_IDX_PREFIX[split]}-{kind}-idx{rank}-ubyte.gz"
        for kind, rank in (("images", 3), ("labels", 1))
    ]


def require_there(name: str, paths: Sequence[Path]) -> None:
    """Refuse to go on without a file of a dataset.

    Raises:
        MissingDataError: one is not there; the message names the command that fetches it.
    """
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
