"""Is one network better than another? A difference over seeds and images, its interval, a verdict.

    found = compare(run("sharing-shared"), run("sharing-local"))
    print(found.words())   # 98.1 % against 97.6 %, 0.5 points higher, at least 0.2 (95 %)

Every comparative sentence of the book is made or checked by such a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import bdtr

from cnnref.errors import CnnrefError, unknown
from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.record import Record
from cnnref.experiments.runner import Result
from cnnref.experiments.statistics import (
    Spread,
    half_width,
    mean_interval,
    require_share,
    spread_of_mean,
)
from cnnref.experiments.verdicts import Comparison, measure

__all__ = [
    "Disagreement",
    "NotComparableError",
    "compare",
    "disagreement",
]

_WORDS = {
    "train_loss": "training loss in the last epoch",
    "train_accuracy": "training accuracy in the last epoch",
    "seconds": "time of the last epoch",
    "images_per_second": "speed in the last epoch",
}


class NotComparableError(CnnrefError, ValueError):
    """Two results that were not measured on the same thing, or seeds that are too few."""


def compare(
    a: Result | Sequence[float] | np.ndarray[Any, Any],
    b: Result | Sequence[float] | np.ndarray[Any, Any],
    metric: str | None = None,
    *,
    confidence: float = 0.95,
    paired: bool = False,
    images: bool = True,
) -> Comparison:
    """The difference of two means, with an interval for what seeds and images leave to chance.

    Two results in accuracy have two sources of error. The *seeds* of the two are independent, and
    their spreads may differ (Welch). The *images* are a sample of those that there could have been,
    and the same for both; so what counts is, image by image, how much more often the one is right
    than the other over its seeds. The variances of the two add up, less the interaction of seeds
    and images, which is in both; Satterthwaite gives the degrees of freedom. This is the analysis
    of studies in which several readers judge the same cases (Obuchowski and Rockette 1995, Hillis
    2007; Owen 2007 on crossed random effects in general). The interval is never narrower than
    Welch's for the seeds alone.

    Records from before answers were kept have only accuracies, p and q. For these the images add
    (p (1 - p) + q (1 - q)) / images, which is an upper bound as long as the two are not right on
    *different* images more than chance would have it. Losses, metrics of the history and plain
    numbers carry the seeds alone.

    Results are never paired by seed. A pair of runs with one seed has the same batches, and of one
    architecture the same first weights; but the accuracies of such pairs in the packaged records
    correlate by less than 0.25 on average, as a test measures. A pairing of three seeds costs more
    degrees of freedom than it gains up to a correlation of 0.58, one of five up to 0.31. Images are
    always paired. Plain numbers are paired on request: where each pair was measured on one trained
    network.

    What is assumed: runs that are independent; a mean over the seeds near normal; images drawn
    independently. Simulated so, with normal seeds and 1,000 images, 94 to 99 of 100 intervals of
    95 % hold the true difference for three and for five seeds on each side; the more, the less the
    seeds scatter beyond what other images would make them. Where the scatter is not normal the
    promise fails, and nothing in three numbers tells: if one run in three ends far low, the
    intervals of three seeds hold the true difference in 68 cases of 100, of five in 87, of ten in
    92. The tests repeat these simulations.

    Args:
        a: the first result; or numbers, one per run.
        b: the second, likewise.
        metric: `"accuracy"` or `"loss"` on the evaluation set, or a metric of the history, at its
            last epoch. For plain numbers, their name. Where none is given, accuracy, or the loss of
            results whose targets are no classes.
        confidence: coverage of the interval, between 0 and 1.
        paired: take the difference of plain numbers run by run.
        images: speak of all images there could have been; else of these very ones, and carry the
            seeds alone.

    Raises:
        NotComparableError: a side has fewer than two runs; the results were not measured on the
            same images (or, for times, on the same machine); or results were to be paired.
        ValueError: there is no such metric, numbers that are not finite, a result beside plain
            numbers, or `confidence` is not between 0 and 1.
    """
    require_share(confidence)
    if metric is None:
        metric = a.experiment.metric if isinstance(a, Result) else "accuracy"
    words = metric.replace("_", " ")
    choice: _Images | None = None
    if isinstance(a, Result) and isinstance(b, Result):
        if paired:
            raise NotComparableError(
                f"runs of {a.experiment.name} and {b.experiment.name} are no pairs: the same seed "
                f"makes no two runs alike; compare them without paired"
            )
        if metric in (f"{a.split}_accuracy", f"{a.split}_loss"):
            metric = metric.removeprefix(f"{a.split}_")  # the last of the history is the final one
        _require_same_measurement(a, b, metric)
        x, y = _values(a, metric), _values(b, metric)
        kind = f"{a.split} {metric}" if metric in ("accuracy", "loss") else words
        words = _WORDS.get(metric, kind)
        if images and metric == "accuracy":
            choice = _images(a, b)
    elif isinstance(a, Experiment | str) or isinstance(b, Experiment | str):
        raise ValueError(
            "results are compared, and not experiments or their names: compare(run(a), run(b))"
        )
    elif isinstance(a, Result) or isinstance(b, Result):
        raise ValueError("a result is compared with a result, and numbers with numbers")
    else:
        x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"every {words} must be finite, got {x} and {y}")
    runs = len(x), len(y)
    if min(runs) < 2:
        raise NotComparableError(
            f"a comparison needs at least two seeds on each side, got {runs[0]} and {runs[1]}; "
            f"one seed cannot tell chance from cause"
        )
    means = _mean(x), _mean(y)
    if not paired:
        difference = means[0] - means[1]
        seeds = spread_of_mean(x), spread_of_mean(y)
        half = half_width(seeds, confidence)
        if choice:
            half = max(half, half_width((*seeds, choice.part), confidence, choice.twice))
        low, high = difference - half, difference + half
    elif len(x) == len(y):
        difference, low, high, _ = mean_interval((x - y).tolist(), confidence)
    else:
        raise NotComparableError(
            f"pairs need as many runs on each side, got {runs[0]} and {runs[1]}"
        )
    if measure(words)[1] == " %" and min(*x, *y) >= 0 and max(*x, *y) <= 1:
        low, high = max(low, -1.0), min(high, 1.0)
    return Comparison(
        words, means, difference, low, high, runs, confidence, paired,
        images=choice.number if choice else 0, bound=bool(choice and choice.bound),
    )  # fmt: skip


class Disagreement(NamedTuple):
    """On how many images one of two networks is right and the other is wrong."""

    first: int
    """Images that only the first gets right."""
    second: int
    """Images that only the second gets right."""
    images: int
    """All of them."""

    @property
    def p_value(self) -> float:
        """How often two equally good networks would disagree as one-sidedly, or more: McNemar's.

        Exact, from the binomial law; 1 where they never disagree.
        """
        n = self.first + self.second
        return float(min(1.0, 2 * bdtr(min(self.first, self.second), n, 0.5)))

    def __str__(self) -> str:
        return (
            f"of {self.images:,} images {self.first} right by the first alone, {self.second} by "
            f"the second alone (p = {self.p_value:.2g})"
        )


def disagreement(a: Record, b: Record) -> Disagreement:
    """Two trained networks, image by image.

    It speaks of these two networks and not of how they were made: another seed gives another
    network (Dietterich 1998). For that, see `compare`.

    Args:
        a: a record of the first.
        b: of the second.

    Raises:
        NotComparableError: they were evaluated on other images, or a record is from before answers
            were kept.
    """
    _require_equal(
        "accuracy", [(record["name"], _measured_on(record, record.split)) for record in (a, b)]
    )
    x, y = a.right, b.right
    if x is None or y is None:
        raise NotComparableError(f"{(a if x is None else b).path} does not keep its answers")
    return Disagreement(int((x & ~y).sum()), int((~x & y).sum()), len(x))


class _Images(NamedTuple):
    """What the choice of the images adds."""

    part: Spread
    twice: float
    """Variance that the seeds' part holds too."""
    number: int
    bound: bool


