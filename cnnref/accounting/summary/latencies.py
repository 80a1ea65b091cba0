"""How long the calls of a network took, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cnnref.accounting.summary.blocks import ancestors
from cnnref.accounting.summary.tables import Table, preformatted
from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.errors import unknown

__all__ = ["Latency", "Timed"]


@dataclass(frozen=True, repr=False)
class Timed:
    """How long one call of a module took.

    Args:
        name: of the module, as a summary has it; empty for the whole network.
        kind: its class.
        leaf: whether a summary tells it as one layer.
        seconds: of each repeat, with all that it calls.
    """

    name: str
    kind: str
    leaf: bool
    seconds: tuple[float, ...]

    def __repr__(self) -> str:
        """What it is, in one line."""
        return f"<Timed {self.name!r}: {self.kind}, {1e3 * self.median:.3f} ms>"

    @property
    def median(self) -> float:
        """Seconds that half of the repeats took less than."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Seconds that a quarter of the repeats took less than, and a quarter more than."""
        if len(self.seconds) == 1:
            return self.seconds * 2
        first, _, third = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return first, third


@dataclass(frozen=True, repr=False)
class Latency(Mapping[str, Timed]):
    """How long a network took. `latency["layer4"]` is the row of a block or of a layer; of one that
    is called several times, the first.

    Args:
        model: its class.
        inputs: the shape of each input.
        device: where it ran.
        whole: the network, timed alone: nothing is measured inside it meanwhile.
        calls: each call of a module, in the order in which they began.
    """

    model: str
    inputs: tuple[tuple[int, ...], ...]
    device: str
    whole: Timed
    calls: tuple[Timed, ...]

    def __getitem__(self, name: str) -> Timed:
        """The row of a module."""
        for call in (self.whole, *self.calls):
            if call.name == name:
                return call
        raise AccountingError(unknown("layer", name, [call.name for call in self.calls]))

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(dict.fromkeys(call.name for call in (self.whole, *self.calls)))

    def __len__(self) -> int:
        """How many names there are."""
        return len({call.name for call in (self.whole, *self.calls)})

    def rows(self, depth: int | None = None) -> list[Timed]:
        """The layers; or the blocks of a depth, and layers that are in none.

        Args:
            depth: parts of a name that are told apart; `None`: all.
        """
        if depth is None:
            return [call for call in self.calls if call.leaf]
        blocks = {call.name for call in self.calls if _depth(call.name) == depth}
        return [
            call for call in self.calls
            if call.name in blocks or (call.leaf and blocks.isdisjoint(ancestors(call.name)))
        ]  # fmt: skip

    def text(self, depth: int | None = None) -> str:
        """A table in milliseconds: for each row the median, the quartiles and the share of the
        whole. What a network does between its layers stands in no row.

        Args:
            depth: as for `rows`.
        """
        titles = ("layer", "kind", "median", "quartiles", "share")
        rows = [self._line(row, row.name) for row in self.rows(depth)]
        total = self._line(self.whole, "whole network")
        table = Table(titles, (False, False, True, True, True), [*rows, total])
        shapes = ", ".join("x".join(map(str, shape)) for shape in self.inputs)
        repeats = len(self.whole.seconds)
        heading = f"{self.model} on {shapes}, {self.device}: milliseconds, {repeats} repeats"
        return table.text([heading], totals=1)

    def to_dict(self) -> dict[str, Any]:
        """Everything, in values that JSON knows."""
        return asdict(self)

    def _line(self, row: Timed, name: str) -> tuple[str, ...]:
        first, third = row.quartiles
        share = f"{100 * row.median / self.whole.median:.1f} %" if self.whole.median else ""
        spread = f"{1e3 * first:.3f} to {1e3 * third:.3f}"
        return name, row.kind, f"{1e3 * row.median:.3f}", spread, share

    def __repr__(self) -> str:
        """What it is, in one line."""
        layers, repeats = len(self.rows()), len(self.whole.seconds)
        return (
            f"<Latency of {self.model} on {self.device}: {1e3 * self.whole.median:.3f} ms; "
            f"layers: {layers}, repeats: {repeats}>"
        )

    def __str__(self) -> str:
        """The table."""
        return self.text()

    def _repr_html_(self) -> str:
        return preformatted(self.text())


def _depth(name: str) -> int:
    return name.count(".") + 1
