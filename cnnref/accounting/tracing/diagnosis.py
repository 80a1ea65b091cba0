"""What went wrong in a forward pass, told as one message with the likely remedy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.operation import CONVOLUTIONS, channels_taken
from cnnref.accounting.tracing.calls import ForwardError
from cnnref.errors import CnnrefError

__all__ = ["AccountingError", "checked_model", "explain"]

aten = torch.ops.aten

_VALUES = ("Cannot", "can't convert", "data-independent")
"""What torch says, besides "meta", where values are read that are not there."""


class AccountingError(CnnrefError, ValueError):
    """A network cannot be counted as asked."""


def checked_model(model: object, device: str | torch.device) -> nn.Module:
    """The model, if it can be counted.

    Raises:
        AccountingError: it is not a module, has no weights yet, is scripted, or is elsewhere.
    """
    if inspect.isclass(model) and issubclass(model, nn.Module):
        raise AccountingError(
            f"{model.__name__} is a class, not a network: make one, {model.__name__}(...)"
        )
    if not isinstance(model, nn.Module):
        raise AccountingError(
            f"a torch.nn.Module is needed, got {model!r} ({type(model).__name__})"
        )
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    assert isinstance(model, nn.Module)
    if isinstance(model, torch.jit.ScriptModule):
        raise AccountingError("a scripted network cannot be watched: give the one it was made from")
    for name, module in model.named_modules():
        if (
            isinstance(module, nn.modules.lazy.LazyModuleMixin)
            and module.has_uninitialized_params()  # type: ignore[misc]
        ):
            raise AccountingError(
                f"{name or 'the network'} ({type(module).__name__}) has no weights yet: run the "
                "network once on an example, then count it"
            )
    try:
        wanted = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise AccountingError(f"{device!r} is not a device; try 'meta' or 'cpu'") from error
    if wanted.type != "meta":
        own = {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]}
        if own - {wanted.type}:
            raise AccountingError(
                f"the network is on {' and '.join(sorted(own))}, the count is to run on {wanted}: "
                "leave device='meta', or move the network"
            )
    return model


def explain(
    failure: ForwardError, model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    """Which layer failed, the shapes that met there, and the likely remedy."""
    error, call = failure.error, failure.stack[-1]
    done = [c for c in failure.calls[1:] if c.done and c.leaf]
    where = f"{call.name} ({call.kind})" if call.name else f"the forward pass of {call.kind}"
    after = f", after {done[-1].name} ({done[-1].kind}) gave {_shape(done[-1])}" if done else ""
    lines = [f"{where} failed{after}"]
    remedy = _remedy(failure, call.module)
    if remedy:
        lines.append(remedy)
    else:
        shapes = [tuple(a.shape) for a in failure.operands if isinstance(a, Tensor)]
        if shapes:
            lines.append(f"the shapes that met there: {' and '.join(map(str, shapes))}")
        lines.append(str(error).strip().splitlines()[0] if str(error).strip() else repr(error))
        if isinstance(error, TypeError) and failure.func is None:
            lines.append(
                f"{type(model).__name__} was called with {len(args)} inputs"
                + (f" and {', '.join(kwargs)}" if kwargs else "")
                + "; several sizes go in a list, named ones in a dict"
            )
    return ": ".join(lines[:1]) + "".join(f"; {line}" for line in lines[1:])


def _shape(call: Any) -> str:
    return str(call.shapes[0]) if call.shapes else "nothing"


def _remedy(failure: ForwardError, module: nn.Module | None) -> str:
    """The likely remedy for the mistakes that users make; empty for all others."""
    args, func = failure.operands, failure.func
    error = failure.error
    packet = None if func is None else func.overloadpacket
    first = len([c for c in failure.calls if c.done and c.leaf]) == 0
    if (
        packet in (aten._local_scalar_dense, aten.nonzero, aten.masked_select)
        or ("meta" in str(error) and any(word in str(error) for word in _VALUES))
        or any(word in str(error) for word in ("data-dependent", "unallocated storage"))
    ):
        return (
            "the network reads values, and on the meta device there are none: pass device='cpu' "
            "(or where the network is)"
        )
    if packet in CONVOLUTIONS and len(args) > 1 and isinstance(args[1], Tensor):
        return _convolution(packet, args, module, first)
    if packet in (aten.linear, aten.addmm, aten.mm) and len(args) > 1:
        x, weight = (args[0], args[1]) if packet is not aten.addmm else (args[1], args[2])
        takes = weight.shape[-1] if packet is aten.linear else weight.shape[0]
        if x.shape[-1] != takes:
            return (
                f"it takes {takes:,} features and got {x.shape[-1]:,}, in a tensor of shape "
                f"{tuple(x.shape)}: set in_features={x.shape[-1]}, or change the size of the input"
            )
    if packet is not None and "norm" in packet.__name__ and args[0].dim() > 1:
        width = getattr(module, "num_features", getattr(module, "num_channels", None))
        if width is not None and args[0].shape[1] != width:
            return f"it normalises {width} channels and got {args[0].shape[1]}"
    if "pool" in getattr(packet, "__name__", "") and "too small" in str(error):
        return (
            f"its window does not fit into an input of shape {tuple(args[0].shape)}: "
            "the input of the network is too small"
        )
    return ""


def _convolution(packet: Any, args: Sequence[Any], module: nn.Module | None, first: bool) -> str:
    x, weight = args[0], args[1]
    axes = weight.dim() - 2
    if x.dim() not in (axes + 1, axes + 2):
        extra = (
            "; a batch was put before the input size: leave the batch out of the size, or pass "
            "batch_dim=False"
            if first and x.dim() > axes + 2
            else ""
        )
        return (
            f"it convolves over {axes} {'axis' if axes == 1 else 'axes'} and takes {axes + 2} "
            f"dimensions (batch, channels, {'length' if axes == 1 else 'height, width'}), and got "
            f"{x.dim()}: shape {tuple(x.shape)}{extra}"
        )
    takes = getattr(module, "in_channels", None) or channels_taken(packet, args)
    got = x.shape[-axes - 1]
    if got != takes:
        remedy = (
            f"give an input of {takes} channels, first: ({takes}, height, width)"
            if first
            else f"set in_channels={got}, or let the layer before give {takes}"
        )
        shape = tuple(x.shape)
        return f"it takes {takes} channels and got {got}, in a tensor of shape {shape}: {remedy}"
    return (
        f"its kernel {tuple(weight.shape[2:])} does not fit into an input of shape "
        f"{tuple(x.shape)}: the input of the network is too small"
    )
