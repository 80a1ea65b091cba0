"""What the entries of a tensor see of the input, through views, joins and contractions.

A `Reach` speaks of one axis. A tensor has several dimensions, and a network reshapes, permutes,
concatenates and contracts them. A `Sight` keeps the books: which dimension moves along which axis
of the input (a dimension that was flattened moves along several), one `Reach` for each axis, and,
where a concatenation has put channels of different fields side by side, which channel has which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.dims import Dim, axes_of, length_of, matched, plain, regrouped
from cnnref.accounting.reaches import Reach, Step, joined

__all__ = ["Sight", "combined", "concatenated", "contracted", "misaligned"]


@dataclass(frozen=True, eq=False)
class Sight:
    """What the entries of one tensor see.

    Args:
        dims: one for each dimension of the tensor.
        fields: the distinct fields of its entries, mostly one: a `Reach` for each axis.
        labels: which field each entry has, an array that broadcasts over the dimensions (axes have
            length 1); `None` where there is one field.
    """

    dims: tuple[Dim, ...]
    fields: tuple[Mapping[int, Reach], ...]
    labels: NDArray[np.int64] | None = None

    @staticmethod
    def of_input(shape: Sequence[int], axes: Mapping[int, int]) -> Sight:
        """An input whose dimensions `axes` are the axes of those numbers."""
        # Axes of one size share a reach, so that what is computed for one is known for the other.
        reaches = {n: Reach.of_input(n) for n in {shape[d] for d in axes}}
        return Sight(
            tuple(((((axes[d],), n),) if d in axes else plain(n)) for d, n in enumerate(shape)),
            ({axis: reaches[shape[d]] for d, axis in axes.items()},),
        )

    @cached_property
    def field(self) -> Mapping[int, Reach]:
        """The field of all entries together, for each axis."""
        return self.fields[0] if len(self.fields) == 1 else _union(self.fields)

    def axes_of(self, dim: int) -> set[int]:
        """The axes that a dimension moves along."""
        return axes_of(self.dims[dim])

    def mapped(
        self, change: Callable[[Mapping[int, Reach]], Mapping[int, Reach]], dims: tuple[Dim, ...]
    ) -> Sight:
        """With other dimensions, as many as now, and every field changed."""
        return Sight(dims, tuple(change(field) for field in self.fields), self.labels)

    def mixed(self) -> Sight:
        """With one field for all entries."""
        return self if self.labels is None else Sight(self.dims, (self.field,))

    def merged(self, over: Collection[int]) -> Sight:
        """With one field for entries that differ only along the dimensions `over`."""
        if self.labels is None:
            return self
        kept = [d for d in range(len(self.dims)) if d not in over]
        shape = [self.labels.shape[d] if d in kept else 1 for d in range(len(self.dims))]
        parts = self.labels.transpose(*kept, *over).reshape(prod(shape), -1)
        fields = [_union([self.fields[i] for i in sorted(set(part.tolist()))]) for part in parts]
        return _distinct(self.dims, fields, np.arange(len(fields)).reshape(shape))

    def collapsed(self, axes: Iterable[int], reason: str, known: bool = True) -> Sight:
        """Every entry sees, along `axes`, what any entry sees."""
        lost = {axis for axis in axes if any(axis in field for field in self.fields)}
        if not lost:
            return self
        dims = tuple(
            tuple((tuple(a for a in axes if a not in lost), size) for axes, size in dim)
            for dim in self.dims
        )
        return self.mapped(
            lambda field: {
                axis: reach.collapsed(reason, known) if axis in lost else reach
                for axis, reach in field.items()
            },
            dims,
        )

    def loosened(self, dim: int, size: int, reason: str) -> Sight:
        """With a dimension whose entries were rearranged, and are now `size`."""
        axes = self.axes_of(dim)
        if not axes:
            return self.resized(dim, size)
        new: Dim = ((tuple(sorted(axes)), size),)
        sight = self.mixed().loosened_along(axes, reason)
        return Sight((*sight.dims[:dim], new, *sight.dims[dim + 1 :]), sight.fields)

    def loosened_along(self, axes: set[int], reason: str) -> Sight:
        """With the entries along some axes rearranged, in whatever dimension they are."""
        return self.mapped(
            lambda field: {
                axis: reach.loosened(reason) if axis in axes else reach
                for axis, reach in field.items()
            },
            self.dims,
        )

    def steered(self, others: Sequence[Sight]) -> Sight:
        """With every entry depending also on all that `others` see: on weights, or on indices."""
        if not others:
            return self
        nowhere = ((),) * len(self.dims)
        whole = [
            Sight(nowhere, (other.collapsed(other.field, "all positions steer it").field,))
            for other in others
        ]
        return combined([self, *whole], tuple(map(length_of, self.dims)))

    def thinned_along(self, axes: set[int]) -> Sight:
        """With some positions along some axes left out, nobody knows which."""
        return self.mapped(
            lambda field: {a: r.thin() if a in axes else r for a, r in field.items()}, self.dims
        )

    def unknown(self, reason: str, shape: Sequence[int]) -> Sight:
        """After an operation without a rule: a tensor of `shape`."""
        field = {axis: reach.collapsed(reason, known=False) for axis, reach in self.field.items()}
        return Sight(tuple(map(plain, shape)), (field,))

    def stepped(
        self, moves: Mapping[int, tuple[Step, int]], through: Callable[[Reach, Step, int], Reach]
    ) -> Sight:
        """After a layer that moves over dimensions: a step and a number of outputs for each.

        Args:
            moves: for each dimension moved over.
            through: `Reach.through`, or a memory of it.
        """
        sight, dims, fields = self, list(self.dims), [dict(field) for field in self.fields]
        for dim, (step, outputs) in moves.items():
            flattened = len(dims[dim]) > 1
            if flattened or (sight.labels is not None and sight.labels.shape[dim] > 1):
                sight = Sight(tuple(dims), tuple(fields), sight.labels)
                if flattened:
                    reason = "a window slides over a flattened axis"
                    sight = sight.loosened(dim, length_of(dims[dim]), reason)
                sight = sight.mixed()
                dims, fields = list(sight.dims), [dict(field) for field in sight.fields]
            axes, n = axes_of(dims[dim]), length_of(dims[dim])
            dims[dim] = ((tuple(axes), outputs),) if axes else plain(outputs)
            for field in fields:
                for axis in axes & field.keys():
                    reach = field[axis].over(n)
                    if reach.loose and not step.reads_all(n, outputs):
                        reach = reach.thin()
                    field[axis] = through(reach, step, outputs)
        return Sight(tuple(dims), tuple(fields), sight.labels)

    def resized(self, dim: int, size: int) -> Sight:
        """With a dimension of channels that now has `size` entries, each of which may see all."""
        sight = self.collapsed(self.axes_of(dim), "all positions are combined").mixed()
        return Sight((*sight.dims[:dim], plain(size), *sight.dims[dim + 1 :]), sight.fields)

    def grouped(self, groups: int, channels: int, dim: int) -> Sight:
        """After a convolution: `channels` in `groups`, each of which sees its own part of `dim`."""
        dims = (*self.dims[:dim], plain(channels), *self.dims[dim + 1 :])
        if self.labels is None:
            return Sight(dims, self.fields)
        old = self.labels
        if groups == 1 or old.shape[dim] == 1:
            return Sight(dims, self.fields, old).merged({dim})
        apart = old.reshape(*old.shape[:dim], groups, -1, *old.shape[dim + 1 :])
        inner = (*dims[:dim], (), (), *dims[dim + 1 :])
        each = Sight(inner, self.fields, apart).merged({dim + 1})
        if each.labels is None:
            return Sight(dims, each.fields)
        labels = each.labels.squeeze(dim + 1).repeat(channels // groups, axis=dim)
        return Sight(dims, each.fields, labels)

    def permuted(self, order: Sequence[int]) -> Sight:
        """With the dimensions in another order."""
        labels = None if self.labels is None else self.labels.transpose(order)
        return Sight(tuple(self.dims[d] for d in order), self.fields, labels)

    def reshaped(self, shape: Sequence[int]) -> Sight:
        """Viewed in another shape of as many entries."""
        dims, sight = regrouped(self.dims, shape), self
        if dims is None:
            everything = {axis for field in self.fields for axis in field}
            sight = self.collapsed(everything, "a view cuts through an axis", known=False)
            dims = tuple(map(plain, shape))
        dims = tuple(tuple(a for a in dim if a[1] != 1) for dim in dims)
        labels = sight.labels
        if labels is not None:
            old = [1 if axes_of(dim) else length_of(dim) for dim in sight.dims]
            new = [1 if axes_of(dim) else n for dim, n in zip(dims, shape, strict=True)]
            if prod(old) != prod(new):
                return Sight(dims, (sight.field,))
            labels = np.broadcast_to(labels, old).reshape(new)
        return Sight(dims, sight.fields, labels)

    def expanded(self, shape: Sequence[int]) -> Sight:
        """Broadcast to a larger shape."""
        extra = len(shape) - len(self.dims)
        sight = self.spread(shape)
        old = ((),) * extra + sight.dims
        dims = tuple(
            dim if length_of(dim) == n else plain(n) for dim, n in zip(old, shape, strict=True)
        )
        labels = sight.labels
        if labels is not None:
            labels = labels.reshape((1,) * extra + labels.shape)
        return Sight(dims, sight.fields, labels)

    def spread(self, shape: Sequence[int]) -> Sight:
        """With no single field along each axis whose only position a larger shape repeats."""
        last = zip(self.dims, shape[len(shape) - len(self.dims) :], strict=True)
        axes = {a for dim, n in last if n != 1 and length_of(dim) == 1 for a in axes_of(dim)}
        if not axes:
            return self

        def change(field: Mapping[int, Reach]) -> Mapping[int, Reach]:
            reason = "one position is spread over all"
            return {a: r.taken(0, reason) if a in axes else r for a, r in field.items()}

        return self.mapped(change, self.dims)

    def sliced(self, dim: int, start: int, outputs: int, stride: int) -> Sight:
        """Every `stride`-th of a dimension's entries, from `start`."""
        if outputs == length_of(self.dims[dim]):
            return self
        if axes_of(self.dims[dim]):
            step = Step.window(1, stride, (-start, 0))
            return self.stepped({dim: (step, outputs)}, Reach.through)
        dims = (*self.dims[:dim], plain(outputs), *self.dims[dim + 1 :])
        if self.labels is None or self.labels.shape[dim] == 1:
            return Sight(dims, self.fields, self.labels)
        kept = np.arange(start, start + outputs * stride, stride)
        return _distinct(dims, self.fields, np.take(self.labels, kept, axis=dim))

    def selected(self, dim: int, index: int) -> Sight:
        """One entry of a dimension, which is then gone."""
        sight = self
        if len(self.dims[dim]) > 1:
            reason = "one position of a flattened axis is taken"
            sight = self.loosened(dim, length_of(self.dims[dim]), reason)
        dims = sight.dims[:dim] + sight.dims[dim + 1 :]
        axes, n = axes_of(sight.dims[dim]), length_of(sight.dims[dim])

        def change(field: Mapping[int, Reach]) -> Mapping[int, Reach]:
            return {
                axis: reach.over(n).taken(index, "one position is taken") if axis in axes else reach
                for axis, reach in field.items()
            }

        labels = sight.labels
        if labels is not None:
            labels = np.take(labels, index if labels.shape[dim] > 1 else 0, axis=dim)
        fields = tuple(map(change, sight.fields))
        return Sight(dims, fields) if labels is None else _distinct(dims, fields, labels)

    def reduced(self, dims: Iterable[int], keep: bool, reason: str) -> Sight:
        """Without some dimensions: every entry left has seen all of theirs."""
        gone = {d % len(self.dims) for d in dims}
        # A dimension of one position can go without losing where it is.
        lost = {axis for d in gone if length_of(self.dims[d]) > 1 for axis in self.axes_of(d)}
        sight = self.collapsed(lost, reason).merged(gone)
        kept = tuple(
            () if d in gone else dim for d, dim in enumerate(sight.dims) if keep or d not in gone
        )
        labels = sight.labels
        if labels is not None and not keep:
            labels = labels.squeeze(tuple(gone))
        return Sight(kept, sight.fields, labels)


