"""What entries see that are read from another tensor: through a window, by index, in another shape.

`source` is what the entries of that tensor see. A view that cuts an axis reads it as a window of
one tap does, with a stride: which of the places within a block is then a dimension of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.receptive_fields.axis import AxisField
from cnnref.accounting.receptive_fields.dims import Dim, axes_of, length_of, plain
from cnnref.accounting.receptive_fields.labels import AxisFields, distinct
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["fanned", "picked", "reshaped", "selected", "sliced", "through"]

_MOST = 1024
"""Fields that the entries of one tensor may have; of more, what they share is told."""


def through(
    source: TensorField,
    layer: Mapping[int, tuple[Taps, int]],
    each: Callable[[AxisField, Taps, int], AxisField] = AxisField.through,
) -> TensorField:
    """What the entries of a layer on top see, which slides over dimensions.

    Args:
        source: of the tensor below.
        layer: for each dimension that it slides over, its taps and the number of its outputs.
        each: `AxisField.through`, or a memory of it.
    """
    result = source
    for dim, (taps, outputs) in layer.items():
        if len(result.dims[dim]) > 1:
            result = result.unflattened(dim, "a window slides over a flattened axis")
        if result.labels is not None and result.labels.shape[dim] > 1:
            result = _slid(result, dim, taps, outputs)
    dims, fields = list(result.dims), [dict(field) for field in result.fields]
    for dim, (taps, outputs) in layer.items():
        axes, n = axes_of(dims[dim]), length_of(dims[dim])
        dims[dim] = ((tuple(axes), outputs),) if axes else plain(outputs)
        for field in fields:
            for axis in axes & field.keys():
                below = field[axis].over(n)
                if below.loose and not taps.reads_all(n, outputs):
                    below = below.thin()
                field[axis] = each(below, taps, outputs)
    return TensorField(tuple(dims), tuple(fields), result.labels)


def _slid(source: TensorField, dim: int, taps: Taps, outputs: int) -> TensorField:
    """A window slides over channels that have fields of their own."""
    assert source.labels is not None
    labels = _at(source, dim, taps.indices(source.labels.shape[dim], outputs).T)
    dims = (*source.dims[:dim], plain(outputs), (), *source.dims[dim + 1 :])
    read = TensorField(dims, (*source.fields, {}), labels).merged({dim + 1})
    left = None if read.labels is None else read.labels.squeeze(dim + 1)
    return TensorField((*dims[: dim + 1], *dims[dim + 2 :]), read.fields, left)


def fanned(source: TensorField, dim: int, taps: Sequence[Taps], outputs: int) -> TensorField | None:
    """Read through several taps, and which of them is a dimension of its own, behind `dim`;
    `None` if that makes more fields than are followed."""
    result = source
    if len(source.dims[dim]) > 1:
        result = source.unflattened(dim, "a window slides over a flattened axis")
    axes, n = result.axes_of(dim), length_of(result.dims[dim])
    ones = [field[a] for field in result.fields for a in axes & field.keys()]
    alike = all(one.units != n and not one.loose for one in ones)
    alike = alike and all(one.indices(n, outputs).max(initial=0) < n for one in taps)
    moving: Dim = plain(outputs)  # where all see alike, along nothing
    if axes and not alike:
        moving = ((tuple(sorted(axes)), outputs),)
    dims = (*result.dims[:dim], moving, plain(len(taps)), *result.dims[dim + 1 :])
    if result.labels is not None and result.labels.shape[dim] > 1:
        places = np.stack([one.indices(n, outputs)[0] for one in taps], axis=1)
        return TensorField(dims, *distinct((*result.fields, {}), _at(result, dim, places)))
    apart = None if result.labels is None else np.expand_dims(result.labels, dim + 1)
    if alike:
        return TensorField(dims, result.fields, apart)
    if len(result.fields) * len(taps) > _MOST:
        return None
    known: dict[tuple[int, int], AxisField] = {}

    def read(one: AxisField, number: int) -> AxisField:
        key = (id(one), number)
        if key not in known:
            known[key] = one.over(n).thin().through(taps[number], outputs)
        return known[key]

    fields = [
        {a: read(one, i) if a in axes else one for a, one in field.items()}
        for field in result.fields
        for i in range(len(taps))
    ]
    if apart is None:
        apart = np.zeros((1,) * len(dims), dtype=np.int64)
    shape = [1] * len(dims)
    shape[dim + 1] = len(taps)
    labels = apart * len(taps) + np.arange(len(taps)).reshape(shape)
    return TensorField(dims, *distinct(fields, labels))


def _at(source: TensorField, dim: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of the entries of a dimension at some places; beyond its end stands nothing."""
    assert source.labels is not None
    end = np.full_like(np.take(source.labels, [0], axis=dim), len(source.fields))
    return np.take(np.concatenate([source.labels, end], axis=dim), places, axis=dim)


