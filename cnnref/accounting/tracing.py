"""One forward pass, watched: which module called which operator on what.

The pass runs on torch's meta device, where tensors have shapes and no values, so it costs no memory
and next to no time. The model stays where it is: a mode that sits between torch and its operators
hands each of them a stand-in for the parameters it is given. Nothing of the model is written to,
and hooks, training flags and random states are put back whatever happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from cnnref.accounting.macs import COSTS, Cost, Extras, cost
from cnnref.accounting.moving import MOVING
from cnnref.accounting.operation import CONVOLUTIONS, Operation, channels_taken
from cnnref.accounting.operators import JOINS, result_sight
from cnnref.accounting.reaches import Reach, Step
from cnnref.accounting.shapes import quick_result
from cnnref.accounting.sights import Sight, misaligned

__all__ = ["Call", "ForwardError", "is_leaf", "trace"]

_SIGHT = "_cnnref_sight"

# Outside the leaves these have a row of their own, as everything has that makes MACs.
_SHOWN = {
    operator
    for operator in MOVING
    if any(word in operator.__name__ for word in ("pool", "upsample", "pixel", "im2col"))
}


@dataclass
class Call:
    """What happened in one call of a module, or of a function outside the leaves of the model.

    Args:
        name: the module's name in the model; a function has the name of the module that called it,
            a colon and its own.
        kind: the module's class, or the function's name.
        module: the module; `None` for a function.
        leaf: whether the module has no modules of its own.
        macs: multiply-accumulates, those of modules inside left out.
        extras: operations outside them.
        unknown: operators without a formula.
        shapes: of its results.
        sight: what its first result sees.
        done: whether it returned.
        warnings: what a reader has to know of the joins in it.
    """

    name: str
    kind: str
    module: nn.Module | None = None
    leaf: bool = True
    macs: int = 0
    extras: Extras = field(default_factory=Extras)
    unknown: list[str] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    sight: Sight | None = None
    done: bool = False
    warnings: list[str] = field(default_factory=list)

    def add(self, price: Cost) -> None:
        """Charge one operator."""
        self.macs += price.macs
        self.extras = self.extras + price.extras
        if price.unknown:
            self.unknown.append(price.unknown)


class ForwardError(Exception):
    """The forward pass failed.

    Args:
        error: what torch, or the model, raised.
        calls: the calls up to there; the last one that is not done was the innermost.
        func: the operator that failed, if one did.
        args: its arguments.
    """

    def __init__(
        self, error: Exception, calls: list[Call], stack: list[Call], func: Any, args: Sequence[Any]
    ) -> None:
        super().__init__(str(error))
        self.error, self.calls, self.stack, self.func = error, calls, stack, func
        self.operands = args  # every exception has `args` of its own


class _Watch(TorchDispatchMode):
    """Sees every operator. Charges it to the innermost module, and follows fields through it."""

    def __init__(self, root: Call, meta: bool, follow: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.meta, self.follow = meta, follow
        self.calls = [root]
        self.stack = [root]
        self.twins: dict[int, tuple[Tensor, Tensor]] = {}
        self.steps: dict[tuple[int, int, int], tuple[Reach, Step, Reach]] = {}
        self.written: dict[int, _Write] = {}
        self.writes = 0
        self.counts: dict[str, int] = {}
        self.broken: Exception | None = None
        self.failed: tuple[Any, Sequence[Any]] | None = None

    def through(self, reach: Reach, step: Step, outputs: int) -> Reach:
        """`Reach.through`, once for axes that share their past."""
        key = (id(reach), id(step), outputs)
        known = self.steps.get(key)
        if known is None:
            # The reach and the step are kept, so that no other takes their numbers.
            known = self.steps[key] = (reach, step, reach.through(step, outputs))
        return known[2]

    def sees(self, tensor: Any) -> Sight | None:
        """The sight of a tensor; `None` if it depends on no input."""
        noted = getattr(tensor, _SIGHT, None)
        sight, when = noted or (None, -1)
        if self.written and isinstance(tensor, Tensor):
            write = self.written.get(tensor.untyped_storage()._cdata)
            if write is not None and when < write.when:
                sight = sight or write.sight
                if sight is not None:
                    return sight.unknown("written in place through a view", tensor.shape)
        return sight

    def mark(self, tensor: Tensor, sight: Sight | None) -> None:
        """Note what a tensor sees from now on."""
        setattr(tensor, _SIGHT, (sight, self.writes))

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
        packet = func.overloadpacket
        kwargs = kwargs or {}
        if packet not in COSTS and func._can_decompose():
            with self:
                result = func.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        if _needs_decomposition(packet, args):
            with self:
                return func.decompose(*args, **kwargs)
        try:
            out = quick_result(packet, args) if self.meta else None
            if out is None:
                if self.meta:
                    args, kwargs = self.on_meta(func, args, kwargs)
                if packet in CONVOLUTIONS:
                    _check_channels(packet, args)
                out = func(*args, **kwargs)
        except Exception:
            self.failed = self.failed or (func, args)
            raise
        try:
            self.note(func, packet, args, out)
        except Exception as error:
            self.broken = error
            raise
        return out

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
        if "device" in kwargs and (mixed or not real):
            kwargs = {**kwargs, "device": torch.device("meta")}
            kwargs.pop("pin_memory", None)
        return args, kwargs

    def note(self, func: Any, packet: Any, args: Sequence[Any], out: Any) -> None:
        """Charge the operator and follow the field."""
        call = self.stack[-1]
        operation = Operation(func, args, out, self.sees, self.through)
        price = cost(operation)
        if not call.leaf and (price.macs or packet in _SHOWN):
            call = self.function(call, packet)
        sights = None
        if self.follow:
            sights = result_sight(operation)
            if packet in JOINS and len(joined := self.joined(args)) > 1:
                if not call.leaf:
                    call = self.function(call, packet)
                call.warnings += misaligned(joined)
            self.assign(func, args, out, sights)
        call.add(price)
        if call.module is None and call is not self.calls[0]:
            first = out[0] if isinstance(out, list | tuple) else out
            call.shapes = [tuple(first.shape)]
            call.sight = sights[0] if isinstance(sights, list) else sights

    def assign(
        self, func: Any, args: Sequence[Any], out: Any, sights: Sight | list[Sight] | None
    ) -> None:
        """Write the sights on the results, and mark what else shares a storage written to."""
        if func._schema.is_mutable and args and isinstance(args[0], Tensor):
            sight = sights[0] if isinstance(sights, list) else sights
            noted = getattr(args[0], _SIGHT, None)
            if noted is None or noted[0] is not sight:
                self.writes += 1
                storage = args[0].untyped_storage()
                self.written[storage._cdata] = _Write(storage, sight, self.writes)
                self.mark(args[0], sight)
        elif isinstance(sights, list):
            for tensor, sight in zip(out, sights, strict=False):
                self.mark(tensor, sight)
        elif sights is not None:
            for tensor in out if isinstance(out, list | tuple) else [out]:
                if isinstance(tensor, Tensor) and tensor.dim() == len(sights.dims):
                    self.mark(tensor, sights)

    def joined(self, args: Sequence[Any]) -> list[Sight]:
        """The sights of the operands that depend on the input."""
        items = args[0] if args and isinstance(args[0], list | tuple) else args[:2]
        sights = (self.sees(item) for item in items if isinstance(item, Tensor))
        return [sight for sight in sights if sight is not None]

    def function(self, caller: Call, packet: Any) -> Call:
        """A row for a function that a module with modules of its own calls."""
        kind = packet.__name__.rstrip("_")
        name = f"{caller.name}:{kind}"
        number = self.counts[name] = self.counts.get(name, 0) + 1
        call = Call(name if number == 1 else f"{name}_{number}", kind, done=True)
        self.calls.append(call)
        return call


@dataclass(frozen=True)
class _Write:
    """A storage that was written to, kept so that its address stays its own; what was written, and
    when. Tensors that were marked before and share it see something else now."""

    storage: Any
    sight: Sight | None
    when: int


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is told as one layer. An attention uses its parts without calling them."""
    return isinstance(module, nn.MultiheadAttention) or next(module.children(), None) is None


