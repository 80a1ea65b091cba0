"""A record of a training run, and what makes it valid.

It must fit `record.schema.json`, agree with itself, and carry the checksum of its own content, so
that an edit by hand does not pass. Where records lie is for `cnnref.experiments.store` to say.
"""

from __future__ import annotations

import hashlib
import json
import math
import reprlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import safetensors.torch
from torch import Tensor

from cnnref.data import Normalization
from cnnref.errors import CnnrefError

__all__ = [
    "DamagedRecordError",
    "NewerRecordError",
    "Record",
    "checksum_of",
    "fault_of",
    "mending",
    "weight_name",
]

SCHEMA_VERSION = 2
"""The newest that there is: 1, or 2 where targets are no classes, which older versions do not know.
"""

RIGHT = "."
"""Stands for a right answer among a record's answers."""

OWN = "own"
"""What a record calls data of one's own, and the folder of such experiments."""

MOMENT = "@"
"""Ends the step in the name of a tensor that was kept on the way."""


class DamagedRecordError(CnnrefError, ValueError):
    """A record is truncated, altered or inconsistent. The message names the file and what to do."""


class NewerRecordError(CnnrefError, ValueError):
    """A record was written by a newer `cnnref` than this one."""


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """A valid record.

    Args:
        path: the file it was read from or written to.
        content: what the file holds; see `record.schema.json`.
    """

    path: Path
    content: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    def __repr__(self) -> str:
        """What it is, in one line."""
        final = ", ".join(f"{name} {value:.4g}" for name, value in self.content["final"].items())
        return f"<Record of {self.content['name']} seed {self.seed}: {final}; {self.path}>"

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.content["seed"])

    @property
    def split(self) -> str:
        """What it was evaluated on: `"test"` or `"validation"`."""
        return split_of(self.content)

    @property
    def seconds(self) -> float:
        """Wall time of the training in seconds, without the evaluations."""
        return float(sum(self.content["history"]["seconds"]))

    @property
    def images_per_second(self) -> float:
        """Training images, each counted once per epoch, over `seconds`."""
        epochs = len(self.content["history"]["seconds"])
        return float(epochs * self.content["dataset"]["train_size"] / self.seconds)

    def weights(self, step: int | None = None) -> dict[str, Tensor]:
        """The stored weights, checked against their SHA-256; floating-point ones in half precision.

        Args:
            step: the moment of training that they are of, one of `keep_moments`; the end where none
                is given.

        Raises:
            DamagedRecordError: the record has none, or their file is missing or altered.
            ValueError: there are none of that step; the message names those that there are.
        """
        entry = self.content["weights"]
        if entry is None:
            raise DamagedRecordError(
                f"{self.path} keeps no weights; Experiment(keep_weights=True) stores those of its "
                "first seed"
            )
        path = self.path.with_name(entry["file"])
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            what = "altered" if data else "missing"
            raise DamagedRecordError(f"{path} is {what}; {mending(path)}")
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
        if step is None:
            return {name: tensor for name, tensor in tensors.items() if MOMENT not in name}
        prefix = weight_name("", step)
        found = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if not found:
            kept = sorted({int(name.partition(MOMENT)[0]) for name in tensors if MOMENT in name})
            raise ValueError(
                f"{self.path} keeps no weights of step {step}; of steps {kept or 'none'}"
            )
        return found

    @property
    def right(self) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        """Which images of the evaluation set it got right, `(images,)`, in the dataset's order.

        `None` where the record is from before answers were kept.
        """
        answers = self.content.get("answers")
        if answers is None:
            return None
        right: np.ndarray[Any, np.dtype[np.bool_]]
        right = np.frombuffer(answers.encode(), np.uint8) == ord(RIGHT)
        return right

    @property
    def normalization(self) -> Normalization | None:
        """What its images were normalised with; `None` in records from before it was kept, and
        where inputs were taken as they are."""
        kept = self.content.get("normalization")
        return Normalization(tuple(kept["mean"]), tuple(kept["std"])) if kept else None


def weight_name(name: str, step: int | None = None) -> str:
    """The name under which a tensor is stored.

    Args:
        name: its key in the state dictionary.
        step: the moment of training that it is of; the end where none is given.
    """
    return name if step is None else f"{step}{MOMENT}{name}"


def fault_of(content: Any) -> str | None:
    """What is wrong with the content of a file that should be a record, or `None`."""
    try:
        _validator()(content)
    except fastjsonschema.JsonSchemaValueException as error:
        place = error.name or "data"
        rule = error.message.removeprefix(place)
        return f"{place.replace('data', '$', 1)}: {reprlib.repr(error.value)}{rule[:200]}"
    if content["checksum"] != checksum_of(content):
        return "its checksum is not that of its content; it was edited or cut"
    history, confusion = content["history"], content.get("confusion")
    epochs = len(history["train_loss"])
    for key, series in history.items():
        if key not in ("untrained", "step_loss", "step_error") and len(series) != epochs:
            return f"$.history.{key}: {len(series)} epochs, $.history.train_loss has {epochs}"
    moments = content.get("moments", {"step": []})
    steps = len(moments["step"])
    for key, series in moments.items():
        if len(series) != steps:
            return f"$.moments.{key}: {len(series)} values, $.moments.step has {steps}"
    if confusion is None:
        return None
    if any(len(row) != len(confusion) for row in confusion):
        return "$.confusion: not square"
    split = split_of(content)
    images = sum(map(sum, confusion))
    if images != content["dataset"].get(f"{split}_size"):
        return f"$.confusion: counts {images} images, the {split} set has another number"
    right = sum(row[i] for i, row in enumerate(confusion))
    for where, accuracy in (
        ("$.final.accuracy", content["final"]["accuracy"]),
        (f"$.history.{split}_accuracy", history[f"{split}_accuracy"][-1]),
    ):
        if not math.isclose(accuracy, right / images, rel_tol=1e-9):
            return f"{where}: {accuracy} does not agree with the confusion counts"
    answers = content.get("answers")
    if answers is not None and (len(answers), answers.count(RIGHT)) != (images, right):
        return (
            f"$.answers: {answers.count(RIGHT)} of {len(answers)} are right, the confusion counts "
            f"say {right} of {images}"
        )
    return None


def split_of(content: dict[str, Any]) -> str:
    """What a record was evaluated on: `"test"` or `"validation"`."""
    return "test" if "test_loss" in content["history"] else "validation"


@cache
def _validator() -> Any:
    schema = resources.files("cnnref.experiments").joinpath("record.schema.json").read_text("utf-8")
    return fastjsonschema.compile(json.loads(schema))


def checksum_of(content: dict[str, Any]) -> str:
    """The SHA-256 of a record's content, its own `checksum` apart."""
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def mending(path: Path) -> str:
    """What to do about a damaged record, for the end of a message.

    Args:
        path: of the record, or of its weights.
    """
    folder = path.parent
    own = folder.parent.name == OWN
    command = f"run of the Experiment {folder.name!r}" if own else f"`cnnref run {folder.name}`"
    return f"{command} trains it again"
