import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnref.experiments import mean_interval


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


def test_refusals():
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        mean_interval([0.5])
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([0.5, 0.6], confidence=95)
