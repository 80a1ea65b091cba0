"""Rules for operators that slide over positions: convolution, pooling, interpolation, padding."""

from __future__ import annotations

from fractions import Fraction

import torch

from cnnref.accounting.operation import (
    CONVOLUTIONS,
    Operation,
    Operator,
    Rule,
    convolution_arguments,
    numbers,
)
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["SLIDING"]

aten = torch.ops.aten


def _convolution(call: Operation) -> TensorField:
    told = convolution_arguments(call.packet, call.args)
    first = call.x.dim() - told["axes"]
    layer = {}
    for i in range(told["axes"]):
        k, s = call.args[1].shape[2 + i], told["stride"][i]
        p, d = told["padding"][i], told["dilation"][i]
        taps = Taps.transposed(k, s, p, d) if told["transposed"] else Taps.window(k, s, (p, p), d)
        layer[first + i] = (taps, call.out.shape[first + i])
    channels = call.field.grouped(told["groups"], call.out.shape[first - 1], first - 1)
    return channels.through(layer, call.through)


def _pool(axes: int, dilates: bool) -> Rule:
    def rule(call: Operation) -> TensorField:
        kernel = numbers(call.args[1], axes)
        stride = numbers(call.arg(2) or kernel, axes)
        padding = numbers(call.arg(3, 0), axes)
        dilation = numbers(call.arg(4, 1), axes) if dilates else (1,) * axes
        first = call.result.dim() - axes
        layer = {
            first + i: (
                Taps.window(kernel[i], stride[i], (padding[i],) * 2, dilation[i]),
                call.result.shape[first + i],
            )
            for i in range(axes)
        }
        return call.field.through(layer, call.through)

    return rule


def _adaptive(axes: int) -> Rule:
    def rule(call: Operation) -> TensorField:
        field, layer = call.field, {}
        for d in range(call.result.dim() - axes, call.result.dim()):
            n, m = call.x.shape[d], call.result.shape[d]
            if m == 1 and n > 1:
                field = field.collapsed(field.axes_of(d), "global pooling").resized(d, 1)
            elif m != n:
                layer[d] = (Taps.adaptive(n, m), m)
        return field.through(layer, call.through)

    return rule


def _interpolation(axes: int, kind: str) -> Rule:
    smooth = kind in ("linear", "cubic")

    def rule(call: Operation) -> TensorField:
        aligned = smooth and bool(call.arg(2, False))
        scales = list(call.args[3 if smooth else 2 :]) or [None] * axes
        if isinstance(scales[0], list | tuple) or len(scales) != axes:
            scales = list(scales[0] or [None] * axes)
        first, shape, layer = call.out.dim() - axes, list(call.x.shape), {}
        for i, d in enumerate(range(first, call.out.dim())):
            n, m = shape[d], call.out.shape[d]
            if n == 1:  # one position is spread over all
                shape[d] = m
                continue
            scale = 1 / Fraction(scales[i]).limit_denominator(1000) if scales[i] else Fraction(n, m)
            if aligned:
                scale = Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
            layer[d] = (Taps.interpolation(scale, kind, aligned), m)
        return call.field.expanded(shape).through(layer, call.through)

    return rule


