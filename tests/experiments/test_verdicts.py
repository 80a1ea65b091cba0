"""What a comparison says: the verdict, plain words, numbers with as many places as they bear."""

import pytest
from scipy import stats

from cnnref.experiments import compare
from cnnref.experiments.verdicts import Comparison, measure


def test_the_verdict_is_where_zero_lies():
    for low, high, verdict in [
        (0.1, 0.3, "higher"), (-0.3, -0.1, "lower"), (-0.1, 0.1, "too close to call"),
        (0.0, 0.2, "too close to call"), (-0.2, 0.0, "too close to call"),
    ]:  # fmt: skip
        assert Comparison("loss", (0, 0), 0.0, low, high, (3, 3)).verdict == verdict


def test_plain_words_say_which_by_how_much_and_how_sure():
    found = compare([0.92, 0.921, 0.922], [0.90, 0.903, 0.906])
    assert found.words() == "92.1 % against 90.3 %, 1.8 points higher, at least 1.1 (95 %)"
    opposite = compare([0.90, 0.903, 0.906], [0.92, 0.921, 0.922], confidence=0.9)
    assert opposite.words() == "90.3 % against 92.1 %, 1.8 points lower, at least 1.3 (90 %)"
    low, high = stats.ttest_ind(
        [92, 92.1, 92.2], [90, 90.3, 90.6], equal_var=False
    ).confidence_interval()
    assert found.numbers == ("92.1 %", "90.3 %", "1.8", f"{low:.1f}", f"{high:.1f}", " points")


def test_plain_words_say_what_is_too_close_to_call():
    unsure = compare([0.9, 0.91, 0.92], [0.905, 0.911], "loss")
    assert unsure.words() == (
        "0.910 nats against 0.908 nats, too close to call (−0.019 to 0.023 nats)"
    )
    assert unsure.sources == "3 and 2 seeds"
    assert compare([0.5, 0.6], [0.4, 0.5], paired=True).sources == "2 pairs"


@pytest.mark.parametrize(
    ("half", "shown"), [(0.1, "7.00"), (0.35, "7.00"), (0.36, "7.0"), (3.6, "7"), (35, "7")]
)
def test_numbers_have_as_many_places_as_the_interval_bears(half, shown):
    found = Comparison("jump", (7.0, 0.0), 7.0, 7 - half, 7 + half, (3, 3))
    assert found.numbers.difference == shown


def test_an_end_of_an_interval_is_not_rounded_to_a_false_zero():
    close = Comparison("accuracy", (0.9123, 0.91), 0.0023, 0.00001, 0.00459, (3, 3))
    assert close.words() == (
        "91.230 % against 91.000 %, 0.230 points higher, at least 0.001 (95 %)"
    )
    negative = Comparison("accuracy", (0.9, 0.9), -1e-9, -0.01, 0.01, (3, 3))
    assert negative.numbers.difference == "0.0"


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
