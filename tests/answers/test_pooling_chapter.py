"""The chapter on pooling, checked by plain loops and by counting: nothing of `cnnref` is used."""

from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from torch import nn

ARRAY = [0.4, 0.1, 0.5, 0.9, 0.01, 0.3, 0.8]


@pytest.fixture
def page(chapter):
    return chapter("pooling")


def padded_max(values, taps):
    """The largest of each entry and its `taps - 1` successors; zeros stand after the end."""
    out = []
    for i in range(len(values)):
        best = None
        for j in range(i, i + taps):
            value = values[j] if j < len(values) else 0.0
            if best is None or value > best:
                best = value
        out.append(best)
    return out


def travelled(values):
    return sum(abs(b - a) for a, b in pairwise(values))


def test_the_array_and_its_total_variation(page):
    assert page["x"].tolist() == ARRAY
    exact = [Fraction(4, 10), Fraction(1, 10), Fraction(5, 10), Fraction(9, 10), Fraction(1, 100),
             Fraction(3, 10), Fraction(8, 10)]  # fmt: skip
    assert travelled(exact) == Fraction(278, 100)
    assert page["variation"][1] == pytest.approx(2.78, abs=1e-12)


@pytest.mark.parametrize("taps", [2, 3, 7])
def test_max_pooling_by_loops(page, taps):
    assert page["pooled"][taps].tolist() == padded_max(ARRAY, taps)


def test_pooled_arrays_worked_by_hand(page):
    assert page["pooled"][2].tolist() == [0.4, 0.5, 0.9, 0.9, 0.3, 0.8, 0.8]
    assert page["pooled"][3].tolist() == [0.5, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8]
    assert page["pooled"][7].tolist() == [0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8]


@pytest.mark.parametrize("taps", [1, 2, 3, 7])
def test_total_variation_falls(page, taps):
    by_loops = travelled(padded_max(ARRAY, taps))
    assert page["variation"][taps] == pytest.approx(by_loops, abs=1e-12)
    assert by_loops == pytest.approx({1: 2.78, 2: 1.6, 3: 0.5, 7: 0.1}[taps], abs=1e-12)


@pytest.mark.parametrize("taps", [1, 2, 3, 7])
def test_a_moved_peak_changes_pooled_arrays_less(page, taps):
    changes = []
    for i in range(6):
        other = list(ARRAY)
        other[i], other[i + 1] = other[i + 1], other[i]
        pairs = zip(padded_max(ARRAY, taps), padded_max(other, taps), strict=True)
        changes.append(sum(abs(a - b) for a, b in pairs))
    assert page["late_peak"][taps] == pytest.approx(changes[3], abs=1e-12)
    assert page["any_swap"][taps] == pytest.approx(sum(changes) / 6, abs=1e-12)


def test_unchanged_outputs_by_enumeration(page):
    assert page["unchanged"]
    for (taps, shift), found in page["unchanged"].items():
        orders = list(permutations(range(taps + shift)))
        same = sum(max(order[:taps]) == max(order[shift:]) for order in orders)
        assert found == pytest.approx(same / len(orders), abs=1e-12)


def test_number_of_windows_by_walking(page):
    start, count = -1, 0  # one place of padding on the left, from 0
    while start + 3 <= 101:  # and one on the right
        count, start = count + 1, start + 2
    assert page["pooled_size"] == count == 50


def test_pooling_has_no_parameters(page):
    assert page["pooling_weights"] == len(list(nn.MaxPool1d(3, 2, 1).parameters())) == 0
