"""A photograph that every reader has, and images side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from matplotlib.cbook import get_sample_data
from matplotlib.image import imread
from torch import Tensor
from torch.nn import functional

from cnnref.figures.style import Picture, new_figure, style

__all__ = ["photograph", "shades_picture"]


def photograph(shrink: int = 1, *, colour: bool = False) -> Tensor:
    """A portrait of Grace Hopper, the sample photograph that matplotlib ships.

    Args:
        shrink: so many pixels a side become one, their mean.
        colour: red, green and blue apart; otherwise grey, their mean.

    Returns:
        `(600 // shrink, 512 // shrink)` values from 0, black, to 1, in torch's default type; in
        colour three of these, `(3, 600 // shrink, 512 // shrink)`.

    Raises:
        ValueError: nothing would be left.
    """
    path = get_sample_data("grace_hopper.jpg", asfileobj=False)
    planes = torch.from_numpy(imread(path).copy()).movedim(2, 0)
    if not 1 <= shrink <= min(planes.shape[1:]):
        raise ValueError(f"shrink must be from 1 to {min(planes.shape[1:])}, got {shrink}")
    planes = planes.to(torch.get_default_dtype()) / 255
    if not colour:
        planes = planes.mean(0, keepdim=True)
    return functional.avg_pool2d(planes, shrink).squeeze(0)


def shades_picture(
    images: Mapping[str, Tensor], columns: int, told: str, *, signed: Collection[str] = ()
) -> Picture:
    """Images side by side under their titles, pixel by pixel.

    Grey values run from 0, black, to 1, white; what is beyond is cut off.

    Args:
        images: `(H, W)` each, by title.
        columns: images in a row.
        told: what is to be seen, for those who do not see it.
        signed: titles of images that are drawn in orange below 0 and in purple above, as dark as
            their largest value is far from 0.

    Raises:
        ValueError: `signed` has a title that no image has.
    """
    if strange := set(signed) - set(images):
        raise ValueError(f"signed has the titles {sorted(strange)}; images are {list(images)}")
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") + 1 for title in images)
    side = 5.4 / columns
    tall = max(image.shape[0] / image.shape[1] for image in images.values())
    with style():
        figure, grid = new_figure(
            5.4, rows * (side * tall + 0.17 * lines), nrows=rows, ncols=columns, squeeze=False
        )
        for axes in grid.flat:
            axes.axis("off")
        for axes, (title, image) in zip(grid.flat, images.items(), strict=False):
            shades, low, high = "gray", 0.0, 1.0
            if title in signed:
                shades, high = "PuOr", float(image.abs().max())
                low = -high
            axes.imshow(
                image.detach().numpy(), cmap=shades, vmin=low, vmax=high, interpolation="nearest"
            )
            axes.set_title(title, fontsize=9, pad=3)
    sizes = "; ".join(
        f"{' '.join(title.split())}: {image.shape[0]} by {image.shape[1]}"
        for title, image in images.items()
    )
    return Picture(figure, f"{len(images)} images, {sizes}. {told}", vector=False)
