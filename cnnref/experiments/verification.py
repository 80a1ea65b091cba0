"""Is every stored result still what the code would produce?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import repeat
from typing import Any

from cnnref.data import MissingDataError, load
from cnnref.errors import CnnrefError
from cnnref.experiments import store
from cnnref.experiments.catalogue import CATALOGUE, Experiment, named
from cnnref.experiments.probe import differences, probe
from cnnref.experiments.record import OWN, Record
from cnnref.experiments.workers import Workers

__all__ = ["all_faults", "faults_by_seed", "verify"]


def verify(
    experiments: str | Experiment | Iterable[str | Experiment] | None = None,
    *,
    jobs: int = 1,
    on_experiment: Callable[[Experiment], None] | None = None,
) -> list[str]:
    """Check every record against the experiment as it is now.

    The record must be whole and have the same fields; its probe, replayed, must give the same
    losses; the dataset, where it is here, must be the one it was trained on. Every seed must have a
    record, and every record an experiment.

    Args:
        experiments: one or several to check, by name or those of one's own; the catalogue where
            nothing is given.
        jobs: processes that replay the probes. With several, a script must call this under
            `if __name__ == "__main__"`, for each of them imports it.
        on_experiment: called before each experiment.

    Returns:
        One line per fault: the experiment, the seed, and what differs. Empty if all is well.
    """
    chosen = CATALOGUE.values() if experiments is None else experiments
    if isinstance(chosen, str | Experiment):
        chosen = [chosen]
    known = {entry.name: entry for entry in map(named, chosen)}
    lines = [
        f"{name} seed {seed}: {path} is of no experiment in the catalogue"
        for (name, seed), path in store.stored().items()
        if name not in CATALOGUE and name not in known
    ]
    found = all_faults(known.values(), jobs=jobs, on_experiment=on_experiment)
    for (name, seed), faults in found.items():
        lines += [f"{name} seed {seed}: {fault}" for fault in faults]
    return lines


def faults_by_seed(entry: Experiment) -> dict[int, list[str]]:
    """What is wrong with an experiment's records: for each of its seeds, a list, empty if nothing.

    Args:
        entry: the experiment as it is now.
    """
    return {seed: faults for (_, seed), faults in all_faults([entry]).items()}


def all_faults(
    experiments: Iterable[Experiment],
    *,
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    on_experiment: Callable[[Experiment], None] | None = None,
) -> dict[tuple[str, int], list[str]]:
    """What is wrong with the records of experiments: a list by name and seed, empty if nothing.

    Args:
        experiments: as they are now.
        seeds: others than their own.
        jobs: see `verify`.
        on_experiment: called before each experiment.
    """
    entries = list(experiments)
    processes = min(jobs, len(entries))
    digest = cache(_digest)  # one reading of a dataset serves all who trained on it
    found = {}
    with ExitStack() as stack:
        spread = stack.enter_context(Workers(processes)).map if processes > 1 else map
        replays: Iterator[_Replays] = spread(_replay, entries, repeat(seeds))
        for entry in entries:
            if on_experiment:
                on_experiment(entry)
            for seed, (faults, record) in next(replays).items():
                changed = _changed_data(record, digest) if record else []
                found[entry.name, seed] = [*faults, *changed]
    return found


_Replays = Mapping[int, tuple[list[str], Record | None]]


def _replay(entry: Experiment, seeds: Sequence[int] | None) -> _Replays:
    """By seed, all faults but those of the data, and the record, if it is whole."""
    records = {seed: _read(entry, seed) for seed in (entry.seeds if seeds is None else seeds)}
    replayed: dict[str, list[float]] | str = ""
    if any(isinstance(record, Record) for record in records.values()):
        try:
            replayed = probe(entry)
        except Exception as error:  # whatever breaks the probe is the fault to report
            replayed = f"behaviour: the probe fails: {type(error).__name__}: {error}"
    return {
        seed: ([record], None)
        if isinstance(record, str)
        else (_faults(entry, record, replayed), record)
        for seed, record in records.items()
    }


def _read(entry: Experiment, seed: int) -> Record | str:
    path = store.find(entry.name, seed, entry.own)
    if path is None:
        return "there is no record"
    try:
        record = store.read(path)
        if record["weights"]:
            record.weights()
    except CnnrefError as error:
        return str(error)
    return record


def _faults(entry: Experiment, record: Record, replayed: dict[str, list[float]] | str) -> list[str]:
    return [
        *_changed_fields("", record["experiment"], entry.fields),
        *([replayed] if isinstance(replayed, str) else differences(record["probe"], replayed)),
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


def _digest(name: str, split: str) -> str:
    return load(name, split).sha256


def _changed_data(record: Record, digest: Callable[[str, str], str]) -> list[str]:
    recorded = record["dataset"]
    if recorded["name"] == OWN:  # its digests are among the fields
        return []
    faults = []
    for split in ("train", record.split):
        try:
            found = digest(recorded["name"], split)
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
