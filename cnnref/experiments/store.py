"""Records of training runs on disk: `<folder>/<experiment>/seed-<n>.json`.

A record is written whole or not at all, and read only if it is whole: it must fit
`record.schema.json`, agree with itself, and carry the checksum of its own content, so that an edit
by hand does not pass. Weights lie beside it under a name made from their content; a record that is
being replaced keeps its own until the new one is in place. Processes take turns at writing, so that
none clears away the weights of a record that another is about to put in place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import reprlib
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import platformdirs
import safetensors.torch
from torch import Tensor

from cnnref.data import Normalization
from cnnref.disk import one_writer, write_whole
from cnnref.errors import CnnrefError

__all__ = [
    "DamagedRecordError",
    "NewerRecordError",
    "Record",
    "checkpoint_path",
    "find",
    "folders",
    "read",
    "refuse_newer",
    "stored",
    "weight_name",
    "write",
    "writing_folder",
]

SCHEMA_VERSION = 2
"""The newest that there is: 1, or 2 where targets are no classes, which older versions do not know.
"""

RIGHT = "."
"""Stands for a right answer among a record's answers."""

MOMENT = "@"
"""Ends the step in the name of a tensor that was kept on the way."""

OWN = "own"
"""What a record calls data of one's own, and the folder of such experiments."""

HOUR = 3600.0
"""An unfinished file that is older has no writer any more; writing takes less than a second."""


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
        return _split(self.content)

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
            raise DamagedRecordError(
                f"{path} is {'altered' if data else 'missing'}; {self._mend()}"
            )
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

    def _mend(self) -> str:
        return _mend(self.content["name"])


def folders(own: bool = False) -> list[Path]:
    """Where records are looked for, first match first: where they are written, then the package.

    Args:
        own: see `writing_folder`; the package has none of these.
    """
    if own:
        return [writing_folder(own)]
    return list(dict.fromkeys([writing_folder(), _package_folder()]))


def writing_folder(own: bool = False) -> Path:
    """Where records are written: `$CNNREF_RESULTS`, else a checkout's own folder, else the user's.

    Never the current directory.

    Args:
        own: of an experiment with a model or data of one's own. Its records lie apart, in the
            folder `own` of `$CNNREF_RESULTS` or of the user's folder, so that none is taken for
            one of the catalogue's.
    """
    chosen = os.environ.get("CNNREF_RESULTS")
    if own:
        return (Path(chosen) if chosen else _user_folder()) / OWN
    if chosen:
        return Path(chosen)
    in_checkout = (_package_folder().parents[1] / "pyproject.toml").is_file()
    return _package_folder() if in_checkout else _user_folder()


def checkpoint_path(name: str, seed: int, own: bool = False) -> Path:
    """Where a run that is not finished keeps its state: hidden, beside its record to be."""
    return writing_folder(own) / name / f".seed-{seed}.checkpoint"


def find(name: str, seed: int, own: bool = False) -> Path | None:
    """The file of a run's record, or `None` where there is none."""
    paths = [folder / name / f"seed-{seed}.json" for folder in folders(own)]
    return next((path for path in paths if path.is_file()), None)


