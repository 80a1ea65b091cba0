"""One training step without values: what autograd keeps, what its backward pass multiplies, and
how many bytes are alive at once.

Other than the pass that counts a network (`forward`), this one has autograd at work. What is kept
for the backward pass is what autograd itself hands to `torch.autograd.graph.saved_tensors_hooks`;
which products the backward pass needs follows from `requires_grad` of each operator's arguments;
and the backward pass is run, so that every result's storage is born and freed when torch does it.
"""

from __future__ import annotations

import contextlib
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional

from cnnref.accounting.counting.gradients import (
    backward_macs,
    is_quick,
    macs_of_backward,
    quick_step_result,
)
from cnnref.accounting.counting.macs import COSTS, cost
from cnnref.accounting.counting.registered import has_formula
from cnnref.accounting.operation import CONVOLUTIONS, Operation, tensors
from cnnref.accounting.tracing.calls import Call, Called, ForwardError, calls_seen
from cnnref.accounting.tracing.forward import is_leaf, restored
from cnnref.accounting.tracing.higher_order import run_higher_order
from cnnref.accounting.tracing.inputs import each_tensor
from cnnref.accounting.tracing.keeping import Kept
from cnnref.accounting.tracing.operators import Watch

__all__ = ["Step", "StepCall", "take_step"]

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


@dataclass(frozen=True)
class Step:
    """One step, from the inputs to the gradients.

    Args:
        calls: in the order in which they began; the first is the model's own.
        inputs: bytes of the inputs.
        saved: bytes that autograd keeps at the end of the forward pass, those of the inputs, the
            parameters and the buffers left out.
        peak: most bytes of results and gradients that are there at once.
        backward_macs: of the whole backward pass, with what it computes again.
    """

    calls: list[StepCall]
    inputs: int
    saved: int
    peak: int
    backward_macs: int


