"""The inputs of a counted network: from sizes, or as they are."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.errors import shown, unknown

__all__ = ["Axis", "arguments", "checked_dtype", "each_tensor", "named", "numbered_axes"]

Axis = tuple[str, int]
"""An axis of an input: the input's name, and the number of its positions."""


def arguments(
    model: nn.Module,
    size: Any,
    inputs: Any,
    batch_dim: bool,
    device: torch.device,
    dtypes: Any = None,
    kwargs: Mapping[str, Any] | None = None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named arguments of the forward pass.

    Args:
        model: the network, for the precision of its input.
        size: a size, several in a list, or named ones, in containers of any depth; tensors are
            taken as the inputs themselves.
        inputs: the inputs themselves.
        batch_dim: put a batch of one before each size.
        device: where the pass is to run.
        dtypes: of the inputs by size: one for all, or one for each in containers as those of the
            sizes, `None` for the model's own precision.
        kwargs: arguments by name, beside the others, as they are.

    Raises:
        AccountingError: neither or both are given, or one makes no sense.
    """
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise AccountingError(f"kwargs maps names to arguments, got {shown(kwargs)}")
    if inputs is None and _has_tensors(size):
        size, inputs = None, size
    if (size is None) == (inputs is None):
        raise AccountingError(
            "give either the size of one input, such as (3, 224, 224), or inputs=..., "
            f"got {'both' if size is not None else 'neither'}"
        )
    if inputs is None:
        inputs = _by_size(model, size, batch_dim, device, dtypes)
    elif dtypes is not None:
        raise AccountingError(
            f"dtypes are those of inputs by size, and inputs have their own; got {shown(dtypes)}"
        )
    elif not _has_tensors(inputs):
        raise AccountingError(f"inputs must hold a tensor, got {shown(inputs)}{_as_tensor(inputs)}")
    for tensor in tensors((inputs, kwargs)):
        if tensor.is_nested:
            raise AccountingError(
                "an input is a nested tensor, which has no shape: give a padded one, or count each "
                "of its tensors alone"
            )
        if device.type != "meta" and tensor.device.type != device.type:
            raise AccountingError(
                f"an input is on {tensor.device} and the count is to run on {device}: "
                "move the input"
            )
    more = dict(kwargs or {})
    if isinstance(inputs, Mapping):
        if twice := sorted(inputs.keys() & more.keys()):
            raise AccountingError(f"{', '.join(twice)}: given as an input, and again in kwargs")
        return (), {**inputs, **more}
    # A tuple whose places have names, such as a packed sequence, is one argument.
    several = isinstance(inputs, list | tuple) and not hasattr(inputs, "_fields")
    return (tuple(inputs) if several else (inputs,)), more


def _as_tensor(value: Any) -> str:
    return "; torch.from_numpy makes one of it" if isinstance(value, np.ndarray) else ""


def each_tensor(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same value with every tensor in its lists, tuples, mappings and dataclasses changed, in
    containers of its own."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, PackedSequence):  # how many steps it has is told by values
        places = (
            None if one is None else change(one)
            for one in (value.sorted_indices, value.unsorted_indices)
        )
        return PackedSequence(change(value.data), value.batch_sizes, *places)
    if isinstance(value, Mapping):
        items = {key: each_tensor(item, change) for key, item in value.items()}
        if type(value) is dict:
            return items
        fresh: Any = copy.copy(value)  # of a class of its own, such as an `OrderedDict`
        for key, item in items.items():
            fresh[key] = item
        return fresh
    if isinstance(value, list | tuple):
        return _like(value, [each_tensor(item, change) for item in value])
    if is_dataclass(value) and not isinstance(value, type) and _has_tensors(value):
        fresh = copy.copy(value)
        for each in fields(value):
            if hasattr(value, each.name):  # a frozen one, too
                object.__setattr__(fresh, each.name, each_tensor(getattr(value, each.name), change))
        return fresh
    return value


def _like(container: Any, items: list[Any]) -> Any:
    kind = type(container)
    return kind(*items) if hasattr(container, "_fields") else kind(items)


def _by_size(
    model: nn.Module, size: Any, batch_dim: bool, device: torch.device, dtypes: Any
) -> Any:
    """Zeros of the sizes, in the same containers; a list of arguments, or a mapping of them."""
    kinds_of = [p.dtype for p in model.parameters()]
    own = next(
        (kind for kind in kinds_of if kind.is_floating_point),
        next((kind for kind in kinds_of if kind.is_complex), torch.get_default_dtype()),
    )

    def made(one: Any, kinds: Any, place: str) -> Any:
        if isinstance(one, Mapping):
            _check_alike(kinds, one.keys(), Mapping, place)
            each = kinds if isinstance(kinds, Mapping) else dict.fromkeys(one, kinds)
            return {k: made(v, each.get(k), f"{place}[{k!r}]") for k, v in one.items()}
        if _is_several(one):
            _check_alike(kinds, range(len(one)), list | tuple, place)
            rows = kinds if isinstance(kinds, list | tuple) else [kinds] * len(one)
            pairs = enumerate(zip(one, rows, strict=True))
            return _like(one, [made(v, kind, f"{place}[{i}]") for i, (v, kind) in pairs])
        shape = _checked_size(one, place)
        kind = own if kinds is None else checked_dtype(kinds)
        return torch.zeros((1, *shape) if batch_dim else shape, dtype=kind, device=device)

    found = made(size, dtypes, "")
    return [found] if isinstance(found, Tensor) else found


def _is_several(size: Any) -> bool:
    inside = (list, tuple, Mapping)
    return isinstance(size, list | tuple) and any(isinstance(one, inside) for one in size)


def _check_alike(kinds: Any, keys: Any, container: Any, place: str) -> None:
    """Refuse dtypes in containers that are not those of the sizes."""
    if isinstance(kinds, Mapping | list | tuple):
        if not isinstance(kinds, container):
            raise AccountingError(
                f"dtypes{place} must be one for all inputs, or in the containers that the sizes "
                f"are in, got {kinds!r}"
            )
        if isinstance(kinds, Mapping):
            for key in kinds.keys() - keys:
                raise AccountingError(unknown(f"input in dtypes{place}", key, map(str, keys)))
        elif len(kinds) != len(keys):
            raise AccountingError(
                f"dtypes{place} has {len(kinds)} for {len(keys)} inputs; None stands for the "
                "precision of the network"
            )


def checked_dtype(kind: Any) -> torch.dtype:
    """A dtype, given as one or by the name that torch has for it.

    Raises:
        AccountingError: it is neither.
    """
    found = getattr(torch, kind, None) if isinstance(kind, str) else kind
    if not isinstance(found, torch.dtype):
        known = [name for name, value in vars(torch).items() if isinstance(value, torch.dtype)]
        one = " for the one input size" if isinstance(kind, list | tuple) else ""
        raise AccountingError(
            unknown("dtype", kind, known)
            if isinstance(kind, str)
            else f"one dtype such as torch.long is needed{one}, got {shown(kind)}"
        )
    return found


def _has_tensors(value: Any) -> bool:
    return next(tensors(value), None) is not None


def _checked_size(size: Any, place: str = "") -> tuple[int, ...]:
    where = f" at {place}" if place else ""
    if not isinstance(size, list | tuple | torch.Size) or not size:
        raise AccountingError(
            f"an input size is a tuple of whole numbers such as (3, 224, 224), got "
            f"{shown(size)}{where}{_as_tensor(size)}"
        )
    for number in size:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise AccountingError(
                f"every number of an input size must be a whole number of at least 1, got "
                f"{number!r} in {tuple(size)}{where}"
            )
    return tuple(size)


def named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the arguments and its name: "input" if it is the only one, else its
    argument's, or its number, and where in it it lies, as `images.0`."""
    by_place, by_name = [*_paths(enumerate(args))], [*_paths(kwargs.items())]
    if len(by_place) == 1 and not by_name:
        by_place = [("input", by_place[0][1])]
    yield from (*by_place, *by_name)


def _paths(items: Any, before: str = "") -> Iterator[tuple[str, Tensor]]:
    for key, value in items:
        name = f"{before}{key}"
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _paths(value.items(), f"{name}.")
        elif isinstance(value, list | tuple):
            yield from _paths(enumerate(value), f"{name}.")
        elif is_dataclass(value) and not isinstance(value, type):
            inside = ((each.name, getattr(value, each.name, None)) for each in fields(value))
            yield from _paths(inside, f"{name}.")


def numbered_axes(
    args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[int, dict[int, int]], list[Axis]]:
    """The axes of the inputs: all dimensions but the batch and the channels. Integers, such as
    tokens, have none.

    Returns:
        For each input tensor, by identity, the numbers of its axes, by dimension; and each axis.
    """
    numbers: dict[int, dict[int, int]] = {}
    axes: list[Axis] = []
    for name, tensor in named(args, kwargs):
        if id(tensor) not in numbers:
            follows = tensor.is_floating_point() or tensor.is_complex()
            spatial = range(2, tensor.dim()) if follows else range(0)
            numbers[id(tensor)] = {d: len(axes) + i for i, d in enumerate(spatial)}
            axes += [(name, tensor.shape[d]) for d in spatial]
    return numbers, axes
