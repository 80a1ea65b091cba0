"""Pictures of a counted network: its fields, and where its parameters and MACs live."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from cnnref.accounting import EffectiveField, Layer, Summary
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["budget_picture", "energy_picture", "reach_picture", "summary_picture"]

_ROWS = 40
"""Most rows that a picture can show and still be read."""

_SHADES = LinearSegmentedColormap.from_list("energy", ["white", COLOURS["blue"], "#00263D"])


def _readable(summary: Summary) -> Summary:
    """The summary, its blocks added up until there are few enough rows."""
    depth = max(layer.name.count(".") for layer in summary.layers) + 1
    while len(summary.layers) > _ROWS and depth > 1:
        depth -= 1
        summary = summary.collapsed(depth)
    return summary


def _size(field: int, clipped: int) -> str:
    return f"{field}" if clipped >= field else f"{field}, {clipped} on the input"


def summary_picture(summary: Summary, title: str = "") -> Picture:
    """The fields of a network and its budget, side by side, one row for each layer.

    Args:
        summary: the counted network; large blocks are added up until the rows can be read.
        title: a heading.
    """
    shown = _readable(summary)
    with style():
        height = 0.2 * len(shown.layers) + 1.3
        figure, (left, right) = new_figure(8.2, height, ncols=2, sharey=True, width_ratios=[3, 2])
        words = _draw_reach(left, shown) + _draw_budget(right, shown)
        figure.suptitle(title or summary.model)
    return Picture(figure, f"{title or summary.model}, layer by layer. {words}")


def reach_picture(summary: Summary, title: str = "") -> Picture:
    """For the middle unit of each layer, what it sees along the input's first axis."""
    shown = _readable(summary)
    with style():
        figure, axes = new_figure(6.4, 0.2 * len(shown.layers) + 1.1)
        words = _draw_reach(axes, shown)
        axes.set_title(title or summary.model)
    return Picture(figure, f"{title or summary.model}: receptive fields. {words}")


def budget_picture(summary: Summary, title: str = "") -> Picture:
    """Which share of the parameters and of the MACs each layer has."""
    shown = _readable(summary)
    with style():
        figure, axes = new_figure(6.4, 0.2 * len(shown.layers) + 1.1)
        words = _draw_budget(axes, shown)
        axes.set_title(title or summary.model)
    return Picture(figure, f"{title or summary.model}: parameters and MACs. {words}")


def _named(layers: Sequence[Layer]) -> list[str]:
    return [layer.name or layer.kind for layer in layers]


def _draw_reach(axes: Axes, summary: Summary) -> str:
    layers = summary.layers
    length = next((shape[2] for shape in summary.inputs.values() if len(shape) > 2), None)
    words = []
    for row, layer in enumerate(layers):
        if not layer.reaches or layer.seen is None:
            continue
        reach = layer.reaches[0]
        unit = reach.units // 2
        seen = reach.seen(unit)
        if seen is None:
            continue
        colour = COLOURS["blue"] if reach.field is not None else COLOURS["grey"]
        axes.barh(row, seen[1] - seen[0] + 1, left=seen[0] - 0.5, height=0.62, color=colour)
        name = layer.name or layer.kind
        measures = reach.measures()
        if measures is None:
            words.append(f"{name} positions {seen[0]} to {seen[1]}")
            continue
        low = reach.positions(unit)[0]
        axes.add_patch(
            Rectangle(
                (low - 0.5, row - 0.31), measures[0], 0.62, fill=False, ec=COLOURS["ink"], lw=0.7
            )
        )
        words.append(f"{name} {_size(measures[0], reach.clipped)}")
    if length:
        axes.axvspan(-0.5, length - 0.5, color=COLOURS["pale"], zorder=0)
    axes.set(
        yticks=range(len(layers)), yticklabels=_named(layers), ylim=(len(layers) - 0.4, -0.6),
        xlabel="input position seen by the middle unit",
    )  # fmt: skip
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="y", visible=False)
    return f"Receptive field of the middle unit: {'; '.join(words)}. "


def _draw_budget(axes: Axes, summary: Summary) -> str:
    layers = summary.layers
    rows = np.arange(len(layers))
    parameters = 100 * np.array([x.parameters for x in layers]) / max(summary.total_parameters, 1)
    macs = 100 * np.array([x.macs or 0 for x in layers]) / max(summary.total_macs, 1)
    axes.barh(rows - 0.18, parameters, 0.34, color=COLOURS["orange"], label="parameters")
    axes.barh(rows + 0.18, macs, 0.34, color=COLOURS["green"], label="MACs")
    axes.set(
        yticks=rows, yticklabels=_named(layers), ylim=(len(layers) - 0.4, -0.6),
        xlabel="share of the network, %",
    )  # fmt: skip
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right", fontsize=8)
    words = "; ".join(
        f"{name} {p:.1f} and {m:.1f}"
        for name, p, m in zip(_named(layers), parameters, macs, strict=True)
        if p >= 0.05 or m >= 0.05
    )
    totals = f"{summary.total_parameters:,} parameters and of {summary.total_macs:,} MACs"
    return f"Percent of {totals}: {words}."


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
        reach.seen(unit) or (0, 0)
        for reach, unit in zip(field.layer.reaches, field.unit, strict=True)
    )
    with style():
        figure, axes = new_figure(3.6, 3.6)
        axes.grid(visible=False)
        axes.imshow(np.sqrt(energy), cmap=_SHADES)
        axes.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1,
                fill=False, ec=COLOURS["orange"], lw=1.5,
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
