"""Training one seed of an experiment, and what its record says of it."""

from __future__ import annotations

import math
import platform
import string
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

import cnnref
from cnnref.data import Batches, Examples, ImageSet, Normalization
from cnnref.experiments import store
from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.catalogue.entry import TAIL
from cnnref.experiments.probe import probe
from cnnref.experiments.record import OWN, RIGHT, Record, weight_name
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

__all__ = ["Trained", "train", "train_seed"]

MISTAKES = 16
"""How many of the most confident wrong answers a record keeps with their probabilities."""

DIGITS = string.digits + string.ascii_lowercase
"""A predicted class, in a record's answers."""

OTHER = "-"
"""A predicted class beyond the digits."""


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
    us.from_leader(lambda: store.refuse_newer(experiment.name, seed, experiment.own))
    done = train(experiment, seed, device=device, progress=progress, on_epoch=on_epoch)

    def write() -> Record:
        record = store.write(done.content, done.weights, experiment.own)
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
    data, test = experiment.sets()
    recipe = replace(experiment.recipe, seed=seed)
    fingerprint = us.from_leader(lambda: probe(experiment))
    digests = {"train_sha256": data.sha256, f"{split}_sha256": test.sha256}
    checkpoint = Checkpoint(
        store.checkpoint_path(experiment.name, seed, experiment.own),
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
        model = experiment.build()
    if experiment.own and experiment.metric == "accuracy":
        _require_logits(experiment, model, test)
    wide = PRECISIONS["float64" if recipe.precision == "float64" else "float32"]
    normalization = recipe.normalization(data)
    batches = Batches(test, 1000, normalization, device=place, dtype=wide)
    keeps_weights = experiment.keep_weights and seed == experiment.seeds[0]
    steps = recipe.epochs * -(-len(data) // recipe.batch_size)
    tail: dict[int, Evaluation] = {}
    moments: dict[int, Evaluation] = {}
    weights: dict[str, torch.Tensor] = {}

    def look(step: int) -> None:
        in_tail = experiment.keep_tail and step > steps - TAIL
        if not (in_tail or step in experiment.keep_moments):
            return
        found = evaluate(model, batches, recipe.loss, views=recipe.views)
        if in_tail:
            tail[step] = found
        if step in experiment.keep_moments:
            moments[step] = found
            if keeps_weights:
                weights.update(_copied(model, step))

    if 0 in experiment.keep_moments:
        model.to(place, wide)
        look(0)
    train_model: Callable[..., History] = (
        sprint
        if isinstance(recipe, Sprint)
        else partial(fit, on_step=look if experiment.keep_tail or experiment.keep_moments else None)
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
        # What was seen at the moments before is in no state: such a run starts over.
        checkpoint=None if experiment.keep_moments else checkpoint,
    )

    def outcome() -> dict[str, Any]:
        counted: dict[str, Any] = {}
        if experiment.metric == "accuracy":
            predicted = predict(model, batches, views=recipe.views)
            logits, labels = (tensor.cpu() for tensor in predicted)
            counted = _outcome(probabilities(logits.double()), labels, test)
            # Summed in another order by several processes, an image on the fence may have fallen.
            right = sum(row[i] for i, row in enumerate(counted["confusion"]))
            history.test_accuracy[-1] = right / len(test)
        return {
            "name": experiment.name,
            "seed": seed,
            "experiment": experiment.fields,
            "history": _for_record(history, split),
            "final": _kept_of(Evaluation(history.test_loss[-1], history.test_accuracy[-1])),
            **counted,
            **_series("tail", tail),
            **_series("moments", moments, step=list(moments)),
            "dataset": {
                "name": experiment.dataset if isinstance(experiment.dataset, str) else OWN,
                "train_size": len(data),
                f"{split}_size": len(test),
                **digests,
                "source": data.source,
            },
            **_kept(normalization),
            "provenance": _provenance(place, us.size),
            "probe": fingerprint,
        }

    if keeps_weights:
        weights.update(_copied(model))
    return Trained(us.from_leader(outcome), weights or None, checkpoint)


def _kept(normalization: Normalization | None) -> dict[str, Any]:
    if normalization is None:
        return {}
    return {"normalization": {key: list(value) for key, value in asdict(normalization).items()}}


def _copied(model: nn.Module, step: int | None = None) -> dict[str, torch.Tensor]:
    """The weights as they are now, under the names of a moment where it is one."""
    return {
        weight_name(name, step): tensor.detach().cpu().clone()
        for name, tensor in model.state_dict().items()
    }


def _rounded(fingerprint: dict[str, list[float]]) -> dict[str, list[str]]:
    """A probe's losses as far as two replays of it on one machine always agree."""
    return {kind: [f"{value:.6g}" for value in values] for kind, values in fingerprint.items()}


def _for_record(history: History, split: str) -> dict[str, Any]:
    """The history under the names of what it was evaluated on; steps as short as float32 is."""
    plain = history.to_dict()
    plain["untrained"] = _kept_of(history.untrained)
    if "accuracy" not in plain["untrained"]:
        for key in ("train_accuracy", "test_accuracy", "step_error"):
            del plain[key]
    for key in ("loss", "accuracy"):
        if f"test_{key}" in plain:
            plain[f"{split}_{key}"] = plain.pop(f"test_{key}")
    for key in ("step_loss", "step_error"):
        if plain.get(key) is not None:
            plain[key] = [float(str(np.float32(value))) for value in plain[key]]
    return plain


def _series(name: str, seen: dict[int, Evaluation], **others: list[int]) -> dict[str, Any]:
    """Evaluations by step as an entry of the record; none where nothing was seen."""
    if not seen:
        return {}
    kept = [_kept_of(one) for one in seen.values()]
    return {name: {**others, **{key: [one[key] for one in kept] for key in kept[0]}}}


def _kept_of(found: Evaluation) -> dict[str, float]:
    """An evaluation as an entry of the record: without accuracy, where there is none."""
    return {key: value for key, value in found._asdict().items() if not math.isnan(value)}


def _require_logits(experiment: Experiment, model: nn.Module, test: ImageSet | Examples) -> None:
    """Refuse, before any training, a model of one's own whose outputs a record cannot tell."""
    first = Batches(test.select(torch.tensor([0])), 1, experiment.normalization())
    outputs, _ = predict(model, first.epoch(0))
    classes = len(test.class_names or ())
    if outputs.dim() != 2 or outputs.shape[1] not in ({1, 2} if classes == 2 else {classes}):
        raise ValueError(
            f"the model of {experiment.name} must return a logit for each of {classes} classes, "
            f"got {tuple(outputs.shape)} for one example; if the targets are no classes, give them "
            "as floats"
        )


def _outcome(
    probability: torch.Tensor, labels: torch.Tensor, test: ImageSet | Examples
) -> dict[str, Any]:
    """Confusion counts, the answer on every image, and the most confident mistakes."""
    classes = len(test.class_names or ())
    confidence, predicted = probability.max(dim=1)
    confusion = torch.bincount(labels * classes + predicted, minlength=classes**2)
    wrong = (predicted != labels).nonzero().flatten()
    worst = wrong[confidence[wrong].argsort(descending=True, stable=True)][:MISTAKES]
    return {
        "confusion": confusion.view(classes, classes).tolist(),
        "answers": "".join(
            RIGHT if guess == label else DIGITS[guess] if guess < len(DIGITS) else OTHER
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
