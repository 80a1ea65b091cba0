"""Rules for operators that slide over positions: convolution, pooling, interpolation, padding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from cnnref.accounting.operation import CONVOLUTIONS, Operator, convolution_arguments, numbers
from cnnref.accounting.receptive_fields.dims import length_of, plain
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.joins import combined
from cnnref.accounting.receptive_fields.reading import fanned, reshaped, selected, through
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["SLIDING"]

aten = torch.ops.aten

_Window = tuple[int, int, int, int]
"""Kernel, stride, padding and dilation along one axis."""


def _convolution(call: Followed) -> TensorField:
    told = convolution_arguments(call.packet, call.args)
    first = call.x.dim() - told["axes"]
    layer = {}
    for i in range(told["axes"]):
        k, s = call.args[1].shape[2 + i], told["stride"][i]
        p, d = told["padding"][i], told["dilation"][i]
        taps = Taps.transposed(k, s, p, d) if told["transposed"] else Taps.window(k, s, (p, p), d)
        layer[first + i] = (taps, call.out.shape[first + i])
    channels = call.field.grouped(told["groups"], call.out.shape[first - 1], first - 1)
    return through(channels, layer, call.through)


def _pool(axes: int, dilates: bool) -> Rule:
    def rule(call: Followed) -> TensorField:
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
        return through(call.field, layer, call.through)

    return rule


def _adaptive(axes: int) -> Rule:
    def rule(call: Followed) -> TensorField:
        field, layer = call.field, {}
        for d in range(call.result.dim() - axes, call.result.dim()):
            n, m = call.x.shape[d], call.result.shape[d]
            if m == 1 and n > 1:
                field = field.collapsed(field.axes_of(d), "global pooling").resized(d, 1)
            elif m != n:
                layer[d] = (Taps.adaptive(n, m), m)
        return through(field, layer, call.through)

    return rule


def _interpolation(axes: int, kind: str) -> Rule:
    smooth = "nearest" not in kind

    def rule(call: Followed) -> TensorField:
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
        return through(call.field.expanded(shape), layer, call.through)

    return rule


def _padding(border: str) -> Rule:
    def rule(call: Followed) -> TensorField:
        layer = {}
        for i in range(len(call.args[1]) // 2):
            left, right = (int(n) for n in call.args[1][2 * i : 2 * i + 2])
            d = call.out.dim() - 1 - i
            if left or right:
                taps = Taps.window(1, 1, (left, right), 1, border)
                layer[d] = (taps, call.out.shape[d])
        return through(call.field, layer, call.through)

    return rule


def _pixel_shuffle(call: Followed) -> TensorField:
    *batch, channels, height, width = call.x.shape
    r, k = int(call.args[1]), len(batch)
    apart = reshaped(call.field, (*batch, channels // r**2, r, r, height, width))
    return reshaped(apart.permuted([*range(k + 1), k + 3, k + 1, k + 4, k + 2]), call.out.shape)


def _pixel_unshuffle(call: Followed) -> TensorField:
    *batch, channels, height, width = call.x.shape
    r, k = int(call.args[1]), len(batch)
    apart = reshaped(call.field, (*batch, channels, height // r, r, width // r, r))
    return reshaped(apart.permuted([*range(k + 1), k + 2, k + 4, k + 1, k + 3]), call.out.shape)


def _gathered(field: TensorField, dim: int, window: _Window, outputs: int) -> TensorField:
    """Windows of a dimension side by side: their places stay there, and taps lie behind. Of more
    taps than are followed, each is said to see, at most, what all of them see."""
    kernel, stride, padding, dilation = window
    each = [Taps.window(1, stride, (padding - t * dilation, 0)) for t in range(kernel)]
    found = fanned(field, dim, each, outputs)
    if found is None:
        taps = Taps.window(kernel, stride, (padding, padding), dilation)
        moved = through(field, {dim: (taps, outputs)})
        moved = moved.at_most_along(moved.axes_of(dim), "positions are gathered with others")
        dims = (*moved.dims[: dim + 1], plain(kernel), *moved.dims[dim + 1 :])
        labels = None if moved.labels is None else np.expand_dims(moved.labels, dim + 1)
        found = TensorField(dims, moved.fields, labels)
    return found


def _im2col(call: Followed) -> TensorField:
    kernel, dilation, padding, stride = (numbers(value, 2) for value in call.args[1:5])
    first, field = call.x.dim() - 2, call.field
    for i in (1, 0):  # the last first, so that the places of the others stay
        room = call.x.shape[first + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
        window = (kernel[i], stride[i], padding[i], dilation[i])
        field = _gathered(field, first + i, window, room // stride[i] + 1)
    order = [*range(first), first + 1, first + 3, first, first + 2]
    return reshaped(field.permuted(order), call.out.shape)


def _col2im(call: Followed) -> TensorField:
    size, kernel, dilation, padding, stride = (numbers(value, 2) for value in call.args[1:6])
    *batch, columns, _ = call.x.shape
    windows = [
        (size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i in range(2)
    ]
    channels = columns // (kernel[0] * kernel[1])
    field, first = reshaped(call.field, (*batch, channels, *kernel, *windows)), len(batch) + 1
    for i in range(2):  # the taps of one axis, each put back where it came from, and added
        shape = list(map(length_of, field.dims))
        del shape[first]
        place = first + 1  # of the windows: one dimension of taps is gone, or was selected
        shape[place] = size[i]
        parts = [
            through(
                selected(field, first, t),
                {place: (Taps.placed(stride[i], padding[i] - t * dilation[i]), size[i])},
            )
            for t in range(kernel[i])
        ]
        field = combined(parts, shape)
    # One window alone moves along no axis: where its taps were put back is not followed.
    if any(n == 1 < length for n, length in zip(windows, size, strict=True)):
        return field.at_most_along(field.union, "a single window is folded")
    return field


def _unfold(call: Followed) -> TensorField:
    dim, size, stride = call.args[1] % call.x.dim(), call.args[2], call.args[3]
    field = _gathered(call.field, dim, (size, stride, 0, 1), call.out.shape[dim])
    last = len(field.dims) - 1
    return field.permuted([*(d for d in range(last + 1) if d != dim + 1), dim + 1])


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
    aten._pad_circular: _padding("wrap"),
    aten.pixel_shuffle: _pixel_shuffle, aten.pixel_unshuffle: _pixel_unshuffle,
    aten.im2col: _im2col, aten.col2im: _col2im, aten.unfold: _unfold,
    aten._upsample_bilinear2d_aa: _interpolation(2, "antialiased linear"),
    aten._upsample_bicubic2d_aa: _interpolation(2, "antialiased cubic"),
    aten._upsample_lanczos2d_aa: _interpolation(2, "antialiased lanczos"),
}  # fmt: skip
"""The rule of each of them."""
