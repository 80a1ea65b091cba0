"""Running experiments: from the store where a valid record is there, else by training."""

from __future__ import annotations

import math
import os
import platform
import string
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

import cnnref
from cnnref import lineage
from cnnref.data import Batches, ImageSet, load
from cnnref.errors import CnnrefError, unknown
from cnnref.experiments import store
from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.catalogue import experiment as by_name
from cnnref.experiments.catalogue.entry import TAIL
from cnnref.experiments.probe import probe
from cnnref.experiments.statistics import Interval, mean_interval
from cnnref.experiments.store import RIGHT, DamagedRecordError, Record
from cnnref.models import build
from cnnref.training import (
    PRECISIONS,
    Checkpoint,
    Evaluation,
    History,
    Sprint,
    choose_device,
    evaluate,
    fit,
    predict,
    probabilities,
    seeded,
    sprint,
    team,
)

__all__ = [
    "MODES",
    "ModeError",
    "NoRecordError",
    "Result",
    "Trained",
    "choose_mode",
    "load_model",
    "run",
    "train",
    "train_seed",
]

MODES = ("auto", "stored", "force")
"""`auto`: the stored record, else training; `stored`: never train; `force`: always train."""

MISTAKES = 16
"""How many of the most confident wrong answers a record keeps with their probabilities."""

DIGITS = string.digits + string.ascii_lowercase
"""A predicted class, in a record's answers."""


class ModeError(CnnrefError, ValueError):
    """`CNNREF_EXPERIMENTS` is none of `MODES`."""


class NoRecordError(CnnrefError, LookupError):
    """A record is needed, and training was forbidden."""