def _images(a: Result, b: Result) -> _Images:
    answers = [[record.right for record in result.records] for result in (a, b)]
    count = int(a.records[0]["dataset"][f"{a.split}_size"])
    if any(right is None for side in answers for right in side):
        shares = [float(result.final().mean()) for result in (a, b)]
        return _Images(
            Spread(sum(p * (1 - p) for p in shares) / count, count - 1), 0.0, count, True
        )
    x, y = (np.array(side, dtype=float) for side in answers)
    part = Spread(float((x.mean(axis=0) - y.mean(axis=0)).var(ddof=1)) / count, count - 1)
    return _Images(part, _interaction(x) + _interaction(y), count, False)


def _interaction(right: np.ndarray[Any, Any]) -> float:
    """What the interaction of seeds and images adds to the variance of the mean, `(seeds, images)`.

    It is in the spread of the seeds, which were all tested on these images, and in the spread of
    the images, which were all put to these seeds.
    """
    seeds, images = right.shape
    if seeds < 2:
        return 0.0
    rest = right - right.mean(axis=0) - right.mean(axis=1, keepdims=True) + right.mean()
    return float((rest**2).sum() / ((seeds - 1) * (images - 1)) / rest.size)


def _mean(values: np.ndarray[Any, Any]) -> float:
    # The sum of equal numbers is rounded, and their mean may be none of them in its last bit.
    return float(values[0] if np.ptp(values) == 0 else values.mean())


def _values(result: Result, metric: str) -> np.ndarray[Any, Any]:
    if metric in ("accuracy", "loss"):
        return result.final(metric)
    kept = result.records[0]["history"]
    known = [key for key in kept if key != "untrained" and not key.startswith("step_")]
    if metric not in known:
        raise ValueError(
            unknown(f"metric of {result.experiment.name}", metric, ["accuracy", "loss", *known])
        )
    last: np.ndarray[Any, Any] = result.history(metric)[:, -1]
    return last


def _require_same_measurement(a: Result, b: Result, metric: str) -> None:
    """The same images for what is measured on images, the same machine for what is time."""
    timed = metric in ("seconds", "images_per_second")
    seen = []
    for result in (a, b):
        split = "train" if metric.startswith("train_") else result.split
        for record in result.records:
            where = _machine(record) if timed else _measured_on(record, split)
            seen.append((result.experiment.name, where))
    _require_equal(metric, seen, "on the same machine" if timed else "on the same images")


def _machine(record: Record) -> list[Any]:
    return [record["provenance"].get(key) for key in ("device_name", "threads", "processes")]


def _measured_on(record: Record, split: str) -> list[Any]:
    return [split, record["dataset"].get(f"{split}_sha256")]


def _require_equal(
    metric: str, seen: Sequence[tuple[str, list[Any]]], what: str = "on the same images"
) -> None:
    name, first = seen[0]
    other = next(((other, where) for other, where in seen if where != first), None)
    if other:
        raise NotComparableError(
            f"the {metric} of {name} and of {other[0]} was not measured {what}: "
            f"{first} and {other[1]}"
        )
