"""Training one seed of an experiment; what its record says of it is `outcome`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from cnnref.data import Batches, Examples, ImageSet
from cnnref.experiments import store
from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.catalogue.entry import TAIL
from cnnref.experiments.outcome import (
    answers_entry,
    device_name,
    evaluation_entry,
    history_entry,
    normalization_entry,
    provenance,
    series_entry,
)
from cnnref.experiments.probe import probe
from cnnref.experiments.record import OWN, Record, weight_name
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


class Trained(NamedTuple):
    """One seed of an experiment, trained."""

    content: dict[str, Any]
    """What `store.write` makes a record of."""
    weights: dict[str, torch.Tensor] | None
    """Those to keep beside it, if any."""
    checkpoint: Checkpoint
    """To be deleted when both are kept."""


@dataclass
class _Watch:
    """What an experiment asks to be evaluated between steps: its last ones, and chosen moments."""

    experiment: Experiment
    model: nn.Module
    evaluate: Callable[[], Evaluation]
    steps: int
    """Of the whole training."""
    keeps_weights: bool
    tail: dict[int, Evaluation] = field(default_factory=dict)
    moments: dict[int, Evaluation] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def needed(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.experiment.keep_tail or self.experiment.keep_moments)

    def look(self, step: int) -> None:
        """Evaluate after a step, where that is asked for."""
        in_tail = self.experiment.keep_tail and step > self.steps - TAIL
        is_moment = step in self.experiment.keep_moments
        if not (in_tail or is_moment):
            return
        found = self.evaluate()
        if in_tail:
            self.tail[step] = found
        if is_moment:
            self.moments[step] = found
            if self.keeps_weights:
                self.weights.update(_copied(self.model, step))


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
    data, test = experiment.sets()
    recipe = replace(experiment.recipe, seed=seed)
    fingerprint = us.from_leader(lambda: probe(experiment))
    digests = {"train_sha256": data.sha256, f"{experiment.split}_sha256": test.sha256}
    checkpoint = Checkpoint(
        store.checkpoint_path(experiment.name, seed, experiment.own),
        {
            "experiment": experiment.fields,
            "seed": seed,
            "probe": _rounded(fingerprint),
            **digests,
            # A record names one device and one torch: another one starts over.
            "device": device_name(place),
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
    watch = _Watch(
        experiment,
        model,
        partial(evaluate, model, batches, recipe.loss, views=recipe.views),
        steps=recipe.epochs * -(-len(data) // recipe.batch_size),
        keeps_weights=experiment.keep_weights and seed == experiment.seeds[0],
    )
    if 0 in experiment.keep_moments:
        model.to(place, wide)
        watch.look(0)
    train_model: Callable[..., History] = (
        sprint
        if isinstance(recipe, Sprint)
        else partial(fit, on_step=watch.look if watch.needed else None)
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

    def content() -> dict[str, Any]:
        return {
            "name": experiment.name,
            "seed": seed,
            "experiment": experiment.fields,
            **_results(experiment, model, batches, test, history),
            **series_entry("tail", watch.tail),
            **series_entry("moments", watch.moments, step=list(watch.moments)),
            "dataset": {
                "name": experiment.dataset if isinstance(experiment.dataset, str) else OWN,
                "train_size": len(data),
                f"{experiment.split}_size": len(test),
                **digests,
                "source": data.source,
            },
            **normalization_entry(normalization),
            "provenance": provenance(place, us.size),
            "probe": fingerprint,
        }

    if watch.keeps_weights:
        watch.weights.update(_copied(model))
    return Trained(us.from_leader(content), watch.weights or None, checkpoint)


def _results(
    experiment: Experiment,
    model: nn.Module,
    batches: Batches,
    test: ImageSet | Examples,
    history: History,
) -> dict[str, Any]:
    """The history, the final metrics and, of a classifier, its answer on every test image."""
    answers: dict[str, Any] = {}
    if experiment.metric == "accuracy":
        predicted = predict(model, batches, views=experiment.recipe.views)
        logits, labels = (tensor.cpu() for tensor in predicted)
        classes = len(test.class_names or ())
        answers = answers_entry(probabilities(logits.double()), labels, classes)
        # Summed in another order by several processes, an image on the fence may have fallen.
        right = sum(row[i] for i, row in enumerate(answers["confusion"]))
        history.test_accuracy[-1] = right / len(test)
    final = Evaluation(history.test_loss[-1], history.test_accuracy[-1])
    return {
        "history": history_entry(history, experiment.split),
        "final": evaluation_entry(final),
        **answers,
    }


def _copied(model: nn.Module, step: int | None = None) -> dict[str, torch.Tensor]:
    """The weights as they are now, under the names of a moment where it is one."""
    return {
        weight_name(name, step): tensor.detach().cpu().clone()
        for name, tensor in model.state_dict().items()
    }


def _rounded(fingerprint: dict[str, list[float]]) -> dict[str, list[str]]:
    """A probe's losses as far as two replays of it on one machine always agree."""
    return {kind: [f"{value:.6g}" for value in values] for kind, values in fingerprint.items()}


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
