"""What went wrong in a forward pass, told as one message, with a remedy where one was found."""

from __future__ import annotations

import inspect
import linecache
import re
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.calls import OTHER_THREADS, ForwardError
from cnnref.accounting.tracing.remedies import remedy
from cnnref.errors import CnnrefError, shown

__all__ = [
    "AccountingError",
    "ValuesNeededError",
    "checked_call",
    "checked_model",
    "explain",
    "needs_gradients",
    "needs_values",
]

aten = torch.ops.aten

_READING = {
    aten._local_scalar_dense, aten.nonzero, aten.nonzero_static, aten.masked_select, aten.equal,
    aten._unique2, aten.unique_consecutive, aten.unique_dim, aten.bincount, aten.is_nonzero,
    aten.repeat_interleave, aten.allclose,
}  # fmt: skip
"""Operators whose result, or its shape, depends on values."""

_WITHOUT_VALUES = (
    "on meta tensors", "out of meta tensor", "meta device type tensor", "data-dependent",
    "tensors on meta device", "unallocated storage",
    "'Meta' backend", "Meta kernel", "Meta tensors",
)  # fmt: skip
"""What torch says where values are asked for that are not there, or it has no way without them."""


_WITHOUT_AUTOGRAD = ("does not require grad", "Inference tensors", "inference tensor")
"""What torch says of gradients where autograd is off."""


class AccountingError(CnnrefError, ValueError):
    """A network cannot be counted as asked."""


class ValuesNeededError(AccountingError):
    """A network cannot be counted without values, and was not to be, or has none."""


