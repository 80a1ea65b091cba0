"""The search for the recipe behind the handout's accuracies, questions MIT-5.1 to MIT-5.3."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.catalogue.digits import NETWORKS, RECIPES, STANDARDISED
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.claims.reading_digits import PRINTED, PRINTED_FIRST
from cnnref.experiments.runner import run

__all__ = ["the_mit_recipe"]


def the_mit_recipe() -> Iterator[Claim]:
    """All that the appendix says of the outcome of trainings."""
    chapter = "the-mit-recipe"
    yield Claim(
        "digits-search", chapter,
        "Of ten recipes with pixels from 0 to 1, Adam in batches of 64 on 10,000 images is nearest "
        "to the six printed accuracies.",
        _nearest,
    )  # fmt: skip
    yield Claim(
        "digits-search-five", chapter,
        "Adam in batches of 32 on 10,000 images comes within a point of all of them but .851.",
        _five_of_six,
    )  # fmt: skip
    yield Claim(
        "digits-search-seventh", chapter,
        "Adam in batches of 32 on all images comes within half a point of .968.",
        _seventh,
    )  # fmt: skip
    yield Claim(
        "digits-search-descent", chapter,
        "Gradient descent is more than three points from one of the six, at both rates and on both "
        "numbers of images.",
        _descent,
    )  # fmt: skip
    yield Claim(
        "digits-search-all-images", chapter,
        "Adam on all images is more than two points above each of the six.",
        _all_images,
    )  # fmt: skip
    yield Claim(
        "digits-search-linear", chapter,
        "The linear classifier is above .851 by eight recipes of the ten, by more than three "
        "points where it has all images, and within one by Adam in batches of 64 on 10,000.",
        _linear,
    )  # fmt: skip
    yield Claim(
        "digits-scale", chapter,
        "On 10,000 images Adam in batches of 32 is nearer to the six than gradient descent at 0.1 "
        "where pixels run from 0 to 1, and farther where they are standardised.",
        _scale,
    )  # fmt: skip


def _by(label: str) -> dict[str, float]:
    """Mean accuracies of the six networks by a recipe."""
    suffix = "" if label == "adam-b128" else f"-{label}"
    return {
        network: float(run(f"digits-{network}{suffix}", mode="stored").final().mean())
        for network in NETWORKS
    }


def _gaps(label: str) -> list[float]:
    """How far the means lie above the printed accuracies."""
    return [mean - PRINTED[network] for network, mean in _by(label).items()]


def _farthest(label: str) -> float:
    return max(map(abs, _gaps(label)))


def _points(*gaps: float) -> str:
    return ", ".join(f"{100 * gap:.1f}" for gap in gaps).replace("-", "−") + " points"


def _nearest() -> Finding:
    farthest = {label: _farthest(label) for label in RECIPES}
    first, second = sorted(farthest, key=lambda label: farthest[label])[:2]
    shown = f"{first} within {_points(farthest[first])}, {second} {_points(farthest[second])}"
    return Finding(first == "adam-b64-10k", shown)


def _five_of_six() -> Finding:
    linear, *others = map(abs, _gaps("adam-b32-10k"))
    return Finding(max(others) < 0.01 < linear, _points(linear, *others))


def _seventh() -> Finding:
    gap = _by("adam-b32")["mlp-512-256"] - PRINTED_FIRST
    return Finding(abs(gap) < 0.005, _points(gap))


def _descent() -> Finding:
    farthest = [_farthest(label) for label in RECIPES if label.startswith("sgd")]
    return Finding(min(farthest) > 0.03, _points(*farthest))


def _all_images() -> Finding:
    least = [
        min(_gaps(label))
        for label, (dataset, recipe) in RECIPES.items()
        if dataset == "mnist" and recipe.optimizer == "adam"
    ]
    return Finding(min(least) > 0.02, _points(*least))


def _linear() -> Finding:
    gaps = {label: _by(label)["linear"] - PRINTED["linear"] for label in RECIPES}
    every = [gap for label, gap in gaps.items() if RECIPES[label][0] == "mnist"]
    holds = sum(gap > 0 for gap in gaps.values()) == 8 and min(every) > 0.03
    return Finding(holds and abs(gaps["adam-b64-10k"]) < 0.01, _points(*gaps.values()))


def _scale() -> Finding:
    labels = ("adam-b32-10k", "sgd-1e-1-10k", *STANDARDISED)
    adam, descent, adam_standardised, descent_standardised = map(_farthest, labels)
    holds = adam < descent and adam_standardised > descent_standardised
    return Finding(holds, _points(adam, descent, adam_standardised, descent_standardised))
