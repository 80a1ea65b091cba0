"""Several experiments on one axes: curves over epochs, and over single training steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from cnnref.experiments import Result
from cnnref.figures.series import (
    by_name,
    draw_band,
    in_words,
    legend_below,
    look,
    percent_axis,
    seeds,
    with_unit,
)
from cnnref.figures.style import Picture, new_figure, style

__all__ = ["curves_picture", "steps_picture"]

_Values = np.ndarray[Any, np.dtype[Any]]

_POINTS = 300
"""More points than this on a line cannot be told apart, and make the page heavy."""


def curves_picture(
    results: Iterable[Result] | Mapping[str, Result], metric: str = "accuracy", title: str = ""
) -> Picture:
    """A metric of several experiments per epoch: means over the seeds, bands from least to most.

    Args:
        results: the results, under the names of their curves; the names of the experiments where
            none are given.
        metric: `"accuracy"` or `"loss"` on the evaluation set, from epoch 0, before training; or a
            metric of the history, from epoch 1, such as `"train_loss"`.
        title: a heading.

    Raises:
        ValueError: no results; evaluated on different splits; or no such metric.
    """
    named = by_name(results)
    evaluated = metric in ("accuracy", "loss")
    splits = sorted({result.split for result in named.values()})
    if evaluated and len(splits) > 1:
        raise ValueError(f"curves on one axes need one split, got {' and '.join(splits)}")
    words = in_words(metric, splits[0])
    with style():
        figure, axes = new_figure(5, 3.2 + 0.2 * ((len(named) + 1) // 2))
        told = []
        for i, (name, result) in enumerate(named.items()):
            values = _with_untrained(result, metric) if evaluated else result.history(metric)
            first = 0 if evaluated else 1
            draw_band(axes, np.arange(first, first + values.shape[1]), values, name, **look(i))
            mean = values.mean(0)
            least = "loss" in metric or metric == "seconds"
            best = int(mean.argmin() if least else mean.argmax())
            told.append(
                f"{name} ({seeds(result)}) from {mean[0]:.3f} at epoch {first} to {mean[-1]:.3f} "
                f"at epoch {first + len(mean) - 1}, {'least' if least else 'most'} "
                f"{mean[best]:.3f} at epoch {first + best}"
            )
        axes.set(xlabel="epoch", ylabel=with_unit(words))
        axes.xaxis.get_major_locator().set_params(integer=True)
        _finish(figure, axes, len(named), metric, title)
    alt = f"Curves of the {words}, means over seeds: {'; '.join(told)}."
    return Picture(figure, alt).drawn_from(named)


def steps_picture(
    results: Iterable[Result] | Mapping[str, Result],
    metric: str = "step_error",
    *,
    smooth: int = 100,
    log: bool = False,
    title: str = "",
) -> Picture:
    """Error or loss of the mini-batches per training step, each the mean of the last `smooth` ones.

    Means over the seeds, and bands from least to most.

    Args:
        results: of experiments that keep their steps; see `curves_picture`.
        metric: `"step_error"` or `"step_loss"`.
        smooth: how many steps, up to and including this one, are averaged; the curve begins at the
            first step that has so many. At most 300 points of a curve are drawn.
        log: whether the vertical axis is logarithmic; a mean of 0 is then not drawn.
        title: a heading.

    Raises:
        ValueError: no results; an experiment kept no steps, or fewer than `smooth`.
    """
    named = by_name(results)
    words = in_words(metric)
    with style():
        figure, axes = new_figure(5, 3.2 + 0.2 * ((len(named) + 1) // 2))
        told = []
        for i, (name, result) in enumerate(named.items()):
            values = _smoothed(result.history(metric), smooth)
            steps = np.arange(smooth, smooth + values.shape[1])
            some = np.unique(np.linspace(0, len(steps) - 1, _POINTS).round().astype(int))
            shown = np.where(values > 0, values, np.nan) if log else values
            draw_band(axes, steps[some], shown[:, some], name, **look(i))
            mean = values.mean(0)
            told.append(
                f"{name} ({seeds(result)}) from {mean[0]:.3f} at step {steps[0]} to {mean[-1]:.3f} "
                f"at step {steps[-1]}, least {mean.min():.3f} at step {steps[mean.argmin()]}"
            )
        window = f"mean of {smooth} steps" if smooth > 1 else "single steps"
        axes.set(xlabel="training step", ylabel=f"{with_unit(words)},\n{window}")
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_formatter(NullFormatter())
        _finish(figure, axes, len(named), metric, title)
    scale = " on a logarithmic axis" if log else ""
    alt = f"The {words}, {window}{scale}, means over seeds: {'; '.join(told)}."
    return Picture(figure, alt).drawn_from(named)


def _finish(figure: Any, axes: Axes, count: int, metric: str, title: str) -> None:
    percent_axis(axes.yaxis, metric)
    if count > 1:
        legend_below(figure, axes, 2)
    axes.set_title(title)


def _with_untrained(result: Result, metric: str) -> _Values:
    return np.column_stack([result.untrained(metric), result.history(f"{result.split}_{metric}")])


def _smoothed(values: _Values, window: int) -> _Values:
    """Means over the last `window` entries of every row."""
    if not 1 <= window <= values.shape[1]:
        raise ValueError(f"smooth must be from 1 to {values.shape[1]} steps, got {window}")
    sums = np.cumsum(np.column_stack([np.zeros(len(values)), values]), axis=1)
    means: _Values = (sums[:, window:] - sums[:, :-window]) / window
    return means