def take_step(
    model: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    meta: bool,
    training: bool,
    gradients: bool = True,
    peak: bool = True,
    dtype: torch.dtype | None = None,
) -> Step:
    """Run a model forward, and backward from all that it gives.

    Args:
        model: the network. While the step is taken, stand-ins lie in place of its tensors.
        args: its arguments.
        kwargs: its arguments by name.
        meta: run without values.
        training: the mode to run in.
        gradients: whether autograd is at work; without, there is no backward pass.
        peak: run the backward pass in any case; without, only where its MACs cannot be told from
            the forward pass, and the peak may be that of the forward pass alone.
        dtype: of the parameters and buffers that are floating-point numbers; `None`: their own.

    Raises:
        ForwardError: a pass failed.
    """
    names = {id(module): name for name, module in model.named_modules()}
    from_torch = type(model).__module__.startswith("torch.nn.")
    root = StepCall("", type(model).__name__, model, from_torch and is_leaf(model))
    watch = _StepWatch(root, meta)

    def stand_in(tensor: Tensor) -> Tensor:
        kind = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
        if meta:
            made = torch.empty_strided(tensor.size(), tensor.stride(), dtype=kind, device="meta")
        else:
            made = tensor.detach().to(kind)
        watch.given(made)
        asks = tensor.requires_grad and gradients
        if isinstance(tensor, nn.Parameter):
            return nn.Parameter(made, requires_grad=asks)
        return made.requires_grad_(asks)

    def ready(value: Tensor) -> Tensor:
        fresh = (
            torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")
            if meta
            else value.detach().clone()
        )
        watch.inputs += watch.given(fresh)
        return fresh

    def seen(
        called: Called, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        name, outer = names.get(id(module)), watch.stack[-1]
        if name is None or outer.leaf or watch.backward or (module is model and outer is root):
            return called(module, args, kwargs)
        call = StepCall(name, type(module).__name__, module, is_leaf(module))
        watch.calls.append(call)
        watch.stack.append(call)
        try:
            return called(module, args, kwargs)
        except Exception as error:
            watch.fell(error, inputs=(args, kwargs))
            raise
        finally:
            watch.stack.pop()

    arguments, named = each_tensor((list(args), dict(kwargs)), ready)
    kept = Kept(model, args, kwargs)
    watch.about_to_write = None if meta else kept.about_to_write
    with restored(kept, dict(model.named_modules()), training, not meta):
        kept.replace(stand_in)
        try:
            with (
                torch.set_grad_enabled(gradients), calls_seen(seen), _attention_fused(meta),
                saved_tensors_hooks(watch.keep, lambda tensor: tensor), watch,
            ):  # fmt: skip
                output = model(*arguments, **named)
                saved = watch.saved
                watch.backward = True
                back = peak or watch.others_keep or _surprises(output, watch.nodes)
                if back:
                    _go_back(output)
                del output
        except Exception as error:
            watch.fell(error, inputs=(args, kwargs))
            assert watch.fall is not None
            fall = watch.fall
            raise ForwardError(
                error, list(watch.calls), fall.stack, fall.func, fall.args, fall.inputs
            ) from error
    calls = watch.steps()
    macs = watch.macs_back if back else sum(call.backward_macs for call in calls)
    return Step(calls, watch.inputs, saved, watch.peak, macs)


def _surprises(output: Any, expected: Mapping[str, int]) -> bool:
    """Whether the backward pass may compute something else than what the forward pass tells: there
    is a function with a backward pass of its own, or a product was in vain."""
    found: Counter[str] = Counter()
    todo = [tensor.grad_fn for tensor in tensors(output) if tensor.grad_fn is not None]
    seen = set(todo)
    while todo:
        node = todo.pop()
        if isinstance(node, BackwardCFunction):
            return True
        found[node.name()] += 1
        for follower, _ in node.next_functions:
            if follower is not None and follower not in seen:
                seen.add(follower)
                todo.append(follower)
    return any(found[name] != number for name, number in expected.items())


def _go_back(output: Any) -> None:
    """The backward pass, from every result that has one."""
    ends = [tensor for tensor in tensors(output) if tensor.requires_grad]
    if ends:
        torch.autograd.backward(ends, [torch.ones_like(end) for end in ends])


class _StepWatch(Watch):
    """Sees every operator below autograd, and what autograd keeps."""

    def __init__(self, root: StepCall, meta: bool) -> None:
        super().__init__(root, meta, follow=False)
        self.inputs = self.now = self.peak = self.saved = self.macs_back = 0
        self.backward = False
        self.nodes: Counter[str] = Counter()
        self.count = self.kept_at = 0
        self.others_keep = False
        self._there: dict[int, weakref.ref[Any]] = {}
        self._owners: dict[int, StepCall | None] = {}
        self._given: list[Tensor] = []  # kept, so that no other storage takes their numbers

    def steps(self) -> list[StepCall]:
        """The calls."""
        return [call for call in self.calls if isinstance(call, StepCall)]

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
                raise NotImplementedError(
                    f"{func.name()} runs functions of its own, through which no backward pass is "
                    "followed"
                )
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
            out = quick_step_result(way.packet, args) if self.meta and way.quick else None
            if out is None:
                if self.meta:
                    args, kwargs = self.on_meta(func, args, kwargs)
                elif self.about_to_write is not None and func._schema.is_mutable:
                    self.about_to_write(tensors((*args, *kwargs.values())))
                out = func(*args, **kwargs)
        except Exception as error:
            self.fell(error, func, args)
            raise
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
        operation = Operation(func, packet, args, out, self.fields.sees, self.fields.through)
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
        del self._there[key]
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
        alias: whether it only looks at memory that is there; autograd asks for these most of all.
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


_ALIASES = {aten.detach, aten.t, aten.view, aten.transpose, aten.permute, aten.unsqueeze}
_WAYS: dict[int, _Way] = {}


def _way(func: Any) -> _Way:
    known = _WAYS.get(id(func))  # an operator's own hash is worked out anew each time
    if known is None:
        packet = func.overloadpacket
        quick = is_quick(packet)
        apart = packet not in COSTS and not quick and func._can_decompose()
        cheap = quick or packet is aten.empty  # as batch norms ask for
        priced = not cheap or packet in CONVOLUTIONS or packet is aten.convolution_backward
        known = _WAYS[id(func)] = _Way(func, packet, packet in _ALIASES, quick, apart, priced)
    return known


def _node(packet: Any) -> str:
    """What autograd calls the step back over an operator."""
    return "".join(part.capitalize() for part in packet.__name__.split("_")) + "Backward0"


@contextlib.contextmanager
def _attention_fused(meta: bool) -> Iterator[None]:
    """Attention as processors compute it: in one operator, which keeps no scores. On the meta
    device torch takes it apart, and would keep all of them."""
    original = functional.scaled_dot_product_attention

    def fused(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None,
        dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:  # fmt: skip
        whole = query.is_meta and query.dim() == 4 and not enable_gqa
        if whole and query.shape[-1] == key.shape[-1] == value.shape[-1]:
            if dropout_p == 0 and (attn_mask is None or not attn_mask.requires_grad):
                mask = attn_mask
                if mask is not None and mask.dtype is torch.bool:
                    mask = mask.to(query.dtype)
                return aten._scaled_dot_product_flash_attention_for_cpu(
                    query, key, value, dropout_p, is_causal, attn_mask=mask, scale=scale
                )[0]
            if attn_mask is None:
                return aten._scaled_dot_product_efficient_attention(
                    query, key, value, None, True, dropout_p, is_causal, scale=scale
                )[0]
        return original(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )

    if meta:
        functional.scaled_dot_product_attention = fused
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original
