"""Matrices of numbered weights: what is counted, drawn and said."""

import pytest
import torch

from cnnref.figures import NumberedWeights, weights_picture

SHARED = NumberedWeights("shared", torch.tensor([[1, 2, 0], [0, 1, 2]]))
DENSE = NumberedWeights("dense", torch.arange(1, 7).view(2, 3), column_label="pixel", block=1)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_it_counts_connections_and_different_weights():
    assert (SHARED.connections, SHARED.weights) == (4, 2)
    assert (DENSE.connections, DENSE.weights) == (6, 6)


def test_equal_numbers_have_equal_colours_and_no_connection_has_none():
    axes = weights_picture([SHARED]).figure.axes[0]
    faces = [patch.get_facecolor() for patch in axes.patches]
    assert texts(axes) == ["1", "2", "1", "2"]
    assert faces[0] == faces[4] != faces[1] == faces[5]
    assert faces[2] == faces[3] == (1, 1, 1, 1)


def test_each_layer_is_headed_by_its_weights_and_said_row_by_row():
    picture = weights_picture([SHARED, DENSE, SHARED])
    titles = [axes.get_title() for axes in picture.figure.axes]
    assert titles == ["shared: 2 weights", "dense: 6 weights", "shared: 2 weights", ""]
    assert "shared, 2 weights on 4 connections: output 1: 1 2 –; output 2: – 1 2." in picture.alt
    assert "dense, 6 weights on 6 connections: output 1: 1 2 3" in picture.alt
    assert [len(axes.lines) for axes in picture.figure.axes] == [0, 2, 0, 0]


def test_a_layer_without_weights_is_refused():
    with pytest.raises(ValueError, match="'empty' has none"):
        weights_picture([NumberedWeights("empty", torch.zeros(2, 2, dtype=torch.long))])
