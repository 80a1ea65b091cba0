"""One row of a summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import torch

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.receptive_fields.axis import AxisField

__all__ = ["VALUES", "Layer"]

VALUES = (
    "name", "kind", "input_shape", "output_shape", "kernel", "stride", "dtype", "parameters",
    "trainable", "buffers", "macs", "macs_status", "flops", "backward_macs", "extras", "uncounted",
    "parameter_bytes", "output_bytes", "saved_bytes",
    "receptive_field", "support", "jump", "start", "clipped", "seen", "field_status", "reason",
    "field_inputs", "receptive_field_without_gates", "jump_without_gates", "reused",
)  # fmt: skip
"""What a row says."""


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """One row: a layer, or a function that the network calls between its layers.

    Args:
        name: the module's name; a function's is the name of the module that calls it, a colon and
            its own.
        kind: the class, or the function.
        output_shape: of the first result, the batch included; `None` if the layer was not called.
        parameters: numbers that it owns; a tensor that several layers share counts at the first.
        trainable: those of them that ask for a gradient.
        buffers: numbers that it keeps and does not learn.
        macs: multiply-accumulates of the whole batch; a lower bound where `macs_status` is
            "partial", `None` where it is "unavailable".
        macs_status: "complete", "partial" or "unavailable".
        extras: operations outside the MACs.
        uncounted: operators without a formula.
        reused: whether the layer was called before.
        fields: what its units see along each axis of the input, in full.
        input_shape: of the first tensor that it was called with.
        kernel: of its window, one number for each axis; `None` if it has none, or several.
        stride: of its window.
        dtype: of the first result, as torch calls it: `float32`.
        axes: for each of `fields` the name of the input, and the positions that it has.
        ungated: `fields` and `axes` without gates, where a gate was met; see `without_gates`.
        parameter_bytes: of the parameters.
        backward_macs: multiply-accumulates of the backward pass; `None` unless it was asked for,
            see `Summary.with_backward`.
        saved_bytes: what autograd keeps for the backward pass of this layer, and for none before
            it; inputs, parameters and buffers left out. `None` unless it was asked for.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int = 0
    trainable: int = 0
    buffers: int = 0
    macs: int | None = 0
    macs_status: str = "complete"
    extras: Extras = field(default_factory=Extras)
    uncounted: tuple[str, ...] = ()
    reused: bool = False
    fields: tuple[AxisField, ...] = field(default=(), compare=False)
    input_shape: tuple[int, ...] | None = None
    kernel: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    dtype: str = ""
    axes: tuple[tuple[str, int], ...] = ()
    ungated: tuple[tuple[AxisField, ...], tuple[tuple[str, int], ...]] | None = field(
        default=None, compare=False
    )
    parameter_bytes: int = 0
    backward_macs: int | None = None
    saved_bytes: int | None = None

    def _measures(self) -> list[tuple[int, int, int | Fraction, Fraction]]:
        """`AxisField.measures` for each axis; nothing if one has none."""
        found = [each.measures() for each in self.fields]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else []

    @property
    def receptive_field(self) -> tuple[int, ...] | None:
        """For each axis of the input the positions from the first to the last that one unit can
        see, were the input endless; `None` where none is defined, see `reason`."""
        return tuple(each[0] for each in self._measures()) or None

    @property
    def support(self) -> tuple[int, ...] | None:
        """The positions in between that it does see; fewer where dilation leaves holes."""
        return tuple(each[1] for each in self._measures()) or None

    @property
    def jump(self) -> tuple[int | Fraction, ...] | None:
        """For each axis the distance in the input between the fields of neighbouring units."""
        return tuple(each[2] for each in self._measures()) or None

    @property
    def start(self) -> tuple[Fraction, ...] | None:
        """For each axis the middle of unit 0's field, in positions from 0."""
        return tuple(each[3] for each in self._measures()) or None

    @property
    def clipped(self) -> tuple[int, ...] | None:
        """The same as `receptive_field`, on the real input: the most that any unit sees, from the
        first position to the last. Where padding goes round, a unit at the border sees a few at
        both ends, so that this may be all. A bound, which no unit exceeds, unless `field_status` is
        "complete"."""
        return tuple(each.clipped for each in self.fields) or None

    @property
    def seen(self) -> tuple[tuple[int, int], ...] | None:
        """For each axis the first and last position of the real input that any unit sees. Bounds,
        outside of which none sees anything, if `field_status` is "unavailable"."""
        return tuple(each.whole for each in self.fields) or None

    @property
    def field_status(self) -> str:
        """ "complete": all that is said of the field is exact. "partial": positions were
        rearranged, so that what one unit sees is known only to lie in what all see together: of
        patches in a row behind a class token, for one, up to the first attention.
        "unavailable": after an operator without a rule, bounds are all there is."""
        if not all(each.known for each in self.fields):
            return "unavailable"
        return "partial" if any(each.loose for each in self.fields) else "complete"

    @property
    def reason(self) -> str:
        """Why there is no receptive field."""
        return next((each.reason for each in self.fields if each.reason), "")

    @property
    def flops(self) -> int | None:
        """Floating-point operations of the MACs: two for each."""
        return None if self.macs is None else 2 * self.macs

    @property
    def output_bytes(self) -> int | None:
        """Bytes of the first result; `None` if the layer was not called."""
        if self.output_shape is None or not self.dtype:
            return None
        kind: torch.dtype = getattr(torch, self.dtype)
        return prod(self.output_shape) * kind.itemsize

    @property
    def field_inputs(self) -> tuple[str, ...]:
        """The name of the input of each axis that the field is told of."""
        return tuple(name for name, _ in self.axes)

    @property
    def without_gates(self) -> Layer:
        """The row as it would be if gates were constants, for its field, jump, `seen` and all else
        that is said of fields.

        A gate scales many entries alike: a factor of an elementwise product that is repeated along
        an axis or along the channels (squeeze-and-excitation, global response normalisation,
        attention gates), and the statistics of a normalisation.
        """
        if self.ungated is None:
            return self
        fields, axes = self.ungated
        return replace(self, fields=fields, axes=axes, ungated=None)

    @property
    def receptive_field_without_gates(self) -> tuple[int, ...] | None:
        """`receptive_field` if gates were constants, see `without_gates`."""
        return self.without_gates.receptive_field

    @property
    def jump_without_gates(self) -> tuple[int | Fraction, ...] | None:
        """`jump` if gates were constants, see `without_gates`."""
        return self.without_gates.jump

    def __repr__(self) -> str:
        """What it is, in one line."""
        shape = "not called" if self.output_shape is None else f"{self.output_shape}"
        macs = "MACs unknown" if self.macs is None else f"{self.macs:,} MACs"
        return (
            f"<Layer {self.name!r}: {self.kind}, {shape}, {self.parameters:,} parameters, {macs}>"
        )

    def __eq__(self, other: object) -> bool:
        """Whether two rows say the same."""
        return self.values() == other.values() if isinstance(other, Layer) else NotImplemented

    def __hash__(self) -> int:
        """By what names it."""
        return hash((self.name, self.kind, self.output_shape))

    def values(self) -> dict[str, Any]:
        """What it says by name, in the order of a table's columns."""
        return {name: getattr(self, name) for name in VALUES} | {"extras": asdict(self.extras)}
