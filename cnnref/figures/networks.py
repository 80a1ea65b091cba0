"""Pictures of a counted network: its fields, and where its parameters and MACs live."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Patch, Rectangle

from cnnref.accounting import EffectiveField, Layer, Summary
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["budget_picture", "energy_picture", "reach_picture", "summary_picture"]

_ROWS = 30
"""Most rows that a picture can show and still be read, unless nothing can be added up."""

_LETTERS = 24
"""Most letters of a name for which there is room."""

_SMALL = 0.05
"""Percent of a network below which a layer has no bar that could be seen."""

_SHADES = LinearSegmentedColormap.from_list("energy", ["white", COLOURS["blue"], "#00263D"])


def summary_picture(summary: Summary, title: str = "") -> Picture:
    """The fields of a network and its budget, side by side.

    A layer that sees what the layer before it sees and has no visible share of the budget is left
    out; large blocks are added up until the rows can be read.

    Args:
        summary: the counted network.
        title: a heading; the model's class by default.
    """
    shown, rows = _readable(
        summary, lambda s: [i for i in range(len(s.layers)) if i in _changing(s) + _costly(s)]
    )
    with style():
        figure, (left, right) = new_figure(6.8, _height(rows), ncols=2, sharey=True)
        words = f"{_draw_reach(left, shown, rows)} {_draw_budget(right, shown, rows)}"
        figure.suptitle(title or summary.model)
    return Picture(figure, f"{title or summary.model}, layer by layer. {words}")


def reach_picture(summary: Summary, title: str = "") -> Picture:
    """For the middle unit of each layer, what it sees along the input's first axis.

    A layer that sees what the layer before it sees is left out; large blocks are shown as one.

    Args:
        summary: the network, counted with its receptive fields.
        title: a heading; the model's class by default.

    Raises:
        ValueError: no layer has positions that were followed.
    """
    return _drawn(summary, title, _changing, _draw_reach, "has a receptive field")


def budget_picture(summary: Summary, title: str = "") -> Picture:
    """Which share of the parameters and of the MACs each layer has.

    A layer whose shares are too small to be seen is left out; large blocks are added up.

    Args:
        summary: the counted network.
        title: a heading; the model's class by default.

    Raises:
        ValueError: no layer has parameters or MACs.
    """
    return _drawn(summary, title, _costly, _draw_budget, "has parameters or MACs")


def _drawn(
    summary: Summary,
    title: str,
    choose: Callable[[Summary], list[int]],
    draw: Callable[[Axes, Summary, list[int]], str],
    what: str,
) -> Picture:
    """One picture of the rows that are chosen; an error where none has what it is to show."""
    shown, rows = _readable(summary, choose)
    if not rows:
        raise ValueError(f"no layer of {summary.model} {what} to draw")
    with style():
        figure, axes = new_figure(5, _height(rows))
        words = draw(axes, shown, rows)
        figure.suptitle(title or summary.model)
    return Picture(figure, f"{title or summary.model}. {words}")


def _readable(
    summary: Summary, choose: Callable[[Summary], list[int]]
) -> tuple[Summary, list[int]]:
    """The summary with its blocks added up until few enough rows are chosen, and those rows."""
    shown, rows = summary, choose(summary)
    depth = max((layer.name.count(".") for layer in summary.layers), default=0)
    while len(rows) > _ROWS and depth:
        shown = summary.collapsed(depth)
        rows, depth = choose(shown), depth - 1
    return shown, rows


def _height(rows: Sequence[int]) -> float:
    return 0.23 * max(len(rows), 3) + 1.4


def _changing(summary: Summary) -> list[int]:
    """Rows whose middle unit sees something else than the row's before."""
    rows, before = [], None
    for row, layer in enumerate(summary.layers):
        now = _middle(layer)
        if now is not None and now != before:
            rows.append(row)
            before = now
    return rows


def _middle(layer: Layer) -> tuple[tuple[int, int], list[int]] | None:
    """What the middle unit of a layer sees of the first axis, and its field; `None` if nothing."""
    if not layer.fields:
        return None
    field = layer.fields[0]
    unit = field.units // 2
    seen = field.seen(unit)
    return None if seen is None else (seen, field.positions(unit))


def _shares(summary: Summary) -> tuple[list[float], list[float]]:
    """Percent of the parameters and of the MACs, for each layer."""
    return (
        [100 * layer.parameters / max(summary.total_parameters, 1) for layer in summary.layers],
        [100 * (layer.macs or 0) / max(summary.total_macs, 1) for layer in summary.layers],
    )


def _costly(summary: Summary) -> list[int]:
    """Rows with a bar that can be seen."""
    parameters, macs = _shares(summary)
    return [row for row, shares in enumerate(zip(parameters, macs, strict=True))
            if max(shares) >= _SMALL]  # fmt: skip


