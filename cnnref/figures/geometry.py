"""Pictures of windows: where they look, as a matrix, and what a chain of them sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from torch import Tensor

from cnnref.figures.style import COLOURS, Picture, new_figure, style
from cnnref.windows import Field, Window

__all__ = ["chain_picture", "matrix_picture", "window_picture"]


def window_picture(
    window: Window,
    n: int,
    title: str = "",
    *,
    symbols: tuple[str, str, str] = ("x", "w", "z"),
    inputs: Sequence[str] | None = None,
    padding: str = "0",
) -> Picture:
    """Every window over an input of length `n`, one row each, and the output it makes.

    Args:
        window: the window.
        n: length of the input.
        title: a heading.
        symbols: what input, kernel and output are called, in TeX.
        inputs: what each input entry is called, in TeX, where that is not its numbered symbol.
        padding: what the padding holds, in TeX; empty where it holds nothing.

    Raises:
        ValueError: `inputs` has not one name for each entry, or the window does not fit.
    """
    names = list(inputs) if inputs else [f"{symbols[0]}_{{{i + 1}}}" for i in range(n)]
    if len(names) != n:
        raise ValueError(f"inputs must name {n} entries, got {len(names)}")
    outputs = window.output_size(n)
    first, last = -window.left, n - 1 + window.right
    with style():
        # A cell is as large as a phone allows, on which 5.4 inches fill the screen.
        cell = min(0.42, 5.2 / (last - first + 4))
        figure, axes = new_figure(cell * (last - first + 4) + 0.2, cell * (outputs + 2) + 0.3)
        for position in range(first, last + 1):
            inside = 0 <= position < n
            name = names[position] if inside else padding
            _cell(axes, position, 0, "white" if inside and name != "0" else COLOURS["pale"])
            label = f"${name}$" if name else ""
            axes.text(position, 0, label, ha="center", va="center", fontsize=9)
        for i in range(outputs):
            row = -1.2 - i
            for tap, position in enumerate(window.taps(i), start=1):
                _cell(axes, position, row, COLOURS["blue"])
                label = f"${symbols[1]}_{{{tap}}}$"
                axes.text(position, row, label, ha="center", va="center", fontsize=8, color="white")
            axes.text(last + 1.2, row, f"$\\to {symbols[2]}_{{{i + 1}}}$", va="center", fontsize=9)
        axes.set(
            xlim=(first - 0.7, last + 2.8), ylim=(-1.9 - (outputs - 1), 0.7), aspect="equal",
            title=title,
        )  # fmt: skip
        axes.axis("off")
    rows = "; ".join(
        f"output {i + 1} reads positions {', '.join(str(p + 1) for p in window.taps(i))}"
        for i in range(outputs)
    )
    zeros = [str(i + 1) for i, name in enumerate(names) if name == "0"]
    inserted = f", zeros inserted at positions {', '.join(zeros)}" if zeros else ""
    return Picture(
        figure,
        f"A window of {window.kernel_size} taps, stride {window.stride}, dilation "
        f"{window.dilation}, padding {window.left} left and {window.right} right, over {n} inputs"
        f"{inserted}: {rows}.",
    )


def matrix_picture(
    matrix: Tensor,
    title: str = "",
    row_label: str = "output",
    column_label: str = "input",
    blocks: tuple[int, int] | None = None,
) -> Picture:
    """A small matrix as coloured cells with its numbers; equal values have equal colours.

    Args:
        matrix: `(rows, columns)`.
        title: a heading.
        row_label: what the rows are.
        column_label: what the columns are.
        blocks: rows and columns of a block; lines are drawn between blocks.
    """
    values = matrix.detach().cpu().double().numpy()
    rows, columns = values.shape
    top = float(np.abs(values).max()) or 1.0
    with style():
        figure, axes = new_figure(0.42 * columns + 1.2, 0.42 * rows + 1.0)
        axes.grid(visible=False)
        # Pale enough for the numbers on it, also where a dark page turns the drawing round.
        end = 2.2 * top
        axes.imshow(np.where(values == 0, np.nan, values), cmap="RdBu_r", vmin=-end, vmax=end)
        for i, j in np.argwhere(values != 0):
            axes.text(j, i, f"{values[i, j]:g}", ha="center", va="center", fontsize=8)
        axes.set(
            xlabel=column_label, ylabel=row_label, title=title,
            xticks=range(columns), yticks=range(rows),
            xticklabels=range(1, columns + 1), yticklabels=range(1, rows + 1),
        )  # fmt: skip
        axes.tick_params(length=0, labelsize=8)
        if blocks:
            for edge in range(blocks[0], rows, blocks[0]):
                axes.axhline(edge - 0.5, color=COLOURS["ink"], linewidth=1.5)
            for edge in range(blocks[1], columns, blocks[1]):
                axes.axvline(edge - 0.5, color=COLOURS["ink"], linewidth=1.5)
    lines = "; ".join(
        f"row {i + 1}: " + " ".join(f"{v:g}" for v in row) for i, row in enumerate(values)
    )
    if blocks:
        lines += f". Lines cut it into blocks of {blocks[0]} rows and {blocks[1]} columns"
    return Picture(figure, f"A matrix of {rows} rows and {columns} columns. {lines}.")


def chain_picture(windows: Sequence[Window], n: int, unit: int, title: str = "") -> Picture:
    """A chain of windows over `n` inputs, with all that one unit of the last layer depends on.

    Args:
        windows: the layers, first layer first.
        n: length of the input.
        unit: the unit of the last layer whose field is lit, from 0.
        title: a heading.
    """
    sizes, fields = [n], [Field()]
    for window in windows:
        sizes.append(window.output_size(sizes[-1]))
        fields.append(fields[-1] | window)
    lit: list[set[int]] = [set() for _ in sizes]
    lit[-1] = {unit}
    for depth in range(len(windows), 0, -1):
        below = {tap for i in lit[depth] for tap in windows[depth - 1].taps(i)}
        lit[depth - 1] = {tap for tap in below if 0 <= tap < sizes[depth - 1]}

    def place(depth: int, i: int) -> tuple[float, float]:
        return float(fields[depth].start + i * fields[depth].jump), float(depth)

    with style():
        figure, axes = new_figure(5.4, 0.6 * len(sizes) + 0.6)
        # Units must not touch: points between neighbours of the longest layer, and part of it.
        dot = min(5.0, 0.6 * 72 * 4.6 / n)
        hues = [COLOURS[c] for c in ("blue", "green", "purple", "orange")]
        for depth, window in enumerate(windows, start=1):
            for on in (False, True):
                lines = [
                    (place(depth - 1, tap), place(depth, i))
                    for i in range(sizes[depth])
                    for tap in window.taps(i)
                    if 0 <= tap < sizes[depth - 1] and (i in lit[depth]) == on
                ]
                colour = hues[(depth - 1) % len(hues)] if on else COLOURS["pale"]
                axes.add_collection(
                    LineCollection(
                        lines, colors=colour, linewidths=(0.3 if on else 0.1) * dot, zorder=on
                    )
                )
        for depth, size in enumerate(sizes):
            xs = np.array([place(depth, i)[0] for i in range(size)])
            on_mask = np.array([i in lit[depth] for i in range(size)])
            axes.scatter(
                xs[~on_mask], np.full((~on_mask).sum(), depth), s=(0.8 * dot) ** 2, zorder=2,
                color="white", edgecolor=COLOURS["grey"], linewidth=0.6,
            )  # fmt: skip
            axes.scatter(
                xs[on_mask], np.full(on_mask.sum(), depth), s=dot**2, zorder=3,
                color=hues[max(depth - 1, 0) % len(hues)],
            )  # fmt: skip
        axes.set(
            yticks=range(len(sizes)), title=title, xlabel="input position",
            yticklabels=["input", *(f"layer {d}" for d in range(1, len(sizes)))],
        )  # fmt: skip
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(length=0)
    layers = "; ".join(
        f"layer {d} has kernel {w.kernel_size}, stride {w.stride}, dilation {w.dilation}"
        for d, w in enumerate(windows, start=1)
    )
    return Picture(
        figure,
        f"A chain over {n} inputs: {layers}. Unit {unit} of the last layer sees "
        f"{len(lit[0])} of the inputs, from position {min(lit[0])} to {max(lit[0])}.",
    )


def _cell(axes: Axes, x: float, y: float, colour: str) -> None:
    axes.add_patch(
        Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=colour, edgecolor=COLOURS["grey"])
    )
