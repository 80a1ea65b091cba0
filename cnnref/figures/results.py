"""Pictures of results and data: learning curves, confusion counts, filters, images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from cnnref.data import ImageSet
from cnnref.experiments import Result
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["confusion_picture", "filter_grid", "image_grid", "learning_curves"]

_Values = np.ndarray[Any, np.dtype[Any]]


def learning_curves(result: Result, title: str = "") -> Picture:
    """Loss and accuracy per epoch: the mean over the seeds, and a band from least to most.

    The test set's curves start at epoch 0, before training.

    Args:
        result: the records of an experiment.
        title: a heading.
    """
    epochs = result.history("test_loss").shape[1]
    words = []
    with style():
        figure, panels = new_figure(8, 3.2, ncols=2)
        for axes, metric, label in zip(
            panels, ("loss", "accuracy"), ("loss (nats per image)", "accuracy"), strict=True
        ):
            train = result.history(f"train_{metric}")
            test = np.column_stack([result.untrained(metric), result.history(f"test_{metric}")])
            _band(axes, np.arange(1, epochs + 1), train, COLOURS["grey"], "training", "--")
            _band(axes, np.arange(epochs + 1), test, COLOURS["blue"], "test", "-")
            axes.set(xlabel="epoch", ylabel=label, xlim=(0, epochs))
            words += [_in_words(f"training {metric}", train, 1), _in_words(f"test {metric}", test)]
        panels[0].set_ylim(bottom=0)
        panels[0].legend()
        if title:
            figure.suptitle(title)
    return Picture(
        figure,
        f"Learning curves of {result.experiment.name}, mean of {len(result.records)} seeds: "
        f"{'; '.join(words)}.",
    )


def confusion_picture(result: Result, class_names: Sequence[str]) -> Picture:
    """Confusion counts on the test set, summed over the seeds.

    Args:
        result: the records of an experiment.
        class_names: the name of every label.
    """
    counts = result.confusion
    with style():
        side = 1.0 + 0.7 * len(class_names)
        figure, axes = new_figure(side + 0.6, side)
        axes.grid(visible=False)
        axes.imshow(counts, cmap="Blues", vmin=0, vmax=1.4 * counts.max())
        for i, j in np.ndindex(*counts.shape):
            axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center")
        ticks = range(len(class_names))
        axes.set(
            xticks=ticks, yticks=ticks, xticklabels=class_names, yticklabels=class_names,
            xlabel="predicted class", ylabel="true class",
        )  # fmt: skip
    cells = "; ".join(
        f"{counts[i, j]:,} of true class {true} predicted {predicted}"
        for i, true in enumerate(class_names)
        for j, predicted in enumerate(class_names)
    )
    return Picture(figure, f"Confusion counts over {len(result.records)} seeds: {cells}.")


def image_grid(
    images: ImageSet, indices: Sequence[int], titles: Sequence[str] | None = None, columns: int = 8
) -> Picture:
    """Some images of a set, each under its title.

    Args:
        images: where to take them from.
        indices: which.
        titles: one for each; the class names where none are given.
        columns: images in a row.
    """
    names = [images.class_names[int(images.labels[i])] for i in indices]
    shown = list(titles) if titles is not None else names
    picture = _tiles(images.images[list(indices)].float() / 255, shown, columns)
    words = "; ".join(f"image {i}: {title}" for i, title in zip(indices, shown, strict=True))
    return Picture(picture.figure, f"Images of {images.source}. {words}.", vector=False)


def filter_grid(weights: Tensor, columns: int = 8) -> Picture:
    """The kernels of a first layer as colour tiles, each stretched to its own range.

    Args:
        weights: `(O, C, KH, KW)` with 1 or 3 channels.
        columns: tiles in a row.
    """
    weights = weights.detach().float()
    flat = weights.flatten(1)
    low, high = (v[:, None, None, None] for v in (flat.min(1).values, flat.max(1).values))
    picture = _tiles((weights - low) / (high - low), None, columns)
    o, _, height, width = weights.shape
    alt = f"{o} kernels of {height} by {width}, each as a tile stretched to its own range."
    return Picture(picture.figure, alt, vector=False)


def _tiles(tiles: Tensor, titles: Sequence[str] | None, columns: int) -> Picture:
    rows = -(-len(tiles) // columns)
    with style():
        figure, grid = new_figure(
            1.05 * columns,
            (1.3 if titles else 1.0) * rows,
            nrows=rows,
            ncols=columns,
            squeeze=False,
        )
        for axes in grid.flat:
            axes.axis("off")
        for i, (axes, tile) in enumerate(zip(grid.flat, tiles, strict=False)):
            axes.imshow(tile.permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
            if titles:
                axes.set_title(titles[i], fontsize=9)
    return Picture(figure, "tiles", vector=False)


def _band(
    axes: Axes,
    x: _Values,
    values: _Values,
    colour: str,
    label: str,
    line: str,
) -> None:
    axes.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, values.mean(0), color=colour, linestyle=line, label=label)


def _in_words(name: str, values: _Values, first_epoch: int = 0) -> str:
    mean = values.mean(0)
    low, high = mean.argmin(), mean.argmax()
    return (
        f"{name} goes from {mean[0]:.3f} at epoch {first_epoch} to {mean[-1]:.3f} at epoch "
        f"{len(mean) - 1 + first_epoch}, least {mean[low]:.3f} at epoch {low + first_epoch}, "
        f"most {mean[high]:.3f} at epoch {high + first_epoch}"
    )
