"""Which trainings a picture shows, as their records tell it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cnnref.experiments import Record, Result

__all__ = ["records_in", "trainings"]


def records_in(trained: Result | Record | Iterable[Any]) -> Iterator[Record]:
    """Every record in results, in records, or in lists and dictionaries of them.

    Args:
        trained: any of these, however nested.

    Raises:
        TypeError: there is something else in it.
    """
    match trained:
        case Record():
            yield trained
        case Result():
            yield from trained.records
        case Mapping():
            yield from records_in(trained.values())
        case Iterable() if not isinstance(trained, str):
            for part in trained:
                yield from records_in(part)
        case _:
            raise TypeError(
                f"what run(...) returned has records, a {type(trained).__name__} has none"
            )


def trainings(records: Iterable[Record]) -> list[dict[str, Any]]:
    """For each experiment its name, and the seeds, devices and days of its records.

    Args:
        records: of any number of experiments; one that is there twice counts once.
    """
    by_name: dict[str, dict[int, Record]] = {}
    for record in records:
        by_name.setdefault(record["name"], {})[record.seed] = record
    return [
        {
            "experiment": name,
            "seeds": sorted(by_seed),
            "devices": sorted({r["provenance"]["device_name"] for r in by_seed.values()}),
            "dates": sorted({r["provenance"]["date"][:10] for r in by_seed.values()}),
        }
        for name, by_seed in by_name.items()
    ]
