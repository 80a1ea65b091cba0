"""Forest plots: one row each, with an interval, so that overlap and zero are seen at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnnref.experiments import Comparison, Result
from cnnref.experiments.verdicts import measure
from cnnref.figures.series import by_name, in_words, percent_axis, seeds, with_unit
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["differences_picture", "intervals_picture"]


def intervals_picture(
    results: Iterable[Result] | Mapping[str, Result], metric: str = "accuracy", title: str = ""
) -> Picture:
    """A final metric of several experiments: every seed a dot, the mean with its 95 % interval.

    An experiment of one seed has its dot alone.

    Args:
        results: the results, under the names of their rows; the names of the experiments where none
            are given.
        metric: `"accuracy"` or `"loss"` on the evaluation set.
        title: a heading.

    Raises:
        ValueError: no results, or some were tested and others validated.
    """
    named = by_name(results)
    splits = sorted({result.split for result in named.values()})
    if len(splits) > 1:
        raise ValueError(f"rows of one picture need one split, got {' and '.join(splits)}")
    words = in_words(metric, splits[0])
    factor, unit, _ = measure(metric)
    places = 2 if factor > 1 else 3
    told = []
    with style():
        figure, axes = _rows(list(named), title)
        for row, (name, result) in enumerate(named.items()):
            values = result.final(metric)
            shown = [f"{factor * value:.{places}f}" for value in (values.mean(), *values)]
            line = f"{name} {shown[0]}{unit} ({seeds(result)}"
            if len(values) > 1:
                found = result.interval(metric)
                low, high = (f"{factor * end:.{places}f}" for end in (found.low, found.high))
                line += f", 95 % interval {low} to {high}"
                _interval(axes, row, found.mean, found.low, found.high, filled=True)
            axes.plot(
                values, [row + 0.24] * len(values), "o", color=COLOURS["orange"], ms=3.5, alpha=0.8
            )
            told.append(f"{line}, by seed {', '.join(shown[1:])})")
        # Under the whole figure: long names of rows leave the axes too narrow for it.
        figure.supxlabel(
            f"{with_unit(words)}\nsquare: mean, line: 95 % interval, dots: seeds", fontsize=10
        )
        percent_axis(axes.xaxis, metric)
        axes.locator_params(axis="x", nbins=5)  # labels of two decimals are wide
    alt = f"Means and 95 % intervals of the {words}: {'; '.join(told)}."
    return Picture(figure, alt).drawn_from(named)


def differences_picture(comparisons: Mapping[str, Comparison], title: str = "") -> Picture:
    """Differences with their intervals, and the line of no difference.

    A filled square where the interval tells which is higher, an empty one where it cannot.

    Args:
        comparisons: each under the name of its row: "ResNet minus plain", for instance.
        title: a heading.

    Raises:
        ValueError: none, or of different metrics or confidences.
    """
    kinds = {(c.metric, c.confidence) for c in comparisons.values()}
    if len(kinds) != 1:
        raise ValueError(
            f"rows of one picture need one metric and confidence, got {sorted(kinds) or 'none'}"
        )
    ((metric, confidence),) = kinds
    factor, _, unit = measure(metric)
    told = []
    with style():
        figure, axes = _rows(list(comparisons), title)
        axes.axvline(0, color=COLOURS["ink"], linewidth=1)
        for row, (name, found) in enumerate(comparisons.items()):
            middle, low, high = (factor * x for x in (found.difference, found.low, found.high))
            _interval(axes, row, middle, low, high, filled=found.decided)
            n = found.numbers
            sign = "+" * (found.difference > 0)
            told.append(f"{name} {sign}{n.difference} [{n.low}, {n.high}], {found.verdict}")
        figure.supxlabel(
            f"difference of the {metric}\n({unit.strip() or 'no unit'}), "
            f"line: {100 * confidence:g} % interval,\nempty: too close to call",
            fontsize=10,
        )
    return Picture(
        figure,
        f"Differences of the {metric}{f' in{unit}' if unit else ''}, with "
        f"{100 * confidence:g} % intervals: {'; '.join(told)}.",
    )


def _rows(names: list[str], title: str) -> tuple[Any, Any]:
    """Axes with one named row each, the first at the top."""
    figure, axes = new_figure(5, 1.3 + 0.38 * len(names))
    axes.set(
        yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -0.6), title=title
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return figure, axes


def _interval(axes: Any, row: int, mean: float, low: float, high: float, *, filled: bool) -> None:
    axes.plot([low, high], [row, row], color=COLOURS["blue"], linewidth=2)
    axes.plot(
        [mean], [row], "s", color=COLOURS["blue"], ms=6, zorder=3,
        markerfacecolor=COLOURS["blue"] if filled else "white",
    )  # fmt: skip
