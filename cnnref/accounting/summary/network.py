"""What a whole network is: its rows, their totals, and all that they can be turned into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from math import prod
from operator import ge
from typing import Any, overload

import torch

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.summary.again import Again
from cnnref.accounting.summary.backward import with_step
from cnnref.accounting.summary.blocks import (
    FIT,
    Blocks,
    as_done,
    block_row,
    check_depth,
    collapsed,
    grouped,
)
from cnnref.accounting.summary.columns import (
    COLUMNS,
    OF_A_STEP,
    SHOWN,
    checked_columns,
    times,
    totals,
)
from cnnref.accounting.summary.memory import Memory, Optimizer, measured
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.summary.tables import Table, fitting
from cnnref.accounting.summary.unfolding import as_html
from cnnref.accounting.summary.values import as_csv, as_dict, as_frame
from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.errors import unknown

__all__ = ["Summary"]

_OWN = "own"
"""Stands for the depth that a summary was made with."""


@dataclass(frozen=True, repr=False)
class Summary:
    """What a network is.

    It prints as a table, shows as one in notebooks, and is a sequence of its rows: `len(summary)`,
    `for layer in summary`, `"layer1.0.conv1" in summary`, `summary["layer1.0.conv1"]`.

    Args:
        model: its class.
        inputs: the shape of each input, by name or number.
        layers: one for each layer, in the order of the calls; those not called come last.
        blocks: for each module that has modules, by name, a row with the totals of all in it, and
            what goes out of it; of a container that is not called itself, what goes out of its last
            layer.
        notes: what a reader has to know: joins that are not aligned, layers that were not called.
        device: where it was counted.
        depth: how deep blocks are told apart where it is shown, see `text`.
        columns: the columns that are shown, see `text`.
        again: the network, for what is asked of it later. It lives as long as its summary:
            `dataclasses.replace(summary, again=None)` lets it go, as `pickle` and `deepcopy` do.
        recomputed: MACs of the backward pass that no row has, such as those of checkpoints.
    """

    model: str
    inputs: Mapping[str, tuple[int, ...]]
    layers: tuple[Layer, ...]
    blocks: Mapping[str, Layer]
    notes: tuple[str, ...] = ()
    device: str = "meta"
    depth: int | str | None = "auto"
    columns: tuple[str, ...] = SHOWN
    again: Again | None = field(default=None, repr=False, compare=False)
    recomputed: int | None = None

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

    @cached_property
    def whole(self) -> Layer:
        """A row with the totals of all rows."""
        return Layer(
            "total", self.model, None, self.total_parameters, self.total_trainable,
            self.total_buffers, self.total_macs, self.macs_status, self.total_extras,
            tuple(sorted({name for layer in self.layers for name in layer.uncounted})),
        )  # fmt: skip

    @property
    def heading(self) -> str:
        """What was counted, and on which input."""
        shapes = ", ".join(f"{name} {times(shape)}" for name, shape in self.inputs.items())
        return f"{self.model} on {shapes}"

    @property
    def deepest(self) -> int:
        """Parts of the longest name of a row."""
        return max((layer.name.count(".") for layer in self.layers), default=0) + 1

    @property
    def total_backward_macs(self) -> int:
        """Multiply-accumulates of a backward pass from all results: for each product as many again
        for each operand that needs a gradient. Asked for the first time, it takes a step, see
        `with_backward`."""
        stepped = self.with_backward()
        return sum(layer.backward_macs or 0 for layer in stepped.layers) + (stepped.recomputed or 0)

    @property
    def training_macs(self) -> int:
        """Multiply-accumulates of a training step, forward and back."""
        return self.total_macs + self.total_backward_macs

    @property
    def training_flops(self) -> int:
        """Floating-point operations of these: two for each."""
        return 2 * self.training_macs

    def with_backward(self) -> Summary:
        """The same, its rows with `backward_macs` and `saved_bytes`.

        The network runs again, with autograd at work, in the mode in which it was counted: dropout,
        for one, keeps its mask in training mode alone. Columns that show these numbers ask for it
        themselves.

        Raises:
            AccountingError: the network is not at hand; or it calls an operator that runs functions
                of its own, such as `torch.cond`, whose backward pass is made by torch's compiler.
        """
        return self if self.recomputed is not None else self._stepped

    @cached_property
    def _stepped(self) -> Summary:
        step = self._network().step(peak=False)
        layers = with_step(self.layers, step)
        blocks = self.blocks.of(layers) if isinstance(self.blocks, Blocks) else self.blocks
        left = step.backward_macs - sum(layer.backward_macs or 0 for layer in layers)
        return replace(self, layers=layers, blocks=blocks, recomputed=left)

    def memory(
        self,
        batch: int | None = None,
        *,
        optimizer: str | Optimizer = "adam",
        dtype: torch.dtype | str | None = None,
        autocast: torch.dtype | str | None = None,
    ) -> Memory:
        """How much memory the network takes, in training and at inference.

        The network runs twice more, once forward and back in training mode, and once without
        gradients in evaluation mode; without values, where it was counted so. Checkpoints of
        `torch.utils.checkpoint` are seen, and so is `torch.autocast`, in the network or around this
        call. The backward pass is taken outside it, as torch recommends.

        Args:
            batch: examples in a batch; `None`: those that were counted. It needs inputs that were
                given by their size.
            optimizer: "sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw", or what makes one
                from a list of parameters, such as a class of `torch.optim`.
            dtype: of the parameters and inputs, as torch has it or by name; `None`: their own.
            autocast: `torch.bfloat16` or `torch.float16`: the forward pass casts to it by the rules
                of `torch.autocast` on the CPU, or on the device where the network was counted.

        Raises:
            AccountingError: the network is not at hand or does not run so, there is no such
                optimizer, or autocast has no such precision; or see `with_backward`.

        Examples:
            >>> from cnnref import summarize
            >>> from cnnref.models import PlainCNN
            >>> memory = summarize(PlainCNN(), (3, 32, 32)).memory(batch=100, optimizer="adam")
            >>> memory.parameters, memory.optimizer_state
            (1082500, 2165048)
            >>> import torch
            >>> mixed = summarize(PlainCNN(), (3, 32, 32)).memory(100, autocast=torch.bfloat16)
            >>> memory.saved, mixed.saved
            (37299200, 22953408)
        """
        return measured(self._network(), batch, optimizer, dtype, autocast)

    def _network(self) -> Again:
        if self.again is None:
            raise AccountingError(
                f"this summary of {self.model} has no network to run again, as it is a copy or was "
                "stored: ask summarize(...) for one that has"
            )
        return self.again

    @property
    def max_receptive_field(self) -> tuple[int, ...] | None:
        """The largest receptive field of a layer, for each axis; `None` if none has one.

        Layers that see all positions, whatever the size of the input, have none, such as those
        behind a global pooling or attention. A layer that does so through gates alone counts with
        the field that it has without them: of MobileNetV3 (595, 595), and not the (35, 35) before
        its first gate.
        """
        sizes = (row.receptive_field or row.receptive_field_without_gates for row in self.layers)
        known = [size for size in sizes if size]
        return max(known, key=lambda size: (prod(size), size), default=None)

    @property
    def max_receptive_field_without_gates(self) -> tuple[int, ...] | None:
        """The largest of a layer if all gates were constants, see `Layer.without_gates`. Other
        than `max_receptive_field` it leaves out gates that see no more than a window, too."""
        plain = replace(self, layers=tuple(layer.without_gates for layer in self.layers))
        return plain.max_receptive_field

    def first_to_see(self, pixels: int | Sequence[int]) -> Layer | None:
        """The first layer, in the order in which they are done, of which a unit can see so many
        positions.

        Args:
            pixels: positions from the first to the last along each axis, as a number for all, or
                one for each. Layers that see the whole input, whatever its size, see as many as
                it has.

        Returns:
            Its row, or `None` if no layer surely sees as many.
        """
        for layer in as_done(self.layers):
            size = layer.receptive_field
            if size is None and layer.field_status == "complete":
                size = layer.clipped
            if size is not None:
                wanted = (pixels,) * len(size) if isinstance(pixels, int) else tuple(pixels)
                if len(wanted) == len(size) and all(map(ge, size, wanted)):
                    return layer
        return None

    @overload
    def __getitem__(self, name: str | int) -> Layer: ...
    @overload
    def __getitem__(self, name: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, name: str | int | slice) -> Layer | tuple[Layer, ...]:
        """The row of a block, with its totals, or of a layer, by name; of one that is called
        several times, the first. A number is a row's place and a slice several, as in a list."""
        if isinstance(name, int | slice):
            return self.layers[name]
        if name in self.blocks:
            return self.blocks[name]
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = dict.fromkeys([*self.blocks, *(layer.name for layer in self.layers)])
        raise AccountingError(unknown("layer", name, filter(None, known)))

    def __iter__(self) -> Iterator[Layer]:
        """The rows."""
        return iter(self.layers)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.layers)

    def __contains__(self, name: object) -> bool:
        """Whether there is a layer or a block of that name; or whether a row is one of these."""
        if isinstance(name, Layer):
            return name in self.layers
        return name in self.blocks or any(layer.name == name for layer in self.layers)

    def collapsed(self, depth: int) -> Summary:
        """With the layers of each block of that depth added up into one row.

        Args:
            depth: parts of a name that are kept: at 1, `layer1.0.conv1` becomes part of `layer1`.

        Raises:
            ValueError: `depth` is below 1.
        """
        if not isinstance(depth, int):
            raise ValueError(f"depth must be a whole number, got {depth!r}")
        check_depth(depth)
        return replace(self, layers=collapsed(self.blocks, self.layers, depth))

    def grouped(self, layers: Sequence[Layer], depth: int) -> list[tuple[str, list[Layer]]]:
        """Rows in groups: those in one block of a depth together, with its name, and every other
        alone, with its own."""
        return grouped(self.blocks, layers, depth)

    def block(self, name: str, rows: Sequence[Layer]) -> Layer:
        """One row for several, with what goes out of the block of that name."""
        return block_row(self.blocks, name, rows)

    def text(self, depth: int | str | None = _OWN, columns: Sequence[str] | None = None) -> str:
        """A table for the terminal, its totals and notes below.

        Args:
            depth: parts of a name that are told apart; what is nested deeper is added up. "auto":
                as many as fit a screen; `None`: all. Where it is left out, what `summarize` was
                given.
            columns: names of columns, of `name`, `kind`, `input_shape`, `output_shape`, `kernel`,
                `stride`, `dtype`, `parameters`, `parameter_share`, `trainable`, `buffers`, `macs`,
                `mac_share`, `flops`, `backward_macs`, `parameter_bytes`, `output_bytes`,
                `saved_bytes`, `receptive_field`, `receptive_field_without_gates`, `support`,
                `jump`, `jump_without_gates`, `start`, `seen` and `reason`.

        Raises:
            ValueError: there is no such column, or the depth makes no sense.
        """
        whole = self._with(columns)
        shown = whole._down_to(depth)
        note = []
        if len(shown) < len(whole):
            note = [f"{len(shown)} rows for {len(whole)}; text(depth=None) shows all"]
        return shown._table().text([self.heading], [*note, *shown._below()])

    def to_markdown(
        self, depth: int | str | None = _OWN, columns: Sequence[str] | None = None
    ) -> str:
        """A table for Markdown, its totals below. Arguments as those of `text`."""
        shown = self._with(columns)._down_to(depth)
        return "\n".join([shown._table().markdown(), "", *(f"{told}  " for told in shown._below())])

    def to_latex(self, depth: int | str | None = _OWN, columns: Sequence[str] | None = None) -> str:
        """A table for LaTeX with the package `booktabs`, its totals in comments above. Arguments as
        those of `text`."""
        shown = self._with(columns)._down_to(depth)
        comments = (f"% {told}" for told in [self.heading, *shown._below()])
        return "\n".join([*comments, shown._table().latex()])

    def to_html(self, depth: int | str | None = _OWN, columns: Sequence[str] | None = None) -> str:
        """A table for pages, whose blocks unfold. `depth` says how deep they are open at first;
        arguments as those of `text`."""
        opened = self.depth if depth == _OWN else depth
        check_depth(opened)
        if opened == "auto":
            opened = 1 if len(self) > FIT else None
        shown = self._with(columns)
        return as_html(
            shown.layers,
            shown.blocks,
            shown.whole,
            shown.columns,
            opened if isinstance(opened, int) else self.deepest + 1,
            above=self.heading,
            below=shown._below(),
        )

    def _with(self, columns: Sequence[str] | None) -> Summary:
        """With these columns shown, and with what they show; `None`: its own."""
        chosen = self.columns if columns is None else checked_columns(columns)
        known = self if OF_A_STEP.isdisjoint(chosen) else self.with_backward()
        return replace(known, columns=chosen)

    def _down_to(self, depth: int | str | None) -> Summary:
        """With as few rows as are to be shown."""
        wanted = self.depth if depth == _OWN else depth
        check_depth(wanted)
        if isinstance(wanted, int):
            return self.collapsed(wanted)
        shown = self
        if wanted == "auto" and len(self) > FIT:
            for parts in range(self.deepest, 0, -1):
                shown = self.collapsed(parts)
                if len(shown) <= FIT:
                    break
        return shown

    def _table(self) -> Table:
        chosen = [COLUMNS[name] for name in self.columns]
        whole = self.whole
        return Table(
            [column.title for column in chosen],
            [column.right for column in chosen],
            [[column.text(layer, whole) for column in chosen] for layer in self.layers],
        )

    def _below(self) -> list[str]:
        """What is said below a table."""
        return [*totals(self.whole), *(f"note: {note}" for note in self.notes)]

    def to_dict(self) -> dict[str, Any]:
        """Everything, in values that JSON knows. A fraction is a number, or a text such as "1/3"
        where no number is exact."""
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
            "device": self.device,
            "layers": [as_dict(layer) for layer in self.layers],
            "blocks": [as_dict(self.blocks[name]) for name in self.blocks],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=1)

    def to_csv(self) -> str:
        """All values of all rows, whatever is shown: a line for each, with the names of `Layer` for
        its columns. Axes are separated by `x`, fractions exact, and what is not there is empty."""
        return as_csv(self.layers)

    def to_frame(self) -> Any:
        """A pandas data frame, one row for each layer.

        Raises:
            ImportError: pandas is not installed.
        """
        return as_frame(self.layers)

    def __repr__(self) -> str:
        """What it is, in one line."""
        bound = "at least " if self.macs_status == "partial" else ""
        return (
            f"<Summary of {self.model}: {len(self)} layer{'' if len(self) == 1 else 's'}, "
            f"{self.total_parameters:,} parameters, {bound}{self.total_macs:,} MACs>"
        )

    def __str__(self) -> str:
        """A table for the terminal, its totals and notes below.

        On a terminal that is too narrow the kinds are left out, then the jumps, unless somebody has
        asked for columns.
        """
        ways = [self.columns]
        if self.columns == SHOWN:
            ways += [
                tuple(c for c in SHOWN if c not in left) for left in (["kind"], ["kind", "jump"])
            ]
        return fitting(partial(self.text, columns=columns) for columns in ways)

    def _repr_html_(self) -> str:
        return self.to_html()
