"""Which entry of a tensor has which field: unions of fields, and labels for distinct ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.receptive_fields.axis import AxisField, joined

__all__ = ["AxisFields", "differing", "distinct", "same", "united"]

AxisFields = Mapping[int, AxisField]
"""What an entry sees: a field for each axis of the input, by the axis's number."""


def united(fields: Iterable[AxisFields]) -> AxisFields:
    """The union of fields, axis by axis."""
    fields = [*fields]
    if len(fields) == 1:
        return fields[0]
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
        a[axis] is b[axis] or a[axis].key == b[axis].key for axis in a
    )


def differing(fields: Sequence[AxisFields]) -> set[int]:
    """The axes of which some of the fields say something else than others."""
    first = fields[0]
    return {
        axis
        for axis in set().union(*fields)
        if any(
            axis not in field or axis not in first or field[axis].key != first[axis].key
            for field in fields
        )
    }


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
    known: dict[Any, int] = {}
    number = np.zeros(len(fields), dtype=np.int64)
    for i in np.unique(labels).tolist():
        key = frozenset((axis, field.key) for axis, field in fields[i].items())
        if key not in known:
            known[key] = len(kept)
            kept.append(fields[i])
        number[i] = known[key]
    return tuple(kept), None if len(kept) == 1 else number[labels]