def reshaped(source: TensorField, shape: Sequence[int]) -> TensorField:
    """Viewed in another shape of as many entries."""
    flat, at, groups = source.flat(), 0, []
    for size in shape:
        first, left = at, size
        while left > 1 and at < len(flat.dims):
            length = length_of(flat.dims[at])
            if length > left and not length % left:
                split = _split(flat, at, left)
                if split is None:
                    left = 0
                    break
                flat, length = split, left
            if left % length:
                left = 0
                break
            left //= length
            at += 1
        if left != 1:
            reason = "a view cuts through an axis"
            union = {axis: one.scattered(reason) for axis, one in source.union.items()}
            return TensorField(tuple(map(plain, shape)), (union,))
        groups.append(at - first)
    return flat.together(groups)


def _split(source: TensorField, place: int, outer: int) -> TensorField | None:
    """With an atom cut into two, the first of length `outer`; `None` if that makes too many
    fields. Positions that are cut are, within one, channels with fields of their own."""
    ((axes, size),) = source.dims[place]
    inner = size // outer
    if axes:
        taps = [Taps.window(1, inner, (-digit, 0)) for digit in range(inner)]
        return fanned(source, place, taps, outer)
    dims = (*source.dims[:place], plain(outer), plain(inner), *source.dims[place + 1 :])
    if source.labels is None:
        return TensorField(dims, source.fields)
    extents = (outer, inner) if source.labels.shape[place] > 1 else (1, 1)
    shape = (*source.labels.shape[:place], *extents, *source.labels.shape[place + 1 :])
    return TensorField(dims, source.fields, source.labels.reshape(shape))


def sliced(source: TensorField, dim: int, start: int, outputs: int, stride: int) -> TensorField:
    """Every `stride`-th of a dimension's entries, from `start`."""
    if outputs == length_of(source.dims[dim]):
        return source
    if axes_of(source.dims[dim]):
        taps = Taps.window(1, stride, (-start, 0))
        return through(source, {dim: (taps, outputs)})
    dims = (*source.dims[:dim], plain(outputs), *source.dims[dim + 1 :])
    if source.labels is None or source.labels.shape[dim] == 1:
        return TensorField(dims, source.fields, source.labels)
    kept = np.arange(start, start + outputs * stride, stride)
    return TensorField(dims, *distinct(source.fields, np.take(source.labels, kept, axis=dim)))


def selected(source: TensorField, dim: int, index: int) -> TensorField:
    """One entry of a dimension, which is then gone."""
    result = source
    if len(source.dims[dim]) > 1:
        reason = "one position of a flattened axis is taken"
        result = source.unflattened(dim, reason)
    dims = result.dims[:dim] + result.dims[dim + 1 :]
    axes, n = axes_of(result.dims[dim]), length_of(result.dims[dim])

    def change(field: AxisFields) -> AxisFields:
        return {
            axis: one.over(n).taken(index, "one position is taken") if axis in axes else one
            for axis, one in field.items()
        }

    labels = result.labels
    if labels is not None:
        labels = np.take(labels, index if labels.shape[dim] > 1 else 0, axis=dim)
    fields = tuple(map(change, result.fields))
    return TensorField(dims, *((fields,) if labels is None else distinct(fields, labels)))


def picked(source: TensorField, dim: int, places: NDArray[np.int64], reason: str) -> TensorField:
    """With entries of a dimension in another order, repeated or left out."""
    result = source
    if len(source.dims[dim]) > 1:
        result = source.unflattened(dim, reason)
    axes, labels = result.axes_of(dim), result.labels
    if labels is not None and labels.shape[dim] > 1:
        labels = np.take(labels, places, axis=dim)
    n = length_of(result.dims[dim])
    fields = tuple(
        {a: r.over(n).picked(places, reason) if a in axes else r for a, r in field.items()}
        for field in result.fields
    )
    new: Dim = ((tuple(sorted(axes)), len(places)),) if axes else plain(len(places))
    return TensorField((*result.dims[:dim], new, *result.dims[dim + 1 :]), fields, labels)
