"""Questions MIT-5.1 to MIT-5.4a: widths, depth, time, and shared weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from cnnref.experiments.catalogue.digits import NETWORKS, WIDTHS
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import load_model, run
from cnnref.experiments.statistics import mean_interval

__all__ = ["PRINTED", "PRINTED_FIRST", "reading_digits"]

PRINTED = dict(zip(NETWORKS, (0.851, 0.900, 0.913, 0.921, 0.930, 0.922), strict=True))
"""The handout's accuracies after one epoch, questions MIT-5.1 to MIT-5.3a."""

PRINTED_FIRST = 0.968
"""Question MIT-5.3b: the last network again, after the first of twenty epochs."""


def reading_digits() -> Iterator[Claim]:
    """All that the chapter says of the outcome of trainings."""
    yield from _one_epoch()
    yield from _widths()
    yield from _twenty_epochs()
    yield from _convolution()


def _one_epoch() -> Iterator[Claim]:
    chapter = "reading-digits"
    yield Claim(
        "digits-few-images", chapter,
        "The printed .851 lies between the linear classifier's accuracies on 10,000 and on 60,000 "
        "images.",
        _few_images,
    )  # fmt: skip
    yield Claim(
        "digits-centre", chapter,
        "Of the ten weight images that of the 0 is lowest at the centre.",
        _centre,
    )  # fmt: skip
    yield Claim.comparing(
        "digits-depth", chapter,
        "After one epoch 256 units on top of 512 are right on more images than 512 alone.",
        "digits-mlp-512-256", "digits-mlp-512", "higher",
    )  # fmt: skip
    yield Claim.comparing(
        "digits-depth-or-width", chapter,
        "Three seeds do not tell 512 and 256 units from 1024 in one layer.",
        "digits-mlp-512-256", "digits-mlp-1024", "too close to call",
    )  # fmt: skip
    yield Claim.comparing(
        "digits-depth-slow", chapter,
        "By gradient descent at 0.01 the second layer hurts.",
        "digits-mlp-512-256-sgd-1e-2", "digits-mlp-512-sgd-1e-2", "lower",
    )  # fmt: skip


def _widths() -> Iterator[Claim]:
    chapter = "reading-digits"
    yield Claim.comparing(
        "digits-width", chapter,
        "After one epoch 1024 hidden units are right on more images than 128.",
        "digits-mlp-1024", "digits-mlp-128", "higher",
    )  # fmt: skip
    yield Claim(
        "digits-width-order", chapter,
        "Each doubling of the hidden units raises the mean accuracy.",
        partial(_rising, [f"digits-mlp-{n}" for n in WIDTHS]),
    )  # fmt: skip
    yield Claim.comparing(
        "digits-width-one-rate", chapter,
        "By gradient descent at one rate 1024 hidden units are right on more images than 128.",
        "digits-mlp-1024-sgd-1e-1", "digits-mlp-128-sgd-1e-1", "higher",
    )  # fmt: skip
    yield Claim.comparing(
        "digits-width-divided", chapter,
        "At an eighth of the rate 1024 hidden units are right on fewer images than 128.",
        "digits-mlp-1024-sgd-over-width", "digits-mlp-128-sgd-1e-1", "lower",
    )  # fmt: skip
    yield Claim(
        "digits-width-divided-order", chapter,
        "At a rate divided by the width each doubling of the units lowers the mean accuracy.",
        partial(
            _rising,
            [*(f"digits-mlp-{n}-sgd-over-width" for n in WIDTHS[:0:-1]), "digits-mlp-128-sgd-1e-1"],
        ),
    )  # fmt: skip
    for narrow, wide in pairwise(WIDTHS):
        yield Claim.comparing(
            f"digits-width-{wide}-one-rate", chapter,
            f"By gradient descent at one rate five seeds do not tell {wide} hidden units from "
            f"{narrow}.",
            f"digits-mlp-{wide}-sgd-1e-1", f"digits-mlp-{narrow}-sgd-1e-1", "too close to call",
        )  # fmt: skip


def _twenty_epochs() -> Iterator[Claim]:
    chapter = "reading-digits"
    yield Claim(
        "digits-long-loss", chapter,
        "From epochs 3 to 7 to the last five the test loss rises.",
        partial(_late, "test_loss", above=0.0),
    )  # fmt: skip
    yield Claim(
        "digits-long-accuracy", chapter,
        "Meanwhile the test accuracy does not fall, but for a tenth of a point at most.",
        partial(_late, "test_accuracy", above=-0.001),
    )  # fmt: skip
    yield Claim(
        "digits-long-printed", chapter,
        "The accuracy starts below the printed .968, and is above the printed ones after epochs 5, "
        "10 and 15.",
        _above_printed,
    )  # fmt: skip
    yield Claim(
        "digits-long-cost", chapter,
        "Meanwhile the test loss per mistake rises, in each run.",
        _cost,
    )  # fmt: skip
    yield Claim(
        "digits-long-turn", chapter,
        "The test loss is least before epoch 10 in each run.",
        _turn,
    )  # fmt: skip
    yield Claim(
        "digits-long-dip", chapter,
        "A fall as deep as the printed one, five epochs apart, is not rare: one case in twenty or "
        "more.",
        _dip,
    )  # fmt: skip
    yield Claim(
        "digits-long-same-dip", chapter,
        "One of three runs falls by more than the printed one between epochs 5 and 10.",
        _same_dip,
    )  # fmt: skip
    yield Claim.comparing(
        "digits-long", chapter,
        "Twenty epochs are right on more images than one.",
        "digits-mlp-512-256-long", "digits-mlp-512-256", "higher",
    )  # fmt: skip


