"""One call of one of torch's operators: its arguments, its result, and how to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "CONVOLUTIONS",
    "Operation",
    "Operator",
    "channels_taken",
    "convolution_arguments",
    "numbers",
    "tensors",
    "window_of",
]

aten = torch.ops.aten
Operator = Any
"""A `torch._ops.OpOverloadPacket`; torch gives it no public type."""

CONVOLUTIONS: dict[Operator, bool] = {
    aten.conv1d: False, aten.conv2d: False, aten.conv3d: False,
    aten.convolution: True, aten._convolution: True, aten.convolution_overrideable: True,
}  # fmt: skip
"""Operators that convolve, and whether they take the arguments `transposed, output_padding`."""


@dataclass(slots=True)
class Operation:
    """One call.

    Args:
        func: the `torch._ops.OpOverload` that was called.
        packet: its `torch._ops.OpOverloadPacket`, which has one name for all overloads.
        args: its arguments by position, defaults at the end left out.
        out: its result.
    """

    func: Any
    packet: Operator
    args: Sequence[Any]
    out: Any

    def arg(self, place: int, default: Any = None) -> Any:
        """An argument, or `default` where it was left out or is `None`."""
        given = self.args[place] if len(self.args) > place else None
        return default if given is None else given

    @property
    def x(self) -> Tensor:
        """The first argument."""
        tensor: Tensor = self.args[0]
        return tensor

    @property
    def result(self) -> Tensor:
        """The result, or the first of several."""
        first: Tensor = self.out[0] if isinstance(self.out, list | tuple) else self.out
        return first


def numbers(value: Any, count: int) -> tuple[int, ...]:
    """One number for each axis, given one, a list of one, or all."""
    values = tuple(map(int, value if isinstance(value, list | tuple) else (value,)))
    return values * count if len(values) == 1 else values


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in a value, also in lists, mappings and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from tensors(getattr(value, each.name, None))


def channels_taken(operator: Operator, args: Sequence[Any]) -> int:
    """Channels of the input that a convolution's weight fits."""
    general = CONVOLUTIONS[operator]
    if general and args[6]:
        return int(args[1].shape[0])
    place = 8 if general else 6
    return int(args[1].shape[1]) * (int(args[place]) if len(args) > place else 1)


def convolution_arguments(operator: Operator, args: Sequence[Any]) -> dict[str, Any]:
    """Number of axes, stride, padding, dilation (one number each), `transposed` and `groups`."""
    axes, general = args[1].dim() - 2, CONVOLUTIONS[operator]

    def given(place: int, default: int) -> Any:
        return args[place] if len(args) > place else default

    return {
        "axes": axes,
        "stride": numbers(given(3, 1), axes),
        "padding": numbers(given(4, 0), axes),
        "dilation": numbers(given(5, 1), axes),
        "transposed": bool(general and args[6]),
        "groups": int(given(8 if general else 6, 1)),
    }


_POOLINGS: dict[Operator, int] = {
    getattr(aten, f"{kind}_pool{axes}d{more}"): axes
    for kind in ("avg", "max", "quantized_max")
    for axes in (1, 2, 3)
    for more in ("", "_with_indices")
    if hasattr(aten, f"{kind}_pool{axes}d{more}")
}


def window_of(
    operator: Operator, args: Sequence[Any]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Kernel and stride of a convolution or a pooling; `None` for any other operator."""
    if operator in CONVOLUTIONS:
        stride = convolution_arguments(operator, args)["stride"]
        return tuple(args[1].shape[2:]), stride
    axes = _POOLINGS.get(operator)
    if axes is None:
        return None
    kernel = numbers(args[1], axes)
    given = args[2] if len(args) > 2 else None
    return kernel, numbers(given, axes) if given else kernel
