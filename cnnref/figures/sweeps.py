"""Which learning rate is best? The outcome of a sweep, one line per optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from cnnref.experiments import Result
from cnnref.experiments.verdicts import measure
from cnnref.figures.series import by_name, in_words, legend_below, look, percent_axis, with_unit
from cnnref.figures.style import Picture, new_figure, style

__all__ = ["rates_picture"]


def rates_picture(
    results: Iterable[Result],
    metric: str = "accuracy",
    *,
    bottom: float | None = None,
    title: str = "",
    names: Mapping[str, str] | None = None,
) -> Picture:
    """A final metric against the learning rate: one line per optimizer, its best rate in a ring.

    Lines join the means over the seeds.

    Args:
        results: of experiments that differ in optimizer and learning rate.
        metric: `"accuracy"`, of which the most is best, or `"loss"`, of which the least is.
        bottom: where the vertical axis starts; a mean below it is drawn on it, as a cross.
        title: a heading.
        names: of optimizers, where the legend shall call them otherwise than recipes do.

    Raises:
        ValueError: no results, two of one optimizer and rate, or measured on different splits.
    """
    named = by_name(results)
    splits = sorted({result.split for result in named.values()})
    if len(splits) > 1:
        raise ValueError(f"a sweep needs one split, got {' and '.join(splits)}")
    lines: dict[str, dict[float, float]] = {}
    for result in named.values():
        recipe = result.experiment.recipe
        mean = float(result.final(metric).mean())
        line = lines.setdefault(recipe.optimizer, {})
        if line.setdefault(recipe.learning_rate, mean) != mean:
            raise ValueError(f"two results of {recipe.optimizer} at {recipe.learning_rate:g}")
    words = in_words(metric, splits[0])
    factor, unit, _ = measure(metric)
    places = 1 if factor > 1 else 3
    floor = -np.inf if bottom is None else bottom
    told = []
    with style():
        figure, axes = new_figure(5, 3.6)
        for i, (optimizer, by_rate) in enumerate(lines.items()):
            rates = sorted(by_rate)
            means = np.array([by_rate[rate] for rate in rates])
            shown = np.maximum(means, floor)
            name = (names or {}).get(optimizer, optimizer)
            best = int(means.argmin() if metric == "loss" else means.argmax())
            curve = look(i, markers=True)
            axes.plot(rates, shown, **curve, markersize=4, label=name)
            axes.plot(
                [rates[best]], [shown[best]], "o", markersize=11, markerfacecolor="none",
                color=curve["color"],
            )  # fmt: skip
            for rate in np.array(rates)[means < floor]:
                axes.plot(
                    [rate], [floor], "x", color=curve["color"], markersize=8, clip_on=False,
                    markeredgewidth=2, zorder=4,
                )  # fmt: skip
            told.append(
                f"{name} best at {rates[best]:g}: "
                + ", ".join(
                    f"{rate:g} gives {factor * mean:.{places}f}{unit}"
                    for rate, mean in zip(rates, means, strict=True)
                )
            )
        axes.set(xscale="log", xlabel="learning rate", ylabel=with_unit(words), title=title)
        axes.set_ylim(bottom=bottom)
        percent_axis(axes.yaxis, metric)
        legend_below(figure, axes, 3)
    return Picture(figure, f"The {words} by learning rate. {'; '.join(told)}.").drawn_from(named)
