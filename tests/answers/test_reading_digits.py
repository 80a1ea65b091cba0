"""Oracles for `reading-digits`: enumeration, exact fractions, and the record files by hand."""

import itertools
import json
import math
from fractions import Fraction

import numpy as np
import pytest

P = Fraction(9985, 10_000)


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
    product = 1.0
    for _ in range(5):
        product *= page["needed"]
    assert product == pytest.approx(0.999, abs=1e-14)


def test_bounds_are_reached(page):
    """Laws over the 32 outcomes with the right share of errors at each place, at both bounds.

    And no law goes beyond: 5000 random ones with these shares stay between.
    """
    q = 1 - P
    single = [tuple(int(i == j) for j in range(5)) for i in range(5)]
    never_two = {(0,) * 5: 1 - 5 * q} | dict.fromkeys(single, q)
    all_or_none = {(0,) * 5: 1 - q, (1,) * 5: q}
    for law, bound in ((never_two, "lower_bound"), (all_or_none, "upper_bound")):
        assert sum(law.values()) == 1
        for place in range(5):
            assert sum(c for errors, c in law.items() if errors[place]) == q
        assert page[bound] == pytest.approx(float(law[(0,) * 5]), abs=1e-12)

    rng = np.random.default_rng(0)
    outcomes = np.array([e for e in itertools.product((0, 1), repeat=5) if any(e)])
    for _ in range(5000):
        # A random law of the errors, made equal over the places by averaging over rotations.
        law = rng.dirichlet(np.full(31, 0.2))
        share = (law[:, None] * outcomes).sum() / 5
        wrong = float(q) / share  # the chance of any error, so that each place errs with q
        assert page["lower_bound"] - 1e-12 <= 1 - wrong <= page["upper_bound"] + 1e-12


def test_correlated_digits_by_simulation(page):
    """Draw writers from the beta law, then digits; compare the moment and the correlation."""
    rng = np.random.default_rng(1)
    for rho in (0.1, 0.5, 0.9):
        s = (1 - rho) / rho
        theta = rng.beta(float(P) * s, float(1 - P) * s, size=1_000_000)
        digits = rng.random((2, theta.size)) < theta
        power = theta**5
        tolerance = 4 * power.std() / 1000
        assert abs(power.mean() - page["by_correlation"][rho]) < tolerance
        a, b = digits.astype(float)
        both = (a * b).mean() - a.mean() * b.mean()
        assert both / float(P * (1 - P)) == pytest.approx(rho, abs=0.15)


def test_interval_by_the_binomial_law(page):
    """At the interval's ends one tail of the binomial law is 2.5 %."""

    def pmf(k, n, q):
        log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        return math.exp(log + k * math.log(q) + (n - k) * math.log1p(-q))

    low, high = (1 - v ** (1 / 5) for v in page["zip_interval"][::-1])
    assert sum(pmf(k, 10_000, high) for k in range(16)) == pytest.approx(0.025, rel=1e-6)
    assert sum(pmf(k, 10_000, low) for k in range(15, 400)) == pytest.approx(0.025, rel=1e-6)


def test_exercises_by_other_means(page):
    assert page["independent"] ** 3 == pytest.approx(0.999 ** (1 / 3), abs=1e-14)
    # Two kinds of writers, by counting: 19 good and 1 bad of 20.
    bad = 20 * P - 19 * Fraction(9995, 10_000)
    assert page["bad"] == pytest.approx(float(bad), abs=1e-12)
    mean = (19 * Fraction(9995, 10_000) ** 5 + bad**5) / 20
    assert page["average"] == pytest.approx(float(mean), abs=1e-12)
    rng = np.random.default_rng(2)
    measured = rng.binomial(page["enough"], float(P), size=100_000) / page["enough"]
    inside = np.abs(measured**5 - float(P) ** 5) <= 0.001
    assert inside.mean() == pytest.approx(0.95, abs=0.005)


# -- the experiments: from the record files, with plain Python -------------------------------------

STUDENT = {  # two-sided 95 % points of Student's t, by degrees of freedom
    1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624,
    8: 2.306004, 9: 2.262157,
}  # fmt: skip


def contents(result):
    """What the files of a result's records hold."""
    return [json.loads(record.path.read_text(encoding="utf-8")) for record in result.records]


def accuracies(result):
    """Recounted from the confusion counts of every file."""
    found = []
    for content in contents(result):
        counts = content["confusion"]
        images = sum(sum(row) for row in counts)
        assert images == 10_000
        found.append(sum(counts[k][k] for k in range(10)) / images)
    return found


