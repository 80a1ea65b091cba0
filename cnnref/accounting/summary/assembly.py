"""From the calls of one watched pass to the rows of a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.counting.registered import is_whole
from cnnref.accounting.receptive_fields.axis import AxisField
from cnnref.accounting.receptive_fields.tensor import TensorField
from cnnref.accounting.summary.blocks import Blocks
from cnnref.accounting.summary.network import Summary
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.tracing.calls import Call
from cnnref.accounting.tracing.inputs import Axis

__all__ = ["assembled"]


def assembled(
    model: nn.Module,
    calls: Sequence[Call],
    inputs: Mapping[str, tuple[int, ...]],
    axes: Sequence[Axis],
) -> Summary:
    """The summary of a watched pass.

    Args:
        model: the network.
        calls: what happened, in the order in which it began.
        inputs: the shape of each, by name.
        axes: of the inputs; none if fields were not followed.
    """
    counted: set[int] = set()
    called: set[int] = set()
    layers: list[Layer] = []
    blocks: dict[str, Layer] = {}
    notes: list[str] = []
    uncalled: list[str] = []
    packed: list[str] = []
    for call in calls:
        reused = id(call.module) in called if call.module is not None else False
        called.add(id(call.module))
        row = _row(call, counted, reused, axes)
        own = row.parameters or row.buffers or row.macs or row.uncounted or row.extras != Extras()
        if call.leaf or own:
            layers.append(row)
        notes += [f"{call.name or call.kind}: {warning}" for warning in call.warnings]
        if not call.leaf and call.name not in blocks:
            blocks[call.name] = row
    if not layers:  # functions alone, that cost nothing: what goes out is told all the same
        layers.append(_row(calls[0], counted, False, axes))
    modules = dict(model.named_modules())
    whole = [f"{name}." if name else "" for name, module in modules.items() if is_whole(module)]
    for name, module in modules.items():
        if id(module) not in called and not any(map(name.startswith, whole)):
            p, trainable, buffers, size = owned = _owned(module, counted)
            if any(owned):
                kind = type(module).__name__
                layers.append(Layer(name, kind, None, p, trainable, buffers, parameter_bytes=size))
                uncalled.append(name)
            if module._modules:
                blocks[name] = Layer(name, type(module).__name__, None)
        own = "_packed_params" in module.__dict__ or "_packed_params" in module._modules
        if own and not name.endswith("_packed_params"):
            packed.append(name or type(module).__name__)
    if len(uncalled) > 3:
        more = f"{len(uncalled) - 2} more were not called themselves; their"
        notes.append(f"{uncalled[0]}, {uncalled[1]} and {more} parameters count all the same")
    else:
        told = "was not called itself; its parameters count all the same"
        notes += [f"{name} {told}" for name in uncalled]
    if packed:
        notes.append(
            f"quantised weights are no parameters of torch, and not counted: those of "
            f"{', '.join(packed)}"
        )
    rows = tuple(layers)
    return Summary(type(model).__name__, inputs, rows, Blocks(blocks, rows), tuple(notes))


def _owned(module: nn.Module, counted: set[int]) -> tuple[int, int, int, int]:
    """Parameters, trainable ones and buffers of a module that were not counted before; and the
    bytes of the parameters."""
    if is_whole(module):
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
        sum(p.nbytes for p in new),
    )


def _row(call: Call, counted: set[int], reused: bool, axes: Sequence[Axis]) -> Layer:
    parameters, trainable, buffers, size = (
        (0, 0, 0, 0) if call.module is None else _owned(call.module, counted)
    )
    unknown = tuple(dict.fromkeys(call.unknown))
    status = "complete" if not unknown else ("partial" if call.macs else "unavailable")
    fields, along = _followed(call.receptive_field, axes)
    apart = call.without_gates is not call.receptive_field
    kernel, stride = call.windows[0] if len(call.windows) == 1 else (None, None)
    return Layer(
        call.name,
        call.kind,
        call.shapes[0] if call.shapes else None,
        parameters,
        trainable,
        buffers,
        macs=None if status == "unavailable" else call.macs,
        macs_status=status,
        extras=call.extras,
        uncounted=unknown,
        reused=reused,
        fields=fields,
        input_shape=call.input_shape,
        kernel=kernel if call.leaf else None,
        stride=stride if call.leaf else None,
        dtype=call.dtype,
        axes=along,
        ungated=_followed(call.without_gates, axes) if apart else None,
        parameter_bytes=size,
    )


def _followed(
    seen: TensorField | None, axes: Sequence[Axis]
) -> tuple[tuple[AxisField, ...], tuple[Axis, ...]]:
    """The fields along the axes of the inputs, and these axes."""
    field = seen.told if seen is not None and axes else {}
    return tuple(field[axis] for axis in sorted(field)), tuple(axes[axis] for axis in sorted(field))
