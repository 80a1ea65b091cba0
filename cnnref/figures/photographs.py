"""Receptive fields drawn on photographs: what a unit can see, and what of it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from cnnref.accounting import EffectiveField
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["energies_picture", "reach_on_photograph"]

_HUES = ("orange", "blue", "green", "purple")


def reach_on_photograph(
    photograph: Tensor, seen: tuple[int, int], radii: Mapping[str, float], title: str = ""
) -> Picture:
    """A photograph with the field of one unit as a frame, and circles about its middle.

    Args:
        photograph: `(3, H, W)`, in bytes or from 0 to 1.
        seen: the first and last position of the field, the same for rows and columns; what hangs
            over the edge is drawn outside.
        radii: for each circle its name and its radius in pixels.
        title: a heading.

    Raises:
        ValueError: the photograph has not three channels, or the field ends before it begins.
    """
    if photograph.dim() != 3 or photograph.shape[0] != 3:
        raise ValueError(f"a photograph must be (3, H, W), got {tuple(photograph.shape)}")
    start, end = seen
    if end < start:
        raise ValueError(f"a field must not end before it begins, got {seen}")
    middle, size = (start + end) / 2, end - start + 1
    with style():
        figure, axes = new_figure(5.4, 6.1)
        _bare(axes).imshow(photograph.permute(1, 2, 0).numpy())
        lines = [axes.add_patch(_frame(start, start, size, size))]
        lines[0].set_label(f"receptive field, {size} pixels")
        for hue, (name, radius) in zip(_HUES[1:], radii.items(), strict=False):
            circle = Circle(
                (middle, middle), radius, fill=False, ec=COLOURS[hue], lw=2.5, ls="--",
                label=name, clip_on=False,
            )  # fmt: skip
            lines.append(axes.add_patch(circle))
        axes.set_title(title)
        figure.legend(handles=lines, loc="outside lower center")
    circles = "; ".join(f"{name}: radius {radius:.1f} pixels" for name, radius in radii.items())
    height, width = photograph.shape[1:]
    return Picture(
        figure,
        f"A photograph of {height} by {width} pixels with a frame of {size} by {size} around "
        f"position {middle:g} and circles about the same place. {circles}.",
        vector=False,
    )


def energies_picture(
    photograph: Tensor, fields: Sequence[EffectiveField], titles: Sequence[str]
) -> Picture:
    """A photograph, and beside it the energy of its positions for one unit in several networks.

    Frames show the theoretical field, dashed ellipses two effective widths. The shades are the
    square root of the energy's share of its own largest.

    Args:
        photograph: `(3, H, W)`, in bytes or from 0 to 1, as large as the input of the networks.
        fields: as measured, all for units with one field.
        titles: one for each.

    Raises:
        ValueError: the numbers of fields and titles differ, or a field's input is of another size.
    """
    if len(fields) != len(titles) or not fields:
        raise ValueError(f"{len(fields)} fields need as many titles, got {len(titles)}")
    for field in fields:
        if field.energy.shape != photograph.shape[1:]:
            raise ValueError(
                f"the photograph has {tuple(photograph.shape[1:])} pixels, a field was measured on "
                f"{tuple(field.energy.shape)}"
            )
    words = []
    with style():
        figure, grid = new_figure(2.2 * (len(fields) + 1), 2.6, ncols=len(fields) + 1)
        _bare(grid[0]).imshow(photograph.permute(1, 2, 0).numpy())
        grid[0].set_title("photograph")
        grid[0].add_patch(_frame(*_corner_and_size(fields[0])))
        for axes, field, title in zip(grid[1:], fields, titles, strict=True):
            _bare(axes).imshow(np.sqrt(field.energy.numpy()), cmap="Blues")
            axes.add_patch(_frame(*_corner_and_size(field)))
            axes.set_title(title)
            rows, columns = field.width
            axes.set_xlabel(f"width {(rows + columns) / 2:.2f} pixels")
            words.append(
                f"{title}: width {rows:.2f} pixels down and {columns:.2f} along, "
                f"{100 * field.share():.1f} % of the positions hold 95 % of the energy"
            )
    left, top, width, height = _corner_and_size(fields[0])
    return Picture(
        figure,
        f"A photograph with a frame of {height} by {width} pixels whose first row is {top} and "
        f"first column {left}, and in the same frame the energy of each pixel. {'; '.join(words)}.",
        vector=False,
    )


def _bare(axes: Axes) -> Axes:
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    return axes


def _frame(left: float, top: float, width: float, height: float) -> Rectangle:
    return Rectangle(
        (left - 0.5, top - 0.5), width, height,
        fill=False, ec=COLOURS["orange"], lw=2.5, clip_on=False,
    )  # fmt: skip


def _corner_and_size(field: EffectiveField) -> tuple[int, int, int, int]:
    """First column, first row, columns and rows of the unit's field inside the input."""
    (top, bottom), (left, right) = (
        along.seen(unit) or (0, 0)
        for along, unit in zip(field.layer.fields, field.unit, strict=True)
    )
    return left, top, right - left + 1, bottom - top + 1
