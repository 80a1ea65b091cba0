"""Pictures of receptive fields in two dimensions: what each input position counts for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Circle
from torch import Tensor

from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["field_maps"]

_SHADES = LinearSegmentedColormap.from_list("shades", ["#BFDDF0", COLOURS["blue"], "#00263D"])


def field_maps(
    maps: Sequence[Tensor],
    titles: Sequence[str],
    *,
    numbers: bool = False,
    radii: Sequence[float] = (),
    counted: str = "not 0",
    side: float = 2.2,
) -> Picture:
    """Square maps side by side, centred on 0; a position of value 0 stays white.

    The shade is the value's share of its own map's largest. Each map says under it how many of its
    positions are not white.

    Args:
        maps: `(K, K)` each, of values that are not negative, with `K` odd.
        titles: one for each.
        numbers: also write the values that are not 0 into their cells.
        radii: one for each map: draw a circle of that radius, in positions, about the centre.
        counted: what is true of the positions that are not 0, for the words; other than "not 0"
            where the caller has set small values to 0.
        side: inches of each map.

    Raises:
        ValueError: a map is not square, odd and free of negative values, or has nothing in it, or
            there is not one title, and one radius if any, for each.
    """
    if len(titles) != len(maps) or (radii and len(radii) != len(maps)):
        raise ValueError(
            f"{len(maps)} maps need as many titles and radii, got {len(titles)} and {len(radii)}"
        )
    words = []
    with style():
        figure, grid = new_figure(side * len(maps), side + 0.45, ncols=len(maps), squeeze=False)
        for index, (axes, tensor, title) in enumerate(zip(grid[0], maps, titles, strict=True)):
            values = tensor.detach().cpu().double().numpy()
            size = values.shape[0]
            if values.shape != (size, size) or size % 2 == 0 or not (values >= 0).all():
                raise ValueError(f"a map must be square, odd and not negative, got {values.shape}")
            if not values.any():
                raise ValueError("a map must have a position that is not 0")
            half, top = size // 2, values.max()
            axes.grid(visible=False)
            axes.pcolormesh(
                np.arange(size + 1) - half - 0.5, np.arange(size + 1) - half - 0.5,
                np.ma.masked_equal(values, 0), cmap=_SHADES, vmin=0, vmax=top,
                edgecolors=COLOURS["pale"] if size <= 31 else "none", linewidth=0.4,
                rasterized=size > 31,
            )  # fmt: skip
            if numbers:
                for i, j in np.argwhere(values != 0):
                    axes.text(
                        j - half, i - half, f"{values[i, j]:g}", ha="center", va="center",
                        fontsize=8, color="white" if values[i, j] > 0.35 * top else COLOURS["ink"],
                    )  # fmt: skip
            count = int(np.count_nonzero(values))
            words.append(f"{title}: {count} of {size * size} positions are {counted}")
            if radii:
                axes.add_patch(
                    Circle((0, 0), radii[index], fill=False, color=COLOURS["orange"], ls="--", lw=2)
                )
                words[-1] += f", circle of radius {radii[index]:.1f}"
            ticks = [-half, 0, half]
            axes.set(
                aspect="equal", title=title, xticks=ticks, yticks=ticks,
                xlabel=f"column\n{count:,} of {size}² positions",
                xlim=(-half - 0.5, half + 0.5), ylim=(half + 0.5, -half - 0.5),
            )  # fmt: skip
            axes.spines[["top", "right"]].set_visible(True)
            if index == 0:
                axes.set_ylabel("row")
    return Picture(figure, f"Maps of input positions. {'; '.join(words)}.")
