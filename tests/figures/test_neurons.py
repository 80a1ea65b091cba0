"""The drawing of a layer of neurons: its words are the window's connections."""

import re

import pytest

from cnnref.figures import neurons_picture
from cnnref.windows import Window


def lines_drawn(picture):
    (axes,) = picture.figure.axes
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 2]


def test_words_name_every_connection_with_its_weight():
    alt = neurons_picture(Window(3), 8).alt
    assert alt.startswith("A layer of 6 neurons over 8 inputs with 3 shared weights:")
    assert "neuron 2 reads x2 by w1, x3 by w2, x4 by w3;" in alt
    assert len(re.findall(r"x\d by w\d", alt)) == 6 * 3


def test_padding_is_drawn_and_named():
    alt = neurons_picture(Window(3, stride=2, padding=1), 6).alt
    assert "neuron 1 reads a padded zero by w1, x1 by w2, x2 by w3" in alt
    assert alt.count("padded zero") == 1


def test_one_line_for_each_connection_and_for_each_missing_one():
    assert len(lines_drawn(neurons_picture(Window(3), 8))) == 18
    picture = neurons_picture(Window(3), 8, absent=True)
    assert len(lines_drawn(picture)) == 48
    assert "The 30 connections that are missing" in picture.alt


def test_weights_differ_by_line_style_and_not_by_colour_alone():
    lines = lines_drawn(neurons_picture(Window(6), 7))
    looks = {(line.get_linestyle(), line.get_color()) for line in lines}
    assert len(looks) == 6
    three = lines_drawn(neurons_picture(Window(3), 8))
    assert len({line.get_linestyle() for line in three}) == 3


def test_two_drawings_are_the_same():
    first, second = (neurons_picture(Window(3), 8)._repr_mimebundle_() for _ in range(2))
    assert first == second


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="the window of kernel size 9"):
        neurons_picture(Window(9), 8)
