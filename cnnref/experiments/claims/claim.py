"""A claim is a value: one sentence of the book, and what records must show for it to hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from cnnref.errors import unknown
from cnnref.experiments.comparison import compare
from cnnref.experiments.runner import run
from cnnref.experiments.verdicts import VERDICTS, Comparison

__all__ = ["VERDICTS", "Claim", "Finding"]


class Finding(NamedTuple):
    """What the records say of a claim."""

    holds: bool
    shows: str
    """What they show, in a few words with numbers."""
    comparison: Comparison | None = None
    """The comparison that it rests on, if it rests on one."""


@dataclass(frozen=True)
class Claim:
    """One thing that the book says of the outcome of trainings, which are a matter of chance.

    With the packaged records every claim holds. Other seeds, or another machine, may show something
    else; a page then says so, where a failed assertion would leave no book.

    Args:
        name: lower-case words joined by hyphens, by which a chapter asks for it.
        chapter: the document that makes it: `"learning-rates"`.
        text: the claim in one plain sentence.
        look: reads the records and says what they show.
    """

    name: str
    chapter: str
    text: str
    look: Callable[[], Finding]

    @classmethod
    def comparing(
        cls,
        name: str,
        chapter: str,
        text: str,
        first: str,
        second: str,
        says: str,
        metric: str = "accuracy",
        **options: Any,
    ) -> Claim:
        """That one experiment's metric is higher or lower than another's, or cannot be told apart.

        Args:
            name: of the claim.
            chapter: that makes it.
            text: the claim in one sentence.
            first: an experiment of the catalogue.
            second: another.
            says: one of `VERDICTS`, of the first.
            metric: as `compare` takes it.
            **options: of `compare`.

        Raises:
            ValueError: `says` is no verdict.
        """
        if says not in VERDICTS:
            raise ValueError(unknown("verdict", says, VERDICTS))
        return cls(name, chapter, text, partial(_compare, first, second, says, metric, **options))


def _compare(first: str, second: str, says: str, metric: str, **options: Any) -> Finding:
    found = compare(run(first, mode="stored"), run(second, mode="stored"), metric, **options)
    return Finding(found.verdict == says, found.words(), found)
