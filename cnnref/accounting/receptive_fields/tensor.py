"""What the entries of one tensor see of the input, and what is left of it when some are combined.

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

from cnnref.accounting.receptive_fields.axis import AxisField, interleaved
from cnnref.accounting.receptive_fields.dims import (
    Atom,
    Dim,
    axes_of,
    channels_of,
    length_of,
    normal,
    plain,
)
from cnnref.accounting.receptive_fields.labels import AxisFields, differing, distinct, united

__all__ = ["TensorField"]


@dataclass(frozen=True, eq=False)
class TensorField:
    """What the entries of one tensor see.

    Args:
        dims: one for each dimension of the tensor.
        fields: the distinct fields of its entries, mostly one: an `AxisField` for each axis.
        labels: which field each entry has, an array that broadcasts over the dimensions: along one
            of several atoms it has a number for each entry of those that are no axis. `None` where
            there is one field.
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
        flat = self.flat()
        atoms = [(tuple(a for a in axes if a not in lost), size) for ((axes, size),) in flat.dims]
        collapsed = TensorField(tuple((atom,) for atom in atoms), flat.fields, flat.labels)
        return collapsed.mapped(
            lambda field: {
                axis: one.collapsed(reason, known) if axis in lost else one
                for axis, one in field.items()
            },
            collapsed.dims,
        ).together([sum(size != 1 for _, size in dim) for dim in self.dims])

    def loosened(self, dim: int, size: int, reason: str) -> TensorField:
        """With a dimension whose entries were rearranged, and are now `size`."""
        axes = self.axes_of(dim)
        new: Dim = ((tuple(sorted(axes)), size),) if axes else plain(size)
        result = self.merged({dim}).loosened_along(axes, reason)
        if self.labels is not None and self.labels.shape[dim] > 1:  # entries of several fields
            result = result.at_most_along(differing(self.fields), reason)
        dims = (*result.dims[:dim], new, *result.dims[dim + 1 :])
        return TensorField(dims, result.fields, result.labels)

    def loosened_along(self, axes: set[int], reason: str) -> TensorField:
        """With the entries along some axes rearranged, in whatever dimension they are."""
        return self.mapped(
            lambda field: {
                axis: one.loosened(reason) if axis in axes else one for axis, one in field.items()
            },
            self.dims,
        )

    def at_most_along(self, axes: Collection[int], reason: str) -> TensorField:
        """With one bound, along some axes, for entries that see different parts of it."""
        return self.mapped(
            lambda field: {a: r.at_most(reason) if a in axes else r for a, r in field.items()},
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

    def resized(self, dim: int, size: int) -> TensorField:
        """With a dimension of channels that now has `size` entries, each of which may see all."""
        result = self.collapsed(self.axes_of(dim), "all positions are combined").merged({dim})
        dims = (*result.dims[:dim], plain(size), *result.dims[dim + 1 :])
        return TensorField(dims, result.fields, result.labels)

    def grouped(self, groups: int, channels: int, dim: int) -> TensorField:
        """After a convolution: `channels` in `groups`, each of which sees its own part of `dim`."""
        if self.axes_of(dim) and groups != 1:
            return self.loosened(dim, channels, "each group sees some of the positions")
        if self.axes_of(dim):
            return self.resized(dim, channels)
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

    def flat(self) -> TensorField:
        """With a dimension for each atom."""
        atoms: list[Dim] = [(atom,) for dim in self.dims for atom in dim if atom[1] != 1]
        if self.labels is None:
            return TensorField(tuple(atoms), self.fields)
        shape = [
            1 if axes or extent == 1 else size
            for dim, extent in zip(self.dims, self.labels.shape, strict=True)
            for axes, size in dim
            if size != 1
        ]
        return TensorField(tuple(atoms), self.fields, self.labels.reshape(shape))

    def together(self, groups: Sequence[int]) -> TensorField:
        """With so many neighbouring atoms in each dimension."""
        dims: list[Dim] = []
        full: list[int] = []
        shape: list[int] = []
        at = 0
        for count in groups:
            atoms: list[Atom] = [atom for dim in self.dims[at : at + count] for atom in dim]
            dims.append(normal(atoms))
            if self.labels is not None:
                varies = max(self.labels.shape[at : at + count], default=1) > 1
                full += [size if varies and not axes else 1 for axes, size in atoms]
                shape.append(channels_of(dims[-1]) if varies else 1)
            at += count
        if self.labels is None:
            return TensorField(tuple(dims), self.fields)
        labels = np.broadcast_to(self.labels, full).reshape(shape)
        return TensorField(tuple(dims), self.fields, labels)

    def unflattened(self, dim: int, reason: str) -> TensorField:
        """With one run of positions in a dimension: that which a view had cut, or, of several axes,
        positions of which nobody knows which is where."""
        result = self.settled(dim)
        if len(result.dims[dim]) == 1:
            return result
        return result.loosened(dim, length_of(result.dims[dim]), reason)

    def settled(self, dim: int) -> TensorField:
        """With what a view had cut, and has put together again, as one run of positions."""
        atoms = self.dims[dim]
        if len(atoms) != 2 or not atoms[0][0] or atoms[1][0]:
            return self
        (axes, n), (_, times) = atoms
        dims = (*self.dims[:dim], ((axes, n * times),), *self.dims[dim + 1 :])
        labels = self.labels
        if labels is None or labels.shape[dim] == 1:
            rows = [(i,) * times for i in range(len(self.fields))]
        else:
            last = np.moveaxis(labels, dim, -1)
            found, inverse = np.unique(last.reshape(-1, times), axis=0, return_inverse=True)
            rows = [tuple(row) for row in found.tolist()]
            labels = np.expand_dims(inverse.reshape(last.shape[:-1]), dim)
        fields = [self._woven([self.fields[i] for i in row], axes, n) for row in rows]
        return TensorField(dims, *((tuple(fields), None) if labels is None
                                   else distinct(fields, labels)))  # fmt: skip

    @staticmethod
    def _woven(parts: Sequence[AxisFields], axes: Sequence[int], n: int) -> AxisFields:
        """The field of units that are, in turn, those of several layers of `n`."""
        woven: dict[int, AxisField] = {}
        for axis in sorted(set().union(*parts)):
            if axis in axes:
                woven[axis] = interleaved([part.get(axis) for part in parts], n)
                continue
            ones = [{axis: part[axis]} for part in parts if axis in part]
            together = united(ones)[axis]
            alike = len(ones) == len(parts) and all(one[axis].key == together.key for one in ones)
            woven[axis] = together if alike else together.at_most("positions are interleaved")
        return woven

    @cached_property
    def told(self) -> AxisFields:
        """The field of all entries together, once what a view had cut is whole again."""
        result = self
        for dim in range(len(self.dims)):
            result = result.settled(dim)
        return result.union

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
