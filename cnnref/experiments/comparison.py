"""Is one network better than another? A difference over seeds, its interval, and a verdict.

    print(compare(run("sharing-shared"), run("sharing-local")))

Every comparative sentence of the book is made or asserted by such a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from cnnref.errors import CnnrefError, unknown
from cnnref.experiments.runner import Result
from cnnref.experiments.statistics import mean_interval, require_share

__all__ = ["Comparison", "NotComparableError", "compare", "measure"]

_WORDS = {
    "train_loss": "training loss in the last epoch",
    "train_accuracy": "training accuracy in the last epoch",
    "seconds": "time of the last epoch",
    "images_per_second": "speed in the last epoch",
}


class NotComparableError(CnnrefError, ValueError):
    """Two results that were not measured on the same thing, or seeds that are too few."""


@dataclass(frozen=True)
class Comparison:
    """The difference between two means over seeds, first minus second.

    Args:
        metric: what was compared, in words: `"test accuracy"`, for instance.
        means: of the first and of the second.
        difference: of the means.
        low: lower end of the difference's confidence interval.
        high: upper end.
        runs: number of runs of each.
        confidence: coverage of the interval.
        paired: whether the difference was taken run by run.
    """

    metric: str
    means: tuple[float, float]
    difference: float
    low: float
    high: float
    runs: tuple[int, int]
    confidence: float = 0.95
    paired: bool = False

    @property
    def verdict(self) -> str:
        """`"higher"` or `"lower"`, the first than the second, or `"cannot tell"`."""
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "cannot tell"

    def __str__(self) -> str:
        n = " and ".join(map(str, dict.fromkeys(self.runs)))
        return f"{self.difference:.4g} [{self.low:.4g}, {self.high:.4g}] (n = {n}): {self.verdict}"

    def sentence(self, first: str, second: str) -> str:
        """The comparison as one sentence for prose, with its numbers.

        Args:
            first: what the first is called, within a sentence: "the ResNet", for instance.
            second: likewise.
        """
        factor, unit, gap = measure(self.metric)
        ends = [factor * x for x in (self.difference, self.low, self.high)]
        places = _places(*ends)
        difference, low, high = (_number(x, places) for x in ends)
        a, b = (f"{_number(factor * mean, places)}{unit}" for mean in self.means)
        m, n = self.runs
        seeds = (
            f"{n} pairs" if self.paired else f"{n} seeds each" if m == n else f"{m} and {n} seeds"
        )
        unsure = self.verdict == "cannot tell"
        evidence = (
            f"{a} against {b}, a difference of {difference}{gap} with a "
            f"{100 * self.confidence:g} % interval from {low} to {high}"
            f"{', which includes zero' if unsure else ''} ({seeds})."
        )
        if unsure:
            return (
                f"The seeds cannot tell whether the {self.metric} of {first} differs from that of "
                f"{second}: {evidence}"
            )
        return f"The {self.metric} of {first} is {self.verdict} than that of {second}: {evidence}"


def compare(
    a: Result | Sequence[float] | np.ndarray[Any, Any],
    b: Result | Sequence[float] | np.ndarray[Any, Any],
    metric: str = "accuracy",
    *,
    confidence: float = 0.95,
    paired: bool = False,
) -> Comparison:
    """The difference of two means over seeds, with Welch's interval.

    Welch's interval takes all runs as independent, and the two spreads as different; its degrees
    of freedom are those of Satterthwaite. From three runs on each side it keeps its promise; with
    two it may hold the true difference only nine times in ten.

    A paired interval is narrower where two runs share what makes them vary, and a false claim where
    they do not. The same seed alone is no pairing: another network draws other weights from it. A
    pairing is real, and accepted, for two results of the same model, arguments, data and batch size
    with the same seeds: such runs start from the same weights and see the same batches. For another
    pairing that is real, such as the same trained networks tested on two sets, give the numbers
    themselves.

    Args:
        a: the first result; or numbers, one per run.
        b: the second, likewise.
        metric: `"accuracy"` or `"loss"` on the evaluation set, or a metric of the history, at its
            last epoch. For plain numbers, their name.
        confidence: coverage of the interval, between 0 and 1.
        paired: take the difference run by run.

    Raises:
        NotComparableError: a side has fewer than two runs; the results were not measured on the
            same images (or, for times, on the same machine); or the pairing is not real.
        ValueError: there is no such metric, numbers that are not finite, a result beside plain
            numbers, or `confidence` is not between 0 and 1.
    """
    require_share(confidence)
    words = metric.replace("_", " ")
    if isinstance(a, Result) and isinstance(b, Result):
        _require_same_measurement(a, b, metric)
        if paired:
            _require_real_pairing(a, b)
        kind = f"{a.split} {metric}" if metric in ("accuracy", "loss") else words
        words = _WORDS.get(metric, kind)
        a, b = _values(a, metric), _values(b, metric)
    elif isinstance(a, Result) or isinstance(b, Result):
        raise ValueError("a result is compared with a result, and numbers with numbers")
    x, y = (np.asarray(values, dtype=float) for values in (a, b))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"every {words} must be finite, got {x} and {y}")
    runs = len(x), len(y)
    if min(runs) < 2:
        raise NotComparableError(
            f"a comparison needs at least two seeds on each side, got {runs[0]} and {runs[1]}; "
            f"one seed cannot tell chance from cause"
        )
    if not paired:
        difference, half = _welch(x, y, confidence)
        low, high = difference - half, difference + half
    elif len(x) == len(y):
        difference, low, high, _ = mean_interval((x - y).tolist(), confidence)
    else:
        raise NotComparableError(
            f"pairs need as many runs on each side, got {runs[0]} and {runs[1]}"
        )
    means = _mean(x), _mean(y)
    return Comparison(words, means, difference, low, high, runs, confidence, paired)


def measure(metric: str) -> tuple[float, str, str]:
    """How a metric is told to people: a factor, the unit of a value, the unit of a difference.

    Args:
        metric: its name, or the words of a `Comparison`.
    """
    words = set(metric.replace("_", " ").split())
    if words & {"accuracy", "error"}:
        return 100.0, " %", " percentage points"
    for word, unit in (("loss", " nats"), ("time", " s"), ("seconds", " s")):
        if word in words:
            return 1.0, unit, unit
    if words & {"speed", "images"}:
        return 1.0, " images/s", " images/s"
    return 1.0, "", ""


def _welch(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], confidence: float
) -> tuple[float, float]:
    """The difference of the means, and half the width of its interval."""
    difference = _mean(x) - _mean(y)
    parts = [0.0 if np.ptp(v) == 0 else float(v.var(ddof=1)) / len(v) for v in (x, y)]
    total = sum(parts)
    if total == 0:
        return difference, 0.0
    shares = [part / total for part in parts]
    freedom = 1 / sum(s**2 / (len(v) - 1) for s, v in zip(shares, (x, y), strict=True))
    return difference, math.sqrt(total) * float(stdtrit(freedom, (1 + confidence) / 2))


def _mean(values: np.ndarray[Any, Any]) -> float:
    # The sum of equal numbers is rounded, and their mean may be none of them in its last bit.
    return float(values[0] if np.ptp(values) == 0 else values.mean())


def _values(result: Result, metric: str) -> list[float]:
    if metric in ("accuracy", "loss"):
        return [float(value) for value in result.final(metric)]
    kept = result.records[0]["history"]
    known = [key for key in kept if key != "untrained" and not key.startswith("step_")]
    if metric not in known:
        raise ValueError(
            unknown(f"metric of {result.experiment.name}", metric, ["accuracy", "loss", *known])
        )
    return [float(value) for value in result.history(metric)[:, -1]]


def _require_same_measurement(a: Result, b: Result, metric: str) -> None:
    """The same images for what is measured on images, the same machine for what is time."""
    if metric in ("seconds", "images_per_second"):
        what, keys = "on the same machine", ("device_name", "threads", "processes")
        seen = [[record["provenance"].get(k) for k in keys] for r in (a, b) for record in r.records]
    else:
        what = "on the same images"
        split = "train" if metric.startswith("train_") else ""
        seen = [
            [split or r.split, record["dataset"].get(f"{split or r.split}_sha256")]
            for r in (a, b)
            for record in r.records
        ]
    if any(other != seen[0] for other in seen):
        raise NotComparableError(
            f"the {metric} of {a.experiment.name} and of {b.experiment.name} was not measured "
            f"{what}: {seen[0]} and {next(other for other in seen if other != seen[0])}"
        )


def _require_real_pairing(a: Result, b: Result) -> None:
    shared = [
        (r.seeds, r.experiment.model, dict(r.experiment.arguments), r.experiment.recipe.batch_size,
         r.records[0]["dataset"]["train_sha256"])
        for r in (a, b)
    ]  # fmt: skip
    names = ("seeds", "model", "arguments", "batch size", "training images")
    differing = [name for name, x, y in zip(names, *shared, strict=True) if x != y]
    if differing:
        raise NotComparableError(
            f"runs of {a.experiment.name} and {b.experiment.name} are no pairs: their "
            f"{' and '.join(differing)} differ; compare them without paired"
        )


def _places(*numbers: float) -> int:
    """Decimal places that show two digits of an interval's half width, and no end as a false 0."""
    difference, low, high = numbers
    half = (high - low) / 2 or abs(difference)
    places = min(6, max(0, 1 - math.floor(math.log10(half)))) if half else 2
    while places < 6 and any(x and round(x, places) == 0 for x in (low, high)):
        places += 1
    return places


def _number(x: float, places: int) -> str:
    text = f"{x:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")
