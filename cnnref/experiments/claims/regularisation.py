"""Questions UT-P2.8 and UT-P2.9: batch normalisation and dropout on cats and dogs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import run

__all__ = ["regularisation"]

PLAIN, BOTH = "cats-dogs-plain", "cats-dogs-plain-bn-dropout"

_ABLATIONS = {
    ("dropout", "loss"): "Dropout alone lowers the test loss.",
    (
        "dropout",
        "accuracy",
    ): "Whether dropout alone changes the test accuracy is too close to call.",
    (
        "norm",
        "loss",
    ): "Whether batch normalisation alone changes the test loss is too close to call.",
    (
        "norm",
        "accuracy",
    ): "Whether batch normalisation alone changes the test accuracy is too close to call.",
    ("colours", "loss"): "Sparing the colours lowers the test loss of the network with both.",
    (
        "colours",
        "accuracy",
    ): "By itself: sparing the colours raises the test accuracy of the network with both.",
    (
        "order",
        "loss",
    ): "Whether normalising before the activation changes the test loss is too close to call.",
    ("order", "accuracy"): "Whether normalising before the activation changes the test accuracy is "
    "too close to call.",
    ("augmented", "loss"): "Flips and crops lower the test loss of the plain network.",
    ("augmented", "accuracy"): "Flips and crops raise the test accuracy of the plain network.",
    ("instead", "loss"): "Flips and crops lower the test loss further than dropout alone.",
    ("instead", "accuracy"): "With flips and crops more is right than with dropout alone.",
}


def regularisation() -> Iterator[Claim]:
    """Both together against neither."""
    chapter = "regularisation"
    yield Claim.comparing(
        "regularised-test-loss", chapter,
        "Batch normalisation and dropout together lower the test loss after twenty epochs.",
        BOTH, PLAIN, "lower", "loss",
    )  # fmt: skip
    yield Claim.comparing(
        "regularised-training-accuracy", chapter,
        "With both, the accuracy in training, measured with dropout on, is lower.",
        BOTH, PLAIN, "lower", "train_accuracy",
    )  # fmt: skip
    yield Claim.comparing(
        "regularised-test-accuracy", chapter,
        "Whether both together change the test accuracy, five seeds do not tell.",
        BOTH, PLAIN, "too close to call",
    )  # fmt: skip
    yield Claim(
        "regularised-level", chapter,
        "In every seed the test loss of the plain network ends far above its least value, and that "
        "of the regularised one does not.", _level,
    )  # fmt: skip
    yield Claim(
        "regularised-falling", chapter,
        "In every seed both losses of the regularised network still fall in the last ten epochs.",
        _falling,
    )  # fmt: skip
    yield Claim(
        "regularised-slower", chapter,
        "Every regularised run needs more epochs to a training loss below 0.5 than every plain "
        "one.", _slower,
    )  # fmt: skip
    yield Claim(
        "regularised-below", chapter,
        "The test loss lies below the training loss in most epochs of the regularised network, and "
        "in few of the plain one.", _below,
    )  # fmt: skip
    yield Claim(
        "regularised-cost", chapter,
        "A mistake costs less in every regularised run than in every plain one.", _cost,
    )  # fmt: skip
    for key, first, second, loss, accuracy in (
        ("dropout", "plain-dropout", "plain", "lower", "too close to call"),
        ("norm", "plain-bn", "plain", "too close to call", "too close to call"),
        ("colours", "plain-bn-dropout-inside", "plain-bn-dropout", "lower", "higher"),
        ("order", "plain-bn-first-dropout", "plain-bn-dropout", *["too close to call"] * 2),
        ("augmented", "plain-augmented", "plain", "lower", "higher"),
        ("instead", "plain-augmented", "plain-dropout", "lower", "higher"),
    ):
        for metric, says in (("loss", loss), ("accuracy", accuracy)):
            yield Claim.comparing(
                f"ablation-{key}-{metric}", chapter, _ABLATIONS[key, metric],
                f"cats-dogs-{first}", f"cats-dogs-{second}", says, metric,
            )  # fmt: skip


def _history(name: str, metric: str) -> np.ndarray[Any, Any]:
    return run(name, mode="stored").history(metric)


def _level() -> Finding:
    plain, both = (
        loss[:, -1] / loss.min(1) for loss in (_history(n, "test_loss") for n in (PLAIN, BOTH))
    )
    return Finding(
        bool(plain.min() > 1.4 > both.max()),
        f"plain {plain.min():.1f} to {plain.max():.1f} times, with both at most {both.max():.2f}",
    )


def _falling() -> Finding:
    falls = [_history(BOTH, f"{split}_loss") for split in ("train", "test")]
    least = [float((loss[:, 9] - loss[:, -1]).min()) for loss in falls]
    return Finding(
        min(least) > 0, f"the least falls are {least[0]:.3f} (training) and {least[1]:.3f} (test)"
    )


def _slower() -> Finding:
    plain, both = (_first_below(_history(n, "train_loss"), 0.5) for n in (PLAIN, BOTH))
    return Finding(
        min(both) > max(plain),
        f"{max(plain):g} epochs at most against {min(both):g} at least",
    )


def _first_below(losses: np.ndarray[Any, Any], bound: float) -> list[float]:
    """The first epoch below the bound, by seed; infinity where there is none."""
    below = losses < bound
    return [float(row.argmax() + 1) if row.any() else float("inf") for row in below]


def _below() -> Finding:
    plain, both = (
        float((_history(n, "test_loss") < _history(n, "train_loss")).mean()) for n in (PLAIN, BOTH)
    )
    return Finding(both > 0.75 > 0.5 > plain, f"in {both:.0%} of epochs, and in {plain:.0%}")


def _cost() -> Finding:
    plain, both = (
        r.final("loss") / (1 - r.final("accuracy"))
        for r in (run(n, mode="stored") for n in (PLAIN, BOTH))
    )
    return Finding(
        bool(both.max() < plain.min()),
        f"at most {both.max():.1f} nats against at least {plain.min():.1f}",
    )
