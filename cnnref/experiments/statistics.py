"""What several seeds allow one to say, and how far a probability can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit  # scipy.stats has it too, and takes a second to import

__all__ = [
    "Interval",
    "Reliability",
    "Spread",
    "half_width",
    "mean_interval",
    "prediction_interval",
    "reliability",
    "spread_of_mean",
]


class Interval(NamedTuple):
    """A mean over runs and its confidence interval."""

    mean: float
    low: float
    high: float
    runs: int
    """Number of runs."""

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}] (n = {self.runs})"


def mean_interval(
    values: Sequence[float],
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """Mean of independent runs and Student's interval for it.

    Args:
        values: one number per run; at least two.
        confidence: coverage of the interval, between 0 and 1.
        bounds: what no value can be beyond, `(0, 1)` for shares. An end that is, is set there: as
            the mean cannot be beyond either, the coverage is the same.

    Raises:
        ValueError: fewer than two values, values that are not finite or beyond `bounds`, or
            `confidence` is not between 0 and 1.
    """
    return _student(values, confidence, bounds, new_runs=0)


def prediction_interval(
    values: Sequence[float],
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """Where the value of one more run is expected to fall.

    Wider than `mean_interval` by the factor sqrt(n + 1): the mean of many runs is steadier than the
    next run. Whoever trains one seed again compares with this.

    Args:
        values: one number per run; at least two.
        confidence: how often a new run falls inside, between 0 and 1.
        bounds: as `mean_interval` takes them.

    Raises:
        ValueError: fewer than two values, values beyond `bounds`, or `confidence` is not between 0
            and 1.
    """
    return _student(values, confidence, bounds, new_runs=1)


def _student(
    values: Sequence[float], confidence: float, bounds: tuple[float, float], new_runs: int
) -> Interval:
    runs = len(values)
    if runs < 2:
        raise ValueError(f"an interval needs at least two runs, got {runs}")
    require_share(confidence)
    least, most = bounds
    if not np.isfinite(np.asarray(values, dtype=float)).all():
        raise ValueError(
            f"every value must be finite, got {list(values)}; leave out the run that has none"
        )
    if not (least <= min(values) and max(values) <= most):
        raise ValueError(f"values must be from {least} to {most}, got {list(values)}")
    mean = float(np.mean(values))
    error = np.std(values, ddof=1) * np.sqrt(new_runs + 1 / runs)
    half = float(error * stdtrit(runs - 1, (1 + confidence) / 2))
    return Interval(mean, max(mean - half, least), min(mean + half, most), runs)


def require_share(confidence: float) -> None:
    """Refuse a confidence that is not between 0 and 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")


class Spread(NamedTuple):
    """A part of the variance of an estimate, and its degrees of freedom."""

    variance: float
    freedom: int


def spread_of_mean(values: np.ndarray[Any, Any]) -> Spread:
    """What independent runs leave to chance in their mean."""
    spread = 0.0 if np.ptp(values) == 0 else float(values.var(ddof=1))
    return Spread(spread / len(values), len(values) - 1)


def half_width(parts: Sequence[Spread], confidence: float, twice: float = 0.0) -> float:
    """Half the width of an interval whose variance has several parts, by Satterthwaite 1946.

    Args:
        parts: independent of one another, but for what is in more than one of them.
        confidence: coverage of the interval, between 0 and 1.
        twice: variance that the parts have twice.
    """
    variances = [part.variance for part in parts]
    total = max(sum(variances) - twice, *variances)
    if total == 0:
        return 0.0
    freedom = 1 / sum((part.variance / total) ** 2 / part.freedom for part in parts)
    return math.sqrt(total) * float(stdtrit(freedom, (1 + confidence) / 2))


class Reliability(NamedTuple):
    """How often answers are right, by how sure they are. Each list has one entry per bin."""

    confidence: list[float]
    """Mean probability of the predicted class; bins without an image are left out."""
    accuracy: list[float]
    """Share of the bin's images that are right."""
    images: list[int]
    """Number of images in the bin."""
    error: float
    """Expected calibration error: mean distance of the two, weighted by images."""


def reliability(probabilities: Any, labels: Any, bins: int = 10) -> Reliability:
    """Confidence and accuracy in bins of equal width: Guo et al. 2017, Eq. 1 to 3.

    Args:
        probabilities: `(N, classes)`, rows that sum to 1; an array or a tensor on the CPU.
        labels: `(N,)`, the true classes.
        bins: number of bins between 0 and 1.

    Raises:
        ValueError: no images, a number of labels that differs, labels that are no classes, rows
            that are no probabilities, or no bins.
    """
    p, true = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if p.ndim != 2 or not len(p) or true.shape != p.shape[:1]:
        raise ValueError(
            f"needs probabilities (N, classes) and labels (N,), got {p.shape} and {true.shape}"
        )
    whole = np.issubdtype(true.dtype, np.integer)
    if not whole or true.min() < 0 or true.max() >= p.shape[1]:
        raise ValueError(
            f"labels must be whole numbers from 0 to {p.shape[1] - 1}, a class for each column, "
            f"got {true.dtype} from {true.min()} to {true.max()}"
        )
    if not isinstance(bins, int) or isinstance(bins, bool) or bins < 1:
        raise ValueError(f"bins must be a whole number of at least 1, got {bins!r}")
    if not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-4)):
        raise ValueError("every row must hold probabilities that sum to 1; logits need a softmax")
    sure, right = p.max(axis=1), p.argmax(axis=1) == true
    which = np.minimum((sure * bins).astype(int), bins - 1)
    inside = [which == i for i in range(bins) if (which == i).any()]
    confidence = [float(sure[chosen].mean()) for chosen in inside]
    accuracy = [float(right[chosen].mean()) for chosen in inside]
    images = [int(chosen.sum()) for chosen in inside]
    error = float(np.average(np.abs(np.subtract(confidence, accuracy)), weights=images))
    return Reliability(confidence, accuracy, images, error)