def _union(fields: Iterable[Mapping[int, Reach]]) -> Mapping[int, Reach]:
    apart: dict[int, dict[int, Reach]] = {}
    for field in fields:
        for axis, reach in field.items():
            apart.setdefault(axis, {})[id(reach)] = reach
    # Axes that share their past join alike; it is worked out once.
    known: dict[tuple[int, ...], Reach] = {}
    result = {}
    for axis, reaches in apart.items():
        key = tuple(reaches)
        if key not in known:
            known[key] = reduce(joined, reaches.values())
        result[axis] = known[key]
    return result


def _same(a: Mapping[int, Reach], b: Mapping[int, Reach]) -> bool:
    return a.keys() == b.keys() and all(
        a[axis] is b[axis]
        or (np.array_equal(a[axis].bounds, b[axis].bounds) and _equal_fields(a[axis], b[axis]))
        for axis in a
    )


def _equal_fields(a: Reach, b: Reach) -> bool:
    if a.field is None or b.field is None:
        return a.field is b.field and a.known == b.known
    return (a.field.lows, a.field.masks, a.field.advance) == (
        b.field.lows, b.field.masks, b.field.advance,
    )  # fmt: skip


def _distinct(
    dims: tuple[Dim, ...], fields: Sequence[Mapping[int, Reach]], labels: NDArray[np.int64]
) -> Sight:
    """The sight with equal fields under one label, and those that no entry has left out."""
    kept: list[Mapping[int, Reach]] = []
    number = {}
    for i in sorted(set(labels.ravel().tolist())):
        for j, other in enumerate(kept):
            if _same(fields[i], other):
                number[i] = j
                break
        else:
            number[i] = len(kept)
            kept.append(fields[i])
    if len(kept) == 1:
        return Sight(dims, tuple(kept))
    renumbered = np.vectorize(number.__getitem__, otypes=[np.int64])(labels)
    return Sight(dims, tuple(kept), renumbered)


