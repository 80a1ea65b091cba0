"""Oracles for `optimizers`: sums written out, the record files read as JSON, scipy's Welch test."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from scipy import stats

RESULTS = Path(__file__).parents[2] / "cnnref" / "results"


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("optimizers")


def records(name, seeds):
    return [json.loads((RESULTS / name / f"seed-{seed}.json").read_text()) for seed in seeds]


def accuracies(result):
    """Final accuracies from the confusion counts in the files, one per seed."""
    found = []
    for record in records(result.experiment.name, result.seeds):
        counts = record["confusion"]
        right = sum(counts[k][k] for k in range(10))
        found.append(right / sum(map(sum, counts)))
    return found


def test_every_rule_by_plain_numbers(page):
    """Every memory as the sum that it stands for, term by term."""
    gradients = [0.7, -0.2, 1.5, 0.0, -0.9, 0.4, 0.4, -2.5]
    eta = 0.03

    def fading(t, factor, power):
        return sum(factor ** (t - k) * gradients[k - 1] ** power for k in range(1, t + 1))

    def change(name, t):
        g = gradients[t - 1]
        if name == "sgd":
            return g
        if name == "momentum":
            return fading(t, 0.9, 1)
        if name == "nesterov":
            return g + 0.9 * fading(t, 0.9, 1)
        if name == "adagrad":
            return g / (sum(x * x for x in gradients[:t]) ** 0.5 + 1e-10)
        if name == "rmsprop":
            return g / ((0.01 * fading(t, 0.99, 2)) ** 0.5 + 1e-8)
        mean = 0.1 * fading(t, 0.9, 1) / (1 - 0.9**t)
        square = 0.001 * fading(t, 0.999, 2) / (1 - 0.999**t)
        return mean / (square**0.5 + 1e-8)

    assert set(page["RULES"]) == set(page["picked"])
    for name, rule in page["RULES"].items():
        ours = theirs = 1.7
        memory = {"m": 0.0, "v": 0.0}
        for t, g in enumerate(gradients, 1):
            shrunk = ours * (1 - eta * 0.01) if name == "adamw" else ours
            ours = shrunk - eta * change(name, t)
            theirs = rule(theirs, g, t, memory, eta)
            assert theirs == pytest.approx(ours, abs=1e-13), (name, t)


def test_the_picks_from_the_files(page):
    """Accuracies by counting right answers, what they make of the picked rates and neighbours."""
    for name, row in page["tuned"].items():
        scores = {}
        for rate, result in row.items():
            recipe = records(result.experiment.name, result.seeds)[0]["experiment"]["recipe"]
            assert (recipe["optimizer"], recipe["learning_rate"]) == (name, rate)
            assert (recipe["epochs"], recipe["schedule"]) == (3, "constant")
            found = accuracies(result)
            scores[rate] = sum(found) / len(found)
        assert page["validation"][name] == pytest.approx(scores)
        pick = page["picked"][name]
        tested = records(f"optimizer-{name}", page["results"][name].seeds)
        assert {r["experiment"]["recipe"]["learning_rate"] for r in tested} == {pick}
        ranked = sorted(scores.values(), reverse=True)
        assert page["margins"][name] == pytest.approx(ranked[0] - ranked[1])
        rates = sorted(scores)
        at = rates.index(pick)
        neighbours = [scores[pick] - scores[rates[at + d]] for d in (-1, 1)]
        assert page["costs"][name] == pytest.approx(neighbours)


def test_every_pair_by_welchs_formula(page):
    """The interval of every difference by scipy's own test; other images can only widen it."""
    assert page["strict_level"] == pytest.approx(1 - 0.05 / 21)
    for compared, level in (("pairs", 0.95), ("strictly", page["strict_level"])):
        assert len(page[compared]) == 21
        for (a, b), found in page[compared].items():
            x, y = accuracies(page["results"][a]), accuracies(page["results"][b])
            low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(level)
            assert found.difference == pytest.approx((low + high) / 2, abs=1e-9)
            assert found.low <= low + 1e-9
            assert found.high >= high - 1e-9
    for compared, level in (("by_loss", 0.95), ("by_loss_strictly", page["strict_level"])):
        told = 0
        for (a, b), found in page[compared].items():
            x, y = page["late_losses"][a], page["late_losses"][b]
            low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(level)
            assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
            told += not low <= 0 <= high
        assert page["verdicts"](page[compared])[1] == told
    means = [sum(accuracies(r)) / len(r.seeds) for r in page["results"].values()]
    assert page["spread"] == pytest.approx(max(means) - min(means))


