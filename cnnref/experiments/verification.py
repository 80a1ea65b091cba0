"""Is every stored result still what the code would produce?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from cnnref.data import MissingDataError, load
from cnnref.errors import CnnrefError
from cnnref.experiments import store
from cnnref.experiments.catalogue import CATALOGUE, Experiment
from cnnref.experiments.probe import differences, probe
from cnnref.experiments.store import Record

__all__ = ["faults_by_seed", "verify"]


def verify(
    experiments: Iterable[Experiment] | None = None,
    *,
    on_experiment: Callable[[Experiment], None] | None = None,
) -> list[str]:
    """Check every record against the experiment as it is now.

    The record must be whole and have the same fields; its probe, replayed, must give the same
    losses; the dataset, where it is here, must be the one it was trained on. Every seed must have a
    record, and every record an experiment.

    Args:
        experiments: what to check; the catalogue where nothing is given.
        on_experiment: called before each experiment.

    Returns:
        One line per fault: the experiment, the seed, and what differs. Empty if all is well.
    """
    chosen = CATALOGUE.values() if experiments is None else experiments
    known = {entry.name: entry for entry in chosen}
    lines = [
        f"{name} seed {seed}: {path} is of no experiment in the catalogue"
        for (name, seed), path in store.stored().items()
        if name not in CATALOGUE and name not in known
    ]
    for entry in known.values():
        if on_experiment:
            on_experiment(entry)
        for seed, faults in faults_by_seed(entry).items():
            lines += [f"{entry.name} seed {seed}: {fault}" for fault in faults]
    return lines


def faults_by_seed(entry: Experiment) -> dict[int, list[str]]:
    """What is wrong with an experiment's records: for each of its seeds, a list, empty if nothing.

    Args:
        entry: the experiment as it is now.
    """
    try:
        replayed: dict[str, list[float]] | str = probe(entry)
    except Exception as error:  # whatever breaks the probe is the fault to report
        replayed = f"behaviour: the probe fails: {type(error).__name__}: {error}"
    return {seed: _faults(entry, seed, replayed) for seed in entry.seeds}


def _faults(entry: Experiment, seed: int, replayed: dict[str, list[float]] | str) -> list[str]:
    path = store.find(entry.name, seed)
    if path is None:
        return ["there is no record"]
    try:
        record = store.read(path)
        if record["weights"]:
            record.weights()
    except CnnrefError as error:
        return [str(error)]
    return [
        *_changed_fields("", record["experiment"], entry.fields),
        *([replayed] if isinstance(replayed, str) else differences(record["probe"], replayed)),
        *_changed_data(record),
    ]


def _changed_fields(prefix: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        missing = object()
        return [
            line
            for key in sorted(old.keys() | new.keys())
            for line in _changed_fields(
                f"{prefix}.{key}".lstrip("."), old.get(key, missing), new.get(key, missing)
            )
        ]
    if old == new:
        return []
    shown = [repr(v) if type(v) is not object else "nothing" for v in (old, new)]
    return [f"field {prefix}: recorded {shown[0]}, now {shown[1]}"]


@cache
def _digest(name: str, split: str) -> str:
    return load(name, split).sha256


def _changed_data(record: Record) -> list[str]:
    recorded = record["dataset"]
    faults = []
    for split in ("train", record.split):
        try:
            found = _digest(recorded["name"], split)
        except MissingDataError:
            continue
        except CnnrefError as error:
            faults.append(f"data: {error}")
            continue
        if found != recorded[f"{split}_sha256"]:
            faults.append(
                f"data: {recorded['name']} {split} has SHA-256 {found}, recorded "
                f"{recorded[f'{split}_sha256']}"
            )
    return faults
