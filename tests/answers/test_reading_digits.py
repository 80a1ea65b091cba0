"""Oracles for `reading-digits`: enumeration, loops, and the record files by hand."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from tests.answers.record_files import accuracies, contents, mean_and_spread

P = Fraction(9985, 10_000)
STUDENT = {  # two-sided 95 % points of Student's t, by degrees of freedom
    1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624,
    8: 2.306004, 9: 2.262157,
}  # fmt: skip


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("reading-digits")


def test_zip_code_by_enumeration(page):
    """Add up the outcomes of five digits, one by one."""
    all_right = total = Fraction(0)
    for errors in itertools.product((0, 1), repeat=5):
        chance = Fraction(1)
        for wrong in errors:
            chance *= 1 - P if wrong else P
        total += chance
        all_right += chance * (not any(errors))
    assert total == 1
    assert page["zip_chance"] == pytest.approx(float(all_right), abs=1e-15)
    assert round(float(all_right), 4) == 0.9925


def test_softmax_gradient_by_loops(page):
    """One image at a time, by scalars, and by the ratio of the loss before and after a nudge."""
    vectors, targets = page["vectors"].tolist(), page["targets"].tolist()
    weights, bias = page["W"].tolist(), page["beta"].tolist()
    expected = [[0.0] * 12 for _ in range(10)]
    total = 0.0
    for x, y in zip(vectors, targets, strict=True):
        z = [sum(w * v for w, v in zip(row, x, strict=True)) + b
             for row, b in zip(weights, bias, strict=True)]  # fmt: skip
        norm = sum(math.exp(v) for v in z)
        total += math.log(norm) - z[y]
        for k in range(10):
            for i in range(12):
                expected[k][i] += (math.exp(z[k]) / norm - (k == y)) * x[i] / len(vectors)
    assert page["risk"](page["W"], page["beta"]).item() == pytest.approx(total / 6, abs=1e-12)
    for row, found in zip(expected, page["gradient_W"].tolist(), strict=True):
        assert found == pytest.approx(row, abs=1e-12)


def test_means_and_intervals_from_the_record_files(page):
    """Every network under the chapter's recipe: scale, split, mean, and the mean's interval."""
    for name, result in [*page["ours"].items(), ("long", page["long"]), ("cnn", page["cnn"])]:
        for content in contents(result):
            assert content["experiment"]["recipe"]["pixels"] == "unit"
            assert content["dataset"]["train_size"] == 60_000
            assert len(content["history"]["test_accuracy"]) == (20 if name == "long" else 1)
            assert "validation_accuracy" not in content["history"]
        values = accuracies(result)
        mean, spread = mean_and_spread(values)
        half = STUDENT[len(values) - 1] * spread / math.sqrt(len(values))
        found = page["mean_interval"](values)
        assert (found.mean, found.low, found.high) == pytest.approx(
            (mean, mean - half, mean + half), abs=1e-7
        )


def test_the_first_step_by_taking_it(page):
    """A network in NumPy with torch's own law of weights: the change of the logits in one step.

    The formula's average is compared with the average of real steps, over many starts and widths.
    """
    rng = np.random.default_rng(0)
    x = page["image"].numpy().ravel()
    for n in page["WIDTHS"]:
        ratios = []
        for _ in range(60):
            w = rng.uniform(-1, 1, (n, 784)) / 28
            b = rng.uniform(-1, 1, n) / 28
            v = rng.uniform(-1, 1, (10, n)) / math.sqrt(n)
            c = rng.uniform(-1, 1, 10) / math.sqrt(n)
            h = np.maximum(w @ x + b, 0)
            z = v @ h + c
            pull = np.exp(z) / np.exp(z).sum()
            pull[3] -= 1
            back = (v.T @ pull) * (h > 0)
            rate = 1e-6
            new = np.maximum((w - rate * np.outer(back, x)) @ x + b - rate * back, 0)
            moved = (v - rate * np.outer(pull, h)) @ new + c - rate * pull - z
            ratios.append(-(moved @ pull) / rate / (pull @ pull))
        assert np.mean(ratios) == pytest.approx(page["average_step"][n], rel=0.05)


def test_neighbouring_widths_by_welch(page):
    """Welch's interval by hand, with Satterthwaite's degrees of freedom.

    They are fractional, so the interval must not be narrower than that of the next whole number.
    What the images add is `compare`'s own, and tested with it.
    """
    for names, found in page["neighbours"].items():
        a, b = (accuracies(page["ours"][f"mlp-{name.split()[0]}"]) for name in names)
        (mean_a, s_a), (mean_b, s_b) = mean_and_spread(a), mean_and_spread(b)
        parts = s_a**2 / len(a), s_b**2 / len(b)
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
        narrowest = STUDENT[min(int(freedom) + 1, 9)] * math.sqrt(sum(parts))
        half = (found.high - found.low) / 2
        assert found.difference == pytest.approx(mean_a - mean_b, abs=1e-12)
        assert half >= narrowest - 1e-9
        assert found.verdict == (
            "higher" if mean_a - mean_b > half
            else "lower" if mean_b - mean_a > half else "too close to call"
        )  # fmt: skip


def test_one_epoch_is_the_first_of_twenty(page):
    """The same network, recipe and seed: 5.3a is the first number of 5.3b."""
    once = {c["seed"]: c for c in contents(page["ours"]["mlp-512-256"])}
    for content in contents(page["long"]):
        fields, alone = content["experiment"], once[content["seed"]]["experiment"]
        assert {**fields, "recipe": {**fields["recipe"], "epochs": 1}} == alone
        first = content["history"]["test_accuracy"][0]
        assert first == pytest.approx(once[content["seed"]]["final"]["accuracy"], abs=0.005)


def test_twenty_epochs_from_the_record_files(page):
    histories = [content["history"] for content in contents(page["long"])]
    for row, history in zip(page["test_accuracy"], histories, strict=True):
        assert list(row) == history["test_accuracy"]
        assert len(row) == 20
    for measured, metric in (("loss_change", "test_loss"), ("accuracy_change", "test_accuracy")):
        changes = [sum(h[metric][15:]) / 5 - sum(h[metric][2:7]) / 5 for h in histories]
        mean, spread = mean_and_spread(changes)
        half = STUDENT[len(changes) - 1] * spread / math.sqrt(len(changes))
        found = page[measured]
        assert (found.mean, found.low, found.high) == pytest.approx(
            (mean, mean - half, mean + half), abs=1e-7
        )
    falls = [h["test_accuracy"][e - 1] - h["test_accuracy"][e + 4] for h in histories
             for e in range(5, 16)]  # fmt: skip
    deep = sum(round(fall, 4) >= 0.004 for fall in falls) / len(falls)
    assert page["as_deep"] == pytest.approx(deep, abs=1e-12)


def test_flattened_size_by_sliding(page):
    """Count the places of every window on 28 pixels, and the pixels that any of them reaches."""

    def slide(sets, size, step):
        """Each place of the window, as the pixels that it depends on."""
        places, left = [], 0
        while left + size <= len(sets):
            places.append(set().union(*sets[left : left + size]))
            left += step
        return places

    sets, sides = [{i} for i in range(28)], []
    for size, step in ((3, 1), (2, 2), (3, 1), (2, 2)):
        sets = slide(sets, size, step)
        sides.append(len(sets))
    assert sides == page["sides"]
    assert page["flattened"] == 64 * sides[-1] ** 2 == 1600
    assert set().union(*sets) == set(range(26))  # the last two rows and columns are not seen


def test_sharing_from_the_record_files(page):
    """The parameters by counting weights one window at a time, the differences from the files."""
    windows = [(i, j) for i in range(0, 28 - 4, 2) for j in range(0, 28 - 4, 2)]
    taps = sum(1 for _ in itertools.product(range(5), range(5)))
    own, output = (taps + 1) * 8, 8 * len(windows)
    assert page["sizes"]["local"] == own * len(windows) + 10 * output + 10
    assert page["sizes"]["shared"] == own + 10 * output + 10
    for (a, b), found in page["shares"].items():
        means = [mean_and_spread(accuracies(page["sharing"][k]))[0] for k in (a, b)]
        assert found.difference == pytest.approx(means[0] - means[1], abs=1e-12)


def test_rates_for_other_pixels_by_numpy(page):
    """Softmax regression in NumPy, both updates written out: the same logits at both scales."""
    rng = np.random.default_rng(3)
    x, y = rng.random((30, 20)), rng.integers(0, 4, 30)

    def trained(scale, rate, adam):
        w, m, s = (np.zeros((4, 20)) for _ in range(3))
        for t in range(1, 31):
            pixels, label = scale * x[t - 1], y[t - 1]
            chance = np.exp(w @ pixels - (w @ pixels).max())
            chance /= chance.sum()
            chance[label] -= 1
            g = np.outer(chance, pixels)
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
            steady = (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
            w = w - rate * (steady if adam else g)
        return (scale * x) @ w.T

    for rate, found, adam in ((0.1, page["sgd_rate"], False), (1e-3, page["adam_rate"], True)):
        same, other = trained(1, rate, adam), trained(255, found, adam)
        assert np.abs(same).max() > 0.01
        assert other == pytest.approx(same, rel=1e-3, abs=1e-5)


def test_a_softmax_too_many_by_hand(page):
    """At equal logits the chain rule by loops, for ten classes: the gradient's tenth."""
    classes = 10
    s = [1 / classes] * classes
    once = [s[k] - (k == 0) for k in range(classes)]
    twice = [
        sum(once[j] * s[j] * ((j == k) - s[k]) for j in range(classes)) for k in range(classes)
    ]
    for a, b in zip(once, twice, strict=True):
        assert a == pytest.approx(page["smaller"] * b, abs=1e-15)


def test_as_many_parameters_as_the_cnn_by_trying(page):
    cnn = sum((9 * c + 1) * o for c, o in ((1, 32), (32, 64))) + 128 * 1601 + 10 * 129
    fits = [n for n in range(1, 400) if n * (784 + 1) + 10 * (n + 1) <= cnn]
    assert page["units"] == fits[-1]
