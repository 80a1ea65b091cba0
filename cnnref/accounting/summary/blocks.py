"""Blocks: rows that hold the totals of what is inside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.summary.rows import Layer

__all__ = [
    "FIT",
    "Blocks",
    "added",
    "ancestors",
    "block_row",
    "check_depth",
    "collapsed",
    "grouped",
]

FIT = 40
"""Rows that fit a screen."""


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


def block_row(blocks: Mapping[str, Layer], name: str, rows: Sequence[Layer]) -> Layer:
    """One row for several, with what goes out of the block of that name."""
    head = blocks.get(name)
    return added(None if head is None else replace(head, reused=False), rows)


def grouped(
    blocks: Mapping[str, Layer], layers: Sequence[Layer], depth: int
) -> list[tuple[str, list[Layer]]]:
    """Rows in groups: those in one block of a depth together, with its name, and every other alone,
    with its own.

    Args:
        blocks: by name.
        layers: the rows.
        depth: parts of a name that are told apart.
    """
    groups: list[tuple[str, list[Layer]]] = []
    of_block: dict[str, list[Layer]] = {}
    for layer in layers:
        path = layer.name.split(":")[0].split(".")
        deep = len(path) > depth or (":" in layer.name and len(path) == depth and path[0])
        name = ".".join(path[:depth]) if deep else layer.name
        if not deep and name not in blocks:
            groups.append((name, [layer]))
        elif name in of_block:
            of_block[name].append(layer)
        else:
            of_block[name] = [layer]
            groups.append((name, of_block[name]))
    return groups


def collapsed(
    blocks: Mapping[str, Layer], layers: Sequence[Layer], depth: int
) -> tuple[Layer, ...]:
    """Rows with those in one block of a depth added up into one; arguments as of `grouped`."""
    return tuple(
        rows[0] if len(rows) == 1 and rows[0].name == name else block_row(blocks, name, rows)
        for name, rows in grouped(blocks, layers, depth)
    )


def as_done(layers: Sequence[Layer]) -> list[Layer]:
    """Rows in the order in which they are done: what a block does itself, with the last row that
    is in the block."""
    last: dict[str, int] = {}
    for place, layer in enumerate(layers):
        last.update((name, place) for name in ancestors(layer.name) if name != layer.name)
    done = sorted(
        enumerate(layers),
        key=lambda each: (max(each[0], last.get(each[1].name, 0)), -each[0]),
    )
    return [layer for _, layer in done]


def check_depth(depth: int | str | None) -> None:
    """Nothing, if it says how deep blocks are told apart.

    Raises:
        ValueError: it does not.
    """
    whole = isinstance(depth, int) and not isinstance(depth, bool)
    if not (whole or depth is None or depth == "auto"):
        raise ValueError(f"depth must be a whole number, 'auto' or None for all, got {depth!r}")
    if isinstance(depth, int) and depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")


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
