"""A `Summary` as text: for the terminal, Markdown and LaTeX; and all its values, as CSV."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from cnnref.accounting.summary.columns import COLUMNS, SHOWN, times
from cnnref.accounting.summary.rows import Layer
from cnnref.errors import unknown

if TYPE_CHECKING:
    from cnnref.accounting.summary.network import Summary

__all__ = [
    "aligned",
    "as_csv",
    "as_latex",
    "as_markdown",
    "as_text",
    "check_depth",
    "checked_columns",
    "fitting",
    "heading",
    "piped",
    "preformatted",
    "totals",
]


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


def check_depth(depth: int | str | None) -> None:
    """Nothing, if it says how deep blocks are told apart.

    Raises:
        ValueError: it does not.
    """
    whole = isinstance(depth, int) and not isinstance(depth, bool)
    if not (whole or depth is None or depth == "auto"):
        raise ValueError(f"depth must be a whole number, 'auto' or None for all, got {depth!r}")
    if isinstance(depth, int) and depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")


def aligned(cells: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Lines of a table for the terminal, some of whose columns are set flush right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for flush, cell, width in zip(right, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]


def fitting(tables: Iterable[Callable[[], str]]) -> str:
    """The first of some tables that fits into the terminal, or the last of them; the first, where
    there is no terminal."""
    room = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    told = ""
    for table in tables:
        told = table()
        rule = max(len(line) for line in told.splitlines() if line.startswith("---"))
        if room is None or rule <= room:
            break
    return told


def preformatted(text: str) -> str:
    """A table for the terminal, as it shows in a notebook."""
    return f'<pre style="line-height:1.4">{escape(text)}</pre>'


def piped(cells: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Lines of a table for Markdown, the first of them its head."""

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") or " " for cell in row) + " |"

    head, *rows = map(line, cells)
    return [head, line(["--:" if flush else ":--" for flush in right]), *rows]


def as_text(summary: Summary, columns: Sequence[str], note: str) -> str:
    """A table for the terminal, its totals and notes below."""
    chosen = [COLUMNS[name] for name in columns]
    cells = [[column.title for column in chosen], *_cells(summary, columns)]
    lines = aligned(cells, [column.right for column in chosen])
    rule = "-" * max(map(len, lines))
    below = [*([note] if note else []), *totals(summary)]
    return "\n".join([heading(summary), rule, lines[0], rule, *lines[1:], rule, *below])


def as_markdown(summary: Summary, columns: Sequence[str]) -> str:
    """A table for Markdown, its totals below."""
    chosen = [COLUMNS[name] for name in columns]
    cells = [[column.title for column in chosen], *_cells(summary, columns)]
    lines = piped(cells, [column.right for column in chosen])
    return "\n".join([*lines, "", *(f"{told}  " for told in totals(summary))])


def as_latex(summary: Summary, columns: Sequence[str]) -> str:
    """A table for LaTeX with the package `booktabs`, its totals in comments above."""
    chosen = [COLUMNS[name] for name in columns]

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_escaped, cells)) + r" \\"

    return "\n".join(
        [
            *(f"% {told}" for told in [heading(summary), *totals(summary)]),
            rf"\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in chosen)}}}",
            r"\toprule",
            line([column.title for column in chosen]),
            r"\midrule",
            *map(line, _cells(summary, columns)),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


_LATEX = str.maketrans(
    {**{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": r"\textbackslash{}", "≤": r"$\leq$",
     "≥": r"$\geq$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)  # fmt: skip


def _escaped(cell: str) -> str:
    return cell.translate(_LATEX)


def as_csv(summary: Summary) -> str:
    """All values of all rows, by the names that `Layer` gives them, numbers bare.

    Axes are separated by `x`, fractions are exact, `first:last` is a range; what is not there is
    empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = [_flat(layer.values()) for layer in summary.layers]
    writer.writerow(_flat(Layer("", "", None).values()))
    writer.writerows([_bare(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """The extras side by side with the others."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= (
            {f"extras_{kind}": n for kind, n in value.items()}
            if name == "extras"
            else {name: value}
        )
    return found


def _bare(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, tuple):
        return str(value)
    if value and isinstance(value[0], tuple):
        return "x".join(f"{first}:{last}" for first, last in value)
    return " ".join(value) if value and isinstance(value[0], str) else times(value)


def heading(summary: Summary) -> str:
    """What was counted, and on which input."""
    shapes = ", ".join(f"{name} {times(shape)}" for name, shape in summary.inputs.items())
    return f"{summary.model} on {shapes}"


def totals(summary: Summary) -> list[str]:
    """What is said below a table."""
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


def _cells(summary: Summary, columns: Sequence[str]) -> list[list[str]]:
    return [[COLUMNS[name].text(layer, summary) for name in columns] for layer in summary.layers]
