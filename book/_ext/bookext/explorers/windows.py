"""Explorers of a window: the arithmetic of its steps, and its matrix."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cnnref.convolution import matrix_of
from cnnref.figures import matrix_picture, window_picture
from cnnref.figures.style import Picture
from cnnref.windows import Window

from .kind import Explorer, Preset


def draw_convolution(preset: Preset) -> Picture:
    """The windows of a convolution, or the matrix of a transposed one; of two axes, one."""
    window = Window(preset["k"], preset["s"], (preset["l"], preset["r"]), preset["d"])
    # Both axes start alike, so that one says it all; the reader is told.
    title = "One of two equal axes" if preset["axes"] == 2 else ""
    if preset["operation"] == "convolution":
        picture = window_picture(window, preset["n"], title)
    else:
        size = window.transposed_size(preset["n"], preset["q"])
        weights = torch.arange(1.0, window.kernel_size + 1)
        picture = matrix_picture(matrix_of(weights, size, window)[: preset["n"]].T, title)
    return replace(picture, alt=f"{title}. {picture.alt}") if title else picture


def matrix_of_preset(preset: Preset) -> Tensor:
    """The matrix of a convolution; transposed, where gradients flow back to the input."""
    weights = torch.tensor([float(number) for number in preset["w"].split()])
    window = Window(len(weights), preset["s"], (preset["l"], preset["r"]), preset["d"])
    matrix = matrix_of(weights, len(preset["x"].split()), window)
    return matrix.T if preset["view"] == "input" else matrix


def draw_matrix(preset: Preset) -> Picture:
    """The matrix of a preset as a picture."""
    labels = ("input", "output") if preset["view"] == "input" else ("output", "input")
    return matrix_picture(matrix_of_preset(preset), "", *labels)


CONVOLUTION = Explorer(
    "Convolution arithmetic",
    "convolution-sums convolution-grips convolution-line convolution-cells convolution-grids "
    "convolution",
    {"operation": "convolution", "axes": 1, "n": 8, "k": 3, "s": 1, "d": 1, "l": 0, "r": 0}
    | {"q": 0, "counts": 0},
    draw_convolution,
    lambda preset: max(preset["n"] - 3, 1) if preset["axes"] == 2 else 0,
    controls=lambda _: {f"{name}2": 0 for name in "nksdlrq"},
)
MATRIX = Explorer(
    "Convolution as a matrix",
    "matrix-products matrix-table matrix-drawing matrix",
    {"view": "forward", "x": "3 1 4 1 5 9 2", "w": "2 3 5", "g": "1 10 100 0 0"}
    | {"s": 1, "d": 1, "l": 0, "r": 0},
    draw_matrix,
    # The picture beside the matrix is as tall as six rows.
    lambda preset: max(len(matrix_of_preset(preset)), 6),
)
