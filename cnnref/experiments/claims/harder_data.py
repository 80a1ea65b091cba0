"""Question BO-P4: the network of the digits on photographs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cnnref.data import DATASETS
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.comparison import compare
from cnnref.experiments.runner import Result, run

__all__ = ["harder_data"]

_FAST, _SLOW, _REGULARISED = "cifar10-cnn", "cifar10-cnn-slower", "cifar10-cnn-regularised"
_DIGITS = "digits-cnn-sgd"
_ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")


def harder_data() -> Iterator[Claim]:
    """What a tenth of the rate and regularisation change, over-fitting, and the mistakes."""
    chapter = "harder-data"
    for name, text, first, second, says, metric in (
        (
            "hard-slower",
            "At a tenth of the rate of the digits more of CIFAR-10's test images are right.",
            _SLOW, _FAST, "higher", "accuracy",
        ),
        (
            "hard-slower-training",
            "At a tenth of the rate of the digits fewer of the training photographs are right.",
            _SLOW, _FAST, "lower", "train_accuracy",
        ),
        (
            "hard-regularised",
            "Whether dropout and weight decay change the test accuracy on photographs is too close "
            "to call.",
            _REGULARISED, _SLOW, "too close to call", "accuracy",
        ),
        (
            "hard-regularised-training",
            "With dropout and weight decay fewer of the training photographs are right in the last "
            "epoch.",
            _REGULARISED, _SLOW, "lower", "train_accuracy",
        ),
    ):  # fmt: skip
        yield Claim.comparing(name, chapter, text, first, second, says, metric)
    yield Claim(
        "hard-inside", chapter, "All three test accuracies lie in the range that was expected.",
        _inside,
    )  # fmt: skip
    yield Claim(
        "hard-gap", chapter,
        "On photographs the training accuracy is further above the test accuracy than on digits, "
        "with the same network.",
        _gap,
    )  # fmt: skip
    yield Claim(
        "hard-turn", chapter,
        "At the rate of the digits the test loss of every seed is least after the third or fourth "
        "epoch and then climbs; at a tenth of it, with regularisation or without, it falls to the "
        "end.",
        _turn,
    )  # fmt: skip
    yield Claim(
        "hard-never-there", chapter,
        "At a tenth of the rate every seed ends with more test images right than any seed had "
        "after any epoch at the rate of the digits.",
        _never_there,
    )  # fmt: skip
    yield Claim(
        "hard-rises", chapter,
        "At a tenth of the rate, with regularisation or without, the test accuracy of every seed "
        "rises with every epoch; at the rate of the digits that of every seed falls at least once.",
        _rises,
    )  # fmt: skip
    yield Claim(
        "hard-families", chapter,
        "Mistakes between animals and vehicles are less than half as frequent as by chance.",
        _families,
    )  # fmt: skip


def _run(name: str) -> Result:
    return run(name, mode="stored")


def _inside() -> Finding:
    results = [_run(name) for name in (_FAST, _SLOW, _REGULARISED)]
    means = [float(result.final().mean()) for result in results]
    expected = [result.experiment.expected for result in results]
    return Finding(
        all(range_ and mean in range_ for mean, range_ in zip(means, expected, strict=True)),
        f"means of {', '.join(f'{mean:.1%}' for mean in means)}",
    )


def _gaps(name: str) -> list[float]:
    """Training minus test accuracy after the last epoch, by seed."""
    result = _run(name)
    gaps: list[float] = (result.history("train_accuracy")[:, -1] - result.final()).tolist()
    return gaps


def _gap() -> Finding:
    found = compare(_gaps(_FAST), _gaps(_DIGITS), "gap between training and test accuracy")
    return Finding(found.verdict == "higher", found.words(), found)


def _turn() -> Finding:
    loss = {name: _run(name).history("test_loss") for name in (_FAST, _SLOW, _REGULARISED)}
    turn = {name: values.argmin(axis=1) + 1 for name, values in loss.items()}
    epochs = loss[_FAST].shape[1]
    growth = loss[_FAST][:, -1] / loss[_FAST].min(axis=1)
    early = set(turn[_FAST].tolist())
    return Finding(
        early <= {3, 4}
        and bool(growth.min() > 1.02)
        and {*turn[_SLOW].tolist(), *turn[_REGULARISED].tolist()} == {epochs},
        f"least after epoch {min(early)} to {max(early)}, then {growth.min():.2f} to "
        f"{growth.max():.2f} times as high; at a tenth of the rate least after epoch "
        f"{min(turn[_SLOW].min(), turn[_REGULARISED].min())} or later",
    )


def _never_there() -> Finding:
    best = float(_run(_FAST).history("test_accuracy").max())
    least = float(_run(_SLOW).final().min())
    return Finding(least > best, f"at least {least:.1%} against at most {best:.1%}")


def _rises() -> Finding:
    fast, *slow = (
        np.diff(_run(name).history("test_accuracy"), axis=1)
        for name in (_FAST, _SLOW, _REGULARISED)
    )
    worst = 100 * min(changes.min() for changes in slow)
    falls = 100 * fast.min(axis=1)
    return Finding(
        bool(worst > 0 and falls.max() < 0),
        f"changes of at least {worst:.1f} points at a tenth of the rate; falls of up to "
        f"{', '.join(f'{-fall:.1f}' for fall in falls)} at the other, by seed".replace("-", "−"),
    )


def _families() -> Finding:
    total = _run(_REGULARISED).confusion
    names = DATASETS["cifar10"].class_names
    animal = np.array([name in _ANIMALS for name in names])
    across = total[animal[:, None] != animal].sum() / (total.sum() - total.trace())
    chance = (animal[:, None] != animal).sum() / (len(names) * (len(names) - 1))
    return Finding(
        bool(across < chance / 2), f"{across:.0%} of the mistakes, {chance:.0%} of the pairs"
    )