def combined(sights: Sequence[Sight], shape: Sequence[int]) -> Sight:
    """What the entries of a result of `shape` see that combines operands, entry by entry."""
    if len(sights) == 1 and tuple(map(length_of, sights[0].dims)) == tuple(shape):
        return sights[0]
    sights = [
        s.spread(shape).expanded((1,) * (len(shape) - len(s.dims)) + tuple(map(length_of, s.dims)))
        for s in sights
    ]
    dims, lost = [], set()
    for d, size in enumerate(shape):
        dim, clash = matched([s.dims[d] for s in sights], size)
        dims.append(dim)
        lost |= clash
    met: set[int] = set()
    for dim in dims:
        lost |= met & axes_of(dim)  # one axis along two dimensions: every pair of positions meets
        met |= axes_of(dim)
    if lost:  # which entry sees which positions is not followed
        sights = [s.loosened_along(lost, "positions of one axis meet in pairs") for s in sights]
        for d, size in enumerate(shape):
            axes = set().union(*(s.axes_of(d) for s in sights))
            if axes & lost:
                dims[d] = ((tuple(sorted(axes)), size),)
    if all(s.labels is None for s in sights):
        return Sight(tuple(dims), (_union(s.fields[0] for s in sights),))
    pairs: dict[tuple[int, ...], int] = {}
    none = np.zeros((1,) * len(shape), dtype=np.int64)
    grids = np.broadcast_arrays(*(none if s.labels is None else s.labels for s in sights))
    labels = np.empty(grids[0].shape, dtype=np.int64)
    for place in np.ndindex(*labels.shape):
        labels[place] = pairs.setdefault(tuple(int(g[place]) for g in grids), len(pairs))
    fields = [_union(s.fields[i] for s, i in zip(sights, pair, strict=True)) for pair in pairs]
    return _distinct(tuple(dims), fields, labels)


