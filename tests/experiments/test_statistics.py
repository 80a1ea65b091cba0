import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnref.experiments import mean_interval, prediction_interval, reliability


def test_against_a_table():
    # Five values of mean 3 and deviation sqrt(2.5); Student's t with 4 degrees is 2.776 in tables.
    found = mean_interval([1, 2, 3, 4, 5])
    assert found.mean == 3
    assert found.high - 3 == pytest.approx(2.776 * (2.5 / 5) ** 0.5, rel=1e-3)
    assert found.runs == 5
    assert str(found) == "3 [1.037, 4.963] (n = 5)"


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8), st.floats(-5, 5))
def test_shifting_the_values_shifts_the_interval(values, shift):
    a, b = mean_interval(values), mean_interval([v + shift for v in values])
    assert b[:3] == pytest.approx([v + shift for v in a[:3]], abs=1e-9)
    assert a.low <= a.mean <= a.high


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=8))
def test_a_new_run_is_less_certain_than_the_mean(values):
    mean, new = mean_interval(values), prediction_interval(values)
    assert new.mean == mean.mean
    ratio = (len(values) + 1) ** 0.5
    assert new.high - new.mean == pytest.approx(ratio * (mean.high - mean.mean), abs=1e-9)


@pytest.mark.parametrize("runs", [3, 5])
def test_as_many_new_runs_as_promised_fall_into_the_prediction(runs):
    draws = np.random.default_rng(0).normal(0.9, 0.01, (4000, runs + 1))
    inside = [found.low < new < found.high for *old, new in draws
              for found in [prediction_interval(old, confidence=0.9)]]  # fmt: skip
    assert np.mean(inside) == pytest.approx(0.9, abs=0.015)


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
def test_an_interval_ends_where_its_values_must(interval):
    free, shares = interval([0.97, 0.99, 0.999]), interval([0.97, 0.99, 0.999], bounds=(0, 1))
    assert free.high > 1
    assert shares == free._replace(high=1)
    low = interval([0.001, 0.01], bounds=(0, 1))
    assert low.low == 0
    assert interval([0.5, 0.51], bounds=(0, 1)) == interval([0.5, 0.51])
    with pytest.raises(ValueError, match=r"from 0 to 1, got \[97, 99\]"):
        interval([97, 99], bounds=(0, 1))


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
def test_refusals(interval):
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        interval([0.5])
    with pytest.raises(ValueError, match="at least two runs, got 0"):
        interval([])
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        interval([0.5, 0.6], confidence=95)


def test_reliability_by_hand():
    # Two images at 0.9, one of them right; two at 0.6 and 0.7, both right; nothing elsewhere.
    found = reliability([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.3, 0.7]], [0, 0, 0, 1], bins=2)
    assert found.confidence == pytest.approx([0.775])
    assert found.accuracy == [0.75]
    finer = reliability([[0.9, 0.1], [0.1, 0.9], [0.7, 0.3]], [0, 0, 0], bins=4)
    assert finer.images == [1, 2]
    assert finer.confidence == pytest.approx([0.7, 0.9])
    assert finer.accuracy == [1, 0.5]
    assert finer.error == pytest.approx((1 * 0.3 + 2 * 0.4) / 3)


def test_a_network_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 200_000)
    labels = (rng.random(len(sure)) > sure).astype(int)
    found = reliability(np.column_stack([sure, 1 - sure]), labels)
    assert found.error < 0.01
    assert sum(found.images) == len(sure)
    doubled = reliability(np.column_stack([sure, 1 - sure]), 1 - labels)
    assert doubled.error == pytest.approx(0.5, abs=0.01)


def test_certainty_belongs_to_the_last_bin():
    assert reliability([[1.0, 0.0]], [0], bins=10).images == [1]


def test_reliability_refuses_logits_and_missing_labels():
    with pytest.raises(ValueError, match="logits need a softmax"):
        reliability([[3.0, -1.0]], [0])
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(2,\)"):
        reliability([[0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match=r"got \(0,\)"):
        reliability([], [])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_has_no_interval(bad):
    for interval in (mean_interval, prediction_interval):
        with pytest.raises(ValueError, match=r"must be finite, got .*; leave out the run"):
            interval([1.0, bad])


@pytest.mark.parametrize(
    ("labels", "bins", "told"),
    [
        ([0, 5], 10, "from 0 to 1, a class for each column, got int64 from 0 to 5"),
        ([0, -1], 10, "from -1 to 0"),
        ([0.0, 1.0], 10, "got float64"),
        ([0, 1], 0, "bins must be a whole number of at least 1, got 0"),
        ([0, 1], 2.5, "got 2.5"),
    ],
)
def test_labels_and_bins_that_reliability_refuses(labels, bins, told):
    with pytest.raises(ValueError, match=told):
        reliability([[0.5, 0.5], [0.1, 0.9]], labels, bins)
