"""What the entries of a result see that is made of several operands: sums, joins, products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cnnref.accounting.receptive_fields.axis import chained
from cnnref.accounting.receptive_fields.dims import (
    Dim,
    axes_of,
    channels_of,
    length_of,
    matched,
    normal,
    plain,
)
from cnnref.accounting.receptive_fields.labels import AxisFields, differing, distinct, same, united
from cnnref.accounting.receptive_fields.reading import through
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["combined", "concatenated", "contracted", "misaligned", "steered"]


def combined(fields: Sequence[TensorField], shape: Sequence[int]) -> TensorField:
    """What the entries of a result of `shape` see that combines operands, entry by entry."""
    if len(fields) == 1 and tuple(map(length_of, fields[0].dims)) == tuple(shape):
        return fields[0]
    fields = [
        f.spread(shape).expanded((1,) * (len(shape) - len(f.dims)) + tuple(map(length_of, f.dims)))
        for f in fields
    ]
    for d in range(len(shape)):
        if len({f.dims[d] for f in fields if f.axes_of(d)}) > 1:
            fields = [f.settled(d) for f in fields]
    dims, lost = [], set()
    for d, size in enumerate(shape):
        dim, clash = matched([f.dims[d] for f in fields], size)
        dims.append(dim)
        lost |= clash
    met: set[int] = set()
    for dim in dims:
        lost |= met & axes_of(dim)  # one axis along two dimensions: every pair of positions meets
        met |= axes_of(dim)
    if lost:  # which entry sees which positions is not followed
        fields = [f.loosened_along(lost, "positions of one axis meet in pairs") for f in fields]
        for d, size in enumerate(shape):
            axes = set().union(*(f.axes_of(d) for f in fields))
            if axes & lost:
                dims[d] = ((tuple(sorted(axes)), size),)
    if all(f.labels is None for f in fields):
        return _moving(TensorField(tuple(dims), (united(f.fields[0] for f in fields),)), lost)
    fields = [_fitting(f, dims) for f in fields]
    none = np.zeros((1,) * len(shape), dtype=np.int64)
    grids = np.broadcast_arrays(*(none if f.labels is None else f.labels for f in fields))
    pairs, labels = np.unique(
        np.stack([grid.ravel() for grid in grids], axis=1), axis=0, return_inverse=True
    )
    unions = [
        united(f.fields[i] for f, i in zip(fields, pair, strict=True)) for pair in pairs.tolist()
    ]
    labels = labels.reshape(grids[0].shape)
    return _moving(TensorField(tuple(dims), *distinct(unions, labels)), lost)


def _moving(field: TensorField, lost: set[int]) -> TensorField:
    """With no dimension along those of the lost axes of which all positions see alike."""
    alike = {a for a in lost if not any(a in one and one[a].loose for one in field.fields)}
    if not alike:
        return field
    dims = [
        [(tuple(a for a in axes if a not in alike), size) for axes, size in dim]
        for dim in field.dims
    ]
    return TensorField(tuple(map(normal, dims)), field.fields, field.labels)


def _fitting(field: TensorField, dims: Sequence[Dim]) -> TensorField:
    """With one field for entries that the dimensions of a result do not tell apart."""
    if field.labels is None:
        return field
    extents = zip(field.labels.shape, dims, strict=True)
    over = {d for d, (extent, dim) in enumerate(extents) if extent not in (1, channels_of(dim))}
    if not over:
        return field
    everything = {axis for one in field.fields for axis in one}
    reason = "channels of several fields meet positions"
    loosened = field.merged(over).loosened_along(everything, reason)
    return loosened.at_most_along(differing(field.fields), reason)


def concatenated(
    parts: Sequence[tuple[TensorField | None, Sequence[int]]], dim: int, shape: Sequence[int]
) -> TensorField:
    """What the entries of a concatenation see; a part that depends on no input has no field.

    Args:
        parts: the field and the shape of each.
        dim: the dimension along which they lie, not negative.
        shape: of the result.
    """
    fields = [field for field, _ in parts if field is not None]
    if any(field.axes_of(dim) for field in fields):
        parts = [(field and field.settled(dim), size) for field, size in parts]
        fields = [field for field, _ in parts if field is not None]
        whole = _end_to_end(parts, dim, shape[dim])
        if whole is not None:
            return whole
        reason = "positions are concatenated along an axis"
        loosened = [f.loosened(dim, shape[dim], reason) for f in fields]
        whole = combined(loosened, shape)
        turned = _turned(fields, whole)
        alike = len(fields) == len(parts) and not turned
        if alike and all(same(f.union, whole.union) for f in loosened):
            return whole
        # In a part all units may see alike, and in another something else.
        axes = set().union(*(f.axes_of(dim) for f in fields))
        unlike = differing([{} if f is None else f.union for f, _ in parts]) - axes
        return whole.at_most_along(unlike | turned, reason).mapped(
            lambda field: {
                a: replace(one, loose=True) if a in axes else one for a, one in field.items()
            },
            whole.dims,
        )
    for d in range(len(shape)):
        if len({f.dims[d] for f in fields if f.axes_of(d)}) > 1:
            fields = [f.settled(d) for f in fields]
    narrow = [
        TensorField((*f.dims[:dim], (), *f.dims[dim + 1 :]), (f.union,))
        for f in (f.mixed() for f in fields)
    ]
    whole = combined(narrow, (*shape[:dim], 1, *shape[dim + 1 :]))
    together: list[AxisFields] = []
    pieces = []
    following = iter(fields)
    for field, _ in parts:
        if field is None:
            field = TensorField(whole.dims, ({},))
        else:
            own = next(following)
            field = _fitting(own, (*whole.dims[:dim], own.dims[dim], *whole.dims[dim + 1 :]))
        one = np.zeros((1,) * len(shape), dtype=np.int64)
        pieces.append((one if field.labels is None else field.labels) + len(together))
        together += field.fields
    grid = np.broadcast_shapes(*((*p.shape[:dim], 1, *p.shape[dim + 1 :]) for p in pieces))
    pieces = [
        np.broadcast_to(piece, (*grid[:dim], size[dim], *grid[dim + 1 :]))
        for piece, (_, size) in zip(pieces, parts, strict=True)
    ]
    dims = (*whole.dims[:dim], plain(shape[dim]), *whole.dims[dim + 1 :])
    # Where the operands' dimensions did not match, `whole` has given the axes up.
    kept = set().union(*map(axes_of, dims))
    lost = {a for f in fields for d in range(len(shape)) for a in f.axes_of(d)} - kept
    turned = _turned(fields, whole)
    if lost or turned:
        reason = "parts of different axes are concatenated"
        bounded = differing(together) | turned
        return TensorField(dims, whole.fields).at_most_along(bounded, reason)
    return TensorField(dims, *distinct(together, np.concatenate(pieces, axis=dim)))


def _turned(fields: Sequence[TensorField], whole: TensorField) -> set[int]:
    """The axes along which several dimensions of a concatenation move, but not of each part."""

    def places(field: TensorField, axis: int) -> list[int]:
        return [d for d in range(len(field.dims)) if axis in field.axes_of(d)]

    return {
        axis
        for axis in set().union(*map(axes_of, whole.dims))
        if len(along := places(whole, axis)) > 1 and any(places(f, axis) != along for f in fields)
    }


def _end_to_end(
    parts: Sequence[tuple[TensorField | None, Sequence[int]]], dim: int, size: int
) -> TensorField | None:
    """Positions along one axis, laid end to end; `None` where nobody follows which is where: along
    several axes at once, or where parts see other things of the other axes."""
    fields = [field for field, _ in parts if field is not None]
    first = next(field for field in fields if field.axes_of(dim))
    ((axes, _), *more) = first.dims[dim]
    if more or len(axes) != 1:
        return None
    if len(fields) == 1:  # constants before and behind it, such as zeros or a token
        before = [part is None for part, _ in parts].index(False)
        start = sum(shape[dim] for _, shape in parts[:before])
        behind = size - start - length_of(first.dims[dim])
        return through(first, {dim: (Taps.window(1, 1, (start, behind)), size)})
    (axis,) = axes
    others = [field.dims[:dim] + field.dims[dim + 1 :] for field in fields]
    if any(
        field.labels is not None
        or other != others[0]
        or axis in set().union(*map(axes_of, other))
        or field.axes_of(dim) - {axis}
        or not same(*({a: r for a, r in f.union.items() if a != axis} for f in (field, first)))
        for field, other in zip(fields, others, strict=True)
    ):
        return None
    along = chained([(None if f is None else f.union.get(axis), shape[dim]) for f, shape in parts])
    if along is None:
        return None
    dims = (*first.dims[:dim], ((axes, size),), *first.dims[dim + 1 :])
    return TensorField(dims, ({**first.union, axis: along},))


def contracted(
    operands: Sequence[tuple[TensorField, Sequence[int | None]]], shape: Sequence[int], reason: str
) -> TensorField:
    """What the entries of a sum of products see.

    Args:
        operands: the field of each, with the dimension of the result at which each of its own
            stands; `None` for one that is summed over.
        shape: of the result.
        reason: why an axis is gone that is summed over.
    """
    products = []
    for field, places in operands:
        summed = [d for d, place in enumerate(places) if place is None]
        left = field.reduced(summed, keep=False, reason=reason)
        order = [place for place in places if place is not None]
        dims: list[Dim] = [()] * len(shape)
        for place, dim in zip(order, left.dims, strict=True):
            dims[place] = dim
        labels = left.labels
        if labels is not None:
            spare = len(shape) - labels.ndim
            labels = np.moveaxis(
                labels.reshape(labels.shape + (1,) * spare), range(len(order)), order
            )
        products.append(TensorField(tuple(dims), left.fields, labels))
    return combined(products, shape)


def steered(field: TensorField, others: Sequence[TensorField]) -> TensorField:
    """A field whose every entry depends also on all that `others` see: on weights, or indices."""
    if not others:
        return field
    nowhere = ((),) * len(field.dims)
    whole = [
        TensorField(nowhere, (other.collapsed(other.union, "all positions steer it").union,))
        for other in others
    ]
    return combined([field, *whole], tuple(map(length_of, field.dims)))


def misaligned(fields: Sequence[TensorField]) -> list[str]:
    """For each axis along which paths meet whose fields are not centred alike, how far apart."""
    told = []
    for axis in sorted(set().union(*(field.union for field in fields))):
        along = [field.union[axis] for field in fields if axis in field.union]
        moving = {one.offset for one in along if one.units > 1 and one.offset is not None}
        if len(moving) > 1:
            apart = max(moving) - min(moving)
            told.append(f"paths meet whose fields are centred {apart} positions apart, axis {axis}")
    return told