def test_one_rate_for_all_from_the_files(page):
    """Momentum minus SGD at the common rates, and the pairs whose order depends on the rate."""
    table = {
        name: {rate: sum(accuracies(r)) / len(r.seeds) for rate, r in row.items()}
        for name, row in page["tuned"].items()
    }
    for rate in (1e-2, 1e-1):
        found = table["momentum"][rate] - table["sgd"][rate]
        assert page["lead"][rate] == pytest.approx(found, abs=1e-12)
    turned = 0
    for a, b in combinations(table, 2):
        fixed = table[a][1e-2] > table[b][1e-2]
        own = max(table[a].values()) > max(table[b].values())
        turned += fixed != own
    assert page["reversed_pairs"] == turned


def test_the_first_steps_and_the_last_from_the_files(page):
    for stage, part in (("first 100 steps", slice(100)), ("last 500 steps", slice(-500, None))):
        for name, result in page["results"].items():
            for seed, record in enumerate(records(result.experiment.name, result.seeds)):
                losses = record["history"]["step_loss"][part]
                mean = sum(losses) / len(losses)
                assert page["loss_of"][stage][name][seed] == pytest.approx(mean)


def test_the_first_cnn_by_walking_its_layers(page):
    """Sides by sliding windows one by one; parameters by counting every weight."""
    side = 28
    for kernel, stride in ((3, 1), (2, 2)) * 2:
        side = sum(1 for left in range(0, side, stride) if left + kernel <= side)
    assert page["first_cnn"].fc1.in_features == 64 * side * side
    for width, counted in page["parameter_counts"].items():
        total = 0
        for channels, filters in ((1, width), (width, 2 * width)):
            for _ in range(filters):
                total += 1 + sum(9 for _ in range(channels))
        inputs = 2 * width * side * side
        for into, units in ((inputs, 4 * width), (4 * width, 10)):
            total += sum(into + 1 for _ in range(units))
        assert counted == total


def test_the_first_cnn_from_the_files(page):
    """Its accuracy with Student's interval, and its mistakes, from the confusion counts."""
    result = page["first"]
    found = accuracies(result)
    n, mean = len(found), sum(found) / len(found)
    error = (sum((x - mean) ** 2 for x in found) / (n - 1) / n) ** 0.5
    half = stats.t.ppf(0.975, n - 1) * error
    reached = page["reached"]
    assert tuple(reached[:3]) == pytest.approx((mean, mean - half, mean + half), abs=1e-12)

    total = [[0] * 10 for _ in range(10)]
    for record in records("fashion-cnn", result.seeds):
        for i in range(10):
            for j in range(10):
                total[i][j] += record["confusion"][i][j]
    shirt = page["names"].index("Shirt")
    assert page["shirts"] == pytest.approx(total[shirt][shirt] / sum(total[shirt]))
    mistakes = sum(total[i][j] for i in range(10) for j in range(10) if i != j)
    upper = (0, 2, 3, 4, 6)
    inside = sum(total[i][j] for i in upper for j in upper if i != j)
    assert page["upper_share"] == pytest.approx(inside / mistakes)
    i, j = max(combinations(range(10), 2), key=lambda p: total[p[0]][p[1]] + total[p[1]][p[0]])
    assert (page["first_way"], page["other_way"]) == (total[i][j], total[j][i])
