"""Results made up for tests: their records say what a test wants, and nothing is trained."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cnnref.data import DATASETS
from cnnref.experiments import Experiment, Record, Result
from cnnref.training import Recipe

IMAGES = 1000

CLOTHES = Experiment(
    name="clothes",
    title="Clothes: a ResNet",
    dataset="fashion-mnist",
    model="ResNet",
    recipe=Recipe("momentum", 0.05, epochs=4, batch_size=128, loss="cross-entropy"),
    seeds=(0, 1, 2),
    arguments={"depth": 20, "skip": True, "channels": 1},
)
PLAIN = replace(CLOTHES, name="plain", arguments={"depth": 20, "skip": False, "channels": 1})
DIGITS = Experiment(
    name="digits",
    title="Digits: a CNN",
    dataset="mnist",
    model="DigitCNN",
    recipe=Recipe("sgd", 0.1, epochs=2, batch_size=64, loss="cross-entropy"),
    seeds=(0, 1, 2),
)
TUNING = replace(DIGITS, name="tuning", dataset="mnist-tuning")


def made_result(
    entry: Experiment,
    accuracy: Sequence[float],
    *,
    steps: Sequence[Sequence[float]] | None = None,
    threads: int = 2,
) -> Result:
    """A result with these final accuracies, one per seed.

    Accuracy rises from chance along a straight line; the loss is 1 minus the accuracy. The training
    set is 0.01 better. Every mistake takes a class for the next one.

    Args:
        entry: whose result.
        accuracy: shares of `IMAGES`.
        steps: the error of every step, one list per seed.
        threads: of the machine.
    """
    records = []
    classes = len(DATASETS[str(entry.dataset)].class_names)
    epochs, split = entry.recipe.epochs, entry.split
    digests = {
        f"{part}_sha256": hashlib.sha256(f"{entry.dataset} {part}".encode()).hexdigest()
        for part in ("train", split)
    }
    for seed, final in enumerate(accuracy):
        right = round(final * IMAGES)
        rising = np.linspace(1 / classes, right / IMAGES, epochs + 1)[1:].tolist()
        confusion = np.zeros((classes, classes), int)
        for k in range(IMAGES):
            confusion[k % classes, (k + (k >= right)) % classes] += 1
        error = None if steps is None else list(steps[seed])
        content: dict[str, Any] = {
            "name": entry.name,
            "seed": seed,
            "experiment": entry.fields,
            "history": {
                "untrained": {"loss": 1 - 1 / classes, "accuracy": 1 / classes},
                "train_loss": [0.99 - a if a < 0.99 else 0.0 for a in rising],
                "train_accuracy": [min(a + 0.01, 1.0) for a in rising],
                f"{split}_loss": [1 - a for a in rising],
                f"{split}_accuracy": rising,
                "seconds": [10.0 + seed] * epochs,
                "images_per_second": [IMAGES / (10.0 + seed)] * epochs,
                "step_loss": error,
                "step_error": error,
            },
            "final": {"loss": 1 - rising[-1], "accuracy": rising[-1]},
            "confusion": confusion.tolist(),
            "mistakes": [
                {"index": k, "label": k % classes, "predicted": (k + 1) % classes, "probability": p}
                for k, p in enumerate((0.99999, 0.987, 0.9))
            ],
            "dataset": {
                "name": entry.dataset,
                "train_size": IMAGES,
                f"{split}_size": IMAGES,
                **digests,
                "source": "made up",
            },
            "provenance": {
                "device": "cpu", "device_name": "a processor", "threads": threads, "processes": 1,
                "system": "Linux x86_64", "python": "3.11.7", "torch": "2.15.0", "cuda": None,
                "cnnref": "0.1.0", "date": f"2026-11-{20 + seed}T10:00:00Z",
            },
            "probe": {"steps": [1.0], "evaluations": [1.0, 0.5]},
        }  # fmt: skip
        records.append(Record(Path("made-up"), {**content, "weights": None}))
    return Result(entry, tuple(records))
