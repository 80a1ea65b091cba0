"""Questions UT-P2.4 to UT-P2.7: the plain CNN before training and after; stopping in time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import run
from cnnref.experiments.statistics import mean_interval

__all__ = ["cats_and_dogs"]

PLAIN = "cats-dogs-plain"


def cats_and_dogs() -> Iterator[Claim]:
    """What is true of every seed, and what five seeds do not tell."""
    chapter = "cats-and-dogs"
    yield Claim(
        "untrained-constant", chapter,
        "Most of the untrained networks give all images the same answer.", _constant,
    )  # fmt: skip
    yield Claim(
        "plain-overfits", chapter,
        "In every seed the plain CNN ends right on far more training images than test images.",
        _overfits,
    )  # fmt: skip
    yield Claim(
        "plain-turn", chapter,
        "In every seed the test loss of the plain CNN turns half-way and climbs to more than "
        "one and a half times its least value.", _turns,
    )  # fmt: skip
    yield Claim(
        "plain-stopping", chapter,
        "Stopped at the epoch that validation chooses, the plain CNN has a lower test loss in "
        "every seed than after twenty epochs.", _stopping,
    )  # fmt: skip
    yield Claim(
        "plain-flat", chapter,
        "Whether the accuracy has changed since the test loss was least, five seeds do not tell.",
        _flat,
    )  # fmt: skip
    yield Claim(
        "plain-costly", chapter,
        "In every seed a mistake costs more at the end than when the test loss was least.", _costly,
    )  # fmt: skip
    yield Claim(
        "plain-confident", chapter,
        "The most confident mistakes of every seed are made with nearly full confidence.",
        _confident,
    )  # fmt: skip


def _constant() -> Finding:
    accuracies = run(PLAIN, mode="stored").untrained("accuracy")
    constant, seeds = int((accuracies == 0.5).sum()), len(accuracies)
    return Finding(constant > seeds / 2, f"{constant} of {seeds} are right on exactly one half")


def _overfits() -> Finding:
    result = run(PLAIN, mode="stored")
    gaps = 100 * (result.history("train_accuracy") - result.history("test_accuracy"))[:, -1]
    return Finding(bool(gaps.min() > 10), f"gaps from {gaps.min():.0f} to {gaps.max():.0f} points")


def _turns() -> Finding:
    loss = run(PLAIN, mode="stored").history("test_loss")
    turn, growth = loss.argmin(1) + 1, loss[:, -1] / loss.min(1)
    return Finding(
        bool(turn.max() < 0.75 * loss.shape[1] and growth.min() > 1.5),
        f"least after {turn.min()} to {turn.max()} epochs, then {growth.min():.1f} to "
        f"{growth.max():.1f} times as high",
    )


def _stopping() -> Finding:
    validated = run("stopping-cats-dogs", mode="stored").history("validation_loss")
    best = np.sort(validated.argmin(axis=1))
    epoch = int(best[len(best) // 2])
    loss = run(PLAIN, mode="stored").history("test_loss")
    early, late = loss[:, epoch], loss[:, -1]
    return Finding(
        bool((early < late).all()),
        f"after epoch {epoch + 1} from {early.min():.2f} to {early.max():.2f} nats, after "
        f"{loss.shape[1]} from {late.min():.2f} to {late.max():.2f}",
    )


def _flat() -> Finding:
    result = run(PLAIN, mode="stored")
    accuracy, turn = result.history("test_accuracy"), result.history("test_loss").argmin(1)
    found = mean_interval((accuracy[:, -1] - accuracy[np.arange(len(turn)), turn]).tolist())
    low, high = (f"{100 * end:.1f}".replace("-", "−") for end in (found.low, found.high))
    return Finding(found.low < 0 < found.high, f"a change of {low} to {high} points")


def _costly() -> Finding:
    result = run(PLAIN, mode="stored")
    loss = result.history("test_loss")
    cost = loss / (1 - result.history("test_accuracy"))
    growth = cost[:, -1] / cost[np.arange(len(loss)), loss.argmin(1)]
    return Finding(
        bool(growth.min() > 1), f"{growth.min():.1f} to {growth.max():.1f} times as much"
    )


def _confident() -> Finding:
    mistakes = [record["mistakes"] for record in run(PLAIN, mode="stored").records]
    least = min(mistake["probability"] for seed in mistakes for mistake in seed)
    return Finding(least > 0.95, f"probabilities of at least {np.floor(1e4 * least) / 1e4}")
