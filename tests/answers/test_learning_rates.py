"""Oracles for `learning-rates`: sets of pixels, plain arithmetic, and the records' own files."""

import json
import math
import re
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("learning-rates")


def contents(result):
    """The records of a result as they stand on disk, read without the library."""
    return [json.loads(Path(record.path).read_text()) for record in result.records]


def mean(values):
    return sum(values) / len(values)


def variance(values):
    return sum((v - mean(values)) ** 2 for v in values) / (len(values) - 1)


def right(confusion):
    return sum(row[i] for i, row in enumerate(confusion)) / sum(map(sum, confusion))


def quantile(freedom, p=0.975):
    """Student's quantile: bisection on Simpson's integral of the density."""

    def density(x):
        log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
        return math.exp(log - (freedom + 1) / 2 * math.log1p(x * x / freedom)) / math.sqrt(
            freedom * math.pi
        )

    def below(x, steps=2000):
        h = x / steps
        inner = sum((4 if i % 2 else 2) * density(i * h) for i in range(1, steps))
        return 0.5 + h / 3 * (density(0) + inner + density(x))

    low, high = 0.0, 100.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return low


def walk(size, kernel, stride):
    """The windows over one axis, each as the positions that it reads."""
    return [range(i, i + kernel) for i in range(0, size - kernel + 1, stride)]


def test_the_chain_of_sizes_by_walking(page):
    side, sides = 28, [28]
    for kernel, stride in ((3, 1), (2, 2), (3, 1), (2, 2)):
        side = len(walk(side, kernel, stride))
        sides.append(side)
    assert page["sides"] == sides == [28, 26, 13, 11, 5]
    assert page["flat"] == 64 * 5 * 5
    weights = 32 * 9 + 64 * 32 * 9 + 128 * 1600 + 10 * 128
    biases = 32 + 64 + 128 + 10
    assert page["counted"] == weights + biases == 225_034


def test_unseen_pixels_by_walking(page):
    """Backwards through the four layers, as sets of positions; and so for the exercise."""

    def unseen(side):
        size, layers = side, []
        for kernel, stride in ((3, 1), (2, 2), (3, 1), (2, 2)):
            layers.append(walk(size, kernel, stride))
            size = len(layers[-1])
        seen = set(range(size))
        for windows in reversed(layers):
            seen = {p for i in seen for p in windows[i]}
        return sorted(set(range(side)) - seen)

    assert page["unseen"] == unseen(28) == [26, 27]
    assert page["complete"] == [side for side in range(10, 31) if not unseen(side)]


def test_the_pick_from_the_records_themselves(page):
    accuracies = {
        rate: [right(record["confusion"]) for record in contents(result)]
        for rate, result in page["sweep"].items()
    }
    for rate, values in accuracies.items():
        recipes = [record["experiment"]["recipe"] for record in contents(page["sweep"][rate])]
        assert {(r["optimizer"], r["learning_rate"]) for r in recipes} == {("sgd", rate)}
        assert page["accuracy"][rate].tolist() == pytest.approx(values, abs=1e-12)
    best = max(accuracies, key=lambda rate: mean(accuracies[rate]))
    assert page["picked"] == best
    medians = {rate: sorted(v)[len(v) // 2] for rate, v in accuracies.items() if len(v) % 2}
    if len(medians) == len(accuracies):
        assert page["by_median"] == max(medians, key=medians.__getitem__)
    for i, rate in enumerate(page["by_seed"]):
        assert accuracies[rate][i] == max(values[i] for values in accuracies.values())
    for rate, verdict in ((r, page["against"][r].verdict) for r in page["others"]):
        differences = [a - b for a, b in zip(accuracies[best], accuracies[rate], strict=True)]
        n = len(differences)
        half = quantile(n - 1) * math.sqrt(variance(differences) / n)
        assert verdict == ("higher" if mean(differences) - half > 0 else "cannot tell")


def test_the_errors_over_the_steps(page):
    for rate, result in page["sweep"].items():
        for seed, record in enumerate(contents(result)):
            errors = record["history"]["step_error"]
            assert page["last_error"][rate][seed] == pytest.approx(mean(errors[-100:]), abs=1e-9)
            reached, total = 0, sum(errors[:99])
            for step in range(100, len(errors) + 1):
                total += errors[step - 1]
                if total / 100 < 0.1 - 1e-9:
                    reached = step
                    break
                total -= errors[step - 100]
            assert page["reached"][rate][seed] == reached


def test_the_stability_limit_by_iteration(page):
    """A weight of curvature L shrinks below 2 / L and grows above; so, too, with momentum."""

    def left(curvature, rate, momentum=0.0):
        w, v = 1.0, 0.0
        for _ in range(4000):
            v = momentum * v + curvature * w
            w -= rate * v
            if abs(w) > 1e6:
                break
        return abs(w)

    sharpness = float(page["eigenvalues"].max())
    for curvature, momentum, limit in (
        (sharpness, 0.0, page["limit"]),
        (4.0, 0.9, page["momentum_limit"]),
    ):
        assert left(curvature, 0.99 * limit, momentum) < 0.1
        assert left(curvature, 1.01 * limit, momentum) > 1e6


def test_final_accuracies_from_the_records_themselves(page):
    for name in ("plain", "regularised"):
        records = contents(page[name])
        values = [right(record["confusion"]) for record in records]
        n = len(values)
        half = quantile(n - 1) * math.sqrt(variance(values) / n)
        found = page["tested" if name == "plain" else "found"]
        assert found.mean == pytest.approx(mean(values), abs=1e-12)
        assert (found.low, found.high) == pytest.approx(
            (mean(values) - half, mean(values) + half), abs=1e-7
        )
        assert {record["dataset"]["test_size"] for record in records} == {10_000}
        assert {record["experiment"]["recipe"]["learning_rate"] for record in records} == {
            page["picked"]
        }
    kept = contents(page["regularised"])[0]["experiment"]
    assert kept["arguments"] == {"dropout": 0.5}
    assert kept["recipe"]["weight_decay"] == page["decay"] == 0.0005


def test_the_comparison_by_hand(page):
    """Welch's interval, with Satterthwaite's degrees of freedom."""
    a, b = (
        [right(record["confusion"]) for record in contents(page[name])]
        for name in ("regularised", "plain")
    )
    parts = [variance(v) / len(v) for v in (a, b)]
    freedom = sum(parts) ** 2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (a, b), strict=True))
    half = quantile(freedom) * math.sqrt(sum(parts))
    difference = mean(a) - mean(b)
    unsure = difference - half < 0 < difference + half
    assert ("cannot tell" in page["claim"]) == unsure
    printed = re.search(r"interval from (\S+) to ([^\s,]+)", page["claim"]).groups()
    for text, end in zip(printed, (difference - half, difference + half), strict=True):
        last_place = 0.1 ** len(text.partition(".")[2])
        assert float(text.replace("−", "-")) == pytest.approx(100 * end, abs=0.51 * last_place)


def test_weight_decay_by_plain_arithmetic(page):
    """A weight without a gradient, step by step; and the size of the last mini-batch."""
    w, steps = 1.0, 0
    while w > 0.5:
        w *= 1 - page["recipe"].learning_rate * page["decay"]
        steps += 1
    assert math.ceil(page["half_life"]) == steps
    sizes = [len(range(i, min(i + 64, 50_000))) for i in range(0, 50_000, 64)]
    assert page["last"] == sizes[-1] == 16
    assert page["factor"] == sizes[0] / sizes[-1]