def _padding(border: str) -> Rule:
    def rule(call: Operation) -> TensorField:
        layer = {}
        for i in range(len(call.args[1]) // 2):
            left, right = (int(n) for n in call.args[1][2 * i : 2 * i + 2])
            d = call.out.dim() - 1 - i
            if left or right:
                taps = Taps.window(1, 1, (left, right), 1, border)
                layer[d] = (taps, call.out.shape[d])
        return call.field.through(layer, call.through)

    return rule


def _shuffled(call: Operation, taps: Taps) -> TensorField:
    last = call.out.dim() - 1
    reason = "positions are shuffled into others"
    channels = call.field.loosened(last - 2, call.out.shape[last - 2], reason)
    layer = {d: (taps, call.out.shape[d]) for d in (last - 1, last)}
    return channels.through(layer, call.through)


def _pixel_shuffle(call: Operation) -> TensorField:
    return _shuffled(call, Taps.interpolation(Fraction(1, int(call.args[1])), "nearest"))


def _pixel_unshuffle(call: Operation) -> TensorField:
    # Each channel sees one position of a block. They are told as one, which sees them all: what
    # takes some of these channels only is told too much.
    return _shuffled(call, Taps.window(int(call.args[1]), int(call.args[1])))


def _im2col(call: Operation) -> TensorField:
    kernel, dilation, padding, stride = (numbers(value, 2) for value in call.args[1:5])
    first = call.x.dim() - 2
    layer = {}
    for i in range(2):
        room = call.x.shape[first + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
        taps = Taps.window(kernel[i], stride[i], (padding[i],) * 2, dilation[i])
        layer[first + i] = (taps, room // stride[i] + 1)
    reason = "positions are gathered with others"
    columns = call.field.loosened(first - 1, call.out.shape[-2], reason)
    return columns.through(layer, call.through).reshaped(call.out.shape)


def _unfold(call: Operation) -> TensorField:
    dim, size, stride = call.args[1] % call.x.dim(), call.args[2], call.args[3]
    taps = Taps.window(size, stride)
    moved = call.field.through({dim: (taps, call.out.shape[dim])}, call.through)
    labels = None if moved.labels is None else moved.labels[..., None]
    offsets = (((), size),) if size != 1 else ()
    return TensorField((*moved.dims, offsets), moved.fields, labels)


SLIDING: dict[Operator, Rule] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    aten.avg_pool1d: _pool(1, False), aten.avg_pool2d: _pool(2, False),
    aten.avg_pool3d: _pool(3, False),
    aten.max_pool1d: _pool(1, True), aten.max_pool2d: _pool(2, True),
    aten.max_pool3d: _pool(3, True),
    aten.max_pool1d_with_indices: _pool(1, True), aten.max_pool2d_with_indices: _pool(2, True),
    aten.max_pool3d_with_indices: _pool(3, True),
    aten.adaptive_avg_pool1d: _adaptive(1), aten.adaptive_avg_pool2d: _adaptive(2),
    aten.adaptive_avg_pool3d: _adaptive(3), aten._adaptive_avg_pool2d: _adaptive(2),
    aten._adaptive_avg_pool3d: _adaptive(3), aten.adaptive_max_pool1d: _adaptive(1),
    aten.adaptive_max_pool2d: _adaptive(2), aten.adaptive_max_pool3d: _adaptive(3),
    aten.upsample_nearest1d: _interpolation(1, "nearest"),
    aten.upsample_nearest2d: _interpolation(2, "nearest"),
    aten.upsample_nearest3d: _interpolation(3, "nearest"),
    aten._upsample_nearest_exact1d: _interpolation(1, "nearest-exact"),
    aten._upsample_nearest_exact2d: _interpolation(2, "nearest-exact"),
    aten._upsample_nearest_exact3d: _interpolation(3, "nearest-exact"),
    aten.upsample_linear1d: _interpolation(1, "linear"),
    aten.upsample_bilinear2d: _interpolation(2, "linear"),
    aten.upsample_trilinear3d: _interpolation(3, "linear"),
    aten.upsample_bicubic2d: _interpolation(2, "cubic"),
    aten.constant_pad_nd: _padding("zeros"),
    aten.reflection_pad1d: _padding("reflect"), aten.reflection_pad2d: _padding("reflect"),
    aten.reflection_pad3d: _padding("reflect"), aten.replication_pad1d: _padding("clamp"),
    aten.replication_pad2d: _padding("clamp"), aten.replication_pad3d: _padding("clamp"),
    aten.pixel_shuffle: _pixel_shuffle, aten.pixel_unshuffle: _pixel_unshuffle,
    aten.im2col: _im2col, aten.unfold: _unfold,
}  # fmt: skip
"""The rule of each of them."""
