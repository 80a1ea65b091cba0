"""The rows of a network as HTML whose blocks unfold, without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from cnnref.accounting.summary.blocks import block_row, grouped
from cnnref.accounting.summary.columns import COLUMNS
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


def as_html(
    layers: Sequence[Layer],
    blocks: Mapping[str, Layer],
    whole: Layer,
    columns: Sequence[str],
    opened: int,
    *,
    above: str,
    below: Sequence[str],
) -> str:
    """For notebooks and pages: a row for each layer, in blocks that unfold.

    Args:
        layers: all rows.
        blocks: by name.
        whole: the row of the whole network.
        columns: names of those that are shown.
        opened: how deep the blocks are open at first.
        above: a line above the table.
        below: lines below it.
    """
    chosen = [COLUMNS[name] for name in columns]

    def told(layer: Layer) -> list[str]:
        return [column.text(layer, whole) for column in chosen]

    def line(cells: Sequence[str], depth: int = 1) -> str:
        """A row of the table, its first cell set in as deep as its block lies."""
        spans = []
        for place, (column, cell) in enumerate(zip(chosen, cells, strict=True)):
            style = " class=number" if column.right else ""
            if depth > 1 and not place:
                style += f' style="padding-left:{depth - 1}em"'
            spans.append(f"<span{style}>{escape(cell)}</span>")
        return "".join(spans)

    def level(rows: Sequence[Layer], depth: int) -> str:
        """The rows of one block, its own blocks folded among them."""
        found = []
        for name, group in grouped(blocks, rows, depth):
            if all(row.name == name for row in group):  # not what is inside a block
                found += [f"<div>{line(told(row), depth)}</div>" for row in group]
                continue
            block = line(told(block_row(blocks, name, group)), depth)
            state = " open" if depth < opened else ""
            inside = level(group, depth + 1)
            found.append(f"<details{state}><summary>{block}</summary>{inside}</details>")
        return "".join(found)

    titles = [column.title for column in chosen]
    # Every row is a grid of its own, so the widths are the same only if they are said.
    letters = [max(map(len, cells)) for cells in zip(titles, *map(told, layers), strict=True)]
    widths = " ".join(f"{0.62 * n + (2 if not i else 0):.1f}em" for i, n in enumerate(letters))
    foot = "".join(f"<p>{escape(each)}</p>" for each in below)
    return (
        f"<style>{_STYLE.replace('COLUMNS', widths)}</style>"
        f'<div class="cnnref-summary" style="display:block"><p>{escape(above)}</p>'
        f'<div class="head">{line(titles)}</div>{level(layers, 1)}{foot}</div>'
    )
