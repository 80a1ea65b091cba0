"""Results of the commonest operators on the meta device, from shapes alone.

There torch works in Python, and takes up to a millisecond for one batch norm. For the operators of
plain convolutional networks the shape of the result is one line. Wherever it is not sure to be what
torch gives, in shape, precision or layout, the answer here is `None`, and torch itself is asked, so
that its errors stay its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from cnnref.accounting.operation import Operator

__all__ = ["SHAPES", "convolved", "quick_result", "shapes_alone"]

aten = torch.ops.aten


def quick_result(packet: Operator, args: Sequence[Any]) -> Tensor | None:
    """An operator's result without values, or `None` where torch has to be asked.

    Args:
        packet: the operator.
        args: its arguments by position; one is on the meta device, others may have values.
    """
    shape_of = SHAPES.get(packet)
    if shape_of is None:
        return None
    x = args[0][0] if packet is aten.cat else args[0]
    if packet in _OF_ANY_LAYOUT:
        x = next((one for one in args[:3] if isinstance(one, Tensor) and one.is_meta), x)
    elif not x.is_contiguous():
        return None
    if not (x.is_meta and x.is_floating_point()) or any(
        isinstance(one, Tensor) and one.layout is not torch.strided for one in args[1:3]
    ):
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
    if type(other) in (int, float):
        return x.shape
    if not (isinstance(other, Tensor) and other.dtype == x.dtype and other.is_contiguous()):
        return None
    return x.shape if other.shape == x.shape else _broadcast(x.shape, other.shape)


def _broadcast(a: Sequence[int], b: Sequence[int]) -> Sequence[int] | None:
    longest = max(len(a), len(b))
    a, b = ((*(1,) * (longest - len(one)), *one) for one in (a, b))
    shape = [m if n == 1 else n if m in (1, n) else -1 for n, m in zip(a, b, strict=True)]
    return None if -1 in shape else shape


def _averaged(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    if len(args) < 2 or not args[1]:
        return None
    gone, keep = {d % x.dim() for d in args[1]}, len(args) > 2 and args[2]
    return [1 if d in gone else n for d, n in enumerate(x.shape) if keep or d not in gone]


def _pooled_to(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    return (*x.shape[:-2], *args[1]) if x.dim() == 4 and len(args[1]) == 2 else None


def _laid_side_by_side(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    parts, dim = args[0], (args[1] if len(args) > 1 else 0) % x.dim()
    others = (*x.shape[:dim], *x.shape[dim + 1 :])
    fits = all(
        one.dim() == x.dim()
        and one.dtype == x.dtype
        and one.is_contiguous()
        and (*one.shape[:dim], *one.shape[dim + 1 :]) == others
        for one in parts
    )
    return (*x.shape[:dim], sum(p.shape[dim] for p in parts), *x.shape[dim + 1 :]) if fits else None


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


def _projected(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    weight, bias = args[1], args[2] if len(args) > 2 else None
    fits = (
        weight.dim() == 2
        and x is args[0]
        and x.dim() > 1
        and x.shape[-1] == weight.shape[1]
        and weight.dtype == x.dtype
        and (bias is None or (bias.dtype == x.dtype and bias.shape == weight.shape[:1]))
    )
    return (*x.shape[:-1], weight.shape[0]) if fits else None


def _product(_: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    """Of matrices, or of a batch of them. Torch lays the result out anew, whatever it is given."""
    left, right = args[:2]
    fits = (
        left.dtype == right.dtype
        and left.shape[:-2] == right.shape[:-2]
        and left.shape[-1] == right.shape[-2]
    )
    return (*left.shape[:-1], right.shape[-1]) if fits else None


def _product_and_sum(x: Tensor, args: Sequence[Any]) -> Sequence[int] | None:
    shape = _product(x, args[1:])
    fits = shape is not None and args[0].dtype == x.dtype and args[0].shape == shape[1:]
    return shape if fits else None


SHAPES: dict[Operator, Callable[[Tensor, Sequence[Any]], Sequence[int] | None]] = {
    **dict.fromkeys(
        (aten.relu, aten.sigmoid, aten.silu, aten.gelu, aten.tanh, aten.hardswish,
         aten.hardsigmoid, aten.leaky_relu, aten.elu, aten.dropout),
        _same,
    ),
    aten.batch_norm: _normalised, aten.layer_norm: _normalised_last,
    aten.add: _combined, aten.mul: _combined, aten.sub: _combined, aten.div: _combined,
    aten.mean: _averaged, aten.cat: _laid_side_by_side,
    aten.adaptive_avg_pool2d: _pooled_to, aten._adaptive_avg_pool2d: _pooled_to,
    aten.conv1d: convolved, aten.conv2d: convolved, aten.conv3d: convolved,
    aten.linear: _projected,
    aten.mm: _product, aten.bmm: _product, aten.addmm: _product_and_sum,
}  # fmt: skip
"""For each operator that is known here, how the shape of its result follows."""

_OF_ANY_LAYOUT = {aten.mm, aten.bmm, aten.addmm}

_HARMLESS = {"alpha", "approximate", "rounding_mode"}


def shapes_alone(kwargs: Mapping[str, Any]) -> bool:
    """Whether the result of a call follows from its arguments by place: no other precision is asked
    for, and no place for it."""
    return not kwargs or kwargs.keys() <= _HARMLESS
