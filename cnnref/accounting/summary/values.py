"""The values of rows, all of them and bare: for JSON, CSV and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from cnnref.accounting.summary.columns import times
from cnnref.accounting.summary.rows import VALUES, Layer

__all__ = ["as_csv", "as_dict", "as_frame"]


def as_dict(row: Layer) -> dict[str, Any]:
    """A row in values that JSON knows. A fraction is a number, or a text such as "1/3" where no
    number is exact."""
    return {name: _jsonable(value) for name, value in row.values().items()}


def _jsonable(value: Any) -> Any:
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return int(value)
        return float(value) if Fraction(float(value)) == value else str(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value


def as_csv(rows: Iterable[Layer]) -> str:
    """All values of all rows, by the names that `Layer` gives them, numbers bare.

    Axes are separated by `x`, fractions are exact, `first:last` is a range; what is not there is
    empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_flat(Layer("", "", None)))
    writer.writerows([_bare(value) for value in _flat(row).values()] for row in rows)
    return out.getvalue()


def _flat(row: Layer) -> dict[str, Any]:
    """The values of a row, its extras side by side with the others."""
    found: dict[str, Any] = {}
    for name, value in row.values().items():
        if name == "extras":
            found |= {f"extras_{kind}": n for kind, n in value.items()}
        else:
            found[name] = value
    return found


def _bare(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, tuple):
        return str(value)
    if value and isinstance(value[0], tuple):
        return "x".join(f"{first}:{last}" for first, last in value)
    return " ".join(value) if value and isinstance(value[0], str) else times(value)


def as_frame(rows: Iterable[Layer]) -> Any:
    """A pandas data frame, one row for each.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "to_frame needs pandas: pip install pandas; to_dict and to_csv do without"
        ) from error
    return pd.DataFrame([row.values() for row in rows], columns=[*VALUES]).set_index("name")
