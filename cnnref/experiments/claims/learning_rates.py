"""Questions BO-P1 to BO-P3: learning rates, one step of sixteen images, regularisation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from cnnref.experiments.catalogue.digits import LEARNING_RATES, PICKED_RATE, TWICE_TRAINED
from cnnref.experiments.catalogue.entry import short
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.comparison import compare
from cnnref.experiments.runner import Result, run

__all__ = ["learning_rates"]

_Values = np.ndarray[Any, np.dtype[np.float64]]

_LAST = 100
"""Steps that the training error at the end is averaged over."""

_SMALL = LEARNING_RATES[:4]
"""Rates whose losses lie on one curve."""


def learning_rates() -> Iterator[Claim]:
    """The sweep, what the pick rests on, the last step, and the final tests."""
    chapter = "learning-rates"
    yield Claim(
        "rate-pick", chapter,
        f"Of the rates tried, {PICKED_RATE:g} has the best mean validation accuracy, and it lies "
        "inside the grid: up to it a larger rate is better, and beyond it worse.",
        _pick,
    )  # fmt: skip
    for rate in LEARNING_RATES:
        if rate == PICKED_RATE:
            continue
        near = rate in (0.1, 0.5)
        yield Claim.comparing(
            f"rate-against-{short(rate)}", chapter,
            f"Whether {PICKED_RATE:g} is better than {rate:g} is too close to call."
            if near
            else f"On validation images, {PICKED_RATE:g} is better than {rate:g}.",
            _name(PICKED_RATE), _name(rate), "too close to call" if near else "higher",
        )  # fmt: skip
    for rate, says in ((0.1, "too close to call"), (0.5, "lower")):
        yield Claim(
            f"rate-steadier-{short(rate)}", chapter,
            f"The training error of the last {_LAST} steps at {PICKED_RATE:g} is lower than at "
            f"{rate:g}." if says == "lower" else
            f"By the training error of the last {_LAST} steps, too, {PICKED_RATE:g} and {rate:g} "
            "are too close to call.",
            partial(_steadier, rate, says),
        )  # fmt: skip
    yield Claim(
        "rate-one-curve", chapter,
        "The losses of the four smallest rates lie on one curve over rate times step, seed by "
        f"seed; at {PICKED_RATE:g} the loss has left it.",
        _one_curve,
    )  # fmt: skip
    yield Claim(
        "rate-first-jump", chapter,
        "At the two largest rates the loss of every seed first jumps above that of guessing; at "
        "the five smallest it never does.",
        _first_jump,
    )  # fmt: skip
    yield Claim(
        "one-step-damage", chapter,
        "A full step on the last 16 images costs one run of five more than four points of "
        "validation accuracy, four times what any of the eleven full mini-batches before moves it.",
        _damage,
    )  # fmt: skip
    yield Claim(
        "one-step-scaled", chapter,
        "In proportion to its size, the last step moves the accuracy no more than the eleven "
        "steps before it do.",
        _scaled,
    )  # fmt: skip
    yield Claim(
        "one-step-forgotten", chapter,
        "After the first epoch the two ways are a point or more apart in three of five seeds, in "
        "one by fourteen; before the last step of the second by at most 0.1 points.",
        _forgotten,
    )  # fmt: skip
    yield Claim(
        "one-step-interval", chapter,
        "After the full step the interval of the mean is more than five times as wide as after "
        f"the step in proportion, and less of the lead of {PICKED_RATE:g} over "
        f"{TWICE_TRAINED:g} is sure.",
        _interval,
    )  # fmt: skip
    yield Claim(
        "rate-teeth", chapter,
        "In every seed, the training loss falls by a fifth or more where the fifth epoch begins, "
        "and rises within the epoch.",
        _teeth,
    )  # fmt: skip
    plain, regularised = "digits-cnn-sgd", "digits-cnn-sgd-regularised"
    yield Claim.comparing(
        "rate-regularised", chapter,
        "Whether dropout and weight decay change the test accuracy is too close to call.",
        regularised, plain, "too close to call",
    )  # fmt: skip
    yield Claim.comparing(
        "rate-regularised-training", chapter,
        "With dropout and weight decay the training accuracy of the last epoch is lower.",
        regularised, plain, "lower", "train_accuracy",
    )  # fmt: skip
    yield Claim(
        "rate-over-fitting", chapter,
        "Without regularisation the training accuracy of the last epoch is above the test "
        "accuracy, in every seed.",
        _over_fitting,
    )  # fmt: skip


def _name(rate: float) -> str:
    return f"rate-{short(rate)}"


def _run(name: str) -> Result:
    return run(name, mode="stored")


def _pick() -> Finding:
    means = [float(_run(_name(rate)).final().mean()) for rate in LEARNING_RATES]
    best = LEARNING_RATES.index(PICKED_RATE)
    rising, falling = means[: best + 1], means[best:]
    return Finding(
        len(falling) > 1
        and rising == sorted(rising)
        and falling == sorted(falling, reverse=True),
        "validation accuracies of "
        + ", ".join(f"{m:.2%} at {r:g}" for r, m in zip(LEARNING_RATES, means, strict=True)),
    )  # fmt: skip


def _last_errors(rate: float) -> list[float]:
    last: list[float] = _run(_name(rate)).history("step_error")[:, -_LAST:].mean(axis=1).tolist()
    return last


def _steadier(rate: float, says: str) -> Finding:
    found = compare(
        _last_errors(PICKED_RATE), _last_errors(rate), f"training error of the last {_LAST} steps"
    )
    return Finding(found.verdict == says, found.words(), found)


def _loss_at(rate: float, time: float) -> _Values:
    """By seed, the mean loss of the tenth of the steps that lead up to this rate times step."""
    step = round(time / rate)
    losses = _run(_name(rate)).history("step_loss")
    mean: _Values = losses[:, step - max(1, step // 10) : step].mean(axis=1)
    return mean


def _one_curve() -> Finding:
    early = np.array([_loss_at(rate, 0.45) for rate in _SMALL])
    apart, seeds = float(np.ptp(early, axis=0).max()), float(np.ptp(early, axis=1).min())
    ratio = float((_loss_at(PICKED_RATE, 4.5) / _loss_at(3e-3, 4.5)).min())
    return Finding(
        apart < 0.06 < seeds and ratio > 2,
        f"losses at 0.45 that differ by at most {apart:.3f} nats over the rates and by at least "
        f"{seeds:.3f} over the seeds; at 4.5 a loss at {PICKED_RATE:g} that is {ratio:.1f} times "
        "that at 0.003 or more",
    )


def _first_jump() -> Finding:
    peaks = {
        rate: _run(_name(rate)).history("step_loss")[:, :50].max(axis=1) for rate in LEARNING_RATES
    }
    small = max(float(peaks[rate].max()) for rate in LEARNING_RATES[:5])
    large = min(float(peaks[rate].min()) for rate in LEARNING_RATES[-2:])
    guessing = math.log(10)
    return Finding(
        large > 1.06 * guessing > small,
        f"largest losses of the first 50 steps of at least {large:.2f} nats at the two largest "
        f"rates and at most {small:.2f} at the five smallest",
    )


def _tails(name: str) -> _Values:
    """The accuracy after each of the last steps, `(seeds, steps)`."""
    return np.array([record["tail"]["accuracy"] for record in _run(name).records])


def _both_ways() -> tuple[str, str]:
    """The experiments with the full last step, and with the one in proportion."""
    scaled = _name(TWICE_TRAINED)
    return f"{scaled}-full-remainder", scaled


def _moves(name: str) -> tuple[_Values, _Values]:
    """How the last step changed the accuracy, by seed; and how much the others did at most."""
    moves = np.diff(_tails(name), axis=1)
    return moves[:, -1], np.abs(moves[:, :-1]).max(axis=1)


def _damage() -> Finding:
    last, others = _moves(_both_ways()[0])
    return Finding(
        int((last < -0.04).sum()) == 1 and float(others.max()) <= -float(last.min()) / 4,
        f"last steps that change the accuracy by {_points(last)} points, and steps before them "
        f"by at most {100 * others.max():.1f}",
    )


def _scaled() -> Finding:
    last, others = _moves(_both_ways()[1])
    return Finding(
        bool(np.abs(last).max() <= others.max()),
        f"last steps that change the accuracy by {_points(last)} points, and steps before them "
        f"by at most {100 * others.max():.1f}",
    )


def _points(shares: _Values) -> str:
    return ", ".join(f"{100 * share:+.1f}".replace("-", "−") for share in shares)


def _forgotten() -> Finding:
    full, scaled = _both_ways()
    first = np.abs(
        np.subtract(*(_run(n).history("validation_accuracy")[:, 0] for n in (full, scaled)))
    )
    later = float(np.abs(_tails(full) - _tails(scaled))[:, :-1].max())
    return Finding(
        int((first > 0.009).sum()) == 3 and bool(first.max() > 0.135) and later <= 0.0011,
        f"accuracies {', '.join(f'{100 * x:.1f}' for x in first)} points apart after the first "
        f"epoch, and at most {100 * later:.2f} before the last step of the second",
    )


def _interval() -> Finding:
    full, scaled = (_run(name) for name in _both_ways())
    wide, narrow = (result.interval() for result in (full, scaled))
    ratio = (wide.high - wide.low) / (narrow.high - narrow.low)
    found, steady = (compare(_run(_name(PICKED_RATE)), result) for result in (full, scaled))
    return Finding(
        ratio > 5 and found.low < steady.low,
        f"an interval {ratio:.0f} times as wide; {PICKED_RATE:g} against {TWICE_TRAINED:g}: "
        f"{found.words()}",
        found,
    )


def _teeth() -> Finding:
    result = _run("digits-cnn-sgd")
    losses = result.history("step_loss")
    epochs = losses.reshape(len(losses), result.experiment.recipe.epochs, -1)
    before, start, end = (
        epochs[:, i, part].mean(axis=1)
        for i, part in ((-2, slice(-100, None)), (-1, slice(100)), (-1, slice(-100, None)))
    )
    fall, rise = float((start / before).max()), float((end / start).min())
    return Finding(
        fall <= 0.8 and rise > 1,
        f"losses of the first 100 steps of the last epoch that are at most {fall:.2f} times those "
        f"before it, and at its end at least {rise:.2f} times as large",
    )


def _over_fitting() -> Finding:
    plain = _run("digits-cnn-sgd")
    gap = plain.history("train_accuracy")[:, -1] - plain.final()
    return Finding(
        bool((gap > 0).all()), f"training minus test accuracy of {_points(gap)} points, by seed"
    )
