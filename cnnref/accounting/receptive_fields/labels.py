"""Which entry of a tensor has which field: unions of fields, and labels for distinct ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.receptive_fields.axis import AxisField, joined

__all__ = ["AxisFields", "distinct", "same", "united"]

AxisFields = Mapping[int, AxisField]
"""What an entry sees: a field for each axis of the input, by the axis's number."""


def united(fields: Iterable[AxisFields]) -> AxisFields:
    """The union of fields, axis by axis."""
    apart: dict[int, dict[int, AxisField]] = {}
    for field in fields:
        for axis, one in field.items():
            apart.setdefault(axis, {})[id(one)] = one
    # Axes that share their past join alike; it is worked out once.
    known: dict[tuple[int, ...], AxisField] = {}
    result = {}
    for axis, ones in apart.items():
        key = tuple(ones)
        if key not in known:
            known[key] = reduce(joined, ones.values())
        result[axis] = known[key]
    return result


def same(a: AxisFields, b: AxisFields) -> bool:
    """Whether two fields say the same."""
    return a.keys() == b.keys() and all(
        a[axis] is b[axis] or _same_along(a[axis], b[axis]) for axis in a
    )


def _same_along(a: AxisField, b: AxisField) -> bool:
    if (a.known, a.loose, a.thinned) != (b.known, b.loose, b.thinned):
        return False
    if not np.array_equal(a.bounds, b.bounds):
        return False
    if a.unclipped is None or b.unclipped is None:
        return a.unclipped is b.unclipped
    return (a.unclipped.lows, a.unclipped.masks, a.unclipped.advance) == (
        b.unclipped.lows, b.unclipped.masks, b.unclipped.advance,
    )  # fmt: skip


def distinct(
    fields: Sequence[AxisFields], labels: NDArray[np.int64]
) -> tuple[tuple[AxisFields, ...], NDArray[np.int64] | None]:
    """Fields and labels again: equal fields under one label, those that no entry has left out.

    Args:
        fields: some of them may be equal.
        labels: which of them each entry has.

    Returns:
        The fields that differ, and the labels; `None` for labels where there is one field.
    """
    kept: list[AxisFields] = []
    number = {}
    for i in sorted(set(labels.ravel().tolist())):
        for j, other in enumerate(kept):
            if same(fields[i], other):
                number[i] = j
                break
        else:
            number[i] = len(kept)
            kept.append(fields[i])
    if len(kept) == 1:
        return tuple(kept), None
    renumbered = np.vectorize(number.__getitem__, otypes=[np.int64])(labels)
    return tuple(kept), renumbered
