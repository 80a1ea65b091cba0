"""The skip network's sizes by walking windows, and its results from the records' own files."""

import json
import math

import pytest

SKIP = [
    (3, 1, 0, 3, 32),
    (3, 1, 1, 32, 32),
    (3, 1, 1, 32, 32),
    (2, 2, 0),
    (6, 1, 0, 32, 64),
    (2, 2, 0),
]
PLAIN = [
    (3, 1, 0, 3, 32),
    (3, 1, 0, 32, 32),
    (2, 2, 0),
    (3, 1, 0, 32, 64),
    (3, 1, 0, 64, 64),
    (2, 2, 0),
]


def starts(size, kernel, stride, padding):
    """Where the windows begin."""
    found, start = [], -padding
    while start + kernel <= size + padding:
        found.append(start)
        start += stride
    return found


def test_sizes_parameters_and_macs_by_walking(chapter):
    page = chapter("skip-connections")
    for name, layers in (("plain", PLAIN), ("skip", SKIP)):
        size, sides, parameters, macs, chain = 32, [], 0, 0, []
        for kernel, stride, padding, *channels in layers:
            begins = starts(size, kernel, stride, padding)
            chain.append((begins, kernel))
            size = len(begins)
            sides.append(size)
            if channels:
                inputs, outputs = channels
                for _ in range(outputs):
                    parameters += inputs * kernel * kernel + 1
                    macs += inputs * kernel * kernel * size * size
        parameters += 128 * (64 * size * size + 1) + 128 + 1
        macs += 128 * 64 * size * size + 128
        # Backwards from a unit in the middle, as a set of positions.
        seen = {2}
        for begins, kernel in reversed(chain):
            seen = {begins[i] + j for i in seen for j in range(kernel)}
        assert page["costs"][name] == (sides, parameters, macs, len(seen))
    assert page["costs"]["skip"][:2] == ([30, 30, 30, 15, 10, 5], 298_241)
    assert page["costs"]["plain"][1] == 270_625
    assert page["six"] == 64 * (6 * 6 * 32 + 1) == 73_792
    # The 6 x 6 layer stands where the plain network has two 3 x 3 layers.
    assert page["costs"]["skip"][2] > 1.7 * page["costs"]["plain"][2]


def test_parameters_of_the_normalised_network(chapter):
    page = chapter("skip-connections")
    assert page["added"] == 2 * sum([32, 32, 32, 64, 128]) == 576
    assert page["table"]["skip + both"]["parameters"] == 298_241 + 576
    assert page["table"]["skip + batch norm"]["parameters"] == 298_241 + 576
    assert page["table"]["plain + both"]["parameters"] == 270_625 + 448


def test_normalised_probabilities_are_none(chapter):
    """Normalise the page's probabilities by hand."""
    page = chapter("skip-connections")
    p = page["probabilities"].flatten().tolist()
    assert all(0 <= v <= 1 for v in p)
    mean = sum(p) / len(p)
    s = math.sqrt(sum((v - mean) ** 2 for v in p) / len(p) + 1e-5)
    by_hand = [(v - mean) / s for v in p]
    assert page["normalised"].flatten().tolist() == pytest.approx(by_hand, abs=1e-10)
    assert abs(sum(by_hand)) < 1e-9
    share = sum(not 0 <= v <= 1 for v in by_hand) / len(p)
    assert page["outside"] == pytest.approx(share)
    assert share > 0.2


def multiply(a, b):
    columns = list(zip(*b, strict=True))
    return [
        [sum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in a
    ]


def test_jacobian_by_hand(chapter):
    """D (I + A3 D2 A2) with lists; the two parts of the gradient add up."""
    page = chapter("skip-connections")
    branch = multiply(multiply(page["A3"].tolist(), page["D2"].tolist()), page["A2"].tolist())
    active = [page["D"][i, i].item() for i in range(50)]
    assert set(active) <= {0.0, 1.0}
    jacobian = [[active[i] * ((i == j) + branch[i][j]) for j in range(50)] for i in range(50)]
    automatic = page["automatic"].tolist()
    g = page["g"].flatten().tolist()
    for i in range(50):
        assert automatic[i] == pytest.approx(jacobian[i], abs=1e-11)
    for j in range(50):
        whole = sum(jacobian[i][j] * g[i] for i in range(50))
        parts = page["by_skip"][j].item() + page["by_branch"][j].item()
        assert parts == pytest.approx(whole, abs=1e-10)
        assert page["by_skip"][j].item() == pytest.approx(active[j] * g[j], abs=1e-12)


def records(result):
    """What the files of a result say, as plain JSON."""
    return [json.loads(record.path.read_text()) for record in result.records]


def test_what_the_records_say(chapter):
    page = chapter("skip-connections")
    found = {name: records(result) for name, result in page["results"].items()}
    assert [seeds[0]["experiment"]["arguments"] for seeds in found.values()] == [
        {},
        {"batch_norm": True, "dropout": 0.4},
        {},
        {"batch_norm": True},
        {"batch_norm": True, "dropout": 0.4},
    ]
    for name, seeds in found.items():
        assert len(seeds) >= 2
        row = page["table"][name]
        right = [sum(s["confusion"][i][i] for i in range(2)) / 2000 for s in seeds]
        assert row["seeds"] == len(seeds)
        assert row["test"].mean == pytest.approx(sum(right) / len(right), rel=1e-12)
        losses = [s["final"]["loss"] for s in seeds]
        assert row["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-12)
        train = [s["history"]["train_accuracy"][-1] for s in seeds]
        assert row["train"] == pytest.approx(sum(train) / len(train), rel=1e-12)
    for name in ("skip", "skip + batch norm", "skip + both"):
        for reached, seed in zip(page["reached"][name], found[name], strict=True):
            epochs = [i for i, v in enumerate(seed["history"]["train_loss"], 1) if v < 0.25]
            assert reached == (epochs[0] if epochs else None)


def test_the_difference_is_that_of_the_files(chapter):
    """Each difference in the figure, its verdict, and an interval no narrower than its parts."""
    page = chapter("skip-connections")
    for row, (first, second) in page["planned"].items():
        sides = []
        kept = True
        for name in (first, second):
            found = records(page["results"][name])
            kept = kept and all("answers" in record for record in found)
            values = [s["final"]["accuracy"] for s in found]
            mean = sum(values) / len(values)
            spread = sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values)
            sides.append((mean, spread, len(values)))
        shown = page["differences"][row]
        assert shown.difference == pytest.approx(sides[0][0] - sides[1][0], abs=1e-12)
        assert (shown.low + shown.high) / 2 == pytest.approx(shown.difference, abs=1e-12)
        # What two other sets of 2,000 images would add, were nothing known of the answers.
        images = 0 if kept else sum(mean * (1 - mean) for mean, _, _ in sides) / 2000
        error = math.sqrt(sides[0][1] + sides[1][1] + images)
        # Student's 97.5 % quantile is more than 1.96 whatever the degrees of freedom.
        assert (shown.high - shown.low) / 2 > 1.96 * error
        assert shown.images == 2000
        tells = abs(shown.difference) > (shown.high - shown.low) / 2
        assert (shown.verdict != "too close to call") == tells
        assert (row in page["clear"]) == tells
