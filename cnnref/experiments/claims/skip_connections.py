"""Questions UT-P3.3, UT-P3.5 and UT-P3.6: a skip, with and without regularisation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.comparison import compare
from cnnref.experiments.runner import run

__all__ = ["skip_connections"]

PLAIN, PLAIN_BOTH = "cats-dogs-plain", "cats-dogs-plain-bn-dropout"
SKIP, NORM, BOTH = "cats-dogs-skip", "cats-dogs-skip-bn", "cats-dogs-skip-bn-dropout"


def skip_connections() -> Iterator[Claim]:
    """What each step of the handout changes."""
    chapter = "skip-connections"
    for name, text, first, second, says, metric in (
        (
            "skip-accuracy",
            "Whether the skip network is right on more test images than the plain one, five seeds "
            "do not tell.",
            SKIP, PLAIN, "too close to call", "accuracy",
        ),
        (
            "skip-loss",
            "Without regularisation the skip network ends with the higher test loss.",
            SKIP, PLAIN, "higher", "loss",
        ),
        (
            "skip-both-accuracy",
            "Whether both together change the accuracy of the skip network, five seeds do not "
            "tell.",
            BOTH, SKIP, "too close to call", "accuracy",
        ),
        (
            "skip-both-loss",
            "Both together lower the test loss of the skip network.",
            BOTH, SKIP, "lower", "loss",
        ),
        (
            "skip-both-closer",
            "With both, the skip network ends with a lower training loss than the plain one.",
            BOTH, PLAIN_BOTH, "lower", "train_loss",
        ),
        (
            "skip-cut-accuracy",
            "Whether the skip changes the test accuracy of the network that is otherwise the same "
            "is too close to call.",
            SKIP, "cats-dogs-skip-cut", "too close to call", "accuracy",
        ),
        (
            "skip-cut-loss",
            "Whether the skip changes the training loss of the network that is otherwise the same "
            "is too close to call.",
            SKIP, "cats-dogs-skip-cut", "too close to call", "train_loss",
        ),
        (
            "skip-bn-accuracy",
            "Whether the network without dropout is right on fewer test images, five seeds do not "
            "tell.",
            NORM, BOTH, "too close to call", "accuracy",
        ),
        (
            "skip-bn-loss",
            "Without dropout the test loss is higher.",
            NORM, BOTH, "higher", "loss",
        ),
    ):  # fmt: skip
        yield Claim.comparing(name, chapter, text, first, second, says, metric)
    yield Claim(
        "skip-turn", chapter,
        "In every seed the skip network learns the training images by heart, and its test loss "
        "turns and climbs.", partial(_turns, SKIP),
    )  # fmt: skip
    yield Claim(
        "skip-bn-turn", chapter,
        "In every seed the network with batch normalisation alone learns the training images by "
        "heart, and its test loss turns and climbs.", partial(_turns, NORM),
    )  # fmt: skip
    yield Claim(
        "skip-both-level", chapter,
        "In no seed does the test loss of the skip network with both climb far.", _level,
    )  # fmt: skip
    yield Claim(
        "skip-both-crossing", chapter,
        "In every seed the test loss begins below the training loss and ends above it.", _crosses,
    )  # fmt: skip
    yield Claim(
        "skip-bn-faster", chapter,
        "Every run with batch normalisation alone reaches a training loss of 0.25 before every run "
        "without it; no run with dropout does.", _faster,
    )  # fmt: skip
    yield Claim(
        "skip-no-difference", chapter,
        "None of the six planned differences in accuracy between the five networks can be told "
        "from zero.", _alike,
    )  # fmt: skip
    yield Claim(
        "skip-groups", chapter,
        "Every run with dropout ends with a lower test loss than every run without it.", _groups,
    )  # fmt: skip


def _history(name: str, metric: str) -> np.ndarray[Any, Any]:
    return run(name, mode="stored").history(metric)


def _turns(name: str) -> Finding:
    loss, right = _history(name, "test_loss"), _history(name, "train_accuracy")[:, -1]
    rise, turn = loss[:, -1] / loss.min(1), loss.argmin(1) + 1
    return Finding(
        bool(rise.min() > 1.4 and turn.max() < 16 and right.min() > 0.95),
        f"least after {turn.min()} to {turn.max()} epochs, then {rise.min():.1f} to "
        f"{rise.max():.1f} times as high; right on at least {100 * right.min():.1f} % in training",
    )


def _level() -> Finding:
    loss = _history(BOTH, "test_loss")
    rise = float((loss[:, -1] / loss.min(1)).max())
    return Finding(rise < 1.4, f"at most {rise:.2f} times the least")


def _crosses() -> Finding:
    above = _history(BOTH, "test_loss") - _history(BOTH, "train_loss")
    first, last = above[:, :5].mean(1), above[:, -3:].mean(1)
    told = f"{first.min():.2f} to {first.max():.2f} at first, {last.min():.2f} to {last.max():.2f}"
    told = told.replace("-", "−")
    return Finding(bool(first.max() < 0 < last.min()), f"test minus training loss {told} at last")


def _faster() -> Finding:
    below = {name: _history(name, "train_loss") < 0.25 for name in (SKIP, NORM, BOTH)}
    first = {
        name: [int(row.argmax()) + 1 if row.any() else np.inf for row in rows]
        for name, rows in below.items()
    }
    return Finding(
        bool(max(first[NORM]) < min(first[SKIP]) and min(first[BOTH]) == np.inf),
        f"after {max(first[NORM]):g} epochs at most against {min(first[SKIP]):g} at least; with "
        f"dropout {'never' if min(first[BOTH]) == np.inf else f'after {min(first[BOTH]):g}'}",
    )


def _alike() -> Finding:
    pairs = (
        (SKIP, PLAIN), (PLAIN_BOTH, PLAIN), (BOTH, SKIP), (NORM, SKIP), (BOTH, NORM),
        (BOTH, PLAIN_BOTH),
    )  # fmt: skip
    clear = [
        f"{first} is {found.verdict} than {second}"
        for first, second in pairs
        for found in [compare(run(first, mode="stored"), run(second, mode="stored"))]
        if found.verdict != "too close to call"
    ]
    return Finding(not clear, "; ".join(clear) or "all six intervals hold zero")


def _groups() -> Finding:
    most = max(run(n, mode="stored").final("loss").max() for n in (PLAIN_BOTH, BOTH))
    least = min(run(n, mode="stored").final("loss").min() for n in (PLAIN, SKIP, NORM))
    return Finding(
        bool(most < least), f"at most {most:.2f} nats with dropout, at least {least:.2f} without"
    )
