"""Pictures of one result and its data: learning curves, images, mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnref.data import ImageSet
from cnnref.experiments import Result
from cnnref.figures.series import draw_band, percent_axis, seeds
from cnnref.figures.style import COLOURS, Picture, new_figure, style
from cnnref.figures.tiles import tiles
from cnnref.training import History

__all__ = ["image_grid", "learning_curves", "mistakes_picture"]

_Values = np.ndarray[Any, np.dtype[Any]]


def learning_curves(
    result: Result | History, title: str = "", *, loss: str = "loss (nats per image)"
) -> Picture:
    """Loss and accuracy per epoch: the mean over the seeds, and a band from least to most.

    The curves of the evaluation set, test or validation, start at epoch 0, before training. Where
    targets are no classes there is no accuracy, and the loss stands alone.

    Args:
        result: the records of an experiment; or what `fit` returned, which is one run.
        title: a heading.
        loss: what the axis of the loss says: its name and its unit, where it is one of your own.

    Raises:
        TypeError: it is neither.
        ValueError: a history without an epoch.
    """
    if not isinstance(result, Result | History):
        raise TypeError(
            "learning curves are drawn of what run(...) or fit(...) returned, got a "
            f"{type(result).__name__}"
        )
    split, told = "test", "one run"
    if isinstance(result, Result):
        split, told = result.split, f"{result.experiment.name}, mean of {seeds(result)}"
    elif not result.train_loss:
        raise ValueError("there is no epoch to draw, got the history of none")
    words = []
    with style():
        metrics = ["loss", "accuracy"]
        if isinstance(result, Result) and result.experiment.metric == "loss":
            metrics.remove("accuracy")
        drawn = {metric: _of_training(result, metric) for metric in metrics}
        shown = {metric: pair for metric, pair in drawn.items() if np.isfinite(pair[1]).all()}
        figure, panels = new_figure(5, 2.5 * len(shown), nrows=len(shown), sharex=True)
        panels = np.atleast_1d(panels)
        for axes, (metric, (train, test)) in zip(panels, shown.items(), strict=True):
            last = train.shape[1]
            draw_band(axes, np.arange(1, last + 1), train, "training", COLOURS["grey"], "--")
            draw_band(axes, np.arange(last + 1), test, split, COLOURS["blue"], "-")
            axes.set(ylabel=loss if metric == "loss" else metric, xlim=(0, last))
            percent_axis(axes.yaxis, metric)
            words += [
                _in_words(f"training {metric}", train, 1),
                _in_words(f"{split} {metric}", test),
            ]
        if min(series.min() for series in shown["loss"]) >= 0:  # one's own may be below
            panels[0].set_ylim(bottom=0)
        panels[0].legend()
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)
        if title:
            figure.suptitle(title)
    picture = Picture(figure, f"Learning curves of {told}: {'; '.join(words)}.")
    return picture.drawn_from(result) if isinstance(result, Result) else picture


def _of_training(result: Result | History, metric: str) -> tuple[_Values, _Values]:
    """A metric of the training set, `(runs, epochs)`, and of the other, from epoch 0."""
    if isinstance(result, Result):
        after, before = result.history(f"{result.split}_{metric}"), result.untrained(metric)
        return result.history(f"train_{metric}"), np.column_stack([before, after])
    plain = result.to_dict()
    evaluated = [plain["untrained"][metric], *plain[f"test_{metric}"]]
    return np.array([plain[f"train_{metric}"]]), np.array([evaluated])


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
    figure = tiles(images.images[list(indices)].float() / 255, shown, columns)
    words = "; ".join(f"image {i}: {title}" for i, title in zip(indices, shown, strict=True))
    return Picture(figure, f"Images of {images.source}. {words}.", vector=False)


def mistakes_picture(
    result: Result, images: ImageSet, count: int = 8, *, seed: int | None = None, columns: int = 4
) -> Picture:
    """The most confident mistakes of one seed: the image, its true class, and what was said.

    Args:
        result: the records of an experiment.
        images: the set that it was evaluated on.
        count: how many, the most confident first; a record keeps at most 16.
        seed: of which record; of the first where none is given.
        columns: images in a row.

    Raises:
        ValueError: these are not the images that the record is about, it has no such seed, or its
            targets are no classes.
    """
    chosen = result.seeds[0] if seed is None else seed
    if chosen not in result.seeds:
        raise ValueError(f"{result.experiment.name} has the seeds {result.seeds}, got {seed}")
    record = result.records[result.seeds.index(chosen)]
    if result.experiment.metric != "accuracy":
        raise ValueError(f"{result.experiment.name} makes no mistakes: its targets are no classes")
    recorded = record["dataset"][f"{record.split}_sha256"]
    if images.sha256 != recorded:
        raise ValueError(
            f"the record is about {record.split} images of SHA-256 {recorded[:12]}, got images of "
            f"{images.sha256[:12]}; load({record['dataset']['name']!r}, {record.split!r})"
        )
    mistakes = record["mistakes"][:count]
    if not mistakes:
        raise ValueError(f"{result.experiment.name} seed {chosen} made no mistake to show")
    names = images.class_names
    told = [
        (names[m["label"]], names[m["predicted"]], _percent(m["probability"])) for m in mistakes
    ]
    figure = tiles(
        images.images[[m["index"] for m in mistakes]].float() / 255,
        [f"{true}\nsaid {said}\n{sure}" for true, said, sure in told],
        columns,
    )
    words = "; ".join(f"{true}, said to be {said} with {sure}" for true, said, sure in told)
    return Picture(
        figure,
        f"The {len(mistakes)} most confident mistakes of {result.experiment.name}, seed {chosen}, "
        f"on the {record.split} set: {words}.",
        vector=False,
    ).drawn_from(record)


def _percent(probability: float) -> str:
    """A probability that is not 1 is not written as if it were."""
    return "over 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def _in_words(name: str, values: _Values, first_epoch: int = 0) -> str:
    mean = values.mean(0)
    low, high = mean.argmin(), mean.argmax()
    return (
        f"{name} goes from {mean[0]:.3f} at epoch {first_epoch} to {mean[-1]:.3f} at epoch "
        f"{len(mean) - 1 + first_epoch}, least {mean[low]:.3f} at epoch {low + first_epoch}, "
        f"most {mean[high]:.3f} at epoch {high + first_epoch}"
    )
