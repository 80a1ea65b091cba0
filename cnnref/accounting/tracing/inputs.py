"""The inputs of a counted network: from sizes, or as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.diagnosis import AccountingError

__all__ = ["Axis", "arguments", "numbered_axes"]

Axis = tuple[str, int]
"""An axis of an input: the input's name, and the number of its positions."""


def arguments(
    model: nn.Module, size: Any, inputs: Any, batch_dim: bool, device: torch.device
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named arguments of the forward pass.

    Args:
        model: the network, for the precision of its input.
        size: a size, several in a list, or named ones; tensors are taken as the inputs themselves.
        inputs: the inputs themselves.
        batch_dim: put a batch of one before each size.
        device: where the pass is to run.

    Raises:
        AccountingError: neither or both are given, or one makes no sense.
    """
    if inputs is None and _has_tensors(size):
        size, inputs = None, size
    if (size is None) == (inputs is None):
        raise AccountingError(
            "give either the size of one input, such as (3, 224, 224), or inputs=..., "
            f"got {'both' if size is not None else 'neither'}"
        )
    if inputs is not None:
        if not _has_tensors(inputs):
            raise AccountingError(f"inputs must hold a tensor, got {inputs!r}")
        for tensor in tensors(inputs):
            if device.type != "meta" and tensor.device.type != device.type:
                raise AccountingError(
                    f"an input is on {tensor.device} and the count is to run on {device}: "
                    "move the input"
                )
        if isinstance(inputs, Mapping):
            return (), dict(inputs)
        return (tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)), {}
    kind = next(
        (p.dtype for p in model.parameters() if p.dtype.is_floating_point),
        torch.get_default_dtype(),
    )

    def made(one: Any) -> Tensor:
        shape = _checked_size(one)
        return torch.zeros((1, *shape) if batch_dim else shape, dtype=kind, device=device)

    if isinstance(size, Mapping):
        return (), {name: made(one) for name, one in size.items()}
    if isinstance(size, list | tuple) and size and isinstance(size[0], list | tuple | torch.Size):
        return tuple(made(one) for one in size), {}
    return (made(size),), {}


def _has_tensors(value: Any) -> bool:
    return next(tensors(value), None) is not None


def _checked_size(size: Any) -> tuple[int, ...]:
    if not isinstance(size, list | tuple | torch.Size) or not size:
        raise AccountingError(
            f"an input size is a tuple of whole numbers such as (3, 224, 224), got {size!r}"
        )
    for number in size:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise AccountingError(
                f"every number of an input size must be a whole number of at least 1, got "
                f"{number!r} in {tuple(size)}"
            )
    return tuple(size)


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
    for name, value in [*((str(i), value) for i, value in enumerate(args)), *kwargs.items()]:
        for tensor in tensors(value):
            if id(tensor) not in numbers:
                spatial = range(2, tensor.dim()) if tensor.is_floating_point() else range(0)
                numbers[id(tensor)] = {d: len(axes) + i for i, d in enumerate(spatial)}
                axes += [(name, tensor.shape[d]) for d in spatial]
    return numbers, axes
