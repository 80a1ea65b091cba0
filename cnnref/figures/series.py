"""What the pictures of several results share: names, words, and how lines are told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cnnref.experiments import Result
from cnnref.figures.style import COLOURS

__all__ = [
    "by_name",
    "draw_band",
    "in_words",
    "legend_below",
    "look",
    "percent_axis",
    "seeds",
    "with_unit",
]

_HUES = [COLOURS[name] for name in ("blue", "orange", "green", "purple", "ink", "grey")]
_LINES = ["-", "--", ":", "-."]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]


def by_name(results: Iterable[Result] | Mapping[str, Result]) -> dict[str, Result]:
    """Results under names, in order; those of the experiments where none are given.

    Args:
        results: the results.

    Raises:
        ValueError: there are none, or two under one name.
    """
    if isinstance(results, Mapping):
        named = dict(results)
    else:
        listed = list(results)
        named = {result.experiment.name: result for result in listed}
        if len(named) < len(listed):
            raise ValueError(f"two results have one name, got {[*named]}; give them names")
    if not named:
        raise ValueError("there is no result to draw, got none")
    return named


def seeds(result: Result) -> str:
    """How many seeds a result has, in words.

    Args:
        result: the records of an experiment.
    """
    count = len(result.records)
    return f"{count} seed{'s' * (count != 1)}"


def in_words(metric: str, split: str = "test") -> str:
    """What a metric is called.

    Args:
        metric: of the history, or `"accuracy"` or `"loss"` on the evaluation set.
        split: the evaluation set.
    """
    if metric in ("accuracy", "loss"):
        return f"{split} {metric}"
    if metric.startswith("step_"):
        return f"{metric.removeprefix('step_')} of the mini-batch"
    return metric.replace("train_", "training ").replace("_", " ")


def with_unit(words: str) -> str:
    """The label of an axis.

    Args:
        words: what a metric is called.
    """
    return f"{words} (nats per image)" if "loss" in words else words


def percent_axis(axis: Any, metric: str) -> None:
    """Label the ticks of an axis in per cent, where the metric is a share.

    Args:
        axis: a matplotlib axis.
        metric: what it shows.
    """
    if "accuracy" in metric or "error" in metric:
        axis.set_major_formatter(PercentFormatter(1, symbol=" %"))


def look(index: int, *, markers: bool = False) -> dict[str, Any]:
    """Colour, line and, if wanted, marker of a curve; no two of the first twelve are alike.

    Args:
        index: number of the curve, from 0.
        markers: whether its points are marked, too.
    """
    line = _LINES[(index + index // len(_HUES)) % len(_LINES)]
    marker = {"marker": _MARKERS[index % len(_MARKERS)]} if markers else {}
    return {"color": _HUES[index % len(_HUES)], "linestyle": line, **marker}


def draw_band(
    axes: Axes,
    x: np.ndarray[Any, Any],
    values: np.ndarray[Any, Any],
    label: str,
    color: str,
    linestyle: str,
) -> None:
    """The mean over seeds as a line, and a band from least to most.

    Args:
        axes: where to draw.
        x: `(points,)`.
        values: `(seeds, points)`.
        label: the name in the legend.
        color: of both.
        linestyle: of the mean.
    """
    axes.fill_between(x, values.min(0), values.max(0), color=color, alpha=0.22, linewidth=0)
    axes.plot(x, values.mean(0), color=color, linestyle=linestyle, label=label)


def legend_below(figure: Figure, axes: Axes, columns: int = 2) -> None:
    """The legend under the axes, where it covers no data.

    Args:
        figure: the figure.
        axes: whose curves to name.
        columns: how many names stand side by side.
    """
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=columns, handlelength=3, fontsize=9
    )
