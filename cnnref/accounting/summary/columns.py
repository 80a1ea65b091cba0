"""The columns that a summary can be shown with, one line for each, and what is said of totals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from cnnref.accounting.summary.rows import Layer
from cnnref.errors import unknown

__all__ = [
    "COLUMNS",
    "OF_A_STEP",
    "SHOWN",
    "Column",
    "checked_columns",
    "megabytes",
    "times",
    "totals",
]


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        title: its heading.
        text: the cell of a row, given the row and that of the whole network.
        right: whether it is set flush right, as numbers are.
    """

    title: str
    text: Callable[[Layer, Layer], str]
    right: bool = True


def times(values: Sequence[int | Fraction] | None, squeeze: bool = False) -> str:
    """`3x224x224`; one number for all axes alike if `squeeze`, nothing for `None`."""
    values = values or ()
    if squeeze and len(set(values)) == 1:
        values = values[:1]
    return "x".join(str(value) for value in values)


def megabytes(number: int) -> str:
    """`12.3 MB`, of 10^6 bytes; less than a tenth in kilobytes."""
    if number < 100_000:
        return f"{number / 1e3:,.1f} kB" if number else "0 MB"
    return f"{number / 1e6:,.1f} MB"


def _name(layer: Layer, _: Layer) -> str:
    return layer.name or "(model)"


def _kind(layer: Layer, _: Layer) -> str:
    return layer.kind + (" (again)" if layer.reused else "")


def _output(layer: Layer, _: Layer) -> str:
    return "not called" if layer.output_shape is None else times(layer.output_shape)


def _counted(layer: Layer, number: int | None) -> str:
    if number is None:
        return "not counted"
    return ("" if layer.macs_status == "complete" else "≥ ") + f"{number:,}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def _memory(number: int | None) -> str:
    return "" if number is None else megabytes(number)


def _by_input(layer: Layer, values: Sequence[Any] | None) -> str:
    """Numbers for each axis; where a layer may see several inputs, those of each with its name."""
    names = dict.fromkeys(layer.field_inputs)
    if values is None or [*names] in ([], ["input"]):
        return times(values, squeeze=True)
    pairs = [*zip(values, layer.field_inputs, strict=True)]
    return ", ".join(
        f"{name} {times([value for value, one in pairs if one == name], squeeze=True)}"
        for name in names
    )


def _field(layer: Layer) -> str:
    """The receptive field, or what all units see, or a bound of it."""
    if layer.clipped is None or layer.seen is None:
        return ""
    if layer.receptive_field is not None:
        size = _by_input(layer, layer.receptive_field)
        smaller = any(c < r for c, r in zip(layer.clipped, layer.receptive_field, strict=True))
        return size + (f" ({_by_input(layer, layer.clipped)} seen)" if smaller else "")
    if layer.field_status != "complete":
        return f"≤ {_by_input(layer, layer.clipped)}"
    if not all((field.bounds == field.bounds[:, :1]).all() for field in layer.fields):
        return "no single size"
    everything = all(
        seen == (0, n - 1) for seen, (_, n) in zip(layer.seen, layer.axes, strict=True)
    )
    return f"{'all' if everything else 'the same'} {_by_input(layer, layer.clipped)}"


def _ranges(layer: Layer, _: Layer) -> str:
    if layer.seen is None:
        return ""
    ranges = " x ".join(f"{first} to {last}" for first, last in layer.seen)
    return f"within {ranges}" if layer.field_status == "unavailable" else ranges


def _field_and_without_gates(layer: Layer, _: Layer) -> str:
    """The field, and the other one where that tells more."""
    told, plain = _field(layer), layer.without_gates
    if layer.receptive_field is None and plain.receptive_field is not None:
        told += f" ({_by_input(plain, plain.receptive_field)} without gates)"
    return told


COLUMNS: dict[str, Column] = {
    "name": Column("layer", _name, right=False),
    "kind": Column("kind", _kind, right=False),
    "input_shape": Column("input", lambda row, _: times(row.input_shape)),
    "output_shape": Column("output", _output),
    "kernel": Column("kernel", lambda row, _: times(row.kernel)),
    "stride": Column("stride", lambda row, _: times(row.stride, squeeze=True)),
    "dtype": Column("dtype", lambda row, _: row.dtype, right=False),
    "parameters": Column("parameters", lambda row, _: f"{row.parameters:,}"),
    "parameter_share": Column(
        "of all parameters", lambda row, all_: _share(row.parameters, all_.parameters)
    ),
    "trainable": Column("trainable", lambda row, _: f"{row.trainable:,}"),
    "buffers": Column("buffers", lambda row, _: f"{row.buffers:,}"),
    "macs": Column("MACs", lambda row, _: _counted(row, row.macs)),
    "mac_share": Column("of all MACs", lambda row, all_: _share(row.macs or 0, all_.macs or 0)),
    "flops": Column("FLOPs", lambda row, _: _counted(row, row.flops)),
    "backward_macs": Column("backward MACs", lambda row, _: _counted(row, row.backward_macs)),
    "parameter_bytes": Column("parameters' memory", lambda row, _: _memory(row.parameter_bytes)),
    "output_bytes": Column("output's memory", lambda row, _: _memory(row.output_bytes)),
    "saved_bytes": Column("kept for backward", lambda row, _: _memory(row.saved_bytes)),
    "receptive_field": Column("receptive field", _field_and_without_gates),
    "receptive_field_without_gates": Column(
        "field without gates", lambda row, _: _field(row.without_gates)
    ),
    "support": Column("support", lambda row, _: _by_input(row, row.support)),
    "jump": Column("jump", lambda row, _: _by_input(row, row.jump)),
    "jump_without_gates": Column(
        "jump without gates",
        lambda row, _: _by_input(row.without_gates, row.jump_without_gates),
    ),
    "start": Column("start", lambda row, _: _by_input(row, row.start)),
    "seen": Column("positions seen", _ranges),
    "reason": Column("why no field", lambda row, _: row.reason, right=False),
}
"""All columns, by the name of what they show."""

OF_A_STEP = frozenset({"backward_macs", "saved_bytes"})
"""Columns for which a training step has to be taken."""

SHOWN = ("name", "kind", "output_shape", "parameters", "macs", "receptive_field", "jump")
"""The columns that are shown where nobody asks for others."""


def checked_columns(columns: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the columns to show.

    Raises:
        ValueError: there is no such column.
    """
    if columns is None:
        return SHOWN
    if isinstance(columns, str):
        raise ValueError(f"columns are a list of names, such as {[columns]!r}, got {columns!r}")
    for name in columns:
        if name not in COLUMNS:
            raise ValueError(unknown("column", name, COLUMNS))
    return tuple(columns)


def totals(whole: Layer) -> list[str]:
    """What is said of the whole network below a table."""
    frozen = whole.parameters - whole.trainable
    extras = [f"{name} {count:,}" for name, count in asdict(whole.extras).items() if count]
    return [
        f"parameters {whole.parameters:,}"
        + (f", of which {frozen:,} frozen" if frozen else "")
        + (f"; buffers {whole.buffers:,}" if whole.buffers else ""),
        f"MACs {'at least ' if whole.macs_status == 'partial' else ''}{whole.macs:,} "
        f"(FLOPs {whole.flops:,})",
        *([f"outside the MACs: {', '.join(extras)}"] if extras else []),
        *([f"not counted: {', '.join(whole.uncounted)}"] if whole.uncounted else []),
    ]
