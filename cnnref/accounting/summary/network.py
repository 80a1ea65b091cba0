"""What a whole network is: its rows, their totals, and all that they can be turned into."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.summary import tables
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.errors import unknown

__all__ = ["Summary"]


@dataclass(frozen=True)
class Summary:
    """What a network is.

    Args:
        model: its class.
        inputs: the shape of each input, by name or number.
        layers: one for each layer, in the order of the calls; those not called come last.
        blocks: for each module that has modules, by name, its own row: what goes out of it.
        notes: what a reader has to know: joins that are not aligned, layers that were not called.
    """

    model: str
    inputs: Mapping[str, tuple[int, ...]]
    layers: tuple[Layer, ...]
    blocks: Mapping[str, Layer]
    notes: tuple[str, ...] = ()

    @property
    def total_parameters(self) -> int:
        """All parameters, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def total_trainable(self) -> int:
        """Those that ask for a gradient."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def total_buffers(self) -> int:
        """All buffers."""
        return sum(layer.buffers for layer in self.layers)

    @property
    def total_macs(self) -> int:
        """All multiply-accumulates that could be counted; see `macs_status`."""
        return sum(layer.macs or 0 for layer in self.layers)

    @property
    def total_flops(self) -> int:
        """Floating-point operations of the MACs: two for each."""
        return 2 * self.total_macs

    @property
    def total_extras(self) -> Extras:
        """All operations outside the MACs."""
        return sum((layer.extras for layer in self.layers), Extras())

    @property
    def macs_status(self) -> str:
        """ "complete", or "partial" (a lower bound) if an operator could not be counted."""
        complete = all(layer.macs_status == "complete" for layer in self.layers)
        return "complete" if complete else "partial"

    def __getitem__(self, name: str) -> Layer:
        """The first row of that name, or the block."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        if name in self.blocks:
            return self.blocks[name]
        raise AccountingError(unknown("layer", name, [layer.name for layer in self.layers]))

    def collapsed(self, depth: int) -> Summary:
        """With the layers of each block of that depth added up into one row.

        Args:
            depth: parts of a name that are kept: at 1, `layer1.0.conv1` becomes part of `layer1`.

        Raises:
            ValueError: `depth` is below 1.
        """
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        rows: dict[str, list[Layer]] = {}
        for layer in self.layers:
            path = layer.name.split(":")[0].split(".")
            deep = len(path) > depth or (":" in layer.name and len(path) == depth and path[0])
            rows.setdefault(".".join(path[:depth]) if deep else layer.name, []).append(layer)
        return replace(
            self, layers=tuple(_added(self.blocks.get(name), rows[name]) for name in rows)
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, in values that JSON knows; fractions become numbers."""
        return {
            "model": self.model,
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "total_parameters": self.total_parameters,
            "total_trainable": self.total_trainable,
            "total_buffers": self.total_buffers,
            "total_macs": self.total_macs,
            "total_flops": self.total_flops,
            "macs_status": self.macs_status,
            "total_extras": asdict(self.total_extras),
            "layers": [_jsonable(layer.values()) for layer in self.layers],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1)

    def to_csv(self) -> str:
        """One line for each layer, numbers bare, axes separated by `x`."""
        return tables.as_csv(self)

    def to_markdown(self) -> str:
        """A table for Markdown, its totals below."""
        return tables.as_markdown(self)

    def to_frame(self) -> Any:
        """A pandas data frame, one row for each layer.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas: pip install pandas; to_dict and to_csv do without"
            ) from error
        return pd.DataFrame([layer.values() for layer in self.layers]).set_index("name")

    def __str__(self) -> str:
        """A table for the terminal, its totals and notes below."""
        return tables.as_text(self)

    def _repr_html_(self) -> str:
        return tables.as_html(self)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value) if value.denominator != 1 else int(value)
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value


def _added(block: Layer | None, rows: Sequence[Layer]) -> Layer:
    """One row for the layers of a block: their sums, and what goes out of it."""
    if block is None and len(rows) == 1:
        return rows[0]
    out = block or next((row for row in reversed(rows) if row.output_shape), rows[-1])
    counted = [row.macs for row in rows if row.macs is not None]
    complete = all(row.macs_status == "complete" for row in rows)
    return replace(
        out,
        parameters=sum(row.parameters for row in rows),
        trainable=sum(row.trainable for row in rows),
        buffers=sum(row.buffers for row in rows),
        macs=sum(counted) if counted else None,
        macs_status="complete" if complete else ("partial" if counted else "unavailable"),
        extras=sum((row.extras for row in rows), Extras()),
        uncounted=tuple(sorted({name for row in rows for name in row.uncounted})),
    )
