"""A picture of trainings knows their records."""

import inspect

import pytest

from cnnref import data, figures
from cnnref.figures import Picture, new_figure
from tests.made_results import CLOTHES, DIGITS, PLAIN, made_result

FIRST = made_result(CLOTHES, [0.9, 0.8], steps=[[0.5, 0.4], [0.6, 0.3]])
SECOND = made_result(PLAIN, [0.7, 0.6, 0.5], steps=[[0.5, 0.4], [0.6, 0.3], [0.7, 0.2]])
BOTH = {"first": FIRST, "second": SECOND}
IMAGES = data.synthetic((1, 28, 28), 10, 20)
for record in (*FIRST.records, *SECOND.records):
    record.content["tail"] = {"accuracy": [0.8, 0.9], "loss": [0.2, 0.1]}
    record.content["dataset"]["test_sha256"] = IMAGES.sha256

ONE_RATE = [FIRST, made_result(DIGITS, [0.9])]
DRAWN = {
    "confusion_picture": (lambda: figures.confusion_picture(FIRST, "abcdefghij"), FIRST.records),
    "curves_picture": (lambda: figures.curves_picture(BOTH), FIRST.records + SECOND.records),
    "intervals_picture": (lambda: figures.intervals_picture(BOTH), FIRST.records + SECOND.records),
    "learning_curves": (lambda: figures.learning_curves(SECOND), SECOND.records),
    "mistakes_picture": (
        lambda: figures.mistakes_picture(FIRST, IMAGES, seed=1),
        FIRST.records[1:],
    ),
    "rates_picture": (
        lambda: figures.rates_picture(ONE_RATE),
        ONE_RATE[0].records + ONE_RATE[1].records,
    ),
    "steps_picture": (
        lambda: figures.steps_picture(BOTH, smooth=1),
        FIRST.records + SECOND.records,
    ),
    "tails_picture": (lambda: figures.tails_picture(BOTH), FIRST.records + SECOND.records),
}


def test_no_function_that_takes_results_is_forgotten():
    public = {name: getattr(figures, name) for name in figures.__all__}
    taking = {
        name
        for name, value in public.items()
        if inspect.isfunction(value) and "Result" in str(inspect.signature(value))
    }
    assert taking == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_of_results_has_their_records(name):
    draw, records = DRAWN[name]
    assert draw().records == records


def drawn_from(*trained):
    """A picture's entry of trainings, in the metadata of its output."""
    picture = Picture(new_figure(1, 1)[0], "Nothing.").drawn_from(*trained)
    (words,) = picture._repr_mimebundle_()[1].values()
    assert words["alt"] == "Nothing."
    return words.get("trained")


@pytest.mark.parametrize(
    "trained",
    [
        [FIRST, SECOND],
        [BOTH],
        [[FIRST], {"x": {"y": (SECOND,)}}],
        [FIRST.records, (result for result in [SECOND])],
        [FIRST, SECOND, FIRST.records[1]],
    ],
)
def test_results_may_be_nested_and_count_once(trained):
    first, second = drawn_from(*trained)
    assert (first["experiment"], second["experiment"]) == ("clothes", "plain")
    assert (first["seeds"], second["seeds"]) == ([0, 1], [0, 1, 2])


def test_an_entry_says_what_the_records_say():
    (entry,) = drawn_from(SECOND.records[:2])
    assert entry == {
        "experiment": "plain",
        "seeds": [0, 1],
        "devices": ["a processor"],
        "dates": ["2026-11-20", "2026-11-21"],
    }


def test_a_picture_of_nothing_trained_says_nothing():
    assert drawn_from() is None
    assert drawn_from([]) is None


@pytest.mark.parametrize("other", ["plain", 0.9, [FIRST, FIRST.final()], {"plain": None}])
def test_what_has_no_record_is_refused(other):
    with pytest.raises(TypeError, match=r"run\(\.\.\.\) returned has records"):
        drawn_from(other)


def test_more_may_be_added():
    picture = figures.learning_curves(FIRST).drawn_from(SECOND)
    assert picture.records == FIRST.records + SECOND.records
