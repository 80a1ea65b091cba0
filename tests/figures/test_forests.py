"""Forest plots and sweeps: every mark stands where the numbers are, and the words say them."""

from dataclasses import replace

import pytest

from cnnref.experiments import compare
from cnnref.figures import differences_picture, intervals_picture, rates_picture
from cnnref.training import Recipe
from tests.made_results import CLOTHES, TUNING, made_result


def marks(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


def test_intervals_are_drawn_with_their_seeds(two):
    picture = intervals_picture(two)
    (axes,) = picture.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    means, dots = marks(axes, "s"), marks(axes, "o")
    bars = [line for line in axes.lines if line.get_marker() == "None"]
    for row, result in enumerate(two.values()):
        found = result.interval()
        assert means[row].get_xydata().tolist() == [[found.mean, row]]
        assert bars[row].get_xdata().tolist() == [found.low, found.high]
        assert dots[row].get_xdata() == pytest.approx(result.final())
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the first row is at the top"
    assert "first 90.00 % (3 seeds, 95 % interval 87.52 to 92.48, by seed 89.00, 9" in picture.alt


def test_one_seed_has_a_dot_and_no_interval():
    picture = intervals_picture({"alone": made_result(CLOTHES, [0.9])}, "loss")
    (axes,) = picture.figure.axes
    assert (len(marks(axes, "s")), len(marks(axes, "o")), len(axes.lines)) == (0, 1, 1)
    assert picture.alt.endswith("test loss: alone 0.100 nats (1 seed, by seed 0.100).")


def test_rows_of_test_and_validation_are_not_mixed(two, validated):
    with pytest.raises(ValueError, match="one split, got test and validation"):
        intervals_picture({**two, "tuned": validated})
    assert "validation accuracy" in intervals_picture([validated]).alt


def test_differences_stand_beside_zero():
    comparisons = {
        "a minus b": compare([0.92, 0.921, 0.922], [0.9, 0.901, 0.902]),
        "b minus c": compare([0.9, 0.91, 0.92], [0.901, 0.911, 0.92]),
    }
    picture = differences_picture(comparisons)
    (axes,) = picture.figure.axes
    clear, unclear = marks(axes, "s")
    assert clear.get_xdata() == pytest.approx([2.0])
    assert clear.get_markerfacecolor() != "white"
    assert unclear.get_markerfacecolor() == "white"
    assert axes.lines[0].get_xdata() == [0, 0]
    assert "percentage points" in axes.figure.get_supxlabel()
    assert "in percentage points, with 95 % intervals: a minus b +2.00 [1.77, 2.23], higher" in (
        picture.alt
    )
    assert "b minus c −0.1 [−2." in picture.alt
    assert picture.alt.endswith("too close to call.")


def test_differences_of_different_things_are_refused():
    values = [0.9, 0.91]
    with pytest.raises(ValueError, match="one metric and confidence, got"):
        differences_picture({"a": compare(values, values), "b": compare(values, values, "loss")})
    with pytest.raises(ValueError, match="got none"):
        differences_picture({})


def sweep(accuracies, optimizer="sgd"):
    return [
        made_result(
            replace(TUNING, name=f"{optimizer}-{i}", recipe=Recipe(optimizer, rate, epochs=1)), [a]
        )
        for i, (rate, a) in enumerate(accuracies.items())
    ]


def test_a_sweep_has_a_line_for_every_optimizer_and_a_ring_around_its_best():
    results = sweep({0.1: 0.9, 0.001: 0.7, 0.01: 0.8}) + sweep({0.01: 0.85, 0.1: 0.1}, "adam")
    picture = rates_picture(results)
    (axes,) = picture.figure.axes
    assert axes.get_xscale() == "log"
    named = {line.get_label(): line for line in axes.lines if line.get_label()[0] != "_"}
    assert named["sgd"].get_xdata().tolist() == [0.001, 0.01, 0.1]
    assert named["sgd"].get_ydata() == pytest.approx([0.7, 0.8, 0.9])
    rings = [line.get_xydata().tolist()[0] for line in axes.lines if line.get_markersize() == 11]
    assert rings == [[0.1, 0.9], [0.01, 0.85]]
    assert "sgd best at 0.1: 0.001 gives 70.0 %, 0.01 gives 80.0 %, 0.1 gives 90.0 %" in picture.alt
    assert "adam best at 0.01" in picture.alt
    assert "validation accuracy" in picture.alt


def test_a_legend_may_call_optimizers_otherwise():
    picture = rates_picture(sweep({0.1: 0.9}) + sweep({0.1: 0.8}, "adam"), names={"sgd": "SGD"})
    labels = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert labels == ["SGD", "adam"]
    assert "SGD best at 0.1" in picture.alt


def test_of_losses_the_least_is_best():
    assert "sgd best at 0.1" in rates_picture(sweep({0.1: 0.9, 0.001: 0.7}), "loss").alt


def test_what_lies_below_the_axis_is_drawn_on_it():
    picture = rates_picture(sweep({0.01: 0.8, 1.0: 0.1}), bottom=0.5)
    (axes,) = picture.figure.axes
    assert axes.get_ylim()[0] == 0.5
    assert axes.lines[0].get_ydata().tolist() == [0.8, 0.5]
    low = [line for line in axes.lines if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in low] == [[[1.0, 0.5]]]
    assert "1 gives 10.0 %" in picture.alt


def test_a_sweep_needs_one_split_and_one_result_for_each_rate(two):
    with pytest.raises(ValueError, match="one split, got test and validation"):
        rates_picture([*sweep({0.1: 0.9}), *two.values()])
    twice = made_result(replace(sweep({0.1: 0.9})[0].experiment, name="again"), [0.8])
    with pytest.raises(ValueError, match=r"two results of sgd at 0\.1"):
        rates_picture([*sweep({0.1: 0.9}), twice])
