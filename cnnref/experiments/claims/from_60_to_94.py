"""The ladder on CIFAR-10: what each rung adds."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.catalogue import CATALOGUE
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import run

__all__ = ["from_60_to_94"]

_CHAPTER = "from-60-to-94"


def from_60_to_94() -> Iterator[Claim]:
    """Rung above rung, the top, and the rates that were picked."""
    for rung, below, text, says in (
        ("batch-norm", "cifar10-cnn", "Six convolutions with batch normalisation are right on more "
         "photographs than the network that reads digits.", "higher"),
        ("one-cycle", "ladder-batch-norm", "A rate in one cycle ends with more test images right "
         "than a constant one.", "higher"),
        ("mirror", "ladder-smoothing", "Asked for the mirror image, too, the same network is right "
         "on more test images.", "higher"),
        ("width", "ladder-mirror", "Twice the width is right on more test images.", "higher"),
        ("flips-crops", "ladder-width", "Whether flips and crops change the number of test "
         "images that are right is too close to call in six epochs.", "too close to call"),
        ("smoothing", "ladder-one-cycle", "Whether smoothed labels alone change the number of "
         "test images that are right is too close to call.", "too close to call"),
        ("sprint", "ladder-flips-crops", "With Jordan's start and training, at the same width and "
         "in as many epochs, more test images are right.", "higher"),
        ("94", "ladder-sprint", "At full width and in eleven epochs his recipe is right on more "
         "test images.", "higher"),
    ):  # fmt: skip
        yield Claim.comparing(f"ladder-{rung}", _CHAPTER, text, f"ladder-{rung}", below, says)
    yield Claim(
        "ladder-top", _CHAPTER, "The mean over the seeds of the last rung is at least 94.0 %.", _top
    )
    yield Claim(
        "ladder-rates", _CHAPTER,
        "Of the rates tried for each schedule the one taken is right on most of the validation "
        "images, and is neither the lowest nor the highest.",
        _rates,
    )  # fmt: skip


def _top() -> Finding:
    found = run("ladder-94", mode="stored").final()
    shown = ", ".join(f"{100 * accuracy:.2f}" for accuracy in found)
    return Finding(bool(found.mean() >= 0.94), f"{100 * found.mean():.2f} %, by seed {shown}")


def _rates() -> Finding:
    holds, shown = True, []
    for schedule, rung in (("constant", "ladder-batch-norm"), ("one-cycle", "ladder-one-cycle")):
        tried = {
            entry.recipe.learning_rate: float(run(name, mode="stored").final()[0])
            for name, entry in CATALOGUE.items()
            if name.startswith(f"ladder-tune-{schedule}-")
        }
        taken = CATALOGUE[rung].recipe.learning_rate
        holds &= tried[taken] == max(tried.values()) and min(tried) < taken < max(tried)
        others = ", ".join(f"{tried[rate]:.1%}" for rate in sorted(tried) if rate != taken)
        shown.append(f"{schedule}: {tried[taken]:.1%} against {others}")
    return Finding(holds, "; ".join(shown))
