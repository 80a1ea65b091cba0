"""Ways to put one thing back: a mapping, a tensor, an attribute, a variable, a cache.

Each `undo_` notes how a thing is and gives a function that makes it so again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "put_back",
    "refill",
    "undo_array",
    "undo_attribute",
    "undo_cache",
    "undo_class",
    "undo_name",
    "undo_new_name",
]


def refill(mapping: dict[Any, Any], keys: tuple[Any, ...], values: tuple[Any, ...]) -> None:
    """A mapping with its old items, in their order."""
    how: Any = OrderedDict if isinstance(mapping, OrderedDict) else dict
    how.clear(mapping)
    for key, value in zip(keys, values, strict=True):
        how.__setitem__(mapping, key, value)


def put_back(
    tensor: Tensor, alias: Tensor | None, asked: bool, gradient: Any, version: int | None
) -> None:
    """A tensor on its own memory, with its own flags."""
    if alias is not None and (
        tensor.data_ptr() != alias.data_ptr() or tensor.shape != alias.shape
        or tensor.stride() != alias.stride()
    ):  # fmt: skip
        tensor.data = alias
    if tensor.requires_grad is not asked:
        tensor.requires_grad_(asked)
    if tensor.is_leaf and tensor.grad is not gradient:
        tensor.grad = gradient
    if version is not None and tensor._version != version:
        torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))


def undo_attribute(value: Any, name: str, held: Any) -> Callable[[], None]:
    """An attribute of an object, or the content of a closure's cell."""

    def undo() -> None:
        if getattr(value, name, None) is not held:
            object.__setattr__(value, name, held)

    return undo


def undo_name(names: dict[str, Any], name: str, held: Any) -> Callable[[], None]:
    """A variable of a file."""

    def undo() -> None:
        if names.get(name) is not held:
            names[name] = held

    return undo


def undo_new_name(names: dict[str, Any], name: str) -> Callable[[], None]:
    """A variable that a file does not have."""

    def undo() -> None:
        names.pop(name, None)

    return undo


def undo_class(kind: type, held: Mapping[str, Any]) -> Callable[[], None]:
    """The variables of a class."""

    def undo() -> None:
        now = vars(kind)
        for name in [name for name in now if name not in held]:
            type.__delattr__(kind, name)
        for name, value in held.items():
            if now.get(name) is not value:
                type.__setattr__(kind, name, value)

    return undo


def undo_array(value: np.ndarray[Any, Any]) -> Callable[[], None]:
    """The numbers of an array."""
    content = value.copy()

    def undo() -> None:
        if value.flags.writeable:
            value[...] = content

    return undo


def undo_cache(cached: Any) -> Callable[[], None]:
    """A cache cannot be put back entry by entry: one that took in results of the pass is emptied,
    and fills again."""
    misses = cached.cache_info().misses

    def undo() -> None:
        if cached.cache_info().misses != misses:
            cached.cache_clear()

    return undo
