"""Dropout by counting masks, batch normalisation by loops, and the results from the records' files.

Nothing here imports cnnref: records are read as JSON, and Student's quantile is found by summing
its density.
"""

import json
import math
from fractions import Fraction
from itertools import product

import pytest
import torch


def test_dropout_by_enumeration(chapter):
    """Variance of a neuron and its expected squared loss, over all masks, one by one."""
    page = chapter("regularisation")
    neuron = page["neuron"]
    x, w = neuron["inputs"].tolist(), neuron["weights"].tolist()
    mean = square = loss = 0.0
    for mask in product((0, 1), repeat=len(x)):
        chance = math.prod(0.6 if kept else 0.4 for kept in mask)
        z = sum(a * b / 0.6 for a, b, kept in zip(x, w, mask, strict=True) if kept)
        mean += chance * z
        square += chance * z * z
        loss += chance * (z - 1) ** 2
    assert mean == pytest.approx(sum(a * b for a, b in zip(x, w, strict=True)), abs=1e-10)
    assert square - mean**2 == pytest.approx(float(neuron["variance"]), abs=1e-10)
    assert loss == pytest.approx(float(neuron["loss"]), abs=1e-10)


def test_a_window_is_lost(chapter):
    page = chapter("regularisation")
    lost = math.prod([Fraction(4, 10)] * 9)
    assert page["pixels_lost"] == pytest.approx(float(lost), rel=1e-12)
    # The mean of nine pixels, each 0 or 10/6, by the number that is kept.
    variance = sum(
        math.comb(9, k) * 0.6**k * 0.4 ** (9 - k) * (k / 9 / 0.6 - 1) ** 2 for k in range(10)
    )
    assert float(page["pixel_variance"]) == pytest.approx(variance, rel=1e-10)
    assert float(page["channel_variance"]) == pytest.approx(
        0.4 * 1 + 0.6 * (1 / 0.6 - 1) ** 2, rel=1e-12
    )


def normalised(channel, gamma, beta):
    """One channel as a list of numbers."""
    m = len(channel)
    mean = sum(channel) / m
    s = math.sqrt(sum((v - mean) ** 2 for v in channel) / m + 1e-5)
    return [gamma * (v - mean) / s + beta for v in channel]


def test_batch_norm_by_loops(chapter):
    """The chapter's functions against lists of numbers and difference quotients."""
    page = chapter("regularisation")
    generator = torch.Generator().manual_seed(7)
    x, g = torch.randn(2, 3, 2, 2, 2, generator=generator, dtype=torch.float64)
    gamma = torch.tensor([0.7, -1.3], dtype=torch.float64)
    beta = torch.tensor([0.2, 0.5], dtype=torch.float64)
    outputs = page["batch_norm"](x, gamma, beta)
    to_x, to_gamma, to_beta = page["batch_norm_gradient"](g, x, gamma)
    for c in range(2):
        values, weights = x[:, c].flatten().tolist(), g[:, c].flatten().tolist()
        expected = normalised(values, gamma[c].item(), beta[c].item())
        assert outputs[:, c].flatten().tolist() == pytest.approx(expected, abs=1e-12)

        def risk(channel, scale, shift, weights=weights):
            out = normalised(channel, scale, shift)
            return sum(a * b for a, b in zip(weights, out, strict=True))

        step, scale, shift = 1e-5, gamma[c].item(), beta[c].item()
        for i, found in enumerate(to_x[:, c].flatten().tolist()):
            up, down = list(values), list(values)
            up[i] += step
            down[i] -= step
            quotient = (risk(up, scale, shift) - risk(down, scale, shift)) / (2 * step)
            assert found == pytest.approx(quotient, abs=1e-7)
        quotient = (risk(values, scale + step, shift) - risk(values, scale - step, shift)) / 2e-5
        assert to_gamma[c].item() == pytest.approx(quotient, abs=1e-7)
        assert to_beta[c].item() == pytest.approx(sum(weights), abs=1e-12)


