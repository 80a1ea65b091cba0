"""The last steps of training: what evaluation finds after each of them, seed by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import MultipleLocator

from cnnref.experiments import Result
from cnnref.experiments.verdicts import measure
from cnnref.figures.series import by_name, in_words, legend_below, look, percent_axis, with_unit
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["tails_picture"]


def tails_picture(
    results: Iterable[Result] | Mapping[str, Result], metric: str = "accuracy", title: str = ""
) -> Picture:
    """A metric after each of the last steps, a panel for each experiment and a line for each seed.

    A grey band marks the last step.

    Args:
        results: of experiments that keep their last steps, under the names of their panels; the
            names of the experiments where none are given.
        metric: `"accuracy"` or `"loss"` on the evaluation set.
        title: a heading.

    Raises:
        ValueError: no results; evaluated on different splits; or an experiment that did not keep
            its last steps.
    """
    named = by_name(results)
    splits = sorted({result.split for result in named.values()})
    if len(splits) > 1:
        raise ValueError(f"panels of one picture need one split, got {' and '.join(splits)}")
    words = in_words(metric, splits[0])
    factor, unit, _ = measure(metric)
    places = 1 if factor > 1 else 3
    told = []
    with style():
        figure, panels = new_figure(5, 3.4, ncols=len(named), sharey=True, squeeze=False)
        for axes, (name, result) in zip(panels[0], named.items(), strict=True):
            by_seed = []
            for i, (seed, values) in enumerate(_tails(result, metric).items()):
                x = np.arange(1 - len(values), 1)
                line = look(i, markers=True)
                axes.plot(x, values, **line, markersize=4, label=f"seed {seed}")
                *earlier, last = (f"{factor * value:.{places}f}" for value in values)
                before = factor * values[:-1]
                by_seed.append(
                    f"seed {seed} between {before.min():.{places}f} and "
                    f"{before.max():.{places}f}{unit}, {earlier[-1]} one step before the end, "
                    f"{last} after the last step"
                )
            axes.axvspan(-0.5, 0.5, color=COLOURS["pale"], linewidth=0)
            axes.set_title(name, fontsize=10)
            axes.set_xlabel("step, from the last")
            axes.xaxis.set_major_locator(MultipleLocator(4))
            told.append(f"{name}: {'; '.join(by_seed)}")
        panels[0, 0].set_ylabel(with_unit(words))
        percent_axis(panels[0, 0].yaxis, metric)
        legend_below(figure, panels[0, 0], 3)
        if title:
            figure.suptitle(title)
    alt = f"The {words} after each of the last steps of training. {'. '.join(told)}."
    return Picture(figure, alt).drawn_from(named)


def _tails(result: Result, metric: str) -> dict[int, np.ndarray[Any, Any]]:
    """The values after the last steps, by seed."""
    if not all("tail" in record.content for record in result.records):
        raise ValueError(
            f"{result.experiment.name} did not keep its last steps; keep_tail=True in its entry "
            f"of the catalogue does"
        )
    return {
        seed: np.array(record["tail"][metric])
        for seed, record in zip(result.seeds, result.records, strict=True)
    }
