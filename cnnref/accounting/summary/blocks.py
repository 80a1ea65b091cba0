"""Blocks: rows that hold the totals of what is inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.summary.rows import Layer

__all__ = ["Blocks", "added", "ancestors"]


def ancestors(name: str) -> Iterator[str]:
    """The names of the blocks that a row of that name is in, the whole network first; its own too,
    as a row of what a block does itself has the block's name."""
    yield ""
    path = name.partition(":")[0]
    place = path.find(".")
    while place >= 0:
        yield path[:place]
        place = path.find(".", place + 1)
    if path:
        yield path


def added(head: Layer | None, rows: Sequence[Layer]) -> Layer:
    """One row for several: their sums, and what goes out of the block.

    Args:
        head: what is known of the block itself; where it was not called, and for `None`, what goes
            out of it is what goes out of the last row.
        rows: at least one.
    """
    if head is None and len(rows) == 1:
        return rows[0]
    last = next((row for row in reversed(rows) if row.output_shape), rows[-1])
    out = head or last
    if out.output_shape is None:
        out = replace(
            last, name=out.name, kind=out.kind, kernel=None, stride=None, reused=False,
            input_shape=rows[0].input_shape,
        )  # fmt: skip
    counted = [row.macs for row in rows if row.macs is not None]
    complete = all(row.macs_status == "complete" for row in rows)
    extras = [row.extras for row in rows if row.extras is not _NONE]
    back = [row.backward_macs for row in rows if row.backward_macs is not None]
    saved = [row.saved_bytes for row in rows if row.saved_bytes is not None]
    return replace(
        out,
        parameters=sum(row.parameters for row in rows),
        trainable=sum(row.trainable for row in rows),
        buffers=sum(row.buffers for row in rows),
        macs=sum(counted) if counted else None,
        macs_status="complete" if complete else ("partial" if counted else "unavailable"),
        extras=sum(extras, Extras()),
        uncounted=tuple(sorted({name for row in rows for name in row.uncounted})),
        parameter_bytes=sum(row.parameter_bytes for row in rows),
        backward_macs=sum(back) if back else None,
        saved_bytes=sum(saved) if saved else None,
    )


_NONE = Extras()


class Blocks(Mapping[str, Layer]):
    """For each module that has modules, by name, a row with the totals of all inside it.

    Args:
        heads: what goes out of each, without totals.
        layers: all rows.
    """

    def __init__(self, heads: Mapping[str, Layer], layers: Sequence[Layer]) -> None:
        self._heads, self._layers = dict(heads), layers
        self._inside: dict[str, list[Layer]] = {}
        self._known: dict[str, Layer] = {}

    def inside(self, name: str) -> Sequence[Layer]:
        """The rows that a block adds up."""
        if not self._inside:
            for layer in self._layers:
                for block in ancestors(layer.name):
                    self._inside.setdefault(block, []).append(layer)
        return self._inside.get(name, ())

    def __getitem__(self, name: str) -> Layer:
        """The row of a block; it is added up when it is first asked for."""
        head = self._heads[name]
        if name not in self._known:
            rows = self.inside(name)
            self._known[name] = added(head, rows) if rows else head
        return self._known[name]

    def of(self, layers: Sequence[Layer]) -> Blocks:
        """The same blocks, of rows that say more."""
        return Blocks(self._heads, layers)

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._heads)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._heads)
