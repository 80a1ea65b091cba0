"""A wide field, a narrow one, and a deep stack: question IU-3B.2's experiment on far pairs."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import run

__all__ = ["dilation"]


def dilation() -> Iterator[Claim]:
    """Who learns the task, who stays at a coin's accuracy, and whose loss moves."""
    chapter = "dilation"
    yield Claim(
        "wide-field-learned", chapter,
        "The rates 1, 2, 4, 8 learn the task in each seed.",
        _learned,
    )  # fmt: skip
    yield Claim(
        "wide-field-coin", chapter,
        "Four and eight layers of rate 1 stay at a coin's accuracy in each seed.",
        _coin,
    )  # fmt: skip
    yield Claim(
        "wide-field-still", chapter,
        "From torch's start the training loss of eight layers stays at ln 2.",
        _still,
    )  # fmt: skip
    yield Claim(
        "wide-field-moves", chapter,
        "From He's start it falls below ln 2 in each seed, and more than half of the training "
        "images are right.",
        _moves,
    )  # fmt: skip


def _shares(name: str) -> tuple[np.ndarray, str]:
    found = run(f"wide-field-{name}", mode="stored").final()
    return found, ", ".join(f"{100 * share:.1f} %" for share in found)


def _losses(name: str) -> tuple[np.ndarray, str]:
    found = run(f"wide-field-{name}", mode="stored").history("train_loss")[:, -1]
    return found, ", ".join(f"{loss:.4f}" for loss in found)


def _learned() -> Finding:
    found, shown = _shares("dilated")
    return Finding(bool((found > 0.95).all()), shown)


def _coin() -> Finding:
    found, shown = zip(*map(_shares, ("standard", "deep", "deep-he")), strict=True)
    # Four standard deviations of a coin on 1,000 images.
    return Finding(bool((abs(np.concatenate(found) - 0.5) < 0.064).all()), "; ".join(shown))


def _still() -> Finding:
    found, shown = _losses("deep")
    return Finding(bool((abs(found - log(2)) < 1e-3).all()), shown)


def _moves() -> Finding:
    found, shown = _losses("deep-he")
    right = run("wide-field-deep-he", mode="stored").history("train_accuracy")[:, -1]
    return Finding(bool((found < log(2) - 2e-3).all() and right.min() > 0.55), shown)