@dataclass(frozen=True)
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

    def untrained(self, metric: str = "accuracy") -> np.ndarray[Any, np.dtype[np.float64]]:
        """`"loss"` or `"accuracy"` on the evaluation set before training, one per seed."""
        return np.array([record["history"]["untrained"][metric] for record in self.records])

    def final(self, metric: str = "accuracy") -> np.ndarray[Any, np.dtype[np.float64]]:
        """`"loss"` or `"accuracy"` on the evaluation set after the last epoch, one per seed."""
        return np.array([record["final"][metric] for record in self.records])

    def interval(self, metric: str = "accuracy", confidence: float = 0.95) -> Interval:
        """Mean over the seeds of a final metric, with its confidence interval.

        It says how well the mean over seeds is known for these very images, and stops where an
        accuracy or a loss does: at 0, and an accuracy at 1.
        """
        most = 1.0 if metric == "accuracy" else math.inf
        return mean_interval(self.final(metric).tolist(), confidence, (0.0, most))

    @property
    def confusion(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Confusion counts summed over the seeds; rows are true classes, columns predicted ones."""
        counts: np.ndarray[Any, np.dtype[np.int64]]
        counts = np.array([record["confusion"] for record in self.records]).sum(axis=0)
        return counts

    def __str__(self) -> str:
        found = self.interval() if len(self.records) > 1 else f"{self.final()[0]:.4g} (one seed)"
        return f"{self.experiment.name}: {self.split} accuracy {found}"


def choose_mode(mode: str | None = None) -> str:
    """The mode, else `$CNNREF_EXPERIMENTS`, else `"auto"`.

    Raises:
        ModeError: it is none of `MODES`.
    """
    mode = mode or os.environ.get("CNNREF_EXPERIMENTS") or "auto"
    if mode not in MODES:
        raise ModeError(unknown("mode of CNNREF_EXPERIMENTS", mode, MODES))
    return mode


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
        NoRecordError: mode `"stored"`, and there is no valid record.
        MissingDataError: training is needed, but the dataset is not here.
        DeviceError: training is needed, but the device is not here.
    """
    entry = by_name(experiment) if isinstance(experiment, str) else experiment
    mode = choose_mode(mode)
    records = []
    for seed in seeds if seeds is not None else entry.seeds:
        look = partial(_stored, entry, seed, strict=mode == "stored")
        record = None if mode == "force" else team().from_leader(look)
        if record is None:
            record = train_seed(entry, seed, device=device, progress=progress, on_epoch=on_epoch)
        lineage.note(entry.name, record)
        records.append(record)
    return Result(entry, tuple(records))


class Trained(NamedTuple):
    """One seed of an experiment, trained."""

    content: dict[str, Any]
    """What `store.write` makes a record of."""
    weights: dict[str, torch.Tensor] | None
    """Those to keep beside it, if any."""
    checkpoint: Checkpoint
    """To be deleted when both are kept."""


def train_seed(
    experiment: Experiment,
    seed: int,
    *,
    device: str | None = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
) -> Record:
    """Train one seed of an experiment and write its record.

    A run that was killed continues at its last finished epoch.

    Raises:
        MissingDataError: the dataset is not here.
        DeviceError: the device is not here.
        NonFiniteLossError: training diverged; no record is written.
        NewerRecordError: a newer `cnnref` has already written this record.
        TeamError: the work cannot be shared out over the processes of this run.
    """
    us = team()
    us.from_leader(lambda: store.refuse_newer(experiment.name, seed))
    done = train(experiment, seed, device=device, progress=progress, on_epoch=on_epoch)

    def write() -> Record:
        record = store.write(done.content, done.weights)
        done.checkpoint.delete()
        return record

    record: Record = us.from_leader(write)
    return record


def train(
    experiment: Experiment,
    seed: int,
    *,
    device: str | None = None,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
) -> Trained:
    """Train one seed of an experiment, and leave it to the caller to write the record.

    Raises:
        MissingDataError: the dataset is not here.
        DeviceError: the device is not here.
        NonFiniteLossError: training diverged.
        TeamError: the work cannot be shared out over the processes of this run.
    """
    us = team()
    place = us.place(choose_device(device))
    split = experiment.split
    data, test = load(experiment.dataset, "train"), load(experiment.dataset, split)
    recipe = replace(experiment.recipe, seed=seed)
    fingerprint = us.from_leader(lambda: probe(experiment))
    digests = {"train_sha256": data.sha256, f"{split}_sha256": test.sha256}
    checkpoint = Checkpoint(
        store.checkpoint_path(experiment.name, seed),
        {
            "experiment": experiment.fields,
            "seed": seed,
            "probe": _rounded(fingerprint),
            **digests,
            # A record names one device and one torch: another one starts over.
            "device": _device_name(place),
            "processes": us.size,
            "torch": str(torch.__version__),
        },
    )
    with seeded(seed):
        model = build(experiment.model, experiment.arguments)
    wide = PRECISIONS["float64" if recipe.precision == "float64" else "float32"]
    batches = Batches(test, 1000, recipe.normalization(data), device=place, dtype=wide)
    steps = recipe.epochs * -(-len(data) // recipe.batch_size)
    tail: list[Evaluation] = []

    def look(step: int) -> None:
        if step > steps - TAIL:
            tail.append(evaluate(model, batches, recipe.loss, views=recipe.views))

    train_model: Callable[..., History] = (
        sprint
        if isinstance(recipe, Sprint)
        else partial(fit, on_step=look if experiment.keep_tail else None)
    )
    history = train_model(
        model,
        data,
        test,
        recipe,
        device=str(place),
        record_steps=experiment.keep_steps,
        progress=progress,
        on_epoch=on_epoch,
        checkpoint=checkpoint,
    )

    def outcome() -> dict[str, Any]:
        predicted = predict(model, batches, views=recipe.views)
        logits, labels = (tensor.cpu() for tensor in predicted)
        counted = _outcome(probabilities(logits.double()), labels, test)
        # Summed in another order by several processes, an image on the fence may have fallen over.
        right = sum(row[i] for i, row in enumerate(counted["confusion"]))
        history.test_accuracy[-1] = right / len(test)
        return {
            "name": experiment.name,
            "seed": seed,
            "experiment": experiment.fields,
            "history": _for_record(history, split),
            "final": {"loss": history.test_loss[-1], "accuracy": history.test_accuracy[-1]},
            **counted,
            **_tail(tail),
            "dataset": {
                "name": experiment.dataset,
                "train_size": len(data),
                f"{split}_size": len(test),
                **digests,
                "source": data.source,
            },
            "provenance": _provenance(place, us.size),
            "probe": fingerprint,
        }

    weights = None
    if experiment.keep_weights and seed == experiment.seeds[0]:
        weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return Trained(us.from_leader(outcome), weights, checkpoint)


def _rounded(fingerprint: dict[str, list[float]]) -> dict[str, list[str]]:
    """A probe's losses as far as two replays of it on one machine always agree."""
    return {kind: [f"{value:.6g}" for value in values] for kind, values in fingerprint.items()}


def _for_record(history: History, split: str) -> dict[str, Any]:
    """The history under the names of what it was evaluated on; steps as short as float32 is."""
    plain = history.to_dict()
    for key in ("loss", "accuracy"):
        plain[f"{split}_{key}"] = plain.pop(f"test_{key}")
    for key in ("step_loss", "step_error"):
        if plain[key] is not None:
            plain[key] = [float(str(np.float32(value))) for value in plain[key]]
    return plain


def _tail(tail: Sequence[Evaluation]) -> dict[str, Any]:
    if not tail:
        return {}
    return {"tail": {key: [getattr(one, key) for one in tail] for key in Evaluation._fields}}


def load_model(name: str) -> nn.Module:
    """The trained model of an experiment, from its stored weights, in evaluation mode.

    Normalise its input as its recipe does: `experiment(name).recipe.normalization(train)`, with
    the training set `train`.

    Args:
        name: an experiment of the catalogue that keeps its weights.

    Raises:
        UnknownExperimentError: the catalogue has no such name.
        NoRecordError: there is no valid record of its first seed.
        DamagedRecordError: the record keeps no weights, or they are altered.
    """
    entry = by_name(name)
    record = run(entry, seeds=entry.seeds[:1], mode="stored").records[0]
    model = build(entry.model, entry.arguments)
    model.load_state_dict(record.weights())
    return model.eval()


def _stored(experiment: Experiment, seed: int, *, strict: bool) -> Record | None:
    """The valid record of a run. Without one: an error if `strict`, else `None`."""
    path = store.find(experiment.name, seed)
    wanted = f"{experiment.name} seed {seed}"
    reason = f"there is no record of {wanted} in {' or '.join(map(str, store.folders()))}"
    if path is not None:
        try:
            record = store.read(path)
            if record["weights"]:
                record.weights()
        except DamagedRecordError as error:
            reason = str(error)
        else:
            if record["experiment"] == experiment.fields:
                return record
            reason = f"{path} is of an older {wanted}, with other fields"
    if strict:
        raise NoRecordError(f"{reason}; `cnnref run {experiment.name}` trains it")
    if path is not None:
        warnings.warn(f"{reason}; training again", stacklevel=3)
    return None


def _outcome(probability: torch.Tensor, labels: torch.Tensor, test: ImageSet) -> dict[str, Any]:
    """Confusion counts, the answer on every image, and the most confident mistakes."""
    classes = len(test.class_names)
    confidence, predicted = probability.max(dim=1)
    confusion = torch.bincount(labels * classes + predicted, minlength=classes**2)
    wrong = (predicted != labels).nonzero().flatten()
    worst = wrong[confidence[wrong].argsort(descending=True, stable=True)][:MISTAKES]
    return {
        "confusion": confusion.view(classes, classes).tolist(),
        "answers": "".join(
            RIGHT if guess == label else DIGITS[guess]
            for guess, label in zip(predicted.tolist(), labels.tolist(), strict=True)
        ),
        "mistakes": [
            {
                "index": int(i),
                "label": int(labels[i]),
                "predicted": int(predicted[i]),
                "probability": float(confidence[i]),
            }
            for i in worst
        ],
    }


def _provenance(device: torch.device, processes: int) -> dict[str, Any]:
    return {
        "device": device.type,
        "device_name": _device_name(device),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "cnnref": cnnref.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
