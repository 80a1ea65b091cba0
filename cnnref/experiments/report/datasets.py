"""All experiments on a dataset in one table: what came out, what was expected, where it was run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnref.experiments.catalogue import CATALOGUE, Expectation
from cnnref.experiments.record import Record
from cnnref.experiments.report.cells import (
    data_of,
    each_once,
    machine_of,
    mean_accuracy,
    table_of,
    told_accuracy,
)
from cnnref.experiments.runner import Result, run

__all__ = ["summary_markdown"]


def summary_markdown(dataset: str | None = None, results: Iterable[Result] | None = None) -> str:
    """Every experiment on a dataset in Markdown: one row each, and under a fold where it was run.

    One table holds what was measured on the same images, and so can be compared: the mean accuracy
    with its 95 % interval over seeds, and the range in which it was expected.

    Args:
        dataset: a key of `cnnref.data.DATASETS`; all of them, one after the other, where none is
            given.
        results: the results to choose from; the stored ones of the whole catalogue where none are
            given.

    Raises:
        NoRecordError: an experiment of the catalogue has no valid record.
        ValueError: there is no experiment on this dataset.
    """
    if results is None:
        wanted = [e for e in CATALOGUE.values() if dataset in (None, e.dataset)]
        results = [run(entry, mode="stored") for entry in wanted]
    groups: dict[str, list[Result]] = {}
    for result in results:
        if dataset in (None, result.experiment.dataset):
            groups.setdefault(result.experiment.fields["dataset"], []).append(result)
    if not groups:
        raise ValueError(f"there is no experiment on {dataset or 'any dataset'}")
    return "\n\n".join(_group(name, group) for name, group in groups.items())


def _group(dataset: str, results: Sequence[Result]) -> str:
    """The outcomes on one dataset, and a fold with all else."""
    data = each_once(data_of(record) for result in results for record in result.records)
    outside = [
        f"- `{result.experiment.name}` lies outside: {expected.explanation or 'not explained yet'}"
        for result in results
        if (expected := result.experiment.expected) and mean_accuracy(result) not in expected
    ]
    return "\n".join(
        [
            _outcomes(results),
            "",
            *[*outside, ""] * bool(outside),
            "<details>",
            f"<summary>Runs on {dataset}: which images, where, when and how fast; what was "
            "expected</summary>",
            "",
            f"Data `{dataset}`: {data}.",
            "",
            *_expectations(results),
            *_runs(results),
            "",
            "</details>",
        ]
    )


def _outcomes(results: Sequence[Result]) -> str:
    return table_of(
        ["trained", f"{results[0].split} accuracy, %", "expected, %", "seeds:"],
        [
            [
                f"{result.experiment.title.split(': ', 1)[-1]}<br>`{result.experiment.name}`",
                told_accuracy(result),
                _verdict(result),
                str(len(result.records)),
            ]
            for result in results
        ],
    )


def _expectations(results: Sequence[Result]) -> list[str]:
    """Lines that say why which accuracy was expected, each reason once."""
    reasons: dict[str, list[str]] = {}
    for entry in (result.experiment for result in results):
        if entry.expected:
            after = ", set afterwards" * entry.expected.afterwards
            reason = f"{_range(entry.expected)} %{after}: {entry.expected.reason}"
            reasons.setdefault(reason, []).append(entry.name)
    lines = [
        f"- {reason} ({f'`{names[0]}`' if len(names) == 1 else f'{len(names)} experiments'})"
        for reason, names in reasons.items()
    ]
    return ["Expected accuracies:", "", *lines, ""] if lines else []


def _runs(results: Sequence[Result]) -> list[str]:
    """Lines that say where and when each was run: the places, and a table that names them by
    letters."""
    places = dict.fromkeys(_place(record) for result in results for record in result.records)
    letters = {place: _letters(i) for i, place in enumerate(places)}
    runs = table_of(
        ["experiment", "accuracy by seed, %", "training time:", "images/s:", "date", "place"],
        [
            [
                f"`{result.experiment.name}`",
                ", ".join(f"{100 * value:.2f}" for value in result.final("accuracy")),
                *_times(result),
                ", ".join(sorted({record["provenance"]["date"][:10] for record in result.records})),
                each_once(letters[_place(record)] for record in result.records),
            ]
            for result in results
        ],
    )
    return [
        "Places:",
        "",
        *[f"- {letter}: {place}" for place, letter in letters.items()],
        "",
        "`cnnref run NAME --force` trains one again.",
        "",
        runs,
    ]


def _range(expected: Expectation) -> str:
    return f"{100 * expected.low:g} to {100 * expected.high:g}"


def _verdict(result: Result) -> str:
    """The expected range, whether the mean is in it, and whether the range came first."""
    expected = result.experiment.expected
    if expected is None:
        return "not stated"
    after = " (set afterwards)" * expected.afterwards
    return (
        f"{_range(expected)}{after}: {'inside' if mean_accuracy(result) in expected else 'outside'}"
    )


def _times(result: Result) -> list[str]:
    """Time of all seeds together, and images per second."""
    seconds = sum(record.seconds for record in result.records)
    epochs = result.experiment.recipe.epochs
    images = sum(epochs * record["dataset"]["train_size"] for record in result.records)
    time = f"{seconds / 60:.0f} min" if seconds >= 600 else f"{seconds:.0f} s"
    return [time, f"{images / seconds:,.0f}"]


def _letters(index: int) -> str:
    """A to Z, then AA and so on."""
    rest, letter = divmod(index, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + letter)


def _place(record: Record) -> str:
    made = record["provenance"]
    cuda = f" with CUDA {made['cuda']}" if made["cuda"] else ""
    return (
        f"{machine_of(record)}; torch {made['torch']}{cuda}, Python {made['python']}, "
        f"cnnref {made['cnnref']}, {made['system']}"
    )