def checked_model(model: object) -> nn.Module:
    """The model, if it can be counted.

    Raises:
        AccountingError: it is not a module, has no weights yet, or is scripted.
    """
    if inspect.isclass(model) and issubclass(model, nn.Module):
        raise AccountingError(
            f"{model.__name__} is a class, not a network: make one, {model.__name__}(...)"
        )
    if not isinstance(model, nn.Module):
        raise AccountingError(
            f"a torch.nn.Module is needed, got {shown(model)}{_network_in(model)}"
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
    return model


def _network_in(model: object) -> str:
    """Where the network may be that something else was given in place of."""
    if isinstance(model, torch.export.ExportedProgram):
        return "; its .module() is one"
    if isinstance(model, Mapping) and any(isinstance(value, Tensor) for value in model.values()):
        return ": weights alone do not say what is done with them; give the network they are of"
    if isinstance(model, list | tuple) and any(isinstance(part, nn.Module) for part in model):
        return "; nn.Sequential(*layers) makes one of them"
    return ""


def checked_call(model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Nothing, if the model takes as many inputs as it is to be called with, of those names.

    Raises:
        AccountingError: it does not.
    """
    if model._forward_pre_hooks:  # which may change the inputs
        return
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        wanted = [p for p in signature.parameters.values() if p.kind not in (p.VAR_KEYWORD,)]
        needed = [p.name for p in wanted if p.default is p.empty and p.kind != p.VAR_POSITIONAL]
        more = [p.name for p in wanted if p.name not in needed]
        told = f"it takes {len(needed)}: {', '.join(needed)}" if needed else "it needs none"
        told += f", and may take {', '.join(more)}" if more else ""
        named = [p.name for p in wanted if p.kind is p.KEYWORD_ONLY and p.name in needed]
        one = len(args) == 1 and not kwargs and len(needed) - len(named) > 1
        whole = len(needed) <= 1 and len(args) + len(kwargs) > 0
        whole &= not args or (not kwargs and len(args) > len(wanted))
        raise AccountingError(
            f"{type(model).__name__} was called with {len(args)} "
            f"input{'' if len(args) == 1 else 's'}"
            + (f" and {', '.join(kwargs)}" if kwargs else "")
            + f"; {told}"
            + (f"; {', '.join(named)} by name: kwargs={{{named[0]!r}: ...}}" if named else "")
            + ("; several sizes go in a list" if one else "")
            + (
                "; what is one argument, whatever it holds, goes in a list: [inputs]"
                if whole
                else ""
            )
        ) from None


def needs_values(failure: ForwardError) -> str:
    """Which layer needs values, in a pass without any, and for what; empty for other failures."""
    packet = None if failure.func is None else failure.func.overloadpacket
    told = str(failure.error)
    if packet in _READING:
        what = f"reads values ({str(packet).removeprefix('aten.')})"
    elif packet is None and any(words in told for words in _WITHOUT_VALUES):
        what = "reads values"
    elif OTHER_THREADS in failure.calls[0].unknown:
        what = "calls layers in other threads, which nobody can look into"
    elif packet is None and _asks_for_a_device(failure.error):
        what = "asks which device a tensor is on"
    elif packet in (aten.index, aten.index_put, aten.index_put_) and _by_mask(failure.operands):
        what = "reads values (a mask)"
    elif packet is not None and (
        any(words in told.lower() for words in ("meta", "data-dependent", "fake impl"))
        or any(t.layout is not torch.strided for t in tensors(failure.operands))
    ):
        what = f"calls {str(packet).removeprefix('aten.')}, which torch runs with values alone"
    else:
        return ""
    return f"{_place(failure)} {what}"


def _asks_for_a_device(error: Exception) -> bool:
    """Whether the network raised an error of its own after a look at devices."""
    last = [*traceback.walk_tb(error.__traceback__)][-1:]
    near = [
        linecache.getline(frame.f_code.co_filename, line - before, frame.f_globals)
        for frame, line in last for before in range(3) if line > before
    ]  # fmt: skip
    return re.search(r"device|\bis_(cuda|cpu|meta)\b|data_ptr", "".join(near)) is not None


def needs_gradients(failure: ForwardError) -> bool:
    """Whether a pass failed because it takes gradients, and was watched without autograd."""
    return any(words in str(failure.error) for words in _WITHOUT_AUTOGRAD)


def _by_mask(args: Sequence[Any]) -> bool:
    return any(t.dtype is torch.bool for t in tensors(args[1:2]))


def explain(failure: ForwardError) -> str:
    """Which layer failed, and what was found to be wrong; else torch's own words, and the shapes
    that met there."""
    error = failure.error
    done = [c for c in failure.calls[1:] if c.done and c.leaf]
    after = f", after {done[-1].name} ({done[-1].kind}) gave {_shape(done[-1])}" if done else ""
    told = f"{_place(failure)} failed{after}"
    found = remedy(failure)
    if found:
        return f"{told}; {found}"
    operator = re.search(r"HOP (\S+) and mode|OrderOperators? \(in this case, (\w+)\)", str(error))
    if operator:
        return (
            f"{told}; it calls {operator[1] or operator[2]}, an operator that runs functions of "
            "its own, into which nobody can look: count the network with what it stands for in its "
            "place"
        )
    met = [a for a in failure.operands if isinstance(a, Tensor)]
    if met:
        kinds = {str(a.dtype).removeprefix("torch.") for a in met}
        told += f"; the shapes that met there: {' and '.join(str(tuple(a.shape)) for a in met)}"
        told += f", of {' and '.join(sorted(kinds))}" if len(kinds) > 1 else ""
    elif failure.inputs:
        shapes = [str(tuple(a.shape)) for a in tensors(failure.inputs)]
        told += f"; its inputs: {' and '.join(shapes)}" if shapes else ""
    said = str(error).strip()
    kind = "" if type(error) is RuntimeError else f"{type(error).__name__}: "
    return f"{told}; {kind}{said.splitlines()[0]}" if said else f"{told}; {error!r}"


def _place(failure: ForwardError) -> str:
    call = failure.stack[-1]
    return f"{call.name} ({call.kind})" if call.name else f"the forward pass of {call.kind}"


def _shape(call: Any) -> str:
    return str(call.shapes[0]) if call.shapes else "nothing"
