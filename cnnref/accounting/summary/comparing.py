"""Two networks side by side, layer by layer, aligned by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

from torch import nn

from cnnref.accounting.summary.blocks import FIT, check_depth
from cnnref.accounting.summary.building import summarize
from cnnref.accounting.summary.columns import COLUMNS, OF_A_STEP, checked_columns
from cnnref.accounting.summary.network import Summary
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.summary.tables import Table, fitting
from cnnref.accounting.tracing.diagnosis import AccountingError

__all__ = ["Comparison", "compare"]

_COUNTS = ("parameters", "trainable", "buffers", "macs", "flops")
"""Columns of whole numbers, of which the difference is told."""

Pair = tuple[str, Layer | None, Layer | None]
"""A name, and the row that each of two networks has of that name."""


def compare(
    model: nn.Module | str | Summary,
    other: nn.Module | str | Summary,
    input_size: Any = None,
    **options: Any,
) -> Comparison:
    """Count two networks and set them side by side.

    Args:
        model: a network, the name of one, or its `Summary`.
        other: another, or its `Summary`.
        input_size: of both, as for `summarize`; not for a `Summary`.
        **options: as for `summarize`.

    Raises:
        AccountingError: one cannot be counted, or a size or options are given and nothing is to be
            counted.

    Examples:
        >>> from cnnref.models import PlainCNN, SkipCNN
        >>> both = compare(PlainCNN(), SkipCNN(), (3, 32, 32))
        >>> both.difference("parameters")
        27616
    """
    both = (model, other)
    if all(isinstance(one, Summary) for one in both) and (input_size is not None or options):
        raise AccountingError(
            "two summaries were counted before: compare them without a size and without options"
        )
    return Comparison(
        *(
            one if isinstance(one, Summary) else summarize(one, input_size, **options)
            for one in both
        )
    )


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two networks side by side; it prints as a table, and iterates over `pairs()`.

    Args:
        a: the summary of one.
        b: that of the other.
    """

    a: Summary
    b: Summary

    def pairs(self, depth: int | str | None = None) -> list[Pair]:
        """For each name the rows of both, `None` where one has no layer of that name.

        They stand in the order of the first, what only the other has behind what comes before it
        there. A layer that is called again is one of its own.

        Args:
            depth: as for `Summary.text`.
        """
        check_depth(depth)
        if depth == "auto":
            depths = range(max(self.a.deepest, self.b.deepest), 0, -1)
            few = (n for n in depths if len(self.pairs(n)) <= FIT)
            depth = None if len(self.pairs()) <= FIT else next(few, 1)
        left, right = (
            _by_name(one.collapsed(depth) if isinstance(depth, int) else one)
            for one in (self.a, self.b)
        )
        order, at = [*left], 0
        for key in right:
            if key in left:
                at = order.index(key) + 1
            else:
                order.insert(at, key)
                at += 1
        return [(key[0], left.get(key), right.get(key)) for key in order]

    def difference(self, column: str) -> int | None:
        """What the second network has more than the first, of `parameters`, `trainable`, `buffers`,
        `macs` or `flops`; `None` where one of both is only a lower bound.

        Raises:
            ValueError: there is no such column, or it holds no counts.
        """
        checked_columns([column])
        if column not in _COUNTS:
            raise ValueError(
                f"a difference is told of {', '.join(_COUNTS)}, and {column!r} is no count"
            )
        return _difference(self.a.whole, self.b.whole, column)

    @property
    def changed(self) -> list[str]:
        """The names of the layers that are not the same in both, or are in one alone."""
        return list(dict.fromkeys(name for name, one, other in self.pairs() if one != other))

    def __iter__(self) -> Iterator[Pair]:
        """The pairs."""
        return iter(self.pairs())

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.pairs())

    def text(
        self,
        depth: int | str | None = "auto",
        columns: Sequence[str] = ("parameters", "macs", "receptive_field"),
        changed: bool = False,
    ) -> str:
        """A table for the terminal: for each column both values, and of counts their difference.

        Args:
            depth: as for `Summary.text`.
            columns: as for `Summary.text`.
            changed: only the layers that are not the same in both.
        """
        return self._table(depth, columns, changed).text(self._headings(), totals=1)

    def fitted(self, depth: int | str | None = "auto", changed: bool = False) -> str:
        """`text` with as many columns as fit into the terminal, all where there is none.

        Args:
            depth: as for `text`.
            changed: as for `text`.
        """
        shown = ("parameters", "macs", "receptive_field")
        return fitting(
            partial(self.text, depth, shown[:n], changed) for n in range(len(shown), 0, -1)
        )

    def to_markdown(
        self,
        depth: int | str | None = "auto",
        columns: Sequence[str] = ("parameters", "macs", "receptive_field"),
        changed: bool = False,
    ) -> str:
        """A table for Markdown. Arguments as those of `text`."""
        told = "  \n".join(self._headings())
        return f"{told}\n\n{self._table(depth, columns, changed).markdown()}"

    def to_dict(self) -> dict[str, Any]:
        """Everything, in values that JSON knows."""
        return {
            "a": self.a.to_dict(),
            "b": self.b.to_dict(),
            "differences": {column: self.difference(column) for column in _COUNTS},
            "changed": self.changed,
        }

    def _headings(self) -> list[str]:
        return [f"A: {self.a.heading}", f"B: {self.b.heading}"]

    def _table(self, depth: int | str | None, columns: Sequence[str], changed: bool) -> Table:
        """The rows, the totals last."""
        if not OF_A_STEP.isdisjoint(columns) and None in (self.a.recomputed, self.b.recomputed):
            both = replace(self, a=self.a.with_backward(), b=self.b.with_backward())
            return both._table(depth, columns, changed)
        chosen = [name for name in checked_columns(columns) if name != "name"]
        head, right = ["layer"], [False]
        for name in chosen:
            column = COLUMNS[name]
            head += [f"A {column.title}", f"B {column.title}"]
            right += [column.right] * 2
            if name in _COUNTS:
                head.append("B - A")
                right.append(True)
        pairs = [pair for pair in self.pairs(depth) if not changed or pair[1] != pair[2]]
        rows = [self._row(name or "(model)", one, other, chosen) for name, one, other in pairs]
        total = self._row("total", self.a.whole, self.b.whole, chosen, counts_alone=True)
        return Table(head, right, [*rows, total])

    def _row(
        self,
        name: str,
        one: Layer | None,
        other: Layer | None,
        columns: Sequence[str],
        counts_alone: bool = False,
    ) -> list[str]:
        cells = [name]
        for column in columns:
            told = COLUMNS[column].text
            if counts_alone and column not in _COUNTS:
                cells += ["", ""]
                continue
            cells.append("" if one is None else told(one, self.a.whole))
            cells.append("" if other is None else told(other, self.b.whole))
            if column in _COUNTS:
                apart = _difference(one, other, column)
                cells.append("" if not apart else f"{apart:+,}")
        return cells

    def __repr__(self) -> str:
        """What they are, in one line."""
        return (
            f"<Comparison of {self.a.model} and {self.b.model}: {len(self)} layers, of which "
            f"{len(self.changed)} differ>"
        )

    def __str__(self) -> str:
        """A table for the terminal; on one that is too narrow, of as many columns as fit."""
        return self.fitted()

    def _repr_html_(self) -> str:
        table = self._table("auto", ("parameters", "macs", "receptive_field"), False)
        return "".join(f"<p>{escape(each)}</p>" for each in self._headings()) + table.html()


def _by_name(summary: Summary) -> Mapping[tuple[str, int], Layer]:
    """Rows by their names and how often that name stood before."""
    found: dict[tuple[str, int], Layer] = {}
    times: dict[str, int] = {}
    for row in summary:
        times[row.name] = times.get(row.name, -1) + 1
        found[row.name, times[row.name]] = row
    return found


def _difference(one: Layer | None, other: Layer | None, column: str) -> int | None:
    """What the second has more; nothing where one of both is not known."""
    if column in ("macs", "flops") and any(
        row is not None and row.macs_status != "complete" for row in (one, other)
    ):
        return None
    first, second = (0 if row is None else getattr(row, column) or 0 for row in (one, other))
    return int(second - first)
