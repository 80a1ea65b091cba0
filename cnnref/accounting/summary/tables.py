"""A `Summary` as text: for the terminal, Markdown, CSV and HTML."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnref.accounting.summary.network import Summary
    from cnnref.accounting.summary.rows import Layer

__all__ = ["as_csv", "as_html", "as_markdown", "as_text"]

_COLUMNS = ("layer", "kind", "output", "parameters", "MACs", "receptive field", "jump")


def _times(values: Sequence[int | Fraction], squeeze: bool = False) -> str:
    """`3x224x224`; one number for all axes alike if `squeeze`."""
    if squeeze and len(set(values)) == 1:
        values = values[:1]
    return "x".join(str(value) for value in values)


def as_text(summary: Summary) -> str:
    """A table for the terminal, its totals and notes below."""
    cells = [list(_COLUMNS), *map(_cells, summary.layers)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    rule = "-" * max(map(len, lines))
    shapes = ", ".join(f"{name} {_times(shape)}" for name, shape in summary.inputs.items())
    head = f"{summary.model} on {shapes}"
    return "\n".join([head, rule, lines[0], rule, *lines[1:], rule, *_totals(summary)])


def as_markdown(summary: Summary) -> str:
    """A table for Markdown, its totals below."""
    rows = [
        "| " + " | ".join(_COLUMNS) + " |",
        "| :-- | :-- |" + " --: |" * (len(_COLUMNS) - 2),
        *("| " + " | ".join(cell or " " for cell in _cells(x)) + " |" for x in summary.layers),
    ]
    return "\n".join([*rows, "", *(f"{line}  " for line in _totals(summary))])


def as_csv(summary: Summary) -> str:
    """One line for each layer, numbers bare, axes separated by `x`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(layer, plain=True) for layer in summary.layers)
    return out.getvalue()


def as_html(summary: Summary) -> str:
    """A table for notebooks and pages."""
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in _COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(layer)) + "</tr>"
        for layer in summary.layers
    )
    foot = "".join(f"<p>{escape(line)}</p>" for line in _totals(summary))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


def _totals(summary: Summary) -> list[str]:
    extras, partial = summary.total_extras, summary.macs_status == "partial"
    frozen = summary.total_parameters - summary.total_trainable
    left = {name: count for name, count in asdict(extras).items() if count}
    uncounted = sorted({name for layer in summary.layers for name in layer.uncounted})
    return [
        f"parameters {summary.total_parameters:,}"
        + (f", of which {frozen:,} frozen" if frozen else "")
        + (f"; buffers {summary.total_buffers:,}" if summary.total_buffers else ""),
        f"MACs {'at least ' if partial else ''}{summary.total_macs:,} "
        f"(FLOPs {summary.total_flops:,})",
        *(
            ["outside the MACs: " + ", ".join(f"{name} {n:,}" for name, n in left.items())]
            if left
            else []
        ),
        *([f"not counted: {', '.join(uncounted)}"] if uncounted else []),
        *(f"note: {note}" for note in summary.notes),
    ]


def _cells(layer: Layer, plain: bool = False) -> list[str]:
    number = str if plain else "{:,}".format
    if layer.macs is None:
        macs = "" if plain else "not counted"
    else:
        macs = ("" if plain or layer.macs_status == "complete" else "≥ ") + number(layer.macs)
    if layer.receptive_field is not None:
        size = _times(layer.receptive_field, squeeze=not plain)
        clipped = layer.clipped or ()
        if not plain and any(c < r for c, r in zip(clipped, layer.receptive_field, strict=True)):
            size += f" ({_times(clipped, squeeze=True)} seen)"
    elif plain or layer.seen is None:
        size = ""
    else:
        alike = all((field.bounds == field.bounds[:, :1]).all() for field in layer.fields)
        lengths = [last - first + 1 for first, last in layer.seen]
        whole = f"all {_times(lengths, squeeze=True)}" if alike else "no single size"
        size = whole if layer.field_status == "complete" else "unknown"
    jump = "" if layer.jump is None else _times(layer.jump, squeeze=not plain)
    return [
        layer.name or "(model)",
        layer.kind + (" (again)" if layer.reused and not plain else ""),
        "not called" if layer.output_shape is None else _times(layer.output_shape),
        number(layer.parameters),
        macs,
        size,
        jump,
    ]
