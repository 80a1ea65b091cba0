"""Oracles for `zip-codes`: laws over all outcomes, exact fractions, and simulated writers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

P = Fraction(9985, 10_000)


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("zip-codes")


def test_independent_digits(page):
    assert page["zip_chance"] == pytest.approx(float(P**5), abs=1e-15)
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
    assert 9 * (1 - page["sure"]) == pytest.approx(0.001, abs=1e-14)
    # Two kinds of writers, by counting: 19 good and 1 bad of 20.
    bad = 20 * P - 19 * Fraction(9995, 10_000)
    assert page["bad"] == pytest.approx(float(bad), abs=1e-12)
    mean = (19 * Fraction(9995, 10_000) ** 5 + bad**5) / 20
    assert page["average"] == pytest.approx(float(mean), abs=1e-12)
    rng = np.random.default_rng(2)
    measured = rng.binomial(page["enough"], float(P), size=100_000) / page["enough"]
    inside = np.abs(measured**5 - float(P) ** 5) <= 0.001
    assert inside.mean() == pytest.approx(0.95, abs=0.005)
