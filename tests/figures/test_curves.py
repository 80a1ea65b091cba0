"""Curves of several results: the lines are the means, the bands the range, the words both."""

from dataclasses import replace

import numpy as np
import pytest

from cnnref.figures import curves_picture, steps_picture
from tests.made_results import CLOTHES, made_result


def test_curves_draw_means_and_bands(two):
    picture = curves_picture(two)
    (axes,) = picture.figure.axes
    assert [line.get_label() for line in axes.lines] == ["first", "second"]
    for line, band, result in zip(axes.lines, axes.collections, two.values(), strict=True):
        values = np.column_stack([result.untrained(), result.history("test_accuracy")])
        assert line.get_xdata().tolist() == [0, 1, 2, 3, 4]
        assert line.get_ydata() == pytest.approx(values.mean(0))
        heights = band.get_paths()[0].vertices[:, 1]
        assert heights.max() == pytest.approx(values.max())
    assert axes.get_ylabel() == "test accuracy"
    assert axes.yaxis.get_major_formatter()(0.5) == "50 %"
    (legend,) = picture.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["first", "second"]


def test_two_drawings_are_the_same(two):
    first, second = (curves_picture(two)._repr_mimebundle_() for _ in range(2))
    assert first == second
    assert len(first[0]["image/svg+xml"]) > 1000


def test_words_of_curves_have_ends_and_extremes(two):
    words = curves_picture(two).alt
    assert words.startswith("Curves of the test accuracy, means over seeds: first (3 seeds) from ")
    assert "0.100 at epoch 0 to 0.900 at epoch 4, most 0.900 at epoch 4; second (2 seeds)" in words
    losses = curves_picture(two, "train_loss").alt
    assert "training loss" in losses
    assert "at epoch 1 to 0.090 at epoch 4, least 0.090 at epoch 4" in losses


def test_curves_of_tuning_are_called_validation(validated, two):
    picture = curves_picture([validated], "loss")
    assert picture.alt.startswith("Curves of the validation loss, means over seeds: tuning (2")
    assert picture.figure.axes[0].get_ylabel() == "validation loss (nats per image)"
    assert picture.figure.legends == []
    with pytest.raises(ValueError, match="one split, got test and validation"):
        curves_picture({**two, "tuned": validated})


def test_seven_curves_are_told_apart_without_colour_and_without_line():
    results = [made_result(replace(CLOTHES, name=f"n{i}"), [0.5 + i / 20]) for i in range(7)]
    lines = curves_picture(results).figure.axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 7
    four = lines[:4]
    assert len({line.get_linestyle() for line in four}) == 4
    assert len({line.get_color() for line in four}) == 4


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no result to draw"):
        curves_picture([])


def test_two_curves_of_one_name_are_refused(two):
    with pytest.raises(ValueError, match=r"two results have one name, got \['clothes'\]"):
        curves_picture([two["first"], two["first"]])


@pytest.fixture
def stepped():
    """Errors of 1 for five steps and of 0 for five, twice; the second seed is the better one."""
    falling = np.repeat([1.0, 0.0], 5)
    return made_result(CLOTHES, [0.9, 0.9], steps=[falling, falling / 2])


def test_steps_are_averaged_over_the_last_ones(stepped):
    picture = steps_picture([stepped], smooth=5)
    (axes,) = picture.figure.axes
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [5, 6, 7, 8, 9, 10]
    assert line.get_ydata() == pytest.approx([0.75, 0.6, 0.45, 0.3, 0.15, 0])
    assert axes.get_ylabel() == "error of the mini-batch,\nmean of 5 steps"
    assert "from 0.750 at step 5 to 0.000 at step 10, least 0.000 at step 10" in picture.alt
    raw = steps_picture([stepped], "step_loss", smooth=1)
    assert raw.figure.axes[0].lines[0].get_ydata() == pytest.approx([0.75] * 5 + [0] * 5)
    assert raw.figure.axes[0].get_ylabel().endswith("single steps")


def test_a_logarithmic_axis_leaves_out_what_is_zero(stepped):
    picture = steps_picture([stepped], smooth=5, log=True)
    (axes,) = picture.figure.axes
    assert axes.get_yscale() == "log"
    assert np.isnan(axes.lines[0].get_ydata()).tolist() == [False] * 5 + [True]
    assert "on a logarithmic axis" in picture.alt
    assert "svg" in str(picture._repr_mimebundle_()[0].keys())


def test_long_curves_are_drawn_by_some_of_their_points():
    result = made_result(CLOTHES, [0.9], steps=[np.linspace(1, 0, 5000)])
    line = steps_picture([result]).figure.axes[0].lines[0]
    x, y = line.get_xdata(), line.get_ydata()
    assert (x[0], x[-1], len(x)) == (100, 5000, 300)
    assert y == pytest.approx(np.interp(x - 50.5, np.arange(5000), np.linspace(1, 0, 5000)))


def test_steps_that_are_not_there_are_refused(stepped, two):
    with pytest.raises(ValueError, match="smooth must be from 1 to 10 steps, got 11"):
        steps_picture([stepped], smooth=11)
    with pytest.raises(ValueError, match="smooth must be from 1 to 10 steps, got 0"):
        steps_picture([stepped], smooth=0)
    with pytest.raises(ValueError, match="unknown metric of clothes 'step_error'"):
        steps_picture(two)
