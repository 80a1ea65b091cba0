"""Running experiments: from the store where a valid record is there, else by training."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from cnnref.errors import CnnrefError, unknown
from cnnref.experiments import store
from cnnref.experiments.catalogue import Experiment, named
from cnnref.experiments.raw_images import TakesBytes
from cnnref.experiments.record import DamagedRecordError, Record
from cnnref.experiments.statistics import Interval, mean_interval
from cnnref.experiments.trainer import train_seed
from cnnref.training import History, team

__all__ = [
    "MODES",
    "ModeError",
    "NoRecordError",
    "Result",
    "choose_mode",
    "load_model",
    "run",
]

MODES = ("auto", "stored", "force")
"""`auto`: the stored record, else training; `stored`: never train; `force`: always train."""


class ModeError(CnnrefError, ValueError):
    """`CNNREF_EXPERIMENTS` is none of `MODES`."""


class NoRecordError(CnnrefError, LookupError):
    """A record is needed, and training was forbidden."""


@dataclass(frozen=True, repr=False)
class Result:
    """The records of an experiment, one per seed.

    Args:
        experiment: what was run.
        records: its records, in the order of the seeds.
    """

    experiment: Experiment
    records: tuple[Record, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the records."""
        return tuple(record.seed for record in self.records)

    @property
    def split(self) -> str:
        """What the models were evaluated on: `"test"` or `"validation"`."""
        return self.experiment.split

    def history(self, metric: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A metric of the history, `(seeds, epochs)`: `"test_accuracy"`, for instance.

        The metrics of single steps, `"step_loss"` and `"step_error"`, are `(seeds, steps)`.

        Raises:
            ValueError: the records do not have it; an experiment for tuning has
                `"validation_accuracy"`, say, and no test accuracy.
        """
        kept = self.records[0]["history"]
        known = [key for key, series in kept.items() if key != "untrained" and series is not None]
        if metric not in known:
            raise ValueError(unknown(f"metric of {self.experiment.name}", metric, known))
        return np.array([record["history"][metric] for record in self.records])

    def untrained(self, metric: str | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """`"loss"` or `"accuracy"` on the evaluation set before training, one per seed; the
        experiment's `metric` where none is given."""
        chosen = self._evaluated(metric)
        return np.array([record["history"]["untrained"][chosen] for record in self.records])

    def final(self, metric: str | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """`"loss"` or `"accuracy"` on the evaluation set after the last epoch, one per seed; the
        experiment's `metric` where none is given."""
        chosen = self._evaluated(metric)
        return np.array([record["final"][chosen] for record in self.records])

    def interval(self, metric: str | None = None, confidence: float = 0.95) -> Interval:
        """Mean over the seeds of a final metric, with its confidence interval.

        It says how well the mean over seeds is known for these very images, and stops where an
        accuracy or a loss does: at 0, and an accuracy at 1. A loss of one's own may be negative.
        """
        chosen = self._evaluated(metric)
        most = 1.0 if chosen == "accuracy" else math.inf
        own = chosen == "loss" and not isinstance(self.experiment.recipe.loss, str)
        least = -math.inf if own else 0.0
        return mean_interval(self.final(chosen).tolist(), confidence, (least, most))

    def _evaluated(self, metric: str | None) -> str:
        """The metric, or the experiment's own.

        Raises:
            ValueError: there is none of that name.
        """
        entry = self.experiment
        chosen = entry.metric if metric is None else metric
        if chosen not in self.records[0]["final"]:
            raise ValueError(
                f"{entry.name} has no accuracy, as its targets are no classes; it has the loss"
                if (chosen, entry.metric) == ("accuracy", "loss")
                else unknown(f"metric of {entry.name}", chosen, self.records[0]["final"])
            )
        return chosen

    @property
    def confusion(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Confusion counts summed over the seeds; rows are true classes, columns predicted ones.

        Raises:
            ValueError: the targets are no classes.
        """
        self._evaluated("accuracy")
        counts: np.ndarray[Any, np.dtype[np.int64]]
        counts = np.array([record["confusion"] for record in self.records]).sum(axis=0)
        return counts

    def __repr__(self) -> str:
        """What it is, in one line."""
        return f"<Result of {self}>"

    def __str__(self) -> str:
        """The outcome: the mean over the seeds with its interval."""
        found = self.interval() if len(self.records) > 1 else f"{self.final()[0]:.4g} (one seed)"
        return f"{self.experiment.name}: {self.split} {self.experiment.metric} {found}"


def choose_mode(mode: str | None = None) -> str:
    """The mode, else `$CNNREF_EXPERIMENTS`, else `"auto"`.

    Raises:
        ModeError: it is none of `MODES`.
    """
    chosen = mode if mode is not None else os.environ.get("CNNREF_EXPERIMENTS") or "auto"
    if chosen not in MODES:
        what = "mode" if mode is not None else "mode of CNNREF_EXPERIMENTS"
        raise ModeError(unknown(what, chosen, MODES))
    return chosen


def run(
    experiment: str | Experiment,
    *,
    seeds: Sequence[int] | None = None,
    mode: str | None = None,
    device: str | None = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
) -> Result:
    """The result of an experiment: stored records where they are valid, else training.

    A record is valid if it is whole and was made by an experiment with the same fields; that it
    also *behaves* the same is the business of `verify`.

    Args:
        experiment: a name in the catalogue, or an experiment of your own.
        seeds: some of its seeds, or others; its own where none are given.
        mode: one of `MODES`; `$CNNREF_EXPERIMENTS` where none is given, else `"auto"`.
        device: where to train; the best there is where none is given.
        progress: show a progress bar; where not said, on a terminal only.
        on_epoch: called after every epoch of training.

    Raises:
        UnknownExperimentError: the catalogue has no such name.
        ModeError: the mode is none of `MODES`.
        ValueError: seeds that are none, twice the same, or no seeds.
        NoRecordError: mode `"stored"`, and there is no valid record.
        MissingDataError: training is needed, but the dataset is not here.
        DeviceError: training is needed, but the device is not here.
    """
    entry = named(experiment)
    mode = choose_mode(mode)
    chosen = entry.seeds if seeds is None else replace(entry, seeds=tuple(seeds)).seeds
    records = []
    for seed in chosen:
        look = partial(_stored, entry, seed, strict=mode == "stored")
        record = None if mode == "force" else team().from_leader(look)
        if record is None:
            record = train_seed(entry, seed, device=device, progress=progress, on_epoch=on_epoch)
        records.append(record)
    return Result(entry, tuple(records))


def load_model(name: str | Experiment, step: int | None = None) -> nn.Module:
    """The trained model of an experiment, from its stored weights, in evaluation mode.

    It takes raw images as bytes, uint8 `(N, C, H, W)`, and normalises them as in its training.
    Floats are taken for images that are normalised already; such as no normalised image has are
    refused.

    Args:
        name: an experiment that keeps its weights, by its name in the catalogue, or one's own.
        step: a moment of training, one of its `keep_moments`; the end where none is given.

    Raises:
        UnknownExperimentError: the catalogue has no such name.
        NoRecordError: there is no valid record of its first seed.
        DamagedRecordError: the record keeps no weights, or they are altered.
        ValueError: it keeps none of that step.
    """
    entry = named(name)
    record = run(entry, seeds=entry.seeds[:1], mode="stored").records[0]
    model = entry.build()
    model.load_state_dict(record.weights(step))
    normalization = record.normalization or entry.normalization()
    if normalization is not None:
        model.register_forward_pre_hook(TakesBytes(normalization, entry.name))
    return model.eval()


def _stored(experiment: Experiment, seed: int, *, strict: bool) -> Record | None:
    """The valid record of a run. Without one: an error if `strict`, else `None`."""
    path = store.find(experiment.name, seed, experiment.own)
    wanted = f"{experiment.name} seed {seed}"
    reason = (
        f"there is no record of {wanted} in {' or '.join(map(str, store.folders(experiment.own)))}"
    )
    command = "without mode 'stored', run(...)" if experiment.own else "`cnnref run NAME`"
    remedy = f"; {command.replace('NAME', experiment.name)} trains it"
    if path is not None:
        try:
            record = store.read(path)
            if record["weights"]:
                record.weights()
        except DamagedRecordError as error:
            reason, remedy = str(error), ""  # it says its own
        else:
            if record["experiment"] == experiment.fields:
                return record
            reason = f"{path} is of an older {wanted}, with other fields"
    if strict:
        raise NoRecordError(f"{reason}{remedy}")
    if path is not None:
        warnings.warn(f"{reason}; training again", stacklevel=3)
    return None
