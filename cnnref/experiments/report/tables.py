"""Tables of some results, comparisons or claims, for the chapters and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.claims import CLAIMS, Claim
from cnnref.experiments.report.cells import data_of, each_once, machine_of, table_of, told_accuracy
from cnnref.experiments.runner import Result
from cnnref.experiments.verdicts import Comparison

__all__ = ["claims_markdown", "comparison_markdown", "comparisons_markdown", "result_markdown"]


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
            told_accuracy(result),
            f"{result.final('loss').mean():.3f}",
            f"{_parameters(result.experiment):,}",
        ]
        for name, result in named
    ]
    records = [record for _, result in named for record in result.records]
    if not all("processor_seconds" in record["history"] for record in records):
        return table_of(head, rows)
    for row, (_, result) in zip(rows, named, strict=True):
        row.append(f"{result.history('processor_seconds').mean():.1f}")
    table = table_of([*head, "core-seconds per epoch:"], rows)
    return f"{table}\n\nTimes are of {each_once(map(machine_of, records))}."


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
    sources = each_once(found.sources for _, found in listed)
    return f"{table_of(head, rows)}\n\nThe intervals allow for chance in {sources}."


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
        parts += [group, table_of(["the book says", "the records show"], rows)]
    return "\n\n".join(parts)


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
            machine_of(record),
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
            table_of(head, rows),
            "",
            f"- model `{entry.fields['model']}`, {given}; {recipe}",
            f"- data `{entry.fields['dataset']}`: {data_of(records[0])}",
            *([] if entry.own else [f"- train again: `cnnref run {entry.name} --force`"]),
        ]
    )


def _parameters(entry: Experiment) -> int:
    """Number of trained parameters of an experiment's model."""
    with torch.device("meta"):  # shapes alone: nothing is allocated and nothing is drawn
        model = entry.build()
    return sum(parameter.numel() for parameter in model.parameters())
