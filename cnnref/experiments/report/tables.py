"""The stored results as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch

from cnnref.experiments.catalogue import CATALOGUE, Expectation, Experiment
from cnnref.experiments.claims import CLAIMS, Claim
from cnnref.experiments.record import Record
from cnnref.experiments.runner import Result, run
from cnnref.experiments.verdicts import Comparison

__all__ = [
    "claims_markdown",
    "comparison_markdown",
    "comparisons_markdown",
    "result_markdown",
    "summary_markdown",
]


def comparison_markdown(results: Iterable[Result] | Mapping[str, Result]) -> str:
    """The final table of several experiments in Markdown, with 95 % intervals over seeds.

    Where all records tell the time that processors worked, the table does. Time by the clock is no
    column of it: that depends on what else the machine did.

    Args:
        results: the results, under the names that the table gives them; their titles where none are
            given.

    Raises:
        ValueError: some were tested and others validated, so that a table would compare the two.
    """
    named = (
        list(results.items())
        if isinstance(results, Mapping)
        else [(result.experiment.title, result) for result in results]
    )
    splits = sorted({result.split for _, result in named})
    if len(splits) != 1:
        raise ValueError(
            f"a table needs results on one split, got {' and '.join(splits) or 'none'}"
        )
    head = ["network", "seeds:", f"{splits[0]} accuracy, %", f"{splits[0]} loss, nats:",
            "parameters:"]  # fmt: skip
    rows = [
        [
            name,
            str(len(result.records)),
            _accuracy(result),
            f"{result.final('loss').mean():.3f}",
            f"{_parameters(result.experiment):,}",
        ]
        for name, result in named
    ]
    records = [record for _, result in named for record in result.records]
    if not all("processor_seconds" in record["history"] for record in records):
        return _table(head, rows)
    for row, (_, result) in zip(rows, named, strict=True):
        row.append(f"{result.history('processor_seconds').mean():.1f}")
    table = _table([*head, "core-seconds per epoch:"], rows)
    return f"{table}\n\nTimes are of {_unique(map(_machine, records))}."


def comparisons_markdown(
    comparisons: Mapping[tuple[str, str], Comparison]
    | Iterable[tuple[tuple[str, str], Comparison]],
) -> str:
    """Comparisons as a table in Markdown, for under the answer that tells them in words.

    Three columns, so that a phone shows the verdict. Where all are of one metric it heads the first
    of them, else it stands above the names.

    Args:
        comparisons: each under the names of its first and its second; pairs of the two where one
            pair of names is compared by several metrics.

    Raises:
        ValueError: there are none, or their confidences differ.
    """
    listed = list(comparisons.items() if isinstance(comparisons, Mapping) else comparisons)
    confidences = {found.confidence for _, found in listed}
    if len(confidences) != 1:
        raise ValueError(f"a table needs one confidence, got {sorted(confidences) or 'none'}")
    (confidence,) = confidences
    metrics = {found.metric for _, found in listed}
    rows = []
    for (first, second), found in listed:
        told = found.numbers
        lines = [f"{first}: {told.first}", f"{second}: {told.second}"]
        if len(metrics) > 1:
            lines.insert(0, f"*{found.metric}*")
        rows.append(
            [
                "<br>".join(lines),
                f"{told.difference} [{told.low}, {told.high}]{told.unit}",
                f"the first is {found.verdict}" if found.decided else found.verdict,
            ]
        )
    head = [
        metrics.pop() if len(metrics) == 1 else "compared",
        f"difference, {100 * confidence:g} % interval",
        "verdict",
    ]
    sources = _unique(found.sources for _, found in listed)
    return f"{_table(head, rows)}\n\nThe intervals allow for chance in {sources}."


def claims_markdown(claims: Iterable[Claim] | None = None) -> str:
    """What the records now say of the book's claims: those that no longer hold, then by chapter.

    Chapters are linked as from a built page of the folder `about`.

    Args:
        claims: which; all where none are given.

    Raises:
        NoRecordError: a claim needs a record that is missing.
    """
    looked = [(claim, claim.look()) for claim in (CLAIMS.values() if claims is None else claims)]
    groups: dict[str, list[list[str]]] = {}
    for claim, found in sorted(looked, key=lambda pair: pair[1].holds):
        link = f"[{claim.chapter}](../{claim.chapter}.html)"
        group = f"**In {link}**" if found.holds else f"**Changed, in {link}**"
        groups.setdefault(group, []).append([claim.text, found.shows])
    changed = sum(not found.holds for _, found in looked)
    parts = [f"{len(looked)} claims, {changed} of them changed."]
    for group, rows in groups.items():
        parts += [group, _table(["the book says", "the records show"], rows)]
    return "\n\n".join(parts)


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
    data = _unique(_data(record) for result in results for record in result.records)
    outcomes = _table(
        ["trained", f"{results[0].split} accuracy, %", "expected, %", "seeds:"],
        [
            [
                f"{result.experiment.title.split(': ', 1)[-1]}<br>`{result.experiment.name}`",
                _accuracy(result),
                _verdict(result),
                str(len(result.records)),
            ]
            for result in results
        ],
    )
    places = dict.fromkeys(_place(record) for result in results for record in result.records)
    letters = {place: _letters(i) for i, place in enumerate(places)}
    runs = _table(
        ["experiment", "accuracy by seed, %", "training time:", "images/s:", "date", "place"],
        [
            [
                f"`{result.experiment.name}`",
                ", ".join(f"{100 * value:.2f}" for value in result.final("accuracy")),
                *_times(result),
                ", ".join(sorted({record["provenance"]["date"][:10] for record in result.records})),
                _unique(letters[_place(record)] for record in result.records),
            ]
            for result in results
        ],
    )
    reasons: dict[str, list[str]] = {}
    for entry in (result.experiment for result in results):
        if entry.expected:
            after = ", set afterwards" * entry.expected.afterwards
            reason = f"{_range(entry.expected)} %{after}: {entry.expected.reason}"
            reasons.setdefault(reason, []).append(entry.name)
    sources = [
        f"- {reason} ({f'`{names[0]}`' if len(names) == 1 else f'{len(names)} experiments'})"
        for reason, names in reasons.items()
    ]
    outside = [
        f"- `{result.experiment.name}` lies outside: {expected.explanation or 'not explained yet'}"
        for result in results
        if (expected := result.experiment.expected) and _mean(result) not in expected
    ]
    return "\n".join(
        [
            outcomes,
            "",
            *[*outside, ""] * bool(outside),
            "<details>",
            f"<summary>Runs on {dataset}: which images, where, when and how fast; what was "
            "expected</summary>",
            "",
            f"Data `{dataset}`: {data}.",
            "",
            *["Expected accuracies:", "", *sources, ""] * bool(sources),
            "Places:",
            "",
            *[f"- {letter}: {place}" for place, letter in letters.items()],
            "",
            "`cnnref run NAME --force` trains one again.",
            "",
            runs,
            "",
            "</details>",
        ]
    )


def result_markdown(result: Result) -> str:
    """A result in Markdown: its summary, its seeds with their provenance, and its command.

    Args:
        result: the records of an experiment.
    """
    entry, records, split = result.experiment, result.records, result.split
    metrics = {"accuracy": 4, "loss": 3}  # and how many places each is shown with
    if entry.metric == "loss":
        del metrics["accuracy"]
    recipe = ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in entry.fields["recipe"].items()
    )
    rows = [
        [
            str(record.seed),
            *(f"{record['final'][metric]:.{places}f}" for metric, places in metrics.items()),
            f"{record.seconds:.0f}",
            f"{record.images_per_second:.0f}",
            _machine(record),
            record["provenance"]["torch"],
            record["provenance"]["date"][:10],
        ]
        for record in records
    ]
    head = ["seed:", *(f"{split} {metric}:" for metric in metrics), "seconds:", "images/s:",
            "device", "torch", "date"]  # fmt: skip
    summary = []
    if len(records) > 1:
        found = {metric: result.interval(metric) for metric in metrics}
        told = [
            f"**{split} {metric}** {found[metric].mean:.{places}f}, {{}}"
            f"{found[metric].low:.{places}f} to {found[metric].high:.{places}f}"
            for metric, places in metrics.items()
        ]
        over = f"95 % interval over {len(records)} seeds "
        text = "; ".join([told[0].format(over), *(line.format("") for line in told[1:])])
        summary = [f"**{text[2].upper()}{text[3:]}.", ""]
    given = dict(entry.arguments) or "no arguments"
    return "\n".join(
        [
            f"**`{entry.name}`**: {entry.title}",
            "",
            *summary,
            _table(head, rows),
            "",
            f"- model `{entry.fields['model']}`, {given}; {recipe}",
            f"- data `{entry.fields['dataset']}`: {_data(records[0])}",
            *([] if entry.own else [f"- train again: `cnnref run {entry.name} --force`"]),
        ]
    )


def _parameters(entry: Experiment) -> int:
    """Number of trained parameters of an experiment's model."""
    with torch.device("meta"):  # shapes alone: nothing is allocated and nothing is drawn
        model = entry.build()
    return sum(parameter.numel() for parameter in model.parameters())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a heading that ends in a colon is that of numbers, set to the right."""
    lines = [
        [title.rstrip(":") for title in head],
        ["---:" if title.endswith(":") else "---" for title in head],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _mean(result: Result) -> float:
    return float(result.final("accuracy").mean())


def _accuracy(result: Result) -> str:
    """The mean in per cent, and the interval where there is one."""
    mean = f"{100 * _mean(result):.2f}"
    if len(result.records) == 1:
        return mean
    found = result.interval("accuracy")
    return f"{mean} [{100 * found.low:.2f}, {100 * found.high:.2f}]"


def _range(expected: Expectation) -> str:
    return f"{100 * expected.low:g} to {100 * expected.high:g}"


def _verdict(result: Result) -> str:
    """The expected range, whether the mean is in it, and whether the range came first."""
    expected = result.experiment.expected
    if expected is None:
        return "not stated"
    after = " (set afterwards)" * expected.afterwards
    return f"{_range(expected)}{after}: {'inside' if _mean(result) in expected else 'outside'}"


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
        f"{_machine(record)}; torch {made['torch']}{cuda}, Python {made['python']}, "
        f"cnnref {made['cnnref']}, {made['system']}"
    )


def _machine(record: Record) -> str:
    made = record["provenance"]
    processes = f"{made['processes']} processes of " if made.get("processes", 1) > 1 else ""
    count = made["threads"]
    return f"{made['device_name']}, {processes}{count} thread{'s' * (count > 1)}"


def _data(record: Record) -> str:
    data, split = record["dataset"], record.split
    return (
        f"{data['train_size']:,} training images, SHA-256 `{data['train_sha256'][:16]}`; "
        f"{data[f'{split}_size']:,} {split} images, SHA-256 `{data[f'{split}_sha256'][:16]}`"
    )


def _unique(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))
