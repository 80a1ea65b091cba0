"""A `Summary` as HTML whose blocks unfold, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from cnnref.accounting.summary.columns import COLUMNS
from cnnref.accounting.summary.tables import heading, totals

if TYPE_CHECKING:
    from cnnref.accounting.summary.network import Summary
    from cnnref.accounting.summary.rows import Layer

__all__ = ["as_html"]

_STYLE = (
    ".cnnref-summary{overflow-x:auto;font-size:.85em;line-height:1.6}"
    ".cnnref-summary div,.cnnref-summary summary{display:grid;grid-template-columns:COLUMNS;"
    "column-gap:1em;min-width:max-content}"
    ".cnnref-summary summary{cursor:pointer;font-weight:600}"
    ".cnnref-summary .head{border-bottom:1px solid;font-weight:600}"
    ".cnnref-summary span{white-space:nowrap}"
    ".cnnref-summary .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".cnnref-summary summary>span:first-child:before{content:'\\25B8\\00A0'}"
    ".cnnref-summary details[open]>summary>span:first-child:before{content:'\\25BE\\00A0'}"
    ".cnnref-summary p{margin:.3em 0}"
)


def as_html(summary: Summary, columns: Sequence[str], opened: int) -> str:
    """For notebooks and pages: a row for each layer, in blocks that unfold.

    Args:
        summary: all rows.
        columns: names of those that are shown.
        opened: how deep the blocks are open at first.
    """
    chosen = [COLUMNS[name] for name in columns]
    cells = [[column.title for column in chosen]]
    cells += [[column.text(layer, summary) for column in chosen] for layer in summary.layers]
    # Every row is a grid of its own, so the widths are the same only if they are said.
    letters = [max(map(len, column)) for column in zip(*cells, strict=True)]
    widths = " ".join(f"{0.62 * n + (2 if not i else 0):.1f}em" for i, n in enumerate(letters))
    head = "".join(
        f"<span{' class=number' if column.right else ''}>{escape(column.title)}</span>"
        for column in chosen
    )
    foot = "".join(f"<p>{escape(line)}</p>" for line in totals(summary))
    return (
        f"<style>{_STYLE.replace('COLUMNS', widths)}</style>"
        f'<div class="cnnref-summary" style="display:block"><p>{escape(heading(summary))}</p>'
        f'<div class="head">{head}</div>'
        f"{_level(summary, summary.layers, columns, 1, opened)}{foot}</div>"
    )


def _level(
    summary: Summary, layers: Sequence[Layer], columns: Sequence[str], depth: int, opened: int
) -> str:
    """The rows of one block, its own blocks folded among them."""
    found = []
    for name, rows in summary.grouped(layers, depth):
        if all(row.name == name for row in rows):  # not what is inside a block
            found += [f"<div>{_row(summary, row, columns, depth)}</div>" for row in rows]
            continue
        inside = _level(summary, rows, columns, depth + 1, opened)
        block = _row(summary, summary.block(name, rows), columns, depth)
        state = " open" if depth < opened else ""
        found.append(f"<details{state}><summary>{block}</summary>{inside}</details>")
    return "".join(found)


def _row(summary: Summary, layer: Layer, columns: Sequence[str], depth: int) -> str:
    found = []
    for i, name in enumerate(columns):
        column = COLUMNS[name]
        style = " class=number" if column.right else ""
        if i == 0:
            style += f' style="padding-left:{depth - 1}em"' if depth > 1 else ""
        found.append(f"<span{style}>{escape(column.text(layer, summary))}</span>")
    return "".join(found)
