"""`summarize`: what a network is, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cnnref.accounting import tables
from cnnref.accounting.calling import Call, ForwardError
from cnnref.accounting.diagnosis import AccountingError, checked_model, explain
from cnnref.accounting.inputs import arguments, numbered_axes
from cnnref.accounting.layer import Layer
from cnnref.accounting.macs import Extras
from cnnref.accounting.tracing import trace
from cnnref.errors import unknown

if TYPE_CHECKING:
    from cnnref.figures.style import Picture

__all__ = ["Summary", "summarize"]


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

    def figure(self) -> Picture:
        """The receptive field of each layer over the input's first axis, and its share of
        parameters and MACs."""
        from cnnref.figures import summary_picture  # the one arrow upwards, when asked for

        return summary_picture(self)


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


def summarize(
    model: nn.Module,
    input_size: Any = None,
    *,
    inputs: Any = None,
    batch_dim: bool = True,
    device: str | torch.device = "meta",
    training: bool = False,
    receptive_fields: bool = True,
    strict: bool = False,
) -> Summary:
    """Count a network: shapes, parameters, MACs and receptive fields, layer by layer.

    The network is run once, by default on the meta device: no value is computed and nothing is
    allocated. It is left exactly as it was.

    Args:
        model: any module.
        input_size: the size of one example, `(C, H, W)` for images; a list of sizes for several
            inputs, or a mapping from argument names to sizes.
        inputs: the inputs themselves in place of their sizes: a tensor, a tuple of arguments or a
            mapping of named ones. Their batch is counted as it is.
        batch_dim: put a batch of one before each size. With `False` the sizes are taken whole.
            Receptive fields are followed along the third dimension and those after it: of an image
            without a batch, along its columns alone.
        device: "meta", or the model's own device, for a network whose forward pass needs values.
        training: count in training mode.
        receptive_fields: follow them; without, the count is a little faster.
        strict: refuse instead of telling a lower bound or an unknown field.

    Returns:
        The `Summary`.

    Raises:
        AccountingError: the model is not a module or has no weights yet, the input does not fit it,
            or, if `strict`, something could not be counted. The message says which layer, the
            shapes that met there, and what to do.

    Examples:
        >>> from cnnref.models import PlainCNN
        >>> counted = summarize(PlainCNN(), (3, 32, 32))
        >>> counted.total_parameters, counted.total_macs
        (270625, 14548480)
    """
    network = checked_model(model, device)
    args, kwargs = arguments(network, input_size, inputs, batch_dim, torch.device(device))
    numbers = numbered_axes(args, kwargs)
    try:
        calls = trace(
            network,
            args,
            kwargs,
            (lambda tensor: numbers[id(tensor)]) if receptive_fields else None,
            meta=torch.device(device).type == "meta",
            training=training,
        )
    except ForwardError as failure:
        raise AccountingError(explain(failure, network, args, kwargs)) from failure.error
    named = {str(i): value for i, value in enumerate(args)} | dict(kwargs)
    shapes = {
        "input" if len(named) == 1 and name == "0" else name: tuple(value.shape)
        for name, value in named.items()
        if isinstance(value, Tensor)
    }
    summary = _summary(network, calls, shapes, receptive_fields)
    if strict:
        _refuse_partial(summary)
    return summary


def _refuse_partial(summary: Summary) -> None:
    for layer in summary.layers:
        if layer.macs_status != "complete":
            raise AccountingError(
                f"{layer.name or summary.model}: no formula counts {', '.join(layer.uncounted)}; "
                "without strict=True the total is a lower bound"
            )
        if layer.field_status != "complete":
            raise AccountingError(
                f"{layer.name or summary.model}: the receptive field is not known: {layer.reason}; "
                "without strict=True it is left out"
            )


def _summary(
    model: nn.Module, calls: Sequence[Call], inputs: Mapping[str, tuple[int, ...]], followed: bool
) -> Summary:
    counted: set[int] = set()
    called: set[int] = set()
    layers: list[Layer] = []
    blocks: dict[str, Layer] = {}
    notes: list[str] = []
    for call in calls:
        reused = id(call.module) in called if call.module is not None else False
        called.add(id(call.module))
        row = _row(call, counted, reused, followed)
        own = row.parameters or row.buffers or row.macs or row.uncounted or row.extras != Extras()
        if call.leaf or own:
            layers.append(row)
        notes += [f"{call.name or call.kind}: {warning}" for warning in call.warnings]
        if not call.leaf and call.name not in blocks:
            blocks[call.name] = replace(row, parameters=0, trainable=0, buffers=0)
    for name, module in model.named_modules():
        if id(module) not in called and not _inside(name, layers):
            numbers = _owned(module, counted)
            if any(numbers):
                layers.append(Layer(name, type(module).__name__, None, *numbers))
                notes.append(f"{name} was not called itself; its parameters count all the same")
    return Summary(type(model).__name__, inputs, tuple(layers), blocks, tuple(notes))


def _inside(name: str, layers: Sequence[Layer]) -> bool:
    return any(
        layer.kind.endswith("MultiheadAttention") and name.startswith(f"{layer.name}.")
        for layer in layers
    )


def _owned(module: nn.Module, counted: set[int]) -> tuple[int, int, int]:
    """Parameters, trainable ones and buffers of a module that were not counted before."""
    if isinstance(module, nn.MultiheadAttention):
        own: list[Tensor] = list(module.parameters())
        buffers: list[Tensor] = list(module.buffers())
    else:  # `parameters(recurse=False)` says the same and takes longer
        own = [p for p in module._parameters.values() if p is not None]
        buffers = [b for b in module._buffers.values() if b is not None]
    new = [tensor for tensor in own if id(tensor) not in counted]
    kept = [tensor for tensor in buffers if id(tensor) not in counted]
    counted.update(map(id, new), map(id, kept))
    return (
        sum(p.numel() for p in new),
        sum(p.numel() for p in new if p.requires_grad),
        sum(b.numel() for b in kept),
    )


def _row(call: Call, counted: set[int], reused: bool, followed: bool) -> Layer:
    owned = (0, 0, 0) if call.module is None else _owned(call.module, counted)
    unknown = tuple(dict.fromkeys(call.unknown))
    status = "complete" if not unknown else ("partial" if call.macs else "unavailable")
    field = call.sight.field if call.sight is not None and followed else {}
    return Layer(
        call.name,
        call.kind,
        call.shapes[0] if call.shapes else None,
        *owned,
        macs=None if status == "unavailable" else call.macs,
        macs_status=status,
        extras=call.extras,
        uncounted=unknown,
        reused=reused,
        reaches=tuple(field[axis] for axis in sorted(field)),
    )
