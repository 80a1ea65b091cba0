"""Questions IU-C.1 and IU-C.2: seven optimizers, each at its own rate, and a first CNN."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from cnnref.data import DATASETS
from cnnref.experiments.catalogue.entry import short
from cnnref.experiments.catalogue.fashion import PICKED_RATES, TRIED_RATES
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.comparison import compare
from cnnref.experiments.runner import Result, run
from cnnref.experiments.verdicts import Comparison

__all__ = ["optimizers"]

_FIRST, _LAST = 100, 500
"""Steps that the training loss is averaged over, at the start and at the end."""

_PAIRS = list(combinations(TRIED_RATES, 2))

_TOGETHER = 1 - 0.05 / len(_PAIRS)
"""Confidence of each comparison, for all of them to hold together with 95 %."""

_AVERAGING = ("momentum", "nesterov", "adam", "adamw")
"""Rules that average gradients."""

_DIVIDING = ("adagrad", "rmsprop", "adam", "adamw")
"""Rules that divide each parameter's step by the size of its gradients."""

_UPPER = ("T-shirt/top", "Pullover", "Dress", "Coat", "Shirt")
_EASY = ("Trouser", "Sandal", "Sneaker", "Ankle boot", "Bag")


def optimizers() -> Iterator[Claim]:
    """The tuning, the comparison by accuracy and by training loss, and the first CNN's mistakes."""
    chapter = "optimizers"
    yield Claim(
        "optimizer-picks", chapter,
        "Every picked rate has the best validation accuracy of its five, and none lies at an end.",
        _picks,
    )  # fmt: skip
    yield Claim(
        "optimizer-too-fast", chapter,
        "One rate above its pick both kinds of momentum lose more than three points, and plain SGD "
        "learns nothing.",
        _too_fast,
    )  # fmt: skip
    yield Claim(
        "optimizer-ten-times", chapter,
        "SGD at ten times momentum's rate differs from it by less than a third of what the rates "
        "make of SGD itself, and the picked rates differ by this factor.",
        _ten_times,
    )  # fmt: skip
    yield Claim(
        "optimizer-common-rate", chapter,
        "At the rate 0.01 momentum beats SGD by more than two points of validation accuracy, and "
        "at 0.1 SGD beats momentum by as much.",
        _common_rate,
    )  # fmt: skip
    yield Claim(
        "optimizer-none-apart", chapter,
        "No two of the seven optimisers can be told apart by test accuracy, not even each pair by "
        "itself at 95 %.",
        _none_apart,
    )  # fmt: skip
    yield Claim(
        "optimizer-loss-apart", chapter,
        "With all 21 pairs together at 95 %, Adam and AdamW end with a lower training loss than "
        "plain SGD.",
        _loss_apart,
    )  # fmt: skip
    for name, text, says, steps in (
        ("first", f"Over the first {_FIRST} steps SGD has a higher training loss than Adam.",
         "higher", slice(_FIRST)),
        ("last", f"Over the last {_LAST} steps SGD has a higher training loss than Adam.",
         "higher", slice(-_LAST, None)),
    ):  # fmt: skip
        yield Claim(f"optimizer-loss-{name}", chapter, text, partial(_losses_differ, says, steps))
    yield Claim(
        "optimizer-dividing-first", chapter,
        f"Over the first {_FIRST} steps every run of the four rules that divide by the size of the "
        "gradients has a lower training loss than every run of the others.",
        _dividing_first,
    )  # fmt: skip
    yield Claim(
        "optimizer-turned-round", chapter,
        f"RMSprop has the lowest mean training loss over the first {_FIRST} steps, and the highest "
        f"over the last {_LAST}.",
        _turned_round,
    )  # fmt: skip
    yield Claim(
        "optimizer-scatter", chapter,
        "The test accuracies of the seeds lie further apart for each rule that takes the last "
        "gradient at full size than for each that averages.",
        _scatter,
    )  # fmt: skip
    yield Claim.comparing(
        "clothes-first", chapter,
        "The first CNN is right on more test images than the small network that Adam trains.",
        "fashion-cnn", "optimizer-adam", "higher",
    )  # fmt: skip
    yield Claim(
        "clothes-shirt",
        chapter,
        "In every seed the shirt is the hardest of the ten clothes.",
        _shirt,
    )
    yield Claim(
        "clothes-upper", chapter,
        "More than half of the first CNN's mistakes take one garment for the upper body for "
        "another.",
        _upper,
    )  # fmt: skip
    yield Claim(
        "clothes-easy", chapter,
        "In every seed more than nineteen in twenty of the trousers, of each kind of shoes and of "
        "the bags are recognised.",
        _easy,
    )  # fmt: skip


def _run(name: str) -> Result:
    return run(name, mode="stored")


def _validation() -> dict[str, dict[float, float]]:
    return {
        name: {rate: float(_run(f"tune-{name}-{short(rate)}").final().mean()) for rate in rates}
        for name, rates in TRIED_RATES.items()
    }


def _picks() -> Finding:
    rows = _validation()
    best = {name: max(row, key=row.__getitem__) for name, row in rows.items()}
    inside = all(min(row) < best[name] < max(row) for name, row in rows.items())
    return Finding(
        best == PICKED_RATES and inside,
        "best rates of " + ", ".join(f"{rate:g} for {name}" for name, rate in best.items()),
    )


def _above(name: str) -> float:
    """What one rate above the picked one costs, in points of validation accuracy."""
    row, pick = _validation()[name], PICKED_RATES[name]
    above = min(rate for rate in row if rate > pick)
    return 100 * (row[pick] - row[above])


