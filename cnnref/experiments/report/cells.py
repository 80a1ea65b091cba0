"""What the tables of a report are made of: Markdown, and what is told of results and records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cnnref.experiments.record import Record
from cnnref.experiments.runner import Result

__all__ = ["data_of", "each_once", "machine_of", "mean_accuracy", "table_of", "told_accuracy"]


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a heading that ends in a colon is that of numbers, set to the right."""
    lines = [
        [title.rstrip(":") for title in head],
        ["---:" if title.endswith(":") else "---" for title in head],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def mean_accuracy(result: Result) -> float:
    """Over the seeds, as a share."""
    return float(result.final("accuracy").mean())


def told_accuracy(result: Result) -> str:
    """The mean in per cent, and the interval where there is one."""
    mean = f"{100 * mean_accuracy(result):.2f}"
    if len(result.records) == 1:
        return mean
    found = result.interval("accuracy")
    return f"{mean} [{100 * found.low:.2f}, {100 * found.high:.2f}]"


def machine_of(record: Record) -> str:
    """What it was made on: processor or GPU, processes and threads."""
    made = record["provenance"]
    processes = f"{made['processes']} processes of " if made.get("processes", 1) > 1 else ""
    count = made["threads"]
    return f"{made['device_name']}, {processes}{count} thread{'s' * (count > 1)}"


def data_of(record: Record) -> str:
    """How many images there were, and the beginnings of their digests."""
    data, split = record["dataset"], record.split
    return (
        f"{data['train_size']:,} training images, SHA-256 `{data['train_sha256'][:16]}`; "
        f"{data[f'{split}_size']:,} {split} images, SHA-256 `{data[f'{split}_sha256'][:16]}`"
    )


def each_once(texts: Iterable[str]) -> str:
    """In the order in which they come first."""
    return "; ".join(dict.fromkeys(texts))