def stored() -> dict[tuple[str, int], Path]:
    """The file of every record, by experiment and seed; the first folder that has it wins."""
    found: dict[tuple[str, int], Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*/seed-*.json")):
            match = re.fullmatch(r"seed-(\d+)\.json", path.name)
            if match:
                found.setdefault((path.parent.name, int(match[1])), path)
    return found


_FAULTLESS: set[bytes] = set()
"""Digests of texts that were valid: a page asks for one record many times."""


def read(path: Path) -> Record:
    """Read and validate a record.

    Raises:
        DamagedRecordError: it is truncated, altered, or does not agree with itself or its name.
        NewerRecordError: it was written by a newer `cnnref`.
    """
    name = path.parent.name
    try:
        text = path.read_bytes()
        content = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRecordError(f"{path} is not whole JSON: {error}; {_mend(name)}") from error
    version = content.get("schema") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerRecordError(
            f"{path} has schema {version}, this cnnref reads up to {SCHEMA_VERSION}; upgrade cnnref"
        )
    digest = hashlib.sha256(text).digest()
    fault = None if digest in _FAULTLESS else _fault(content)
    if not fault:
        _FAULTLESS.add(digest)
    if not fault and (content["name"], path.name) != (name, f"seed-{content['seed']}.json"):
        fault = f"it holds {content['name']} seed {content['seed']}, not what its path says"
    if fault:
        raise DamagedRecordError(f"{path} is damaged: {fault}; {_mend(name)}")
    return Record(path, content)


def weight_name(name: str, step: int | None = None) -> str:
    """The name under which a tensor is stored.

    Args:
        name: its key in the state dictionary.
        step: the moment of training that it is of; the end where none is given.
    """
    return name if step is None else f"{step}{MOMENT}{name}"


def refuse_newer(name: str, seed: int, own: bool = False) -> None:
    """Refuse to replace the record of a newer `cnnref` where the next one would be written.

    Raises:
        NewerRecordError: such a record is there.
    """
    path = writing_folder(own) / name / f"seed-{seed}.json"
    if path.is_file():
        with contextlib.suppress(DamagedRecordError):
            read(path)


def write(
    content: dict[str, Any], weights: dict[str, Tensor] | None = None, own: bool = False
) -> Record:
    """Write a record, and its weights beside it; whatever was there stays until both are whole.

    Args:
        content: the record without `schema`, `weights` and `checksum`.
        weights: a state dictionary to keep; floating-point tensors are stored in half precision.
        own: see `writing_folder`.

    Raises:
        DamagedRecordError: `content` does not make a valid record.
        NewerRecordError: the record there was written by a newer `cnnref`.
        OSError: the disk refuses; the message names the file, and nothing has changed.
    """
    folder = writing_folder(own) / content["name"]
    path = folder / f"seed-{content['seed']}.json"
    version = 1 if "confusion" in content else 2
    content = {"schema": version, **content, "weights": None}
    if weights is not None:
        half = {
            key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
            for key, value in weights.items()
        }
        data = safetensors.torch.save(half)
        digest = hashlib.sha256(data).hexdigest()
        content["weights"] = {
            "file": f"{path.stem}.{digest[:12]}.safetensors",
            "sha256": digest,
        }
    content["checksum"] = _checksum(content)
    fault = _fault(content)
    if fault:
        raise DamagedRecordError(f"the record for {path} is not valid: {fault}")
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with one_writer(writing_folder(own)):
        refuse_newer(content["name"], content["seed"], own)
        try:
            if content["weights"]:
                write_whole(folder / content["weights"]["file"], data)
            write_whole(path, text.encode())
        finally:
            _sweep(path)
    return Record(path, content)


def _sweep(path: Path) -> None:
    """Remove what the record in place does not use: other weights, and what killed writers left."""
    # A record that is in place is no failure, whatever cannot be cleared away or read beside it.
    with contextlib.suppress(OSError, CnnrefError):
        entry = read(path)["weights"] if path.exists() else None
        for weights in path.parent.glob(f"{path.stem}.*.safetensors"):
            if entry is None or weights.name != entry["file"]:
                weights.unlink()
        for partial in path.parent.glob(f".*{path.stem}.*.partial"):
            if partial.stat().st_mtime < time.time() - HOUR:
                partial.unlink()


def _fault(content: Any) -> str | None:
    """What is wrong with a record's content, or `None`."""
    try:
        _validator()(content)
    except fastjsonschema.JsonSchemaValueException as error:
        place = error.name or "data"
        rule = error.message.removeprefix(place)
        return f"{place.replace('data', '$', 1)}: {reprlib.repr(error.value)}{rule[:200]}"
    if content["checksum"] != _checksum(content):
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
    split = _split(content)
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


def _split(content: dict[str, Any]) -> str:
    return "test" if "test_loss" in content["history"] else "validation"


@cache
def _validator() -> Any:
    schema = resources.files("cnnref.experiments").joinpath("record.schema.json").read_text("utf-8")
    return fastjsonschema.compile(json.loads(schema))


def _checksum(content: dict[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _mend(name: str) -> str:
    return f"`cnnref run {name}` trains it again"


def _package_folder() -> Path:
    return Path(str(resources.files("cnnref"))) / "results"


def _user_folder() -> Path:
    return platformdirs.user_data_path("cnnref") / "results"
