"""Records of training runs on disk: `<folder>/<experiment>/seed-<n>.json`.

A record is written whole or not at all, and read only if it is valid. Weights lie beside it under
a name made from their content; a record that is being replaced keeps its own until the new one is
in place. Processes take turns at writing, so that none clears away the weights of a record that
another is about to put in place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import platformdirs
import safetensors.torch
from torch import Tensor

from cnnref.disk import one_writer, write_whole
from cnnref.errors import CnnrefError
from cnnref.experiments.record import (
    OWN,
    SCHEMA_VERSION,
    DamagedRecordError,
    NewerRecordError,
    Record,
    checksum_of,
    fault_of,
    mending,
)

__all__ = [
    "checkpoint_path",
    "find",
    "folders",
    "read",
    "refuse_newer",
    "stored",
    "write",
    "writing_folder",
]

HOUR = 3600.0
"""An unfinished file that is older has no writer any more; writing takes less than a second."""


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
        raise DamagedRecordError(f"{path} is not whole JSON: {error}; {mending(path)}") from error
    version = content.get("schema") if isinstance(content, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerRecordError(
            f"{path} has schema {version}, this cnnref reads up to {SCHEMA_VERSION}; upgrade cnnref"
        )
    digest = hashlib.sha256(text).digest()
    fault = None if digest in _FAULTLESS else fault_of(content)
    if not fault:
        _FAULTLESS.add(digest)
    if not fault and (content["name"], path.name) != (name, f"seed-{content['seed']}.json"):
        fault = f"it holds {content['name']} seed {content['seed']}, not what its path says"
    if fault:
        raise DamagedRecordError(f"{path} is damaged: {fault}; {mending(path)}")
    return Record(path, content)


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
    content["checksum"] = checksum_of(content)
    fault = fault_of(content)
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


@cache
def _package_folder() -> Path:
    return Path(str(resources.files("cnnref"))) / "results"


def _user_folder() -> Path:
    return platformdirs.user_data_path("cnnref") / "results"