def _convolution() -> Iterator[Claim]:
    chapter = "reading-digits"
    yield Claim.comparing(
        "digits-cnn", chapter,
        "After one epoch the convolutional network is right on more images than 1024 units.",
        "digits-cnn", "digits-mlp-1024", "higher",
    )  # fmt: skip
    yield Claim(
        "digits-cnn-accuracy", chapter,
        "Its test accuracy lies between 97 and 98 %.",
        _cnn_accuracy,
    )  # fmt: skip
    yield Claim(
        "digits-narrow", chapter,
        "A quarter as wide, after twelve epochs, it is right on at least 98.5 % of the test images "
        "in every seed.",
        _narrow,
    )  # fmt: skip
    yield Claim.comparing(
        "digits-cnn-long", chapter,
        "After one epoch it is right on fewer images than 512 and 256 units after twenty.",
        "digits-cnn", "digits-mlp-512-256-long", "lower",
    )  # fmt: skip
    for name, text, first, second, says in (
        ("windows", "52 units that see everything are right on fewer images than local windows.",
         "dense", "local", "lower"),
        ("sharing", "Whether sharing 8 features changes the accuracy, three seeds do not tell.",
         "shared", "local", "too close to call"),
        ("sharing-wide", "28 shared features are right on more images than 8 not shared.",
         "shared-wide", "local", "higher"),
    ):  # fmt: skip
        yield Claim.comparing(
            f"digits-{name}", chapter, text, f"sharing-{first}", f"sharing-{second}", says
        )
    yield Claim.comparing(
        "digits-sharing-wide-of-four", chapter,
        "Allowing for four comparisons, three seeds do not tell 28 shared features from 8 not "
        "shared.",
        "sharing-shared-wide", "sharing-local", "too close to call", confidence=1 - 0.05 / 4,
    )  # fmt: skip


def _mean(experiment: str) -> float:
    return float(run(experiment, mode="stored").final().mean())


def _points(*gaps: float) -> str:
    return ", ".join(f"{100 * gap:.1f}" for gap in gaps).replace("-", "−") + " points"


def _few_images() -> Finding:
    few, many = _mean("digits-linear-adam-b128-10k"), _mean("digits-linear")
    return Finding(few < PRINTED["linear"] < many, f"{few:.3f} and {many:.3f}")


def _centre() -> Finding:
    weights = load_model("digits-linear").get_parameter("layers.0.weight").detach()
    centre = weights.unflatten(1, (28, 28))[:, 12:17, 13:15].mean((1, 2)).tolist()
    return Finding(min(centre) == centre[0] < 0, ", ".join(f"{w:.2f}" for w in centre))


def _rising(experiments: list[str]) -> Finding:
    means = [_mean(name) for name in experiments]
    shown = ", ".join(f"{100 * mean:.2f} %" for mean in means)
    return Finding(all(a < b for a, b in pairwise(means)), shown)


def _late(metric: str, above: float) -> Finding:
    values = run("digits-mlp-512-256-long", mode="stored").history(metric)
    found = mean_interval((values[:, 15:].mean(1) - values[:, 2:7].mean(1)).tolist())
    return Finding(found.low > above, str(found))


def _above_printed() -> Finding:
    means = run("digits-mlp-512-256-long", mode="stored").history("test_accuracy").mean(0)
    first, *later = (float(means[epoch - 1]) for epoch in (1, 5, 10, 15))
    above = all(a > b for a, b in zip(later, (0.973, 0.969, 0.975), strict=True))
    return Finding(first < PRINTED_FIRST and above, ", ".join(f"{a:.3f}" for a in (first, *later)))


def _cost() -> Finding:
    long = run("digits-mlp-512-256-long", mode="stored")
    cost = long.history("test_loss") / (1 - long.history("test_accuracy"))
    ratios = cost[:, 15:].mean(1) / cost[:, 2:7].mean(1)
    return Finding(bool((ratios > 1).all()), ", ".join(f"{r:.2f}" for r in ratios) + " times")


def _falls() -> np.ndarray[Any, Any]:
    """How far the accuracy falls in five epochs, from the fifth on: `(seeds, 11)`."""
    accuracy = run("digits-mlp-512-256-long", mode="stored").history("test_accuracy")
    return np.round(accuracy[:, 4:15] - accuracy[:, 9:20], 4)


def _dip() -> Finding:
    share = float((_falls() >= 0.004).mean())
    return Finding(share >= 0.05, f"{share:.0%} of all cases")


def _same_dip() -> Finding:
    falls = _falls()[:, 0]
    return Finding(int((falls > 0.004).sum()) == 1, _points(*falls))


def _turn() -> Finding:
    turns = run("digits-mlp-512-256-long", mode="stored").history("test_loss").argmin(1) + 1
    return Finding(bool((turns < 10).all()), f"least in epochs {', '.join(map(str, turns))}")


def _narrow() -> Finding:
    accuracy = run("digits-cnn-narrow", mode="stored").final()
    return Finding(bool((accuracy >= 0.985).all()), ", ".join(f"{a:.2%}" for a in accuracy))


def _cnn_accuracy() -> Finding:
    found = run("digits-cnn", mode="stored").interval()
    return Finding(found.low > 0.97 and found.high < 0.98, str(found))
