"""Rules for operators that put entries elsewhere and compute nothing: views, slices, joins."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cnnref.accounting.operation import Operator, numbers
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.joins import concatenated
from cnnref.accounting.receptive_fields.reading import picked, reshaped, selected, sliced, through
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["JOINING", "REARRANGING"]

aten = torch.ops.aten


def _view(call: Followed) -> TensorField:
    return reshaped(call.field, call.out.shape)


def _permute(call: Followed) -> TensorField:
    return call.field.permuted([d % call.out.dim() for d in call.args[1]])


def _transpose(call: Followed) -> TensorField:
    order = list(range(call.out.dim()))
    if len(order) > 1:
        a, b = call.arg(1, 0), call.arg(2, 1)
        order[a], order[b] = order[b], order[a]
    return call.field.permuted(order)


def _expand(call: Followed) -> TensorField:
    return call.field.expanded(call.out.shape)


def _slice(call: Followed) -> TensorField:
    dim = int(call.arg(1, 0)) % call.out.dim()
    n, start = call.x.shape[dim], int(call.arg(2, 0))
    start = min(max(start + n if start < 0 else start, 0), n)
    return sliced(call.field, dim, start, call.out.shape[dim], int(call.arg(4, 1)))


def _select(call: Followed) -> TensorField:
    dim = call.args[1] % call.x.dim()
    return selected(call.field, dim, call.args[2] % call.x.shape[dim])


def _split(call: Followed) -> list[TensorField]:
    dim, start, parts = int(call.arg(2, 0)) % call.x.dim(), 0, []
    for part in call.out:
        parts.append(sliced(call.field, dim, start, part.shape[dim], 1))
        start += part.shape[dim]
    return parts


def _unbind(call: Followed) -> list[TensorField]:
    dim = int(call.arg(1, 0)) % call.x.dim()
    return [selected(call.field, dim, i) for i in range(len(call.out))]


def _repeat(call: Followed) -> TensorField:
    field = reshaped(call.field, (1,) * (call.out.dim() - call.x.dim()) + tuple(call.x.shape))
    for d, times in enumerate(call.args[1]):
        if times != 1:
            n = call.out.shape[d]
            field = picked(field, d, np.arange(n) % (n // times), "positions are repeated")
    return field


def _repeat_each(call: Followed) -> TensorField:
    times, dim = call.args[1], call.arg(2)
    shape = tuple(call.x.shape) if dim is not None else (call.x.numel(),)
    field, d = reshaped(call.field, shape), int(dim or 0) % len(shape)
    if isinstance(times, Tensor):  # as often as values say
        axes = field.axes_of(d)
        return field.loosened(d, call.out.shape[d], "positions are repeated").thinned_along(axes)
    apart = reshaped(field, (*shape[: d + 1], 1, *shape[d + 1 :]))
    each = apart.expanded((*shape[: d + 1], int(times), *shape[d + 1 :]))
    return reshaped(each, call.out.shape)


def _channel_shuffle(call: Followed) -> TensorField:
    groups, shape = int(call.args[1]), tuple(call.out.shape)
    apart = reshaped(call.field, (shape[0], groups, shape[1] // groups, *shape[2:]))
    return reshaped(apart.permuted([0, 2, 1, *range(3, len(shape) + 1)]), shape)


def _rearranged(call: Followed) -> TensorField | None:
    """Entries are taken from other places along some dimensions (`roll`, `flip`, `index`)."""
    field, places = call.field, call.args[1]
    if call.out.dim() != call.x.dim():
        return None
    if isinstance(places, list | tuple) and any(isinstance(t, Tensor) for t in places):
        dims = [d for d, index in enumerate(places) if index is not None]
    else:
        third = call.arg(2)
        named = places if third is None or isinstance(third, Tensor) else third
        if call.packet is aten.roll:  # without dimensions it rolls over all of them
            named = third or []
        dims = [d % call.out.dim() for d in numbers(named, 1)]
        dims = dims or list(range(call.out.dim()))
    for place, dim in enumerate(dims):
        axes, size = field.axes_of(dim), call.out.shape[dim]
        if call.packet is aten.flip:
            field = picked(field, dim, np.arange(size)[::-1], "positions are flipped")
            continue
        if call.packet is aten.roll and call.arg(2):  # as padding that goes round
            shift = numbers(places, 1)[place]
            field = through(field, {dim: (Taps.window(1, 1, (shift, -shift), 1, "wrap"), size)})
            continue
        field = field.loosened(dim, size, "positions are rearranged")
        if call.packet not in (aten.roll, aten.flip):  # some may be taken, and others not
            field = field.thinned_along(axes)
    return field


def _cat(call: Followed) -> TensorField:
    # Tensors without entries count for nothing, also one of one dimension, which torch lets stand.
    parts = [(call.sees(t), t.shape) for t in call.args[0] if t.numel()]
    if len(parts) == 1 and parts[0][0] is not None:
        return parts[0][0]
    return concatenated(parts, int(call.arg(1, 0)) % call.out.dim(), call.out.shape)


def _stack(call: Followed) -> TensorField:
    dim = int(call.arg(1, 0)) % call.out.dim()
    parts = []
    for tensor in call.args[0]:
        field, shape = call.sees(tensor), [*tensor.shape[:dim], 1, *tensor.shape[dim:]]
        parts.append((None if field is None else reshaped(field, shape), shape))
    return concatenated(parts, dim, call.out.shape)


REARRANGING: dict[Operator, Rule] = {
    **dict.fromkeys(
        (aten.view, aten._unsafe_view, aten.reshape, aten.flatten, aten.unflatten, aten.squeeze,
         aten.unsqueeze, aten._reshape_alias, aten.view_as, aten._reshape_copy, aten.squeeze_,
         aten.unsqueeze_, aten.view_copy, aten.squeeze_copy, aten.unsqueeze_copy),
        _view,
    ),
    **dict.fromkeys(
        (aten.transpose, aten.transpose_, aten.transpose_copy, aten.t, aten.t_, aten.t_copy),
        _transpose,
    ),
    aten.permute: _permute, aten.permute_copy: _permute, aten.expand: _expand,
    aten.expand_copy: _expand, aten.slice: _slice, aten.slice_copy: _slice, aten.select: _select,
    aten.select_copy: _select, aten.repeat: _repeat,
    aten.repeat_interleave: _repeat_each,
    **dict.fromkeys(
        (aten.split, aten.split_with_sizes, aten.unsafe_split, aten.unsafe_split_with_sizes,
         aten.split_copy, aten.split_with_sizes_copy, aten.chunk),
        _split,
    ),
    aten.unbind: _unbind, aten.unbind_copy: _unbind,
    aten.channel_shuffle: _channel_shuffle, aten.native_channel_shuffle: _channel_shuffle,
    **dict.fromkeys(
        (aten.roll, aten.flip, aten.index, aten.index_select, aten.gather), _rearranged
    ),
}  # fmt: skip
"""The rule of each that rearranges its first argument."""

JOINING: dict[Operator, Rule] = {aten.cat: _cat, aten.stack: _stack}
"""The rule of each that joins several."""
