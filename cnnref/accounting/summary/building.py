"""`summarize`: from the calls of one watched pass to the rows of a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.counting.extras import Extras
from cnnref.accounting.summary.network import Summary
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.tracing.calls import Call, ForwardError
from cnnref.accounting.tracing.diagnosis import AccountingError, checked_model, explain
from cnnref.accounting.tracing.forward import trace
from cnnref.accounting.tracing.inputs import arguments, numbered_axes

__all__ = ["summarize"]


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
    field = call.receptive_field.union if call.receptive_field is not None and followed else {}
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
        fields=tuple(field[axis] for axis in sorted(field)),
    )