def mean_and_spread(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


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
    """Every network under every recipe: the split, the mean, Student's interval, the distances."""
    for label, row in page["results"].items():
        images = 10_000 if label.endswith("-10k") else 60_000
        distances = []
        for name, result in row.items():
            mean, _ = mean_and_spread(accuracies(result))
            assert page["means"][label][name] == pytest.approx(mean, abs=1e-12)
            distances.append(abs(mean - page["printed"][name]))
            for content in contents(result):
                assert content["dataset"]["train_size"] == images
                assert len(content["history"]["test_accuracy"]) == 1
                assert "validation_accuracy" not in content["history"]
        assert page["farthest"][label] == pytest.approx(max(distances), abs=1e-12)
    for name, printed in page["printed"].items():
        distance = {k: abs(row[name] - printed) for k, row in page["means"].items()}
        assert distance[page["nearest"][name]] == min(distance.values())
    for result in (*page["ours"].values(), page["cnn"], page["long"]):
        values = accuracies(result)
        mean, spread = mean_and_spread(values)
        half = STUDENT[len(values) - 1] * spread / math.sqrt(len(values))
        found = page["mean_interval"](values)
        assert (found.mean, found.low, found.high) == pytest.approx(
            (mean, mean - half, mean + half), abs=1e-7
        )
    assert [page["printed"][k] for k in page["NETWORKS"]] == [
        0.851, 0.900, 0.913, 0.921, 0.930, 0.922,
    ]  # fmt: skip


def test_no_recipe_gives_both_answers_for_one_network(page):
    """922 and 968, from the files: no recipe's runs come near both."""
    for label, row in page["results"].items():
        values = accuracies(row["mlp-512-256"])
        mean, spread = mean_and_spread(values)
        half = STUDENT[len(values) - 1] * spread * math.sqrt(1 + 1 / len(values))
        half += 2 * math.sqrt(mean * (1 - mean) / 10_000)
        near = [abs(mean - answer) <= half for answer in (0.922, 0.968)]
        assert near == [page["fits"][label]["mlp-512-256"], page["first_fits"][label]]
        assert not all(near)


def test_neighbouring_widths_by_welch(page):
    """Welch's interval by hand, with Satterthwaite's degrees of freedom.

    They are fractional, so the interval must lie between those of the whole numbers around them.
    """
    for (wide, narrow), found in page["neighbours"].items():
        a, b = (accuracies(page["ours"][name]) for name in (wide, narrow))
        (mean_a, s_a), (mean_b, s_b) = mean_and_spread(a), mean_and_spread(b)
        parts = s_a**2 / len(a), s_b**2 / len(b)
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
        widest = STUDENT[int(freedom)] * math.sqrt(sum(parts))
        narrowest = STUDENT[min(int(freedom) + 1, 9)] * math.sqrt(sum(parts))
        half = (found.high - found.low) / 2
        assert found.difference == pytest.approx(mean_a - mean_b, abs=1e-12)
        assert narrowest - 1e-9 <= half <= widest + 1e-9
        assert found.verdict == (
            "higher" if mean_a - mean_b > half
            else "lower" if mean_b - mean_a > half else "cannot tell"
        )  # fmt: skip


def test_one_epoch_is_the_first_of_twenty(page):
    """The same network, recipe and seed: 5.3a is the first number of 5.3b."""
    once = {c["seed"]: c for c in contents(page["ours"]["mlp-512-256"])}
    for content in contents(page["long"]):
        fields, alone = content["experiment"], once[content["seed"]]["experiment"]
        assert {**fields, "recipe": {**fields["recipe"], "epochs": 1}} == alone
        first = content["history"]["test_accuracy"][0]
        assert first == pytest.approx(once[content["seed"]]["final"]["accuracy"], abs=0.005)
        assert abs(first - 0.968) < abs(first - 0.922)


def test_twenty_epochs_from_the_record_files(page):
    histories = [content["history"] for content in contents(page["long"])]
    for epoch, found in page["on_the_way"].items():
        values = [history["test_accuracy"][epoch - 1] for history in histories]
        assert found == pytest.approx(sum(values) / len(values), abs=1e-12)
    for history in histories:
        loss, accuracy = history["test_loss"], history["test_accuracy"]
        assert len(loss) == 20
        assert sum(loss[15:]) > sum(loss[2:7])  # later is worse
        assert loss.index(min(loss)) < 14
        cost = [x / (1 - a) for x, a in zip(loss, accuracy, strict=True)]
        assert sum(cost[15:]) > sum(cost[2:7])
        assert history["train_accuracy"][-1] > accuracy[-1] + 0.005
    changes = [sum(h["test_accuracy"][15:]) / 5 - sum(h["test_accuracy"][2:7]) / 5
               for h in histories]  # fmt: skip
    mean, spread = mean_and_spread(changes)
    half = STUDENT[len(changes) - 1] * spread / math.sqrt(len(changes))
    moves = "rises" if mean > half else "falls" if -mean > half else "shows no clear change"
    assert page["moves"] == moves


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
    for name, result in page["sharing"].items():
        values = [c["history"]["train_accuracy"][-1] for c in contents(result)]
        gaps = [v - a for v, a in zip(values, accuracies(result), strict=True)]
        assert page["gaps"][name].mean == pytest.approx(sum(gaps) / len(gaps), abs=1e-12)


def test_new_exercises_by_other_means(page):
    n = 1
    while 784 * (n + 1) + (n + 1) + 10 * (n + 1) + 10 <= 225_034:
        n += 1
    assert page["units"] == n
    assert page["whole"] == [22, 26, 30]
    assert math.exp(-page["least_loss"]) == pytest.approx(math.e / (math.e + 99), rel=1e-12)
