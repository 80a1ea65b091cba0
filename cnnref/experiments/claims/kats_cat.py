"""Question MIT-4.2: who learns the training images, and who knows the cat where it has moved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import run
from cnnref.experiments.statistics import mean_interval

__all__ = ["kats_cat"]

_Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

COIN = 0.025
"""Standard error of a coin on the 400 test images."""


def kats_cat() -> Iterator[Claim]:
    """Of each of the four networks what the chapter says of its trainings."""
    chapter = "kats-cat"
    yield Claim(
        "kat-filter-premise", chapter,
        "At least three of five seeds of the one filter are right on all training images.",
        _premise,
    )  # fmt: skip
    yield Claim(
        "kat-filter-moves", chapter,
        "Whether the one filter's accuracy changes when the cat moves, five seeds do not tell.",
        _moves,
    )  # fmt: skip
    yield Claim(
        "kat-by-heart", chapter,
        "Small features and the dense network are right on all training images in each seed, and "
        "on less than two thirds of new ones.",
        _by_heart,
    )  # fmt: skip
    yield Claim(
        "kat-blocks-live", chapter,
        "Some seeds of the three blocks learn and know new images better than small features do; "
        "the others stay at one half.",
        _live,
    )  # fmt: skip
    yield Claim(
        "kat-moved", chapter,
        "With the cat moved, all but the one filter are within two standard errors of a coin.",
        _moved,
    )  # fmt: skip


def _accuracies(name: str) -> tuple[_Floats, _Floats, _Floats]:
    """On training images, new ones and moved ones, by seed."""
    here, there = run(name, mode="stored"), run(f"{name}-moved", mode="stored")
    return here.history("train_accuracy")[:, -1], here.final(), there.final()


def _percent(*shares: float) -> str:
    return ", ".join(f"{100 * share:.1f} %" for share in shares)


def _premise() -> Finding:
    train, _, _ = _accuracies("kat-filter")
    return Finding(int((train == 1).sum()) >= 3, _percent(*train))


def _moves() -> Finding:
    _, here, there = _accuracies("kat-filter")
    found = mean_interval((there - here).tolist())
    low, high = (f"{100 * end:.1f}".replace("-", "−") for end in (found.low, found.high))
    shown = f"from {low} to {high} points; {_percent(*there)}"
    return Finding(bool(found.low < 0 < found.high and there.min() > 0.9), shown)


def _by_heart() -> Finding:
    found = [_accuracies(name)[:2] for name in ("kat-features", "kit-dense")]
    holds = all((train == 1).all() and test.max() < 2 / 3 for train, test in found)
    return Finding(holds, "; ".join(_percent(*test) for _, test in found))


def _live() -> Finding:
    train, test, _ = _accuracies("kat-blocks")
    alive = train > 0.9
    features = _accuracies("kat-features")[1].max()
    holds = alive.any() and not alive.all() and bool((test[~alive] == 0.5).all())
    return Finding(bool(holds and test[alive].min() > features), _percent(*test))


def _moved() -> Finding:
    means = [_accuracies(name)[2].mean() for name in ("kat-features", "kat-blocks", "kit-dense")]
    return Finding(max(abs(mean - 0.5) for mean in means) < 2 * COIN, _percent(*means))