def concatenated(
    parts: Sequence[tuple[Sight | None, Sequence[int]]], dim: int, shape: Sequence[int]
) -> Sight:
    """What the entries of a concatenation see; a part that depends on no input has no sight.

    Args:
        parts: the sight and the shape of each.
        dim: the dimension along which they lie, not negative.
        shape: of the result.
    """
    sights = [sight for sight, _ in parts if sight is not None]
    if any(sight.axes_of(dim) for sight in sights):
        reason = "positions are concatenated along an axis"
        return combined([s.loosened(dim, shape[dim], reason) for s in sights], shape)
    narrow = [
        Sight((*s.dims[:dim], (), *s.dims[dim + 1 :]), (s.field,))
        for s in (s.mixed() for s in sights)
    ]
    whole = combined(narrow, (*shape[:dim], 1, *shape[dim + 1 :]))
    fields: list[Mapping[int, Reach]] = []
    pieces = []
    for sight, _ in parts:
        sight = sight or Sight(whole.dims, ({},))
        one = np.zeros((1,) * len(shape), dtype=np.int64)
        pieces.append((one if sight.labels is None else sight.labels) + len(fields))
        fields += sight.fields
    grid = np.broadcast_shapes(*((*p.shape[:dim], 1, *p.shape[dim + 1 :]) for p in pieces))
    pieces = [
        np.broadcast_to(piece, (*grid[:dim], size[dim], *grid[dim + 1 :]))
        for piece, (_, size) in zip(pieces, parts, strict=True)
    ]
    dims = (*whole.dims[:dim], plain(shape[dim]), *whole.dims[dim + 1 :])
    # Where the operands' dimensions did not match, `whole` has given the axes up.
    kept = set().union(*map(axes_of, dims))
    lost = {a for s in sights for d in range(len(shape)) for a in s.axes_of(d)} - kept
    if lost:
        return Sight(dims, whole.fields)
    return _distinct(dims, fields, np.concatenate(pieces, axis=dim))


def contracted(
    sights: Sequence[tuple[Sight, Sequence[int | None]]], shape: Sequence[int], reason: str
) -> Sight:
    """What the entries of a sum of products see.

    Args:
        sights: each operand's, with the dimension of the result at which each of its own stands;
            `None` for one that is summed over.
        shape: of the result.
        reason: why an axis is gone that is summed over.
    """
    operands = []
    for sight, places in sights:
        summed = [d for d, place in enumerate(places) if place is None]
        left = sight.reduced(summed, keep=False, reason=reason)
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
        operands.append(Sight(tuple(dims), left.fields, labels))
    return combined(operands, shape)


def misaligned(sights: Sequence[Sight]) -> list[str]:
    """For each axis along which paths meet whose fields are not centred alike, how far apart."""
    told = []
    for axis in sorted(set().union(*(sight.field for sight in sights))):
        reaches = [sight.field[axis] for sight in sights if axis in sight.field]
        moving = {reach.offset for reach in reaches if reach.units > 1 and reach.offset is not None}
        if len(moving) > 1:
            apart = max(moving) - min(moving)
            told.append(f"paths meet whose fields are centred {apart} positions apart, axis {axis}")
    return told
