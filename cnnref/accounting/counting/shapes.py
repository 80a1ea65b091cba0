"""Results of the commonest operators on the meta device, from shapes alone.

There torch works in Python, and takes up to a millisecond for one batch norm. For the operators of
plain convolutional networks the shape of the result is one line. Wherever it is not sure to be what
torch gives, in shape, precision or layout, the answer here is `None`, and torch itself is asked, so
that its errors stay its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from cnnref.accounting.operation import Operator

__all__ = ["SHAPES", "convolved", "quick_result"]

aten = torch.ops.aten


def quick_result(packet: Operator, args: Sequence[Any]) -> Tensor | None:
    """An operator's result without values, or `None` where torch has to be asked.

    Args:
        packet: the operator.
        args: its arguments by position; the first is on the meta device, others may have values.
    """
    shape_of = SHAPES.get(packet)
    if shape_of is None:
        return None
    x = args[0]
    if not (x.is_meta and x.is_contiguous() and x.is_floating_point()):
        return None
    shape = shape_of(x, args)
    return None if shape is None else torch.empty(shape, dtype=x.dtype, device="meta")


def _same(x: Tensor, _: Sequence[Any]) -> Sequence[int] | None:
    return x.shape


def _normalised(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    if args[5] or x.dim() < 2:
        return None
    channels = x.shape[1:2]
    fits = all(t is not None and t.shape == channels for t in args[3:5]) and all(
        t is None or t.shape == channels for t in args[1:3]
    )
    return x.shape if fits else None


def _normalised_last(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    last = x.shape[-len(args[1]) :]
    fits = last == tuple(args[1]) and all(t is None or t.shape == last for t in args[2:4])
    return x.shape if fits else None


def _combined(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    other = args[1]
    fits = (
        isinstance(other, Tensor)
        and other.shape == x.shape
        and other.dtype == x.dtype
        and other.is_contiguous()
    )
    return x.shape if fits else None


def convolved(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    """The shape of a convolution's result; `None` where it is not sure that torch takes it.

    Args:
        x: its input.
        args: input, weight, bias, stride, padding, dilation, groups; those at the end may be left
            out.
    """
    weight, bias = args[1], args[2] if len(args) > 2 else None
    stride = args[3] if len(args) > 3 else (1,)
    padding = args[4] if len(args) > 4 else (0,)
    dilation = args[5] if len(args) > 5 else (1,)
    groups = args[6] if len(args) > 6 else 1
    outputs, inputs, *kernel = weight.shape
    fits = (
        x.dim() == len(kernel) + 2
        and x.shape[1] == inputs * groups
        and outputs % groups == 0
        and weight.dtype == x.dtype
        and weight.is_contiguous()
        and (bias is None or (bias.dtype == x.dtype and bias.shape == (outputs,)))
    )
    if not fits:
        return None
    shape = [x.shape[0], outputs]
    for i, k in enumerate(kernel):
        s, p, d = (given[i % len(given)] for given in (stride, padding, dilation))
        room = x.shape[2 + i] + 2 * p - d * (k - 1) - 1
        if room < 0 or s < 1 or p < 0 or d < 1:
            return None
        shape.append(room // s + 1)
    return shape


SHAPES: dict[Operator, Callable[[Tensor, Sequence[Any]], Sequence[int] | None]] = {
    **dict.fromkeys(
        (aten.relu, aten.sigmoid, aten.silu, aten.gelu, aten.tanh, aten.hardswish,
         aten.hardsigmoid, aten.leaky_relu, aten.elu, aten.dropout),
        _same,
    ),
    aten.batch_norm: _normalised, aten.layer_norm: _normalised_last,
    aten.add: _combined, aten.mul: _combined,
    aten.conv1d: convolved, aten.conv2d: convolved, aten.conv3d: convolved,
}  # fmt: skip
"""For each operator that is known here, how the shape of its result follows."""
