"""Comparisons over seeds: against scipy, by their symmetries, and by simulated experiments."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from cnnref.experiments import Comparison, NotComparableError, compare, run
from cnnref.experiments.comparison import measure
from tests.made_results import CLOTHES, DIGITS, PLAIN, TUNING, made_result

runs = st.lists(st.floats(0, 1).map(lambda x: round(x, 4)), min_size=2, max_size=6)


def ends(comparison):
    return [comparison.difference, comparison.low, comparison.high]


@given(runs, runs, st.sampled_from([0.8, 0.95, 0.99]))
def test_welch_as_scipy_has_it(a, b, confidence):
    assume(np.ptp(a) > 0 and np.ptp(b) > 0)
    found = compare(a, b, confidence=confidence)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(confidence)
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)
    assert found.means == pytest.approx((np.mean(a), np.mean(b)))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=6))
def test_pairs_as_scipy_has_them(pairs):
    a, b = zip(*pairs, strict=True)
    assume(np.ptp(np.subtract(a, b)) > 1e-6)
    expected = stats.ttest_rel(a, b).confidence_interval()
    assert ends(compare(a, b, paired=True))[1:] == pytest.approx(expected, abs=1e-9)


@given(runs, runs, st.booleans())
def test_the_other_way_round_it_is_the_opposite(a, b, paired):
    assume(not paired or len(a) == len(b))
    there, back = compare(a, b, paired=paired), compare(b, a, paired=paired)
    assert back.difference == pytest.approx(-there.difference, abs=1e-12)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)
    opposite = {"higher": "lower", "lower": "higher", "cannot tell": "cannot tell"}
    assert back.verdict == opposite[there.verdict]


@given(runs, runs, st.floats(-3, 3), st.floats(0.1, 10))
def test_a_shift_of_both_changes_nothing_and_a_scale_scales(a, b, shift, scale):
    plain = compare(a, b)
    moved = compare([shift + scale * x for x in a], [shift + scale * y for y in b])
    assert ends(moved) == pytest.approx([scale * end for end in ends(plain)], abs=1e-8)


@pytest.mark.parametrize(
    ("m", "n", "spread", "least", "most"),
    [(3, 3, 1, 0.94, 0.98), (5, 5, 3, 0.94, 0.97), (5, 3, 4, 0.93, 0.97), (2, 5, 0.3, 0.87, 0.91)],
)
def test_as_many_intervals_as_promised_hold_the_true_difference(m, n, spread, least, most):
    """Simulated experiments of true difference 0.01; with two runs the promise is not kept."""
    rng = np.random.default_rng(0)
    hits = [
        found.low <= 0.01 <= found.high
        for _ in range(2000)
        for found in [compare(rng.normal(0.91, 0.005, m), rng.normal(0.9, 0.005 * spread, n))]
    ]
    assert least < np.mean(hits) < most


def test_the_same_numbers_divide_by_nothing():
    same = compare([0.1] * 3, [0.1] * 2)
    assert ends(same) == [0, 0, 0]
    assert same.verdict == "cannot tell"
    assert "99.00 % against 99.00 %" in compare([0.99] * 2, [0.99] * 2).sentence("a", "b")
    assert compare([0.3] * 3, [0.1] * 3).verdict == "higher"
    assert compare([0.3] * 3, [0.1] * 3, paired=True).verdict == "higher"
    one_constant = compare([0.5, 0.5], [0.1, 0.2])
    assert one_constant.high == pytest.approx(one_constant.difference + 0.05 * 12.706, rel=1e-3)


def test_the_verdict_is_where_zero_lies():
    for low, high, verdict in [
        (0.1, 0.3, "higher"), (-0.3, -0.1, "lower"), (-0.1, 0.1, "cannot tell"),
        (0.0, 0.2, "cannot tell"), (-0.2, 0.0, "cannot tell"),
    ]:  # fmt: skip
        assert Comparison("loss", (0, 0), 0.0, low, high, (3, 3)).verdict == verdict


def test_a_sentence_has_all_its_numbers():
    text = compare([0.92, 0.921, 0.922], [0.90, 0.903, 0.906]).sentence("the ResNet", "its twin")
    assert text.startswith("The accuracy of the ResNet is higher than that of its twin: ")
    assert text.endswith("(3 seeds each).")
    assert "92.10 % against 90.30 %, a difference of 1.80 percentage points" in text
    low, high = map(float, re.findall(r"interval from (\S+) to (\S+) ", text)[0])
    expected = stats.ttest_ind([92, 92.1, 92.2], [90, 90.3, 90.6], equal_var=False)
    assert (low, high) == pytest.approx(expected.confidence_interval(), abs=0.005)


def test_a_sentence_says_that_the_seeds_cannot_tell():
    text = compare([0.9, 0.91, 0.92], [0.905, 0.911], "loss").sentence("dropout", "weight decay")
    assert text.startswith(
        "The seeds cannot tell whether the loss of dropout differs from that of weight decay: "
        "0.910 nats against 0.908 nats, a difference of 0.002 nats with a 95 % interval from −0.0"
    )
    assert text.endswith(", which includes zero (3 and 2 seeds).")


def test_a_sentence_of_pairs_says_so():
    text = compare([0.5, 0.6], [0.4, 0.5], paired=True, confidence=0.9).sentence("a", "b")
    assert "90 % interval" in text
    assert text.endswith("(2 pairs).")


def test_an_end_of_an_interval_is_not_rounded_to_a_false_zero():
    close = Comparison("accuracy", (0.9123, 0.91), 0.0023, 0.00001, 0.00459, (3, 3))
    assert "from 0.001 to 0.459" in close.sentence("a", "b")
    negative = Comparison("accuracy", (0.9, 0.9), -1e-9, -0.01, 0.01, (3, 3))
    assert "a difference of 0.0 percentage points" in negative.sentence("a", "b")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("test accuracy", (100, " %", " percentage points")),
        ("step_error", (100, " %", " percentage points")),
        ("training loss in the last epoch", (1, " nats", " nats")),
        ("seconds", (1, " s", " s")),
        ("images_per_second", (1, " images/s", " images/s")),
        ("jump", (1, "", "")),
    ],
)
def test_metrics_have_units(metric, expected):
    assert measure(metric) == expected


def test_results_are_compared_by_their_final_metrics():
    a = made_result(CLOTHES, [0.92, 0.921, 0.925])
    b = made_result(PLAIN, [0.91, 0.914, 0.909])
    found = compare(a, b)
    assert found.metric == "test accuracy"
    assert ends(found) == ends(compare([0.92, 0.921, 0.925], [0.91, 0.914, 0.909]))
    assert compare(a, b, "loss").difference == pytest.approx(-found.difference)
    last = compare(a, b, "train_accuracy")
    assert last.metric == "training accuracy in the last epoch"
    assert last.means == pytest.approx((a.final().mean() + 0.01, b.final().mean() + 0.01))
    assert compare(a, b, "test_accuracy").difference == found.difference
    assert str(found) == "0.011 [0.005002, 0.017] (n = 3): higher"


def test_trained_results_are_compared(trained, tiny):
    result = run(tiny, mode="stored")
    assert compare(result, result).difference == 0
    assert compare(result, result, "train_loss").means[0] > 0


def test_tuning_experiments_are_compared_on_validation_images():
    result = made_result(TUNING, [0.9, 0.95])
    assert compare(result, result).metric == "validation accuracy"


def test_what_was_not_measured_alike_is_refused():
    clothes, digits = (made_result(entry, [0.9, 0.91]) for entry in (CLOTHES, DIGITS))
    with pytest.raises(NotComparableError, match="accuracy of .* not measured on the same images"):
        compare(clothes, digits)
    with pytest.raises(NotComparableError, match=r"\['test', .*\] and \['validation', "):
        compare(digits, made_result(TUNING, [0.9, 0.91]))
    with pytest.raises(NotComparableError, match="train_loss of .* on the same images"):
        compare(clothes, digits, "train_loss")
    on_fewer = made_result(CLOTHES, [0.9, 0.91])
    for record in on_fewer.records:
        record.content["dataset"]["train_sha256"] = "0" * 64
    assert compare(clothes, on_fewer).difference == 0
    with pytest.raises(NotComparableError, match="train_accuracy of .* on the same images"):
        compare(clothes, on_fewer, "train_accuracy")
    other = made_result(PLAIN, [0.9, 0.91], threads=1)
    assert compare(clothes, other).difference == pytest.approx(0)
    with pytest.raises(NotComparableError, match="seconds of .* not measured on the same machine"):
        compare(clothes, other, "seconds")
    assert compare(clothes, made_result(PLAIN, [0.9, 0.91]), "seconds").means == (10.5, 10.5)


def test_one_seed_is_no_evidence():
    one, two = made_result(CLOTHES, [0.9]), made_result(PLAIN, [0.9, 0.91])
    with pytest.raises(NotComparableError, match="at least two seeds on each side, got 1 and 2"):
        compare(one, two)


def test_a_pairing_must_be_real():
    """The same seed gives another network other weights; another learning rate the same ones."""
    resnet, plain = made_result(CLOTHES, [0.9, 0.91]), made_result(PLAIN, [0.9, 0.91])
    with pytest.raises(NotComparableError, match="no pairs: their arguments differ"):
        compare(resnet, plain, paired=True)
    slower = replace(CLOTHES, name="slower", recipe=replace(CLOTHES.recipe, learning_rate=1e-5))
    found = compare(resnet, made_result(slower, [0.89, 0.9]), paired=True)
    assert found.paired
    assert found.difference == pytest.approx(0.01)
    larger = replace(CLOTHES, name="larger", recipe=replace(CLOTHES.recipe, batch_size=77))
    with pytest.raises(NotComparableError, match="their seeds and batch size differ"):
        compare(resnet, made_result(larger, [0.9, 0.9, 0.9]), paired=True)
    with pytest.raises(NotComparableError, match="as many runs on each side, got 2 and 3"):
        compare([1, 2], [1, 2, 3], paired=True)


def test_mistakes_in_the_call():
    result = made_result(CLOTHES, [0.9, 0.91])
    with pytest.raises(ValueError, match="is compared with a result"):
        compare(result, [0.9, 0.91])
    with pytest.raises(ValueError, match="unknown metric of clothes 'test_acuracy'; did"):
        compare(result, result, "test_acuracy")
    stepped = made_result(CLOTHES, [0.9, 0.91], steps=[[1.0, 0.5], [1.0, 0.4]])
    with pytest.raises(ValueError, match="unknown metric .* 'step_loss'"):
        compare(stepped, stepped, "step_loss")
    with pytest.raises(ValueError, match="must be finite"):
        compare([0.9, float("nan")], [0.9, 0.8])
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        compare([0.9, 0.8], [0.9, 0.8], confidence=95)