def _needs_decomposition(packet: Any, args: Sequence[Any]) -> bool:
    """Convolutions whose padding is a word become a padding and a convolution."""
    return packet in CONVOLUTIONS and len(args) > 4 and isinstance(args[4], str)


def _check_channels(packet: Any, args: Sequence[Any]) -> None:
    """Refuse a transposed convolution of other channels, which the meta device lets pass."""
    x, weight = args[:2]
    if x.dim() == weight.dim() and x.shape[1] != channels_taken(packet, args):
        raise RuntimeError("the channels of input and weight differ")


def trace(
    model: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    axes: Callable[[Tensor], Mapping[int, int]] | None,
    *,
    meta: bool,
    training: bool,
) -> list[Call]:
    """Run one forward pass and tell what happened.

    Args:
        model: the network.
        args: its arguments; tensors among them are replaced, not changed.
        kwargs: its arguments by name.
        axes: for each input tensor the numbers of its axes, by dimension; `None`: follow nothing.
        meta: run without values.
        training: the mode to run in.

    Returns:
        The calls in the order in which they began; the first is the model's own.

    Raises:
        ForwardError: the pass failed.
    """
    names = {id(module): name for name, module in model.named_modules()}
    # A network without modules of its own calls functions, and each of them is told.
    from_torch = type(model).__module__.startswith("torch.nn.")
    root = Call("", type(model).__name__, model, leaf=from_torch and is_leaf(model))
    watch = _Watch(root, meta, axes is not None)

    def enter(module: nn.Module, *_: Any) -> None:
        if module is model and len(watch.stack) == 1:
            return
        leaf = watch.stack[-1].leaf or is_leaf(module)
        call = Call(names[id(module)], type(module).__name__, module, leaf)
        if not watch.stack[-1].leaf:
            watch.calls.append(call)
        watch.stack.append(call)

    def leave(_: nn.Module, __: Any, output: Any) -> None:
        call = watch.stack[-1]
        _finish(watch, call, output)
        if call is not root:
            watch.stack.pop()
            if watch.stack[-1].leaf:
                watch.stack[-1].macs += call.macs
                watch.stack[-1].extras += call.extras
                watch.stack[-1].unknown += call.unknown

    def ready(value: Any) -> Any:
        if isinstance(value, Tensor):
            # A copy of the tensor's handle: what we write on it must not stay on the caller's.
            fresh = (
                torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")
                if meta
                else value.detach().clone()
            )
            if axes is not None:
                watch.mark(fresh, Sight.of_input(fresh.shape, axes(value)))
            return fresh
        if isinstance(value, list | tuple):
            return type(value)(map(ready, value))
        if isinstance(value, dict):
            return {key: ready(item) for key, item in value.items()}
        return value

    with contextlib.ExitStack() as undo, torch.inference_mode():
        undo.enter_context(_restored(model, training, not meta))
        arguments = [ready(value) for value in args]
        named = {key: ready(value) for key, value in kwargs.items()}
        for module in model.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            undo.callback(module.register_forward_pre_hook(enter, prepend=False).remove)
            undo.callback(module.register_forward_hook(leave).remove)
        try:
            with watch:
                output = model(*arguments, **named)
        except Exception as error:
            if watch.broken is not None:  # ours, not the caller's: it keeps its traceback
                raise
            raise ForwardError(
                error, watch.calls, watch.stack, *(watch.failed or (None, ()))
            ) from error
        if not root.done:
            _finish(watch, root, output)
    return watch.calls


def _finish(watch: _Watch, call: Call, output: Any) -> None:
    tensors = list(_tensors(output))
    call.shapes = [tuple(tensor.shape) for tensor in tensors]
    call.sight = watch.sees(tensors[0]) if tensors else None
    call.done = True


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


@contextlib.contextmanager
def _restored(model: nn.Module, training: bool, values: bool) -> Iterator[None]:
    """The model in the wanted mode; afterwards its own modes, its buffers (if the pass has values
    to write into them) and the random states are back."""
    flags = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if values else []
    on_cuda = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        with torch.random.fork_rng(on_cuda):
            for module, _ in flags:
                module.training = training
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, flag in flags:
            module.training = flag
        for buffer, content in buffers:
            buffer.copy_(content)
