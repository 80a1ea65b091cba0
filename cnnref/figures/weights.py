"""Layers as matrices of numbered weights: an equal number is an equal weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["NumberedWeights", "weights_picture"]


@dataclass(frozen=True, eq=False)
class NumberedWeights:
    """A layer by its connections: which weight stands where.

    Args:
        name: what such a layer is called.
        numbers: `(outputs, inputs)`, integers: the number of the weight of each connection, from 1;
            0 where nothing is connected.
        row_label: what the rows are.
        column_label: what the columns are.
        block: columns that belong together; lines are drawn between them. 0 draws none.
    """

    name: str
    numbers: Tensor
    row_label: str = "output"
    column_label: str = "input"
    block: int = 0

    @property
    def connections(self) -> int:
        """How many cells hold a weight."""
        return int((self.numbers > 0).sum())

    @property
    def weights(self) -> int:
        """How many different weights there are."""
        return len(self.numbers[self.numbers > 0].unique())


def weights_picture(layers: Sequence[NumberedWeights], ncols: int = 2) -> Picture:
    """Layers side by side as matrices, each headed by its number of weights.

    Each cell holds the number of its weight. Colours go with the numbers, so that a layer with few
    weights has few colours.

    Args:
        layers: the layers, row by row.
        ncols: how many stand beside each other.

    Raises:
        ValueError: a layer has no weights.
    """
    for layer in layers:
        if not layer.weights:
            raise ValueError(f"a layer needs at least one connection, {layer.name!r} has none")
    nrows = math.ceil(len(layers) / ncols)
    with style():
        figure, grid = new_figure(2.7 * ncols, 2.2 * nrows, nrows=nrows, ncols=ncols, squeeze=False)
        for axes in grid.flat[len(layers) :]:
            axes.axis("off")
        for layer, axes in zip(layers, grid.flat, strict=False):
            _draw(axes, layer)
    words = " ".join(
        f"{layer.name}, {layer.weights} weights on {layer.connections} connections: "
        + "; ".join(
            f"{layer.row_label} {i}: " + " ".join(str(k or "–") for k in row)
            for i, row in enumerate(layer.numbers.tolist(), start=1)
        )
        + "."
        for layer in layers
    )
    return Picture(figure, f"{len(layers)} matrices of numbered weights. {words}")


def _draw(axes: Axes, layer: NumberedWeights) -> None:
    rows, columns = layer.numbers.shape
    # The dark half of the map, on which white figures can be read.
    hues = mpl.colormaps["viridis"].resampled(256)
    last = max(layer.weights - 1, 1)
    for i, row in enumerate(layer.numbers.tolist()):
        for k, number in enumerate(row):
            face = hues(0.62 * (number - 1) / last) if number else "white"
            axes.add_patch(
                Rectangle(
                    (k - 0.5, i - 0.5), 1, 1,
                    facecolor=face, edgecolor=COLOURS["pale"], linewidth=0.6,
                )
            )  # fmt: skip
            if number:
                axes.text(k, i, str(number), color="white", ha="center", va="center", fontsize=8)
    for edge in range(layer.block, columns, layer.block) if layer.block else ():
        axes.axvline(edge - 0.5, color=COLOURS["ink"], linewidth=1.5)
    axes.set(
        xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[],
        xlabel=layer.column_label, ylabel=layer.row_label,
    )  # fmt: skip
    axes.set_title(f"{layer.name}: {layer.weights} weights", fontsize=10)
    axes.grid(visible=False)
