"""Oracles for `harder-data`: sets of pixels, and the records' own files."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("harder-data")


def contents(result):
    """The records of a result as they stand on disk, read without the library."""
    return [json.loads(Path(record.path).read_text()) for record in result.records]


def right(confusion):
    return sum(row[i] for i, row in enumerate(confusion)) / sum(map(sum, confusion))


def walk(size, kernel, stride):
    """The windows over one axis, each as the positions that it reads."""
    return [range(i, i + kernel) for i in range(0, size - kernel + 1, stride)]


def test_sizes_and_parameters_by_walking(page):
    size, sides, layers = 32, [32], []
    for kernel, stride in ((3, 1), (2, 2), (3, 1), (2, 2)):
        layers.append(walk(size, kernel, stride))
        size = len(layers[-1])
        sides.append(size)
    assert page["sides"] == sides == [32, 30, 15, 13, 6]
    assert page["flat"] == 64 * 6 * 6 == 2304
    seen = set(range(size))
    for windows in reversed(layers):
        seen = {p for i in seen for p in windows[i]}
    assert page["unseen"] == sorted(set(range(32)) - seen) == [30, 31]
    weights = 32 * 3 * 9 + 64 * 32 * 9 + 128 * 2304 + 10 * 128
    assert page["parameters"] == weights + 32 + 64 + 128 + 10 == 315_722


def test_accuracies_from_the_records_themselves(page):
    """And the records are of one network, at the rate picked on MNIST or at a tenth of it."""
    means = {}
    for name, rate in (("plain", 0.3), ("regularised", 0.03), ("slower", 0.03)):
        records = contents(page[name])
        values = [right(record["confusion"]) for record in records]
        means[name] = sum(values) / len(values)
        assert page[name].final().tolist() == pytest.approx(values, abs=1e-12)
        for record in records:
            assert record["dataset"]["name"] == "cifar10"
            assert record["dataset"]["test_size"] == 10_000
            assert record["experiment"]["recipe"]["learning_rate"] == rate
            assert record["experiment"]["arguments"]["channels"] == 3
    for found, first, second in (
        (page["rate_matters"], "slower", "plain"),
        (page["decay_matters"], "regularised", "slower"),
    ):
        assert found.difference == pytest.approx(means[first] - means[second], abs=1e-12)
        assert found.low < found.difference < found.high
        assert found.images == 10_000


def test_over_fitting_from_the_records_themselves(page):
    """Gaps, the pass of the least test loss, and the best accuracy on the way, seed by seed."""
    for name, found in page["gap_of"].items():
        for record, gap in zip(contents(page[name]), found, strict=True):
            share = right(record["confusion"])
            assert gap == pytest.approx(record["history"]["train_accuracy"][-1] - share, abs=1e-9)
    best, growth = 0.0, []
    for record, turn in zip(contents(page["plain"]), page["turn"], strict=True):
        losses = record["history"]["test_loss"]
        assert losses[turn - 1] == min(losses)
        growth.append(losses[-1] / min(losses))
        best = max(best, *record["history"]["test_accuracy"])
    assert page["growth"] == pytest.approx(sum(growth) / len(growth))
    assert page["best_fast"] == best
    assert page["worst_slow"] == min(right(r["confusion"]) for r in contents(page["slower"]))


def test_accuracy_of_each_class_from_the_counts(page):
    records = contents(page["regularised"])
    for i, name in enumerate(page["names"]):
        shares = [r["confusion"][i][i] / sum(r["confusion"][i]) for r in records]
        assert page["by_class"][name] == pytest.approx(sum(shares) / len(shares), abs=1e-12)
    total = [[sum(r["confusion"][i][j] for r in records) for j in range(10)] for i in range(10)]
    living = {"bird", "cat", "deer", "dog", "frog", "horse"}
    wrong = across = 0
    for i, true in enumerate(page["names"]):
        for j, said in enumerate(page["names"]):
            wrong += total[i][j] * (i != j)
            across += total[i][j] * ((true in living) != (said in living))
    assert page["across"] / page["wrong"] == pytest.approx(across / wrong, abs=1e-12)
    different = [
        (a in living) != (b in living) for a in page["names"] for b in page["names"] if a != b
    ]
    assert page["pairs"] == pytest.approx(sum(different) / len(different), abs=1e-12)
