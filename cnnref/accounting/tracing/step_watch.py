"""A mode below autograd that sees a training step: its products, and which storages are alive."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import HigherOrderOperator

from cnnref.accounting.counting.gradients import (
    backward_macs,
    is_quick,
    macs_of_backward,
    quick_step_result,
)
from cnnref.accounting.counting.macs import COSTS, cost
from cnnref.accounting.counting.registered import has_formula
from cnnref.accounting.counting.shapes import shapes_alone
from cnnref.accounting.operation import CONVOLUTIONS, Operation, tensors
from cnnref.accounting.tracing.autocast import as_on_cpu
from cnnref.accounting.tracing.calls import Call
from cnnref.accounting.tracing.higher_order import refuse_step, run_higher_order
from cnnref.accounting.tracing.operators import PRODUCTS, Watch

__all__ = ["StepCall", "StepWatch"]

aten = torch.ops.aten


@dataclass
class StepCall(Call):
    """What one call of a module adds to a step; functions that it calls itself are part of it.

    Args:
        backward_macs: multiply-accumulates of its backward pass.
        saved: bytes that autograd keeps for it and for none before it.
        products: of each operator that multiplies, the MACs forward and backward.
    """

    backward_macs: int = 0
    saved: int = 0
    products: list[tuple[int, int]] = field(default_factory=list)


class StepWatch(Watch):
    """Sees every operator below autograd, and what autograd keeps."""

    def __init__(self, root: StepCall, meta: bool, fake: bool) -> None:
        super().__init__(root, meta, follow=False, fake=fake)
        self.inputs = self.now = self.peak = self.saved = self.macs_back = 0
        self.backward = False
        self.nodes: Counter[str] = Counter()
        self.count = self.kept_at = 0
        self.others_keep = self.convolves = False
        self._there: dict[int, weakref.ref[Any]] = {}
        self._owners: dict[int, StepCall | None] = {}
        self._given: list[Tensor] = []  # kept, so that no other storage takes their numbers

    def steps(self) -> list[StepCall]:
        """The calls."""
        return [call for call in self.calls if isinstance(call, StepCall)]

    def forget(self) -> None:
        """Let go of the network and all tensors: storages that live on would hold them."""
        for call in self.calls:
            call.module = None
        self.fall = None
        for held in (self._there, self._owners, self._given, self.stack, self.twins):
            held.clear()

    def given(self, tensor: Tensor) -> int:
        """Bytes of a tensor that is there before the step, and counts for nothing in it."""
        storage = tensor.untyped_storage()
        self._owners[storage._cdata] = None
        self._given.append(tensor)
        return int(storage.nbytes())

    def keep(self, tensor: Tensor) -> Tensor:
        """Called by autograd with each tensor that it keeps for the backward pass."""
        self.kept_at = self.count
        if tensor.layout is torch.strided:
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._owners:
                call = self.stack[-1]
                assert isinstance(call, StepCall)
                self._owners[key] = call
                call.saved += storage.nbytes()
                self.saved += storage.nbytes()
                self._born(storage)
        return tensor

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            if torch.is_grad_enabled():
                refuse_step(func)
            with self:
                return run_higher_order(func, args, kwargs)
        way, count = _way(func), self.count
        self.count += 1
        if way.alias:
            return func(*args, **kwargs)
        if way.apart and not has_formula(way.packet):
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        try:
            quick = self.meta and way.quick and shapes_alone(kwargs)
            out = quick_step_result(way.packet, args) if quick else None
            if out is None:
                if self.meta:
                    args, kwargs = self.on_meta(func, args, kwargs)
                elif self.about_to_write is not None and func._schema.is_mutable:
                    self.about_to_write(tensors((*args, *kwargs.values())))
                out = func(*args, **kwargs)
                if self.fake:
                    out = as_on_cpu(way.packet, args, out)
        except Exception as error:
            self.fell(error, func, args)
            raise
        self.convolves |= way.packet in CONVOLUTIONS
        if way.priced or has_formula(way.packet):
            self.charge(func, way.packet, args, out, self.kept_at == count)
        for tensor in out if isinstance(out, list | tuple) else (out,):
            if isinstance(tensor, Tensor) and tensor.layout is torch.strided:
                storage = tensor.untyped_storage()
                if storage._cdata not in self._owners:
                    self._born(storage)
        return out

    def charge(self, func: Any, packet: Any, args: Sequence[Any], out: Any, kept: bool) -> None:
        """Add an operator's products to the call that made it, or to the backward pass.

        Before a product autograd keeps an operand. If it has not told us (`kept`), somebody else
        keeps things in another way, as checkpoints do.
        """
        operation = Operation(func, packet, args, out)
        macs = cost(operation).macs
        if self.backward:
            self.macs_back += macs + macs_of_backward(packet, args)
        elif macs:
            call = self.stack[-1]
            assert isinstance(call, StepCall)
            back = backward_macs(packet, args, macs) if torch.is_grad_enabled() else 0
            call.macs += macs
            call.backward_macs += back
            call.products.append((macs, back))
            if back:
                self.nodes[_node(packet)] += 1
                self.others_keep |= not kept

    def _born(self, storage: Any) -> None:
        key, size = storage._cdata, int(storage.nbytes())
        if key in self._there:
            return
        self.now += size
        self.peak = max(self.peak, self.now)
        self._there[key] = weakref.ref(storage, lambda _: self._gone(key, size))

    def _gone(self, key: int, size: int) -> None:
        if self._there.pop(key, None) is None:
            return
        self.now -= size
        call = self._owners.pop(key, None)
        if call is not None and not self.backward:
            self.saved -= size
            call.saved -= size


class _Way(NamedTuple):
    """How an operator is treated, found out once for each.

    Args:
        func: the operator, kept so that its number stays its own.
        packet: its name without the overload.
        alias: whether it only looks at memory that is there, or at none; autograd asks for these
            most of all.
        quick: whether the shape of its result may be known without torch.
        apart: whether torch takes it apart into others.
        priced: whether it may multiply.
    """

    func: Any
    packet: Any
    alias: bool
    quick: bool
    apart: bool
    priced: bool


_MULTIPLYING = {*CONVOLUTIONS, *PRODUCTS, aten.convolution_backward}
_ALIASES = {aten.detach, aten.t, aten.view, aten.transpose, aten.permute, aten.unsqueeze}
_WAYS: dict[int, _Way] = {}


def _way(func: Any) -> _Way:
    known = _WAYS.get(id(func))  # an operator's own hash is worked out anew each time
    if known is None:
        packet = func.overloadpacket
        asked = func.namespace == "prim"  # where a fake tensor is
        quick = is_quick(packet)
        apart = not (asked or quick or packet in COSTS) and func._can_decompose()
        cheap = quick or packet is aten.empty  # as batch norms ask for
        priced = not cheap or packet in _MULTIPLYING
        known = _WAYS[id(func)] = _Way(
            func, packet, asked or packet in _ALIASES, quick, apart, priced
        )
    return known


def _node(packet: Any) -> str:
    """What autograd calls the step back over an operator."""
    return "".join(part.capitalize() for part in packet.__name__.split("_")) + "Backward0"