def _prepare(axes: Axes, summary: Summary, rows: Sequence[int], xlabel: str) -> None:
    axes.set(
        yticks=range(len(rows)), yticklabels=[_short(summary.layers[row]) for row in rows],
        ylim=(max(len(rows), 3) - 0.4, -0.6), xlabel=xlabel,
    )  # fmt: skip
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.grid(axis="y", visible=False)


def _name(layer: Layer) -> str:
    return layer.name or layer.kind


def _short(layer: Layer) -> str:
    """Its name, or the end of it, which tells more than the beginning."""
    name = _name(layer)
    return name if len(name) <= _LETTERS else f"…{name[1 - _LETTERS :]}"


def _draw_reach(axes: Axes, summary: Summary, rows: Sequence[int]) -> str:
    length = next((shape[2] for shape in summary.inputs.values() if len(shape) > 2), None)
    legend, words = {}, []
    if length:
        axes.axvspan(-0.5, length - 0.5, color=COLOURS["pale"], zorder=0)
        legend["input"] = COLOURS["pale"]
    for place, row in enumerate(rows):
        layer = summary.layers[row]
        middle = _middle(layer)
        if middle is None:
            continue
        (first, last), field = middle
        label, colour = ("field", "blue") if field else ("seen, no field", "grey")
        legend[label] = COLOURS[colour]
        axes.barh(place, last - first + 1, left=first - 0.5, height=0.62, color=COLOURS[colour])
        seen = f"positions {first} to {last}"
        if not field:
            words.append(f"{_name(layer)} has no field and sees {seen}")
            continue
        size = field[-1] - field[0] + 1
        axes.add_patch(
            Rectangle(
                (field[0] - 0.5, place - 0.31), size, 0.62,
                fill=False, ec=COLOURS["ink"], lw=0.7,
            )
        )  # fmt: skip
        axes.annotate(
            f"{size}", (max(field[-1], last) + 0.5, place), (3, 0), textcoords="offset points",
            va="center", fontsize=8, color=COLOURS["ink"],
        )  # fmt: skip
        words.append(f"{_name(layer)} {size}" + (f", {seen}" if last - first + 1 < size else ""))
    _prepare(axes, summary, rows, "input position")
    axes.margins(x=0.08)
    _explain(axes, [Patch(color=colour, label=label) for label, colour in legend.items()])
    return f"Receptive field of the middle unit along the first axis: {'; '.join(words)}."


def _draw_budget(axes: Axes, summary: Summary, rows: Sequence[int]) -> str:
    parameters, macs = _shares(summary)
    places = np.arange(len(rows))
    bars = [
        axes.barh(places + shift, [shares[row] for row in rows], 0.34, color=COLOURS[colour],
                  label=label)
        for shift, shares, colour, label in (
            (-0.18, parameters, "orange", "parameters"), (0.18, macs, "green", "MACs"),
        )
    ]  # fmt: skip
    _prepare(axes, summary, rows, "share of the network, %")
    _explain(axes, bars)
    words = "; ".join(
        f"{_name(summary.layers[row])} {parameters[row]:.1f} and {macs[row]:.1f}"
        for row in rows
        if max(parameters[row], macs[row]) >= _SMALL
    )
    totals = f"{summary.total_parameters:,} parameters and of {summary.total_macs:,} MACs"
    if summary.macs_status != "complete":
        totals += ", a lower bound"
    return f"Percent of {totals}: {words}; below {_SMALL} elsewhere."


def _explain(axes: Axes, handles: Sequence[object]) -> None:
    """A legend above the axes, where no bar can lie under it."""
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8,
        borderaxespad=0.2, columnspacing=1, handlelength=1.2,
    )  # fmt: skip


def energy_picture(field: EffectiveField, title: str = "") -> Picture:
    """The energy of each input position for one unit, its field as a frame.

    Args:
        field: as measured; along two axes.
        title: a heading.

    Raises:
        ValueError: the input has not two axes.
    """
    energy = field.energy.numpy()
    if energy.ndim != 2:
        raise ValueError(f"an input of two axes can be drawn, got {energy.ndim}")
    (top, bottom), (left, right) = (
        along.seen(unit) or (0, 0)
        for along, unit in zip(field.layer.fields, field.unit, strict=True)
    )
    with style():
        figure, axes = new_figure(3.6, 3.6)
        axes.grid(visible=False)
        axes.imshow(np.sqrt(energy), cmap=_SHADES)
        axes.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1,
                fill=False, ec=COLOURS["orange"], lw=1.5, clip_on=False,
            )
        )  # fmt: skip
        axes.set(xlabel="column", ylabel="row", title=title or field.layer.name)
    width = " by ".join(f"{w:.1f}" for w in field.width)
    return Picture(
        figure,
        f"{title or field.layer.name}, unit {field.unit}: the field is rows {top} to {bottom} and "
        f"columns {left} to {right}; the energy's standard deviation is {width} positions, and "
        f"{100 * field.share():.1f} % of the input's positions hold 95 % of it.",
        vector=False,
    )
