"""What a trained seed leaves in its record: its history, its answers, and where it was made."""

from __future__ import annotations

import math
import platform
import string
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import cnnref
from cnnref.data import Normalization
from cnnref.experiments.record import RIGHT
from cnnref.training import Evaluation, History

__all__ = [
    "MISTAKES",
    "answers_entry",
    "device_name",
    "evaluation_entry",
    "history_entry",
    "normalization_entry",
    "provenance",
    "series_entry",
]

MISTAKES = 16
"""How many of the most confident wrong answers a record keeps with their probabilities."""

DIGITS = string.digits + string.ascii_lowercase
"""A predicted class, in a record's answers."""

OTHER = "-"
"""A predicted class beyond the digits."""


def history_entry(history: History, split: str) -> dict[str, Any]:
    """The history under the names of what it was evaluated on; steps as short as float32 is."""
    plain = history.to_dict()
    plain["untrained"] = evaluation_entry(history.untrained)
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


def series_entry(name: str, seen: dict[int, Evaluation], **others: list[int]) -> dict[str, Any]:
    """Evaluations by step as an entry of the record; none where nothing was seen."""
    if not seen:
        return {}
    kept = [evaluation_entry(one) for one in seen.values()]
    return {name: {**others, **{key: [one[key] for one in kept] for key in kept[0]}}}


def evaluation_entry(found: Evaluation) -> dict[str, float]:
    """An evaluation as an entry of the record: without accuracy, where there is none."""
    return {key: value for key, value in found._asdict().items() if not math.isnan(value)}


def normalization_entry(normalization: Normalization | None) -> dict[str, Any]:
    """Means and standard deviations as an entry of the record; none where nothing is normalised."""
    if normalization is None:
        return {}
    return {"normalization": {key: list(value) for key, value in asdict(normalization).items()}}


def answers_entry(probability: torch.Tensor, labels: torch.Tensor, classes: int) -> dict[str, Any]:
    """Confusion counts, the answer on every image, and the most confident mistakes.

    Args:
        probability: of each class, `(N, classes)`; of two classes with one logit, of both.
        labels: `(N,)`.
        classes: how many there are.
    """
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


def provenance(device: torch.device, processes: int) -> dict[str, Any]:
    """The machine, the versions and the date."""
    return {
        "device": device.type,
        "device_name": device_name(device),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "cnnref": cnnref.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def device_name(device: torch.device) -> str:
    """What the processor, or the GPU, calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
