"""A small array of numbers, and what pooling leaves of it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from cnnref.convolution import avg_pool, max_pool
from cnnref.figures.style import COLOURS, Picture, new_figure, style
from cnnref.windows import Window

__all__ = ["pooling_picture"]

_TINTS = ("blue", "orange", "green", "purple")


def pooling_picture(x: Tensor, side: int = 2) -> Picture:
    """An array, the largest and the mean of each of its blocks, and the mean of all of it.

    Blocks are told apart by their tint; the largest number of each is bold.

    Args:
        x: `(H, W)`, whole blocks high and wide.
        side: rows and columns of a block, and the stride.

    Raises:
        ValueError: the blocks do not fill the array.
    """
    height, width = x.shape
    if height % side or width % side:
        raise ValueError(f"blocks of {side} by {side} must fill the array, got {height} by {width}")
    windows = (Window(side, stride=side), Window(side, stride=side))
    largest, mean = max_pool(x, windows), avg_pool(x, windows)
    across = width // side
    starts = [0.0, width + 1.1, width + across + 2.2, width + 2 * across + 3.6]
    with style():
        figure, axes = new_figure(0.42 * (starts[-1] + 2), 0.42 * (height + 1.6))
        for (i, j), value in _entries(x):
            block = (i // side) * across + j // side
            wins = value == float(largest[i // side, j // side])
            _cell(axes, starts[0] + j, i, value, block, bold=wins)
        for start, pooled in ((starts[1], largest), (starts[2], mean)):
            for (i, j), value in _entries(pooled):
                row = i + (height - len(pooled)) / 2
                _cell(axes, start + j, row, value, i * across + j, bold=pooled is largest)
        _cell(axes, starts[3], (height - 1) / 2, float(x.mean()), None)
        titles = ("array", "maximum", "mean", "global\nmean")
        centres = (width / 2, across / 2, across / 2, 0.5)
        for start, centre, title in zip(starts, centres, titles, strict=True):
            axes.text(start + centre - 0.5, -0.75, title, ha="center", va="bottom", fontsize=10)
        axes.set(xlim=(-0.7, starts[-1] + 1.2), ylim=(height - 0.4, -1.9), aspect="equal")
        axes.axis("off")
    told = "; ".join(
        f"{name} {_rows(values)}"
        for name, values in (("the largest are", largest), ("the means are", mean))
    )
    return Picture(
        figure,
        f"An array of {height} by {width}: {_rows(x)}. Of its blocks of {side} by {side} {told}. "
        f"The mean of all entries is {float(x.mean()):g}.",
    )


def _entries(x: Tensor) -> list[tuple[tuple[int, int], float]]:
    return [((i, j), v) for i, row in enumerate(x.tolist()) for j, v in enumerate(row)]


def _rows(x: Tensor) -> str:
    return " / ".join(" ".join(f"{v:g}" for v in row) for row in x.tolist())


def _cell(
    axes: Axes, x: float, y: float, value: float, block: int | None, *, bold: bool = False
) -> None:
    colour = COLOURS["grey"] if block is None else COLOURS[_TINTS[block % len(_TINTS)]]
    axes.add_patch(
        Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, facecolor=(colour, 0.25), edgecolor=colour)
    )
    weight = "bold" if bold else "normal"
    axes.text(x, y, f"{value:g}", ha="center", va="center", fontsize=10, fontweight=weight)
