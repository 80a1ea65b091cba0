"""The explorer of learning curves: stored records, each seed's, in the page."""

from __future__ import annotations

import fnmatch
from typing import Any

import numpy as np

from cnnref.experiments import CATALOGUE, Experiment, Result, run
from cnnref.figures import curves_picture, steps_picture
from cnnref.figures.style import Picture

from .kind import Data, Explorer, Preset

MEASURES = ("loss", "accuracy", "error")
SETS = ("training", "test", "steps")
TENTHS = 10
DIGITS = 6
"""A reader is told three or four digits of a mean; these are enough for each of them."""


def matched(patterns: str) -> list[Experiment]:
    """Experiments by the patterns of their names, in the catalogue's order.

    Raises:
        ValueError: a pattern matches nothing, or there is none.
    """
    wanted = patterns.split()
    if not wanted:
        raise ValueError("learning curves need experiments, got none; as in :experiments: rate-*")
    found: set[str] = set()
    for pattern in wanted:
        names = fnmatch.filter(CATALOGUE, pattern)
        if not names:
            raise ValueError(f"no experiment of the catalogue is called {pattern}")
        found.update(names)
    return [entry for name, entry in CATALOGUE.items() if name in found]


def datasets_of(preset: Preset) -> dict[str, tuple[list[Experiment], list[str]]]:
    """Experiments by their dataset, and the names of those that are chosen at first.

    Raises:
        ValueError: a pattern matches nothing.
    """
    entries = matched(preset["experiments"])
    first = {entry.name for entry in matched(preset["chosen"] or preset["experiments"])}
    found: dict[str, tuple[list[Experiment], list[str]]] = {}
    for entry in entries:
        listed, chosen = found.setdefault(entry.fields["dataset"], ([], []))
        listed.append(entry)
        if entry.name in first:
            chosen.append(entry.name)
    for listed, chosen in found.values():
        if not chosen:
            chosen.append(listed[0].name)
    return found


def series_of(result: Result, measure: str, sets: list[str]) -> dict[str, Any]:
    """A measure of every seed per epoch; on the evaluation set from epoch 0, before training.

    Where `sets` asks for the steps, also the mini-batches' means over tenths of an epoch.

    Raises:
        ValueError: the steps are asked for, and the records keep none.
    """

    def rounded(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[list[float]]:
        return [[float(f"{value:.{DIGITS}g}") for value in row] for row in values]

    training = result.history(f"train_{measure}")
    evaluated = result.history(f"{result.split}_{measure}")
    found = {
        "training": rounded(training),
        "test": rounded(np.column_stack([result.untrained(measure), evaluated])),
    }
    if "steps" in sets:
        loss = measure == "loss"
        steps = result.history("step_loss") if loss else 1 - result.history("step_error")
        tenths = np.linspace(0, steps.shape[1], TENTHS * training.shape[1] + 1).round().astype(int)
        parts = np.split(steps, tenths[1:-1], axis=1)
        found["steps"] = rounded(np.stack([part.mean(1) for part in parts], axis=1))
    return found


def data_of(preset: Preset) -> Data:
    """The curves of every seed of every experiment that a preset names.

    Raises:
        ValueError: the preset is mistaken.
        CnnrefError: a record is missing or damaged.
    """
    sets = preset["sets"].split()
    if preset["measure"] not in MEASURES or not sets or not set(sets) <= set(SETS):
        raise ValueError(
            f"learning curves have a measure of {', '.join(MEASURES)} and sets of "
            f"{', '.join(SETS)}, got {preset['measure']!r} and {preset['sets']!r}"
        )
    files = []
    content = []
    for dataset, (entries, chosen) in datasets_of(preset).items():
        runs = []
        for result in (run(entry, mode="stored") for entry in entries):
            files += [record.path for record in result.records]
            name = result.experiment.name
            series = {key: series_of(result, key, sets) for key in ("loss", "accuracy")}
            runs.append({"name": name} | series)
        split = entries[0].split
        content.append({"name": dataset, "split": split, "chosen": chosen, "runs": runs})
    return Data({"datasets": content}, tuple(files))


def draw_curves(preset: Preset) -> Picture:
    """The curves that are chosen at first, of the evaluated images where these are shown."""
    entries, chosen = next(iter(datasets_of(preset).values()))
    results = [run(entry, mode="stored") for entry in entries if entry.name in chosen]
    sets = preset["sets"].split()
    if sets == ["steps"]:
        return steps_picture(results, "step_loss" if preset["measure"] == "loss" else "step_error")
    metric = "loss" if preset["measure"] == "loss" else "accuracy"
    return curves_picture(results, metric if "test" in sets else f"train_{metric}")


def rows_of(preset: Preset) -> int:
    """The rows of the table below the curves, and one for a choice of datasets."""
    found = datasets_of(preset)
    _, chosen = next(iter(found.values()))
    return len(chosen) * len(preset["sets"].split()) + (len(found) > 1)


CURVES = Explorer(
    "Learning curves",
    "series curves-drawing curves",
    {"experiments": "", "chosen": "", "measure": "loss", "sets": "test", "log": 0, "at": 0},
    draw_curves,
    rows_of,
    data_of,
    lambda preset: (
        {"dataset": "", "single": "", "from": 0, "to": 0} | dict.fromkeys(datasets_of(preset), "")
    ),
    sheet="curves",
)
