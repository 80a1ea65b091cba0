"""Data of one's own, brought into memory: tensors, arrays and datasets.

    train, test = paired((x, y), (x_test, y_test))

Bytes and floats are told apart by their type. Images as bytes, uint8 `(N, C, H, W)`, are normalised
in training; all else goes to the network as it is, for whoever made floats has scaled them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset
from tqdm import tqdm

from cnnref.data.examples import Examples
from cnnref.data.images import ImageSet
from cnnref.errors import shown

__all__ = ["are_bytes", "collected", "paired"]

_PATIENCE = 2.0
"""Seconds that reading may take before a bar says how far it is."""


def are_bytes(data: ImageSet | Examples) -> bool:
    """Whether a set is of images as bytes, which training normalises."""
    return isinstance(data, ImageSet) or data.are_bytes


def paired(train: Any, test: Any) -> tuple[ImageSet | Examples, ImageSet | Examples]:
    """A training and a test set in memory that speak of the same classes.

    Args:
        train: see `collected`.
        test: likewise; where it names no classes, they are those of the training set.

    Raises:
        TypeError: see `collected`.
        ValueError: see there; or the two have other classes, or one is of bytes and one is not.
    """
    first, second = collected(train, "the training set"), collected(test, "the test set")
    if are_bytes(first) != are_bytes(second):
        kinds = [
            "images as bytes, which are normalised" if are_bytes(one) else "no bytes, taken as is"
            for one in (first, second)
        ]
        raise ValueError(
            f"training and test set must be scaled alike: the first is {kinds[0]}, the second "
            f"{kinds[1]}; convert one"
        )
    ours, theirs = first.class_names or (), second.class_names or ()
    if ours == theirs:
        return first, second
    unnamed = isinstance(second, Examples) and theirs == tuple(map(str, range(len(theirs))))
    if unnamed and 0 < len(theirs) <= len(ours):
        return first, replace(second, class_names=ours)
    raise ValueError(
        f"training and test set must have the same classes, got {_listed(ours)} and "
        f"{_listed(theirs)}; give both the same class_names"
    )


def collected(data: Any, what: str = "data") -> ImageSet | Examples:
    """Data of one's own, in memory.

    Args:
        data: an `ImageSet` or `Examples`; a pair of tensors or arrays `(x, y)`, one of which may
            be a list; a `TensorDataset` of two; or a map-style dataset of pairs, of which each item
            is read once (a random transform gives each image one of its changes for good: leave it
            to the recipe, or train on a `DataLoader`). Names of classes are taken from its
            attribute `classes`.
        what: what to call it in errors.

    Raises:
        TypeError: it is none of these.
        ValueError: its items do not go together.
    """
    if isinstance(data, ImageSet | Examples):
        return data
    if isinstance(data, TensorDataset):
        data = data.tensors
        if len(data) != 2:
            raise ValueError(f"{what} must have inputs and targets, got {len(data)} tensors")
    if _is_pair(data):
        return _examples(what, _tensor(data[0], "inputs", what), _targets(data[1], what))
    if isinstance(data, DataLoader):
        raise TypeError(f"{what} is a DataLoader, which is not kept in memory; give its dataset")
    indexed = isinstance(data, Sized) and hasattr(data, "__getitem__")
    iterated = isinstance(data, IterableDataset | str | Mapping)
    if iterated or _is_array(data) or not indexed:
        raise TypeError(
            f"{what} must be an ImageSet, a pair (x, y) of tensors, a dataset with a length, or a "
            f"DataLoader of one, got {type(data).__name__}"
            + (f" {data!r}; `cnnref.data.load` reads one by name" if isinstance(data, str) else "")
        )
    if not len(data):
        raise ValueError(f"{what} is empty: the {type(data).__name__} has no items")
    return _read(data, what)


def _read(data: Any, what: str) -> Examples:
    """Every item of a map-style dataset."""
    inputs, targets = [], []
    for i in tqdm(range(len(data)), f"reading {what}", unit="item", delay=_PATIENCE, disable=None):
        try:
            item = data[i]
        except Exception as error:
            error.add_note(f"this was item {i} of {what}")
            raise
        if not (isinstance(item, tuple | list) and len(item) == 2):
            raise ValueError(f"{what} must give pairs (input, target), item {i} is {_kind(item)}")
        inputs.append(_tensor_of(item[0], what, i))
        targets.append(_targets(item[1], what))
    for name, tensors in (("inputs", inputs), ("targets", targets)):
        shapes = {(tuple(one.shape), one.dtype): None for one in tensors}
        if len(shapes) != 1:
            found = " and ".join(f"{dtype} {shape}" for shape, dtype in [*shapes][:2])
            raise ValueError(
                f"{what} must give {name} of one shape and type, got {found}; a transform of the "
                "dataset can bring them to one"
            )
    return _examples(
        what, torch.stack(inputs), torch.stack(targets), _classes(data), type(data).__name__
    )


def _examples(what: str, *parts: Any) -> Examples:
    """`Examples`; where they do not go together, it is said of which set."""
    try:
        return Examples(*parts)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None


def _tensor_of(value: Any, what: str, item: int) -> Tensor:
    """One input; a PIL image, or an array of bytes `(H, W, C)`, with its channels first."""
    if isinstance(value, Tensor):
        return value
    pixels = np.asarray(value)
    if pixels.dtype == object:
        raise ValueError(f"{what} must give images or tensors, item {item} is {_kind(value)}")
    tensor = torch.from_numpy(np.array(pixels))
    if hasattr(value, "getbands"):  # as PIL's images have, without importing PIL
        if tensor.dtype != torch.uint8:
            raise ValueError(
                f"{what} must give 8-bit images, item {item} has mode {value.mode!r}; convert it "
                "to 'RGB' or 'L'"
            )
        return tensor[None] if tensor.dim() == 2 else tensor.permute(2, 0, 1)
    return tensor


def _classes(data: Any) -> tuple[str, ...] | None:
    while isinstance(data, Subset):
        data = data.dataset
    names = getattr(data, "classes", None)
    return tuple(map(str, names)) if isinstance(names, Sequence) and names else None


def _is_array(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray) and value.ndim > 0


def _is_pair(value: Any) -> bool:
    """Whether it is inputs and targets, and not a dataset of two items."""
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and any(map(_is_array, value))
        and all(_is_array(part) or isinstance(part, list) for part in value)
    )


def _tensor(value: Any, name: str, what: str) -> Tensor:
    try:
        listed = isinstance(value, list) and value and _is_array(value[0])
        tensor = torch.stack([*map(torch.as_tensor, value)]) if listed else torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{what} must have {name} of numbers, all of one shape, got {shown(value)}; a class is "
            "given by its number, from 0"
        ) from error
    return tensor.detach()


def _targets(value: Any, what: str) -> Tensor:
    """Targets as a tensor; whole numbers of any size are int64."""
    tensor = _tensor(value, "targets", what)
    return tensor if tensor.is_floating_point() or tensor.is_complex() else tensor.long()


def _kind(value: Any) -> str:
    inside = f" of {', '.join(map(str, value))}" if isinstance(value, Mapping) else ""
    return f"a {type(value).__name__}{inside}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
    return f"{len(names)} ({shown})" if names else "none"
