"""A two-dimensional layer with channels, drawn as sheets: who reads whom, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["volumes_picture"]

_ACROSS, _UP, _DOWN = 0.5, 0.26, 0.8
"""A step along a row of a sheet, in x and in y, and the height of a cell."""

Cells = set[tuple[int, int]]


@dataclass(frozen=True)
class _Volume:
    """Channels of square sheets, some cells of which are marked, by channel."""

    name: str
    channels: int
    size: int
    blue: dict[int, Cells] = field(default_factory=dict)
    orange: dict[int, Cells] = field(default_factory=dict)


def volumes_picture(channels: int = 3, filters: int = 2, size: int = 6, kernel: int = 3) -> Picture:
    """A valid convolution of stride 1 and its two gradients, each as a volume beside another.

    Every channel is a sheet of cells. In each row of the figure the orange cell is what is
    computed, and the blue cells are all that it is computed from.

    Args:
        channels: input channels.
        filters: output channels.
        size: height and width of the input.
        kernel: height and width of the kernel.

    Raises:
        ValueError: the kernel does not fit, or there are fewer than two channels or filters.
    """
    outputs = size - kernel + 1
    if not 1 <= kernel <= size:
        raise ValueError(f"kernel must be 1 to {size}, the size of the input, got {kernel}")
    if min(channels, filters) < 2:
        raise ValueError(
            f"channels and filters must be 2 or more, so that sums over them show, "
            f"got {channels} and {filters}"
        )
    output, pixel = (outputs // 2, outputs // 2), (size // 2, size // 2)
    window = _block(output, kernel, size)
    readers = _block((pixel[0] - kernel + 1, pixel[1] - kernel + 1), kernel, outputs)
    tap = (kernel // 2, kernel // 2)
    met = _block(tap, outputs, size)
    with style():
        figure, rows = new_figure(5.2, 6.8, nrows=3)
        inputs, results = _Volume("x", channels, size), _Volume("z", filters, outputs)
        handed = replace(results, name="g")
        _row(
            rows[0], "Forward: an output reads a window in every input channel",
            replace(inputs, blue=dict.fromkeys(range(channels), window)),
            replace(results, orange={filters - 1: {output}}),
        )  # fmt: skip
        _row(
            rows[1], "To the input: a pixel collects from every output channel",
            replace(inputs, name=r"\partial x", orange={0: {pixel}}),
            replace(handed, blue=dict.fromkeys(range(filters), readers)),
        )  # fmt: skip
        _row(
            rows[2], "To the kernel: a weight meets one channel of each",
            replace(inputs, blue={0: met}),
            _Volume(r"\partial w", 1, kernel, orange={0: {tap}}),
            replace(handed, blue={0: _block((0, 0), outputs, outputs)}),
        )  # fmt: skip
    return Picture(
        figure,
        f"Three rows, each with {channels} input channels of {size} × {size} cells at the left and "
        f"{filters} output channels of {outputs} × {outputs} at the right. Forward: one output "
        f"cell, and in every input channel the {kernel} × {kernel} window that it reads. To the "
        f"input: one pixel of one input channel, and in every output channel the {len(readers)} "
        f"outputs that read it. To the kernel: one weight of the kernel between input channel 1 "
        f"and output channel 1; all {outputs**2} outputs of that channel, and the "
        f"{outputs} × {outputs} block of that input channel that the weight meets.",
    )


def _block(corner: tuple[int, int], size: int, limit: int) -> Cells:
    """The cells of a square that lie inside a sheet."""
    rows, columns = (range(max(start, 0), min(start + size, limit)) for start in corner)
    return {(r, c) for r in rows for c in columns}


def _row(axes: Axes, title: str, *volumes: _Volume) -> None:
    """Volumes beside each other, all at the same height."""
    x, half = 0.0, volumes[0].size * (_DOWN + _UP) / 2
    for volume in volumes:
        for channel in range(volume.channels):
            _sheet(axes, x, volume, channel)
            index = "11" if len(volumes) == 3 and volume is volumes[1] else str(channel + 1)
            axes.text(
                x + volume.size * _ACROSS / 2, -half - 0.25, f"${volume.name}_{{{index}}}$",
                ha="center", va="top", fontsize=11,
            )  # fmt: skip
            x += volume.size * _ACROSS + 0.35
        x += 1.0
    axes.set(xlim=(-0.2, x - 1.15), ylim=(-half - 1.1, half + 0.1), aspect="equal")
    axes.set_title(title, fontsize=10)
    axes.axis("off")


def _sheet(axes: Axes, x: float, volume: _Volume, channel: int) -> None:
    """One channel, a square of cells seen from the side."""
    blue, orange = volume.blue.get(channel, set()), volume.orange.get(channel, set())
    top = volume.size * (_DOWN - _UP) / 2
    for r in range(volume.size):
        for c in range(volume.size):
            hue = "orange" if (r, c) in orange else "blue" if (r, c) in blue else None
            left, up = x + c * _ACROSS, top - r * _DOWN + c * _UP
            right, higher = left + _ACROSS, up + _UP
            corners = [(left, up), (right, higher), (right, higher - _DOWN), (left, up - _DOWN)]
            axes.add_patch(
                Polygon(
                    corners, facecolor=COLOURS[hue] if hue else "white",
                    edgecolor=COLOURS["grey"], linewidth=0.6,
                )
            )  # fmt: skip
