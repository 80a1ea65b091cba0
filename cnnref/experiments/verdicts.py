"""What a comparison says: the difference of two means, its interval, and a verdict in plain words.

How the interval comes about is in `cnnref.experiments.comparison`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["VERDICTS", "Comparison", "Numbers", "measure"]

VERDICTS = ("higher", "lower", "too close to call")
"""What a comparison can say of its first."""


class Numbers(NamedTuple):
    """The numbers of a comparison as prose gives them, with as many places as the interval bears.

    Accuracies and errors are in per cent, their differences in points; a minus is a true minus.
    """

    first: str
    """The first mean with its unit: `"98.4 %"`."""
    second: str
    difference: str
    """First minus second without a unit: `"0.8"`."""
    low: str
    high: str
    unit: str
    """Of the difference, with the space before it: `" points"`."""


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
        images: how many images the interval takes for a sample of those that there could have been;
            0 where it speaks of these very images, and carries the scatter of the seeds alone.
        bound: whether what the images add is an upper bound, from records without answers.
    """

    metric: str
    means: tuple[float, float]
    difference: float
    low: float
    high: float
    runs: tuple[int, int]
    confidence: float = 0.95
    paired: bool = False
    images: int = 0
    bound: bool = False

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, of the first beside the second."""
        higher, lower, too_close = VERDICTS
        return higher if self.low > 0 else lower if self.high < 0 else too_close

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    @property
    def numbers(self) -> Numbers:
        """The means, the difference and its interval, rounded for prose."""
        factor, unit, gap = measure(self.metric)
        ends = [factor * x for x in (self.difference, self.low, self.high)]
        places = _places(*ends)
        first, second = (f"{_number(factor * mean, places)}{unit}" for mean in self.means)
        difference, low, high = (_number(x, places) for x in ends)
        return Numbers(first, second, difference, low, high, gap.replace(" percentage", ""))

    @property
    def sources(self) -> str:
        """What the interval takes for chance: `"3 seeds each"`, for instance."""
        m, n = self.runs
        seeds = f"{n} seeds each" if m == n else f"{m} and {n} seeds"
        runs = f"{n} pairs" if self.paired else seeds
        images = f" and {'a bound for ' * self.bound}the choice of {self.images:,} images"
        return runs + images * bool(self.images)

    @property
    def outcome(self) -> str:
        """The verdict in a few plain words: by how much, how sure.

        `"0.8 points higher, at least 0.3 (95 %)"`; or, where the interval holds zero,
        `"too close to call (−2.9 to 4.4 points)"`.
        """
        told = self.numbers
        if not self.decided:
            return f"{self.verdict} ({told.low} to {told.high}{told.unit})"
        near = (told.low if self.low > 0 else told.high).removeprefix("−")
        by = told.difference.removeprefix("−")
        return f"{by}{told.unit} {self.verdict}, at least {near} ({100 * self.confidence:g} %)"

    def words(self) -> str:
        """The comparison in plain words: which, by how much, how sure.

        `"98.4 % against 97.6 %, 0.8 points higher, at least 0.3 (95 %)"`; or, where the interval
        holds zero, `"98.3 % against 97.6 %, too close to call (−2.9 to 4.4 points)"`.
        """
        return f"{self.numbers.first} against {self.numbers.second}, {self.outcome}"

    def __str__(self) -> str:
        n = " and ".join(map(str, dict.fromkeys(self.runs)))
        return f"{self.difference:.4g} [{self.low:.4g}, {self.high:.4g}] (n = {n}): {self.verdict}"


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


def _places(difference: float, low: float, high: float) -> int:
    """Decimal places for an interval, and none of its ends shown as a false 0.

    Half its width has two digits where it begins with 1, 2 or 3, else one: a last digit that is
    uncertain by more than three says nothing.
    """
    half = (high - low) / 2 or abs(difference)
    if not half:
        return 2
    digits = math.floor(math.log10(half))
    places = min(6, max(0, (half < 3.55 * 10.0**digits) - digits))
    while places < 6 and any(x and round(x, places) == 0 for x in (low, high)):
        places += 1
    return places


def _number(x: float, places: int) -> str:
    text = f"{x:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")
