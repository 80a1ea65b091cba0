"""Kat's cat, by walking windows, by hand-made linear algebra, and from the records' own files."""

import json
import math
import random
from fractions import Fraction
from pathlib import Path

import torch

RESULTS = Path(__file__).parents[2] / "cnnref" / "results"


def walk(size, kernel, stride=1, padding=0):
    """The windows over one axis, each as the positions that it reads."""
    windows, start = [], -padding
    while start + kernel <= size + padding:
        windows.append(range(start, start + kernel))
        start += stride
    return windows


def test_sizes_by_walking(chapter):
    page = chapter("kats-cat")
    places = walk(100, 20, padding=10)
    assert len(places) == page["convolution"].output_size(100) == 101
    pooled = walk(len(places), 100, stride=100)
    assert len(pooled) == 1
    assert page["left_out"] == len(places) - 1 - pooled[-1][-1] == 1
    size, sides, unread = 100, [100], []
    for _ in range(3):
        for kernel, stride, padding in ((3, 1, 1), (3, 3, 0)):
            windows = walk(size, kernel, stride, padding)
            unread.append(max(size + padding - 1 - windows[-1][-1], 0))
            size = len(windows)
            sides.append(size)
    assert sides == page["sides"]
    assert unread == page["unread"]
    assert sides[-1] ** 2 == 9


def test_the_last_unit_sees_53_pixels(chapter):
    """Backwards through six layers, as sets of positions."""
    page = chapter("kats-cat")
    layers, size = [], 100
    for _ in range(3):
        for kernel, stride, padding in ((3, 1, 1), (3, 3, 0)):
            layers.append(walk(size, kernel, stride, padding))
            size = len(layers[-1])
    seen = {1}
    for windows in reversed(layers):
        seen = {p for i in seen for p in windows[i] if p >= 0}
    assert len(seen) == page["field"].size == 53
    assert (min(seen), max(seen)) == page["field"].extent(1)
    assert len(seen) >= 20
    before_last_pool = {4}
    for windows in reversed(layers[:5]):
        before_last_pool = {p for i in before_last_pool for p in windows[i] if p >= 0}
    assert len(before_last_pool) == 35


def test_one_logit_teaches_nothing(chapter):
    """Softmax of one number, by its definition, and its difference quotient."""

    def cross_entropy(logits, label):
        return -math.log(math.exp(logits[label]) / sum(math.exp(v) for v in logits))

    for a in (-3.0, 0.0, 2.5):
        assert cross_entropy([a], 0) == 0
        assert cross_entropy([a + 1e-3], 0) - cross_entropy([a - 1e-3], 0) == 0
        for label in (0, 1):
            sigmoid = 1 / (1 + math.exp(-a))
            binary = -math.log(sigmoid if label else 1 - sigmoid)
            assert abs(cross_entropy([0.0, a], label) - binary) < 1e-12
    page = chapter("kats-cat")
    assert page["loss"].item() == 0
    assert page["largest"] == 0
    assert page["refused"]


def solved(a, b):
    """Gauss's elimination in exact fractions."""
    n = len(b)
    rows = [[Fraction(v) for v in [*a[i], b[i]]] for i in range(n)]
    for i in range(n):
        pivot = next(r for r in range(i, n) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(n):
            if r != i and rows[r][i]:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [u - factor * v for u, v in zip(rows[r], rows[i], strict=True)]
    return [rows[i][n] / rows[i][i] for i in range(n)]


def test_any_labels_of_independent_points_are_linear(chapter):
    """6 points in 5 dimensions take all 64 labellings, in exact fractions."""
    draw = random.Random(1)
    points = [[draw.randint(-9, 9) for _ in range(5)] + [1] for _ in range(6)]
    for code in range(64):
        labels = [1 if code >> i & 1 else -1 for i in range(6)]
        weights = solved(points, labels)
        for point, label in zip(points, labels, strict=True):
            assert sum(w * v for w, v in zip(weights, point, strict=True)) == label
    page = chapter("kats-cat")
    assert page["rank"] == 800
    assert set(page["by_heart"]) == {"true", "shuffled"}
    assert max(page["by_heart"].values()) < 1e-6
    # The identity kernel with a large bias hands the pixels to the linear layer: by loops.
    model = page["classifier"]
    x = page["pixels"][0].view(1, 1, 100, 100)
    v = model.fc2.weight[0, :10_000].tolist()
    logit = (
        sum(w * max(p + 20.0, 0.0) for w, p in zip(v, x.flatten().tolist(), strict=True))
        + model.fc2.bias.item()
    )
    with torch.no_grad():
        assert abs(float(model(x)) - logit) < 1e-6


def finals(name):
    """Training accuracy in the last epoch and test accuracy, by seed, from the files."""
    records = [json.loads(p.read_text()) for p in sorted((RESULTS / name).glob("seed-*.json"))]
    return (
        [r["history"]["train_accuracy"][-1] for r in records],
        [sum(r["confusion"][i][i] for i in range(2)) / 400 for r in records],
    )


def mean(values):
    return sum(values) / len(values)


def test_what_the_records_say(chapter):
    """The page's numbers and its intervals, as facts about the files."""
    page = chapter("kats-cat")
    found = {
        name: (*finals(name), finals(f"{name}-moved")[1])
        for name in ("kat-filter", "kat-features", "kat-blocks", "kit-dense")
    }
    for name, bound in (
        ("kat-filter", page["filters"]),
        ("kat-features", page["features"]),
        ("kat-blocks", page["blocks"]),
        ("kit-dense", page["dense"]),
    ):
        for what, values in zip(("train", "test", "moved"), found[name], strict=True):
            assert len(values) == 5
            assert abs(bound[what].mean - mean(values)) < 1e-12
            assert page["accuracies"][name][what].tolist() == values
    train, test, moved = found["kat-filter"]
    assert page["perfect"].tolist() == [t == 1 for t in train]
    assert abs(page["difference"].mean - mean(moved) + mean(test)) < 1e-12
    assert page["alive"].tolist() == [t > 0.9 for t in found["kat-blocks"][0]]


def test_no_gradient_passes_a_dead_unit(chapter):
    """Of the filter that starts dead only the last bias moves: by the chain rule, on one image."""
    page = chapter("kats-cat")
    bias, weight, constant, hidden = -100.0, 0.3, 0.1, 0.0
    error = 1 / (1 + math.exp(-(weight * hidden + constant))) - 1  # of a cat
    slopes = {"constant": error, "weight": error * hidden, "filter": error * weight * (bias > 0)}
    assert [name for name, slope in slopes.items() if slope] == ["constant"]
    assert page["changed"] == 1
    assert page["moved_by"] == [0, 0, 0, 1]
