"""What several seeds allow one to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit  # scipy.stats has it too, and takes a second to import

__all__ = ["Interval", "mean_interval"]


class Interval(NamedTuple):
    """A mean over runs and its confidence interval."""

    mean: float
    low: float
    high: float
    runs: int
    """Number of runs."""

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}] (n = {self.runs})"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean of independent runs and Student's interval for it.

    Args:
        values: one number per run; at least two.
        confidence: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: fewer than two values, or `confidence` is not between 0 and 1.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two runs, got {len(values)}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    mean = float(np.mean(values))
    standard_error = np.std(values, ddof=1) / np.sqrt(len(values))
    half = float(standard_error * stdtrit(len(values) - 1, (1 + confidence) / 2))
    return Interval(mean, mean - half, mean + half, len(values))