def test_what_layer_1_sees(chapter):
    page = chapter("regularisation")
    cases: dict[int, Fraction] = {}
    for colours in product((False, True), repeat=3):
        chance = math.prod(Fraction(6, 10) if kept else Fraction(4, 10) for kept in colours)
        cases[sum(colours)] = cases.get(sum(colours), Fraction(0)) + chance
    assert cases[0] == Fraction(8, 125)
    assert sum(cases.values()) == 1
    assert page["colours"] == pytest.approx({k: float(v) for k, v in cases.items()}, rel=1e-12)
    assert page["loss_floor"] == pytest.approx(0.064 * math.log(2), rel=1e-12)
    assert page["accuracy_ceiling"] == pytest.approx(1 - 0.032, rel=1e-12)


def test_parameters_by_the_table(chapter):
    page = chapter("regularisation")
    layers = [(27, 32), (288, 32), (288, 64), (576, 64), (1600, 128), (128, 1)]
    plain = sum(out * (taps + 1) for taps, out in layers)
    assert page["plain_parameters"] == plain == 270_625
    assert page["parameters"] == plain + 2 * (32 + 64 + 128)
    assert page["added"] == 448


def student_quantile(freedom, share=0.975):
    """By Simpson's rule on the density, and halving."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2))
    scale /= math.sqrt(freedom * math.pi)

    def below(t):
        n = 4000
        h = t / n
        heights = [
            scale * (1 + (i * h) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(n + 1)
        ]
        inner = heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        return 0.5 + inner * h / 3

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < share else (low, middle)
    return low


def welch(x, y, images=0):
    """Difference of the means and its 95 % interval; for shares, with an upper bound for the choice
    of so many images."""
    means, parts = [], []
    for values in (x, y):
        mean = sum(values) / len(values)
        means.append(mean)
        spread = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
        parts.append((spread / len(values), len(values) - 1))
    if images:
        parts.append((sum(m * (1 - m) for m in means) / images, images - 1))
    total = sum(part for part, _ in parts)
    freedom = total**2 / sum(part**2 / count for part, count in parts)
    half = student_quantile(freedom) * math.sqrt(total)
    return means[0] - means[1], means[0] - means[1] - half, means[0] - means[1] + half


def records(result):
    """What the files of a result say, as plain JSON."""
    return [json.loads(record.path.read_text()) for record in result.records]


def test_what_the_records_say(chapter):
    page = chapter("regularisation")
    plain, regularised = (records(page[name]) for name in ("plain", "regularised"))
    assert len(plain) >= 2
    assert len(regularised) >= 2
    for name, seeds in {"plain": plain, "dropout, batch norm": regularised}.items():
        for found, seed in zip(page["rise"][name], seeds, strict=True):
            losses = seed["history"]["test_loss"]
            assert found == pytest.approx(losses[-1] / min(losses), rel=1e-12)
        for found, seed in zip(page["reached"][name], seeds, strict=True):
            epochs = [i for i, v in enumerate(seed["history"]["train_loss"], 1) if v < 0.5]
            assert found == (epochs[0] if epochs else None)
        for found, seed in zip(page["cost"][name], seeds, strict=True):
            wrong = seed["confusion"][0][1] + seed["confusion"][1][0]
            assert found == pytest.approx(seed["final"]["loss"] / (wrong / 2000), rel=1e-9)


@pytest.mark.parametrize(
    ("claim", "metric", "images"),
    [
        ("loss_claim", "loss", 0),
        ("accuracy_claim", "accuracy", 2000),
        ("fit_claim", "train_accuracy", 0),
    ],
)
def test_welch_by_hand(chapter, claim, metric, images):
    page = chapter("regularisation")
    results = page["regularised"], page["plain"]
    if images and any("answers" in record for record in records(results[0]) + records(results[1])):
        images = 0  # then the interval is no bound any more; its own tests have another oracle

    def values(result):
        found = records(result)
        if metric.startswith("train"):
            return [seed["history"][metric][-1] for seed in found]
        return [seed["final"][metric] for seed in found]

    difference, low, high = welch(*map(values, results), images)
    found = page[claim]
    assert found.difference == pytest.approx(difference, rel=1e-9)
    if images or metric != "accuracy":
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)
