"""What the entries of one tensor see of the input, through views, slices and reductions.

An `AxisField` speaks of one axis. A tensor has several dimensions, and a network reshapes, permutes
and reduces them. A `TensorField` keeps the books: which dimension moves along which axis of the
input (a dimension that was flattened moves along several), one `AxisField` for each axis, and,
where a concatenation has put channels of different fields side by side, which channel has which.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.receptive_fields.axis import AxisField
from cnnref.accounting.receptive_fields.dims import Dim, axes_of, length_of, plain, regrouped
from cnnref.accounting.receptive_fields.labels import AxisFields, distinct, united
from cnnref.accounting.receptive_fields.taps import Taps

__all__ = ["TensorField"]


@dataclass(frozen=True, eq=False)
class TensorField:
    """What the entries of one tensor see.

    Args:
        dims: one for each dimension of the tensor.
        fields: the distinct fields of its entries, mostly one: an `AxisField` for each axis.
        labels: which field each entry has, an array that broadcasts over the dimensions (axes have
            length 1); `None` where there is one field.
    """

    dims: tuple[Dim, ...]
    fields: tuple[AxisFields, ...]
    labels: NDArray[np.int64] | None = None

    @staticmethod
    def of_input(shape: Sequence[int], axes: Mapping[int, int]) -> TensorField:
        """An input whose dimensions `axes` are the axes of those numbers, none of length 0."""
        # Axes of one size share a field, so that what is computed for one is known for the other.
        known = {n: AxisField.of_input(n) for n in {shape[d] for d in axes}}
        return TensorField(
            tuple(((((axes[d],), n),) if d in axes else plain(n)) for d, n in enumerate(shape)),
            ({axis: known[shape[d]] for d, axis in axes.items()},),
        )

    @cached_property
    def union(self) -> AxisFields:
        """The field of all entries together, for each axis."""
        return self.fields[0] if len(self.fields) == 1 else united(self.fields)

    def axes_of(self, dim: int) -> set[int]:
        """The axes that a dimension moves along."""
        return axes_of(self.dims[dim])

    def mapped(
        self, change: Callable[[AxisFields], AxisFields], dims: tuple[Dim, ...]
    ) -> TensorField:
        """With other dimensions, as many as now, and every field changed."""
        return TensorField(dims, tuple(change(field) for field in self.fields), self.labels)

    def mixed(self) -> TensorField:
        """With one field for all entries."""
        return self if self.labels is None else TensorField(self.dims, (self.union,))

    def merged(self, over: Collection[int]) -> TensorField:
        """With one field for entries that differ only along the dimensions `over`."""
        if self.labels is None:
            return self
        kept = [d for d in range(len(self.dims)) if d not in over]
        shape = [self.labels.shape[d] if d in kept else 1 for d in range(len(self.dims))]
        parts = self.labels.transpose(*kept, *over).reshape(prod(shape), -1)
        fields = [united([self.fields[i] for i in sorted(set(part.tolist()))]) for part in parts]
        return TensorField(self.dims, *distinct(fields, np.arange(len(fields)).reshape(shape)))

    def collapsed(self, axes: Iterable[int], reason: str, known: bool = True) -> TensorField:
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
                axis: one.collapsed(reason, known) if axis in lost else one
                for axis, one in field.items()
            },
            dims,
        )

    def loosened(self, dim: int, size: int, reason: str) -> TensorField:
        """With a dimension whose entries were rearranged, and are now `size`."""
        axes = self.axes_of(dim)
        if not axes:
            return self.resized(dim, size)
        new: Dim = ((tuple(sorted(axes)), size),)
        result = self.mixed().loosened_along(axes, reason)
        return TensorField((*result.dims[:dim], new, *result.dims[dim + 1 :]), result.fields)

    def loosened_along(self, axes: set[int], reason: str) -> TensorField:
        """With the entries along some axes rearranged, in whatever dimension they are."""
        return self.mapped(
            lambda field: {
                axis: one.loosened(reason) if axis in axes else one for axis, one in field.items()
            },
            self.dims,
        )

    def thinned_along(self, axes: set[int]) -> TensorField:
        """With some positions along some axes left out, nobody knows which."""
        return self.mapped(
            lambda field: {a: r.thin() if a in axes else r for a, r in field.items()}, self.dims
        )

    def unknown(self, reason: str, shape: Sequence[int]) -> TensorField:
        """After an operation without a rule: a tensor of `shape`."""
        field = {axis: one.collapsed(reason, known=False) for axis, one in self.union.items()}
        return TensorField(tuple(map(plain, shape)), (field,))

    def through(
        self,
        layer: Mapping[int, tuple[Taps, int]],
        each: Callable[[AxisField, Taps, int], AxisField] = AxisField.through,
    ) -> TensorField:
        """What the entries of a layer on top see, which slides over dimensions.

        Args:
            layer: for each dimension that it slides over, its taps and the number of its outputs.
            each: `AxisField.through`, or a memory of it.
        """
        result, dims, fields = self, list(self.dims), [dict(field) for field in self.fields]
        for dim, (taps, outputs) in layer.items():
            flattened = len(dims[dim]) > 1
            if flattened or (result.labels is not None and result.labels.shape[dim] > 1):
                result = TensorField(tuple(dims), tuple(fields), result.labels)
                if flattened:
                    reason = "a window slides over a flattened axis"
                    result = result.loosened(dim, length_of(dims[dim]), reason)
                result = result.mixed()
                dims, fields = list(result.dims), [dict(field) for field in result.fields]
            axes, n = axes_of(dims[dim]), length_of(dims[dim])
            dims[dim] = ((tuple(axes), outputs),) if axes else plain(outputs)
            for field in fields:
                for axis in axes & field.keys():
                    below = field[axis].over(n)
                    if below.loose and not taps.reads_all(n, outputs):
                        below = below.thin()
                    field[axis] = each(below, taps, outputs)
        return TensorField(tuple(dims), tuple(fields), result.labels)

    def resized(self, dim: int, size: int) -> TensorField:
        """With a dimension of channels that now has `size` entries, each of which may see all."""
        result = self.collapsed(self.axes_of(dim), "all positions are combined").mixed()
        return TensorField(
            (*result.dims[:dim], plain(size), *result.dims[dim + 1 :]), result.fields
        )

    def grouped(self, groups: int, channels: int, dim: int) -> TensorField:
        """After a convolution: `channels` in `groups`, each of which sees its own part of `dim`."""
        dims = (*self.dims[:dim], plain(channels), *self.dims[dim + 1 :])
        if self.labels is None:
            return TensorField(dims, self.fields)
        old = self.labels
        if groups == 1 or old.shape[dim] == 1:
            return TensorField(dims, self.fields, old).merged({dim})
        apart = old.reshape(*old.shape[:dim], groups, -1, *old.shape[dim + 1 :])
        inner = (*dims[:dim], (), (), *dims[dim + 1 :])
        each = TensorField(inner, self.fields, apart).merged({dim + 1})
        if each.labels is None:
            return TensorField(dims, each.fields)
        labels = each.labels.squeeze(dim + 1).repeat(channels // groups, axis=dim)
        return TensorField(dims, each.fields, labels)

    def permuted(self, order: Sequence[int]) -> TensorField:
        """With the dimensions in another order."""
        labels = None if self.labels is None else self.labels.transpose(order)
        return TensorField(tuple(self.dims[d] for d in order), self.fields, labels)

    def reshaped(self, shape: Sequence[int]) -> TensorField:
        """Viewed in another shape of as many entries."""
        dims, result = regrouped(self.dims, shape), self
        if dims is None:
            reason = "a view cuts through an axis"
            union = {axis: one.scattered(reason) for axis, one in self.union.items()}
            return TensorField(tuple(map(plain, shape)), (union,))
        dims = tuple(tuple(a for a in dim if a[1] != 1) for dim in dims)
        labels = result.labels
        if labels is not None:
            old = [1 if axes_of(dim) else length_of(dim) for dim in result.dims]
            new = [1 if axes_of(dim) else n for dim, n in zip(dims, shape, strict=True)]
            if prod(old) != prod(new):
                return TensorField(dims, (result.union,))
            labels = np.broadcast_to(labels, old).reshape(new)
        return TensorField(dims, result.fields, labels)

    def expanded(self, shape: Sequence[int]) -> TensorField:
        """Broadcast to a larger shape."""
        extra = len(shape) - len(self.dims)
        result = self.spread(shape)
        old = ((),) * extra + result.dims
        dims = tuple(
            dim if length_of(dim) == n else plain(n) for dim, n in zip(old, shape, strict=True)
        )
        labels = result.labels
        if labels is not None:
            labels = labels.reshape((1,) * extra + labels.shape)
        return TensorField(dims, result.fields, labels)

    def spread(self, shape: Sequence[int]) -> TensorField:
        """With no single field along each axis whose only position a larger shape repeats."""
        last = zip(self.dims, shape[len(shape) - len(self.dims) :], strict=True)
        axes = {a for dim, n in last if n != 1 and length_of(dim) == 1 for a in axes_of(dim)}
        if not axes:
            return self

        def change(field: AxisFields) -> AxisFields:
            reason = "one position is spread over all"
            return {a: r.taken(0, reason) if a in axes else r for a, r in field.items()}

        return self.mapped(change, self.dims)

    def sliced(self, dim: int, start: int, outputs: int, stride: int) -> TensorField:
        """Every `stride`-th of a dimension's entries, from `start`."""
        if outputs == length_of(self.dims[dim]):
            return self
        if axes_of(self.dims[dim]):
            taps = Taps.window(1, stride, (-start, 0))
            return self.through({dim: (taps, outputs)})
        dims = (*self.dims[:dim], plain(outputs), *self.dims[dim + 1 :])
        if self.labels is None or self.labels.shape[dim] == 1:
            return TensorField(dims, self.fields, self.labels)
        kept = np.arange(start, start + outputs * stride, stride)
        return TensorField(dims, *distinct(self.fields, np.take(self.labels, kept, axis=dim)))

    def selected(self, dim: int, index: int) -> TensorField:
        """One entry of a dimension, which is then gone."""
        result = self
        if len(self.dims[dim]) > 1:
            reason = "one position of a flattened axis is taken"
            result = self.loosened(dim, length_of(self.dims[dim]), reason)
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

    def reduced(self, dims: Iterable[int], keep: bool, reason: str) -> TensorField:
        """Without some dimensions: every entry left has seen all of theirs."""
        gone = {d % len(self.dims) for d in dims}
        # A dimension of one position can go without losing where it is.
        lost = {axis for d in gone if length_of(self.dims[d]) > 1 for axis in self.axes_of(d)}
        result = self.collapsed(lost, reason).merged(gone)
        kept = tuple(
            () if d in gone else dim for d, dim in enumerate(result.dims) if keep or d not in gone
        )
        labels = result.labels
        if labels is not None and not keep:
            labels = labels.squeeze(tuple(gone))
        return TensorField(kept, result.fields, labels)
