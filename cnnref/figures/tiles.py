"""Small square pictures in rows: kernels, and what a layer makes of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from cnnref.errors import unknown
from cnnref.figures.style import Picture, new_figure, style

__all__ = ["feature_maps", "filter_grid", "tiles"]


def filter_grid(weights: Tensor, columns: int = 8) -> Picture:
    """The kernels of a first layer as colour tiles, each stretched to its own range.

    Args:
        weights: `(O, C, KH, KW)` with 1 or 3 channels.
        columns: tiles in a row.
    """
    weights = weights.detach().float()
    flat = weights.flatten(1)
    low, high = (v[:, None, None, None] for v in (flat.min(1).values, flat.max(1).values))
    figure = tiles((weights - low) / (high - low).clamp(min=1e-12), None, columns)
    o, _, height, width = weights.shape
    alt = f"{o} kernels of {height} by {width}, each as a tile stretched to its own range."
    return Picture(figure, alt, vector=False)


def feature_maps(
    model: nn.Module, image: Tensor, layer: str, *, relu: bool = True, columns: int = 8
) -> Picture:
    """The channels of a layer's output for one image, all on one scale of shades.

    The model runs in evaluation mode and without gradients; its mode is restored.

    Args:
        model: takes a batch of images.
        image: `(C, H, W)`, normalised as the model's input is.
        layer: the name of a submodule whose output is `(1, channels, H, W)`: `"conv1"`, for
            instance.
        relu: show what is left after ReLU, from white for 0 to black; else the output as it is,
            orange below 0 and purple above.
        columns: tiles in a row.

    Raises:
        ValueError: `image` is no single image, there is no such layer, or its output has no maps.
    """
    if image.dim() != 3:
        raise ValueError(f"image must be (C, H, W), got {tuple(image.shape)}")
    maps = _output(model, image[None], layer)
    if relu:
        maps = maps.relu()
    top = max(float(maps.abs().max()), 1e-12)
    figure = tiles(
        maps[:, None], [str(i) for i in range(len(maps))], columns,
        cmap="Greys" if relu else "PuOr", limits=(0 if relu else -top, top), bar=True,
    )  # fmt: skip
    silent = int((maps == 0).flatten(1).all(dim=1).sum())
    strongest = int(maps.flatten(1).amax(dim=1).argmax())
    positive = 100 * float((maps > 0).float().mean())
    count, height, width = maps.shape
    after = " after ReLU" if relu else ""
    return Picture(
        figure,
        f"{count} feature maps of {layer}{after}, {height} by {width} each, for one image, on one "
        f"scale from {float(maps.min()):.3g} to {float(maps.max()):.3g}. {positive:.0f} % of all "
        f"values are positive, {silent} maps are 0 everywhere, and the largest value is in map "
        f"{strongest}.",
        vector=False,
    )


def tiles(
    shown: Tensor,
    titles: Sequence[str] | None,
    columns: int,
    *,
    cmap: str = "gray",
    limits: tuple[float, float] = (0, 1),
    bar: bool = False,
) -> Figure:
    """Draw `(N, C, H, W)` with 1 or 3 channels, row by row.

    Args:
        shown: the tiles; those of 3 channels are colours from 0 to 1.
        titles: one for each, or none at all.
        columns: tiles in a row.
        cmap: shades of tiles with 1 channel.
        limits: the values of its ends.
        bar: whether a bar explains the shades.
    """
    rows = -(-len(shown) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0) if titles else 0
    side = max(5 / columns, 0.6)
    longest = max((len(line) for title in titles or () for line in title.split("\n")), default=1)
    # A letter is about 0.6 of its size wide, and a title may be as wide as its tile.
    size = min(9.0, 72 * side / (0.6 * longest))
    with style():
        figure, grid = new_figure(
            side * columns, (side + 0.17 * lines) * rows + 0.6 * bar, nrows=rows, ncols=columns,
            squeeze=False,
        )  # fmt: skip
        for axes in grid.flat:
            axes.axis("off")
        drawn: Any = None
        for i, (axes, tile) in enumerate(zip(grid.flat, shown, strict=False)):
            drawn = axes.imshow(
                tile.permute(1, 2, 0).numpy(), cmap=cmap, vmin=limits[0], vmax=limits[1]
            )
            if titles:
                axes.set_title(titles[i], fontsize=size, pad=3)
        if bar:
            figure.colorbar(drawn, ax=grid, location="bottom", fraction=0.05, aspect=40)
    return figure


def _output(model: nn.Module, batch: Tensor, layer: str) -> Tensor:
    """The output of a submodule for a batch of one image: `(channels, H, W)`."""
    parts = {name: part for name, part in model.named_modules() if name}
    if layer not in parts:
        raise ValueError(unknown(f"layer of {type(model).__name__}", layer, parts))
    kept: list[Tensor] = []
    hook = parts[layer].register_forward_hook(lambda *call: kept.append(call[2].detach()))
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(batch)
    finally:
        hook.remove()
        model.train(training)
    if not kept or kept[-1].dim() != 4:
        found = f"output of shape {tuple(kept[-1].shape)}" if kept else "no output"
        raise ValueError(f"layer {layer!r} has {found}, not (1, channels, H, W)")
    return kept[-1][0].cpu().float()
