"""Which classes are taken for which?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnref.experiments import Result
from cnnref.figures.series import seeds
from cnnref.figures.style import Picture, new_figure, style

__all__ = ["confusion_picture"]


def confusion_picture(result: Result, class_names: Sequence[str]) -> Picture:
    """Confusion counts on the evaluation set, summed over the seeds; a dot stands for none.

    The shade is the square root of the share of the true class, so that rare mistakes show, too.

    Args:
        result: the records of an experiment.
        class_names: the name of every label.

    Raises:
        ValueError: there is not one name for each class.
    """
    counts = result.confusion
    classes = len(counts)
    if len(class_names) != classes:
        raise ValueError(f"{classes} classes need as many names, got {len(class_names)}")
    shade = np.sqrt(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    crowded = classes > 4
    with style():
        figure, axes = new_figure(*((5.2, 5.0) if crowded else (3.4, 2.9)))
        axes.grid(visible=False)
        axes.imshow(shade, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(*counts.shape):
            axes.text(
                j, i, f"{counts[i, j]:{'' if crowded else ','}}" if counts[i, j] else "·",
                ha="center", va="center", fontsize=9 if crowded else 10,
                color="white" if shade[i, j] > 0.6 else "black",
            )  # fmt: skip
        ticks = range(classes)
        axes.set(
            xticks=ticks, yticks=ticks, xticklabels=class_names, yticklabels=class_names,
            xlabel="predicted class", ylabel="true class",
        )  # fmt: skip
        if max(map(len, class_names)) > 4 and crowded:
            axes.tick_params(axis="x", rotation=90)
    return Picture(
        figure,
        f"Confusion counts on the {result.split} set over {seeds(result)}: "
        f"{_confusion_in_words(counts, class_names)}.",
    ).drawn_from(result)


def _confusion_in_words(counts: np.ndarray[Any, Any], names: Sequence[str]) -> str:
    """All cells of a small table; of a large one what is right, and the commonest mistakes."""
    if len(names) <= 3:
        return "; ".join(
            f"{counts[i, j]:,} of true class {true} predicted {predicted}"
            for i, true in enumerate(names)
            for j, predicted in enumerate(names)
        )
    right = "; ".join(
        f"{name} {counts[i, i]:,} of {counts[i].sum():,}" for i, name in enumerate(names)
    )
    wrong = counts - np.diag(np.diag(counts))
    worst = [divmod(int(k), len(names)) for k in np.argsort(-wrong, axis=None, kind="stable")[:5]]
    common = "; ".join(
        f"{wrong[i, j]:,} of true class {names[i]} predicted {names[j]}"
        for i, j in worst
        if wrong[i, j]
    )
    return f"right by class: {right}. The commonest mistakes: {common or 'none'}"