def _too_fast() -> Finding:
    costs = {name: _above(name) for name in ("momentum", "nesterov", "sgd")}
    return Finding(
        min(costs.values()) > 3 and costs["sgd"] > 60,
        "costs of " + ", ".join(f"{cost:.1f} points for {name}" for name, cost in costs.items()),
    )


def _ten_times() -> Finding:
    rows = _validation()
    pairs = [
        (rows["sgd"][10 * rate], score)
        for rate, score in rows["momentum"].items()
        if 10 * rate in rows["sgd"] and rate < max(rows["momentum"])
    ]
    apart = 100 * max(abs(a - b) for a, b in pairs)
    span = 100 * float(np.ptp([a for a, _ in pairs]))
    ratio = PICKED_RATES["sgd"] / PICKED_RATES["momentum"]
    return Finding(
        len(pairs) > 2 and apart < span / 3 and math.isclose(ratio, 10),
        f"at most {apart:.1f} points apart where the rates make {span:.1f}; picks {ratio:g} to 1",
    )


def _common_rate() -> Finding:
    rows = _validation()
    low, high = (100 * (rows["momentum"][rate] - rows["sgd"][rate]) for rate in (1e-2, 1e-1))
    return Finding(
        low > 2 and high < -2,
        f"momentum minus SGD: {low:+.1f} points at 0.01, {high:+.1f} at 0.1".replace("-", "−"),
    )


def _pairs(
    values: dict[str, Any], confidence: float, metric: str = "accuracy"
) -> dict[tuple[str, str], Comparison]:
    return {(a, b): compare(values[a], values[b], metric, confidence=confidence) for a, b in _PAIRS}


def _told(found: dict[tuple[str, str], Comparison]) -> str:
    apart = {pair: c.verdict for pair, c in found.items() if c.verdict != "cannot tell"}
    told = [f"{a} {verdict} than {b}" for (a, b), verdict in apart.items()]
    return f"{len(told)} of {len(found)} pairs told apart" + f": {', '.join(told)}" * bool(told)


def _none_apart() -> Finding:
    found = _pairs({name: _run(f"optimizer-{name}") for name in TRIED_RATES}, 0.95)
    return Finding({c.verdict for c in found.values()} == {"too close to call"}, _told(found))


def _losses(steps: slice) -> dict[str, Sequence[float]]:
    """By optimizer and seed, the mean training loss of these steps."""
    return {
        name: _run(f"optimizer-{name}").history("step_loss")[:, steps].mean(axis=1).tolist()
        for name in TRIED_RATES
    }


def _loss_apart() -> Finding:
    found = _pairs(_losses(slice(-_LAST, None)), _TOGETHER, "training loss")
    return Finding(
        {found["sgd", name].verdict for name in ("adam", "adamw")} == {"higher"}, _told(found)
    )


def _losses_differ(says: str, steps: slice) -> Finding:
    losses = _losses(steps)
    found = compare(losses["sgd"], losses["adam"], "training loss")
    return Finding(found.verdict == says, found.words(), found)


def _dividing_first() -> Finding:
    losses = _losses(slice(_FIRST))
    most = max(max(losses[name]) for name in _DIVIDING)
    least = min(min(row) for name, row in losses.items() if name not in _DIVIDING)
    return Finding(most < least, f"at most {most:.2f} nats against at least {least:.2f}")


def _turned_round() -> Finding:
    first, last = (
        {name: float(np.mean(row)) for name, row in _losses(steps).items()}
        for steps in (slice(_FIRST), slice(-_LAST, None))
    )
    lowest, highest = min(first, key=first.__getitem__), max(last, key=last.__getitem__)
    return Finding(
        lowest == highest == "rmsprop",
        f"{lowest} lowest at first with {first[lowest]:.2f} nats, {highest} highest at last with "
        f"{last[highest]:.3f}",
    )


def _scatter() -> Finding:
    spread = {name: 100 * float(np.ptp(_run(f"optimizer-{name}").final())) for name in TRIED_RATES}
    most = max(spread[name] for name in _AVERAGING)
    least = min(value for name, value in spread.items() if name not in _AVERAGING)
    return Finding(
        least > most, f"seeds at least {least:.1f} points apart without averages, and at most "
        f"{most:.1f} with them",
    )  # fmt: skip


def _recall() -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
    """The share of every class that is recognised, `(seeds, classes)`."""
    counts = np.array([record["confusion"] for record in _run("fashion-cnn").records])
    names = DATASETS["fashion-mnist"].class_names
    return counts.diagonal(axis1=1, axis2=2) / counts.sum(axis=2), names


def _shirt() -> Finding:
    recall, names = _recall()
    hardest = {names[k] for k in recall.argmin(axis=1)}
    return Finding(
        hardest == {"Shirt"},
        f"hardest: {' and '.join(sorted(hardest))}, at {100 * recall.min(axis=1).mean():.0f} %",
    )


def _upper() -> Finding:
    total = _run("fashion-cnn").confusion
    upper = [DATASETS["fashion-mnist"].class_names.index(name) for name in _UPPER]
    inside = total[np.ix_(upper, upper)]
    share = float((inside.sum() - inside.trace()) / (total.sum() - total.trace()))
    return Finding(share > 0.5, f"{100 * share:.0f} % of all mistakes")


def _easy() -> Finding:
    recall, names = _recall()
    least = float(recall[:, [names.index(name) for name in _EASY]].min())
    return Finding(least > 0.95, f"at least {100 * least:.1f} %")
