"""Oracles for `residual-networks`: layers counted one by one, the record files, scipy's Welch."""

import json
import math
from pathlib import Path

import pytest
from scipy import stats

RESULTS = Path(__file__).parents[2] / "cnnref" / "results"


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("residual-networks")


def of_each_seed(result, value):
    name = result.experiment.name
    files = [RESULTS / name / f"seed-{seed}.json" for seed in result.seeds]
    return [value(json.loads(path.read_text())) for path in files]


def accuracy(record):
    counts = record["confusion"]
    return sum(counts[k][k] for k in range(10)) / sum(map(sum, counts))


def test_parameters_layer_by_layer(page):
    """Walk through the layers as the paper lists them; count weights, scales and shifts."""
    for n in (1, 3, 5, 7, 9, 18):
        for width, channels in ((16, 3), (16, 1), (8, 3)):
            layers = [(channels, width)]
            for factor in (1, 2, 4):
                for _ in range(2 * n):
                    layers.append((layers[-1][1], factor * width))
            total = sum(9 * a * b + 2 * b for a, b in layers)
            total += layers[-1][1] * 10 + 10
            depth = len(layers) + 1
            assert depth == 6 * n + 2
            assert page["parameters"](depth, width, channels) == total
    assert page["ours"] == page["parameters"](20, 16, 1)
    assert page["parameters"](20) == 269_722


def test_all_paths_by_recursion(page):
    """Unit by unit a vector goes through the branch or past it; the ends add up."""
    matrices = [matrix.tolist() for matrix in page["B"]]

    def ends(vector, left):
        if not left:
            return [vector]
        first, *rest = left
        through = [sum(first[i][j] * vector[j] for j in range(3)) for i in range(3)]
        return ends(vector, rest) + ends(through, rest)

    for k in range(3):
        unit = [float(i == k) for i in range(3)]
        found = ends(unit, matrices)
        assert len(found) == page["number_of_paths"] == 32
        for i in range(3):
            # The gradient goes back by the transpose of what the units do forwards.
            assert page["path_sum"][k, i].item() == pytest.approx(
                math.fsum(vector[i] for vector in found), abs=1e-12
            )


def test_the_comparisons_by_welchs_formula(page):
    """Training losses exactly; for accuracies, other images can only widen the interval."""
    of = page["networks"]
    for name, first, second in (
        ("by_loss", "ResNet-20", "plain-20"),
        ("twins_of_8", "ResNet-8", "plain-8"),
        ("residual_depth", "ResNet-20", "ResNet-8"),
        ("plain_depth", "plain-20", "plain-8"),
    ):
        x, y = (
            of_each_seed(of[n], lambda record: record["history"]["train_loss"][-1])
            for n in (first, second)
        )
        low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
        found = page[name]
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
        assert page["last_loss"][first] == pytest.approx(sum(x) / len(x))
    x, y = (of_each_seed(page["deep"][kind], accuracy) for kind in ("resnet", "plain"))
    low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    found = page["by_accuracy"]
    assert found.difference == pytest.approx((low + high) / 2, abs=1e-9)
    assert found.low <= low + 1e-9
    assert found.high >= high - 1e-9
    for found in of.values():
        for record in of_each_seed(found, lambda record: record):
            assert accuracy(record) == pytest.approx(record["final"]["accuracy"], abs=1e-12)


def test_twins_differ_in_the_skip_alone(page):
    kinds = {}
    for kind, result in page["deep"].items():
        fields = of_each_seed(result, lambda record: record["experiment"])
        assert all(other == fields[0] for other in fields)
        kinds[kind] = fields[0]
    assert kinds["resnet"]["arguments"].pop("skip") is True
    assert kinds["plain"]["arguments"].pop("skip") is False
    assert kinds["resnet"] == kinds["plain"]
