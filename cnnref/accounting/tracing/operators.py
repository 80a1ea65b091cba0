"""A mode below autograd that sees every operator of a forward pass.

It charges each to the innermost module, follows receptive fields through it, and hands it stand-ins
for the parameters, so that the pass runs on the meta device and nothing of the model is written to.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

from cnnref.accounting.counting.macs import COSTS, cost
from cnnref.accounting.counting.registered import has_formula, own_macs
from cnnref.accounting.counting.shapes import quick_result, shapes_alone
from cnnref.accounting.operation import CONVOLUTIONS, Operation, channels_taken, tensors, window_of
from cnnref.accounting.receptive_fields.followed import Followed
from cnnref.accounting.receptive_fields.gates import GATING, differ, without_gate
from cnnref.accounting.receptive_fields.joins import misaligned
from cnnref.accounting.receptive_fields.rules.lookup import JOINS, result_field
from cnnref.accounting.receptive_fields.rules.sliding import SLIDING
from cnnref.accounting.receptive_fields.tensor import TensorField
from cnnref.accounting.tracing.calls import Call, plain_convolution
from cnnref.accounting.tracing.fields import FieldNotes
from cnnref.accounting.tracing.higher_order import run_higher_order

__all__ = ["PRODUCTS", "Watch"]

aten = torch.ops.aten

Seen = TensorField | list[TensorField] | None

# Outside the leaves these have a row of their own, as everything has that makes MACs.
_SHOWN = {
    operator
    for operator in SLIDING
    if any(word in operator.__name__ for word in ("pool", "upsample", "pixel", "im2col"))
}


PRODUCTS = {aten.linear, aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.mv, aten.addmv}

_WINDOWED = {*CONVOLUTIONS, *(each for each in SLIDING if "pool" in each.__name__)}


@dataclass(frozen=True)
class Fall:
    """Where an error came from: the calls that were going on, the operator that raised it, and what
    the innermost call was made with."""

    error: Exception
    stack: list[Call]
    func: Any = None
    args: Sequence[Any] = ()
    inputs: Any = ()


class Kinds(dict[torch.dtype, str]):
    """Names of precisions, each asked of torch once."""

    def __missing__(self, kind: torch.dtype) -> str:
        """`float32`."""
        self[kind] = name = str(kind).removeprefix("torch.")
        return name


class Watch(TorchDispatchMode):
    """Sees every operator. Charges it to the innermost module, and follows fields through it."""

    def __init__(self, root: Call, meta: bool, follow: bool, fake: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.supports_higher_order_operators = True
        self.meta, self.follow, self.fake = meta, follow, fake
        self.calls = [root]
        self.stack = [root]
        self.fields = FieldNotes()
        self.ungated: FieldNotes | None = None  # the same without gates, once one was met
        self.twins: dict[int, tuple[Tensor, Tensor]] = {}
        self.counts: dict[str, int] = {}
        self.broken: Exception | None = None
        self.fall: Fall | None = None
        self.kinds = Kinds()
        self.made: list[weakref.ref[Tensor]] = []
        self.about_to_write: Callable[[Iterable[Any]], None] | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch asks. It would load its compiler at the first operator, which takes 1.2 s of a
        first count that takes 0.01 s; while we look, nothing is compiled (`uncompiled`)."""
        return False

    def twin(self, tensor: Tensor) -> Tensor:
        """A tensor's stand-in on the meta device."""
        known = self.twins.get(id(tensor))
        if known is None:
            twin = torch.empty_strided(
                tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta"
            )
            known = self.twins[id(tensor)] = (tensor, twin)
        return known[1]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return self.higher_order(func, args, kwargs)
        if self.fake and func.namespace == "prim":  # where a tensor is
            return func(*args, **kwargs)
        packet = func.overloadpacket
        if packet not in COSTS and not has_formula(packet) and func._can_decompose():
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        if _needs_decomposition(packet, args):
            with self:
                return func.decompose(*args, **kwargs)
        try:
            out = quick_result(packet, args) if self.meta and shapes_alone(kwargs) else None
            if out is not None:
                self.fields.mark(out, None)
            else:
                if self.meta:
                    args, kwargs = self.on_meta(func, args, kwargs)
                elif self.about_to_write is not None and func._schema.is_mutable:
                    self.about_to_write(tensors((*args, *kwargs.values())))
                if packet in CONVOLUTIONS:
                    _check_channels(packet, args)
                elif self.meta and packet in PRODUCTS:
                    _check_precision(args)
                out = func(*args, **kwargs)
        except Exception as error:
            self.fell(error, func, args)
            raise
        self.note(func, packet, args, out)
        return out

    def higher_order(
        self, func: HigherOrderOperator, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The result of an operator that runs functions of its own: what they do is seen, too."""
        caller = self.stack[-1]
        if not has_formula(func):
            with self:
                return run_higher_order(func, args, kwargs)
        call = Call("", func.name(), done=True) if caller.leaf else self.function(caller, func)
        self.stack.append(call)
        try:
            with self:
                out = run_higher_order(func, args, kwargs)
        finally:
            self.stack.pop()
        first = next(tensors(out), None)
        if first is not None:
            call.shapes = [tuple(first.shape)]
            self.finish(call, first)
        self.charge_own(call, func, args, out)
        if caller.leaf:
            caller.take(call)
        return out

    def charge_own(self, call: Call, target: Any, args: Sequence[Any], out: Any) -> None:
        """Charge what a registered formula says in place of what was seen."""
        own = own_macs(target, args, out)
        if own is not None:
            call.macs, call.unknown = own, []

    def without_torch(
        self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Tensor | None:
        """The result of a plain convolution of a tensor that was handed out here; else `None`.

        Transformations such as `torch.func.vmap` put tensors of their own in place of ours.
        """
        known = plain_convolution(module, args, kwargs)
        if known is None or not self.fields.noted(args[0]):
            return None
        func, operands = known
        packet = func.overloadpacket
        with no_dispatch():
            out = quick_result(packet, operands)
        if out is not None:
            self.fields.mark(out, None)
            self.note(func, packet, operands, out)
        return out

    def fell(
        self, error: Exception, func: Any = None, args: Sequence[Any] = (), inputs: Any = ()
    ) -> None:
        """Note where an error came from, unless that is known: the innermost place comes first."""
        before = (error, error.__cause__, error.__context__)
        if self.fall is None or all(self.fall.error is not known for known in before):
            self.fall = Fall(error, list(self.stack), func, args, inputs)

    def on_meta(
        self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """The arguments with stand-ins for tensors that have values."""
        writes = func._schema.is_mutable
        mixed, real = False, False
        for arg in args:
            for item in arg if isinstance(arg, list | tuple) else (arg,):
                if isinstance(item, Tensor):
                    if item.is_meta:
                        mixed = True
                    else:
                        real = True
        if real and (mixed or writes):
            args = [
                self.twin(arg) if isinstance(arg, Tensor) and not arg.is_meta
                else [
                    self.twin(a) if isinstance(a, Tensor) and not a.is_meta else a for a in arg
                ] if isinstance(arg, list | tuple) and any(isinstance(a, Tensor) for a in arg)
                else arg
                for arg in args
            ]  # fmt: skip
        if writes and any(isinstance(a, Tensor) and not a.is_meta for a in kwargs.values()):
            kwargs = {  # a result that is to be written into a tensor that is there
                key: self.twin(a) if isinstance(a, Tensor) and not a.is_meta else a
                for key, a in kwargs.items()
            }
        if "device" in kwargs and (mixed or not real):
            kwargs = {**kwargs, "device": torch.device("meta")}
            kwargs.pop("pin_memory", None)
        return args, kwargs

    def note(self, func: Any, packet: Any, args: Sequence[Any], out: Any) -> None:
        """Charge the operator and follow the field."""
        try:
            self._note(func, packet, args, out)
        except Exception as error:
            self.broken = error
            raise

    def _note(self, func: Any, packet: Any, args: Sequence[Any], out: Any) -> None:
        call = self.stack[-1]
        price = cost(Operation(func, packet, args, out))
        if not call.leaf and (price.macs or packet in _SHOWN):
            call = self.function(call, packet)
        fields = ungated = None
        if self.follow:
            notes = self.fields
            followed = Followed(func, packet, args, out, notes.sees, notes.through)
            fields = result_field(followed)
            ungated = self.without_gates(followed, fields)
            if packet in JOINS and len(joined := notes.joined(args)) > 1:
                if not call.leaf:
                    call = self.function(call, packet)
                call.warnings += misaligned(joined)
            notes.assign(func, args, out, fields)
        if not func._schema.is_mutable:
            made = self.made
            for tensor in out if isinstance(out, list | tuple) else (out,):
                if isinstance(tensor, Tensor):
                    made.append(weakref.ref(tensor))
        call.add(price)
        if packet in _WINDOWED:
            window = window_of(packet, args)
            if window is not None and window not in call.windows:
                call.windows.append(window)
        if call.module is None and call is not self.calls[0]:
            first = out[0] if isinstance(out, list | tuple) else out
            if isinstance(first, Tensor):  # and no answer to a question
                call.shapes, call.dtype = [tuple(first.shape)], self.kinds[first.dtype]
            given = next(tensors(args), None)
            call.input_shape = None if given is None else tuple(given.shape)
            call.receptive_field, call.without_gates = (
                each[0] if isinstance(each, list) else each for each in (fields, ungated)
            )

    def without_gates(
        self, call: Followed, fields: TensorField | list[TensorField] | None
    ) -> TensorField | list[TensorField] | None:
        """Follow what a result sees without gates. Up to the first gate that is what it sees, and
        costs nothing."""
        notes = self.ungated
        if notes is None:
            if call.packet not in GATING:
                return fields
            found = without_gate(call)
            if found is None or not differ(found, fields):
                return fields
            notes = self.ungated = FieldNotes(before=self.fields)
        elif not (call.func._schema.is_mutable or call.packet in GATING or notes.apart(call.args)):
            return fields
        call = replace(call, sees=notes.sees)
        found = without_gate(call)
        result = result_field(call) if found is None else found
        notes.assign(call.func, call.args, call.out, result)
        return result

    def finish(self, call: Call, first: Tensor) -> None:
        """Note of a call what its first result sees."""
        call.dtype = self.kinds[first.dtype]
        call.receptive_field = call.without_gates = self.fields.sees(first)
        if self.ungated is not None:
            call.without_gates = self.ungated.sees(first)

    def function(self, caller: Call, packet: Any) -> Call:
        """A row for a function that a module with modules of its own calls."""
        kind = packet.__name__.rstrip("_")
        name = f"{caller.name}:{kind}"
        number = self.counts[name] = self.counts.get(name, 0) + 1
        call = Call(name if number == 1 else f"{name}_{number}", kind, done=True)
        self.calls.append(call)
        return call


def _needs_decomposition(packet: Any, args: Sequence[Any]) -> bool:
    """Convolutions whose padding is a word become a padding and a convolution."""
    return packet in CONVOLUTIONS and len(args) > 4 and isinstance(args[4], str)


def _check_precision(args: Sequence[Any]) -> None:
    """Refuse a product of two precisions, which the meta device lets pass."""
    kinds = {arg.dtype for arg in args if isinstance(arg, Tensor)}
    if len(kinds) > 1:
        names = " and ".join(sorted(map(str, kinds)))
        raise RuntimeError(f"the operands of a product must have one dtype, got {names}")


def _check_channels(packet: Any, args: Sequence[Any]) -> None:
    """Refuse a transposed convolution of other channels, which the meta device lets pass."""
    x, weight = args[:2]
    if x.dim() == weight.dim() and x.shape[1] != channels_taken(packet, args):
        raise RuntimeError("the channels of input and weight differ")
