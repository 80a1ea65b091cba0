"""One forward pass, watched: which module called which operator on what.

The pass runs on torch's meta device, where tensors have shapes and no values, so it costs no memory
and next to no time. The model stays where it is: a mode that sits between torch and its operators
hands each of them a stand-in for the parameters it is given. Nothing of the model is written to,
and training flags and random states are put back whatever happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

from cnnref.accounting.calling import Call, Called, ForwardError, calls_seen, plain_convolution
from cnnref.accounting.macs import COSTS, cost
from cnnref.accounting.moving import MOVING
from cnnref.accounting.operation import CONVOLUTIONS, Operation, channels_taken
from cnnref.accounting.operators import JOINS, result_sight
from cnnref.accounting.reaches import Reach, Step
from cnnref.accounting.shapes import quick_result
from cnnref.accounting.sights import Sight, misaligned

__all__ = ["is_leaf", "trace"]

_SIGHT = "_cnnref_sight"

# Outside the leaves these have a row of their own, as everything has that makes MACs.
_SHOWN = {
    operator
    for operator in MOVING
    if any(word in operator.__name__ for word in ("pool", "upsample", "pixel", "im2col"))
}


@dataclass(frozen=True)
class _Fall:
    """Where an error came from: the calls that were going on, and the operator that raised it."""

    error: Exception
    stack: list[Call]
    func: Any = None
    args: Sequence[Any] = ()


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
        self.fall: _Fall | None = None

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
            if out is not None:
                self.mark(out, None)
            else:
                if self.meta:
                    args, kwargs = self.on_meta(func, args, kwargs)
                if packet in CONVOLUTIONS:
                    _check_channels(packet, args)
                out = func(*args, **kwargs)
        except Exception as error:
            self.fell(error, func, args)
            raise
        self.note(func, packet, args, out)
        return out

    def without_torch(
        self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Tensor | None:
        """The result of a plain convolution of a tensor that was handed out here; else `None`.

        Transformations such as `torch.func.vmap` put tensors of their own in place of ours.
        """
        known = plain_convolution(module, args, kwargs)
        if known is None or getattr(args[0], _SIGHT, None) is None:
            return None
        func, operands = known
        packet = func.overloadpacket
        with no_dispatch():
            out = quick_result(packet, operands)
        if out is not None:
            self.mark(out, None)
            self.note(func, packet, operands, out)
        return out

    def fell(self, error: Exception, func: Any = None, args: Sequence[Any] = ()) -> None:
        """Note where an error came from, unless that is known: the innermost place comes first."""
        before = (error, error.__cause__, error.__context__)
        if self.fall is None or all(self.fall.error is not known for known in before):
            self.fall = _Fall(error, list(self.stack), func, args)

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
        try:
            self._note(func, packet, args, out)
        except Exception as error:
            self.broken = error
            raise

    def _note(self, func: Any, packet: Any, args: Sequence[Any], out: Any) -> None:
        call = self.stack[-1]
        operation = Operation(func, packet, args, out, self.sees, self.through)
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
    inside = module._modules.values()  # `children()` says the same and takes longer
    return isinstance(module, nn.MultiheadAttention) or all(each is None for each in inside)


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
    modules = dict(model.named_modules())
    names = {id(module): name for name, module in modules.items()}
    shortcuts = meta and not _has_any_global_hook()
    # A network without modules of its own calls functions, and each of them is told.
    from_torch = type(model).__module__.startswith("torch.nn.")
    root = Call("", type(model).__name__, model, leaf=from_torch and is_leaf(model))
    watch = _Watch(root, meta, axes is not None)

    def seen(
        called: Called, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        name = names.get(id(module))
        outer = watch.stack[-1]
        itself = module is model and outer is root
        if name is None or itself or isinstance(module, torch.jit.ScriptModule):
            return called(module, args, kwargs)
        call = Call(name, type(module).__name__, module, outer.leaf or is_leaf(module))
        if not outer.leaf:
            watch.calls.append(call)
        watch.stack.append(call)
        try:
            output = watch.without_torch(module, args, kwargs) if shortcuts else None
            if output is None:
                output = called(module, args, kwargs)
            _finish(watch, call, output)
        except Exception as error:
            watch.fell(error)
            raise
        finally:
            watch.stack.pop()
        if outer.leaf:
            outer.macs += call.macs
            outer.extras += call.extras
            outer.unknown += call.unknown
        return output

    def ready(value: Any) -> Any:
        if isinstance(value, Tensor):
            # A copy of the tensor's handle: what we write on it must not stay on the caller's.
            fresh = (
                torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")
                if meta
                else value.detach().clone()
            )
            watch.mark(fresh, None if axes is None else Sight.of_input(fresh.shape, axes(value)))
            return fresh
        if isinstance(value, list | tuple):
            return type(value)(map(ready, value))
        if isinstance(value, dict):
            return {key: ready(item) for key, item in value.items()}
        return value

    with contextlib.ExitStack() as undo, torch.inference_mode():
        undo.enter_context(_restored(model, modules, training, not meta))
        arguments = [ready(value) for value in args]
        named = {key: ready(value) for key, value in kwargs.items()}
        try:
            with calls_seen(seen), watch:
                output = model(*arguments, **named)
        except Exception as error:
            if watch.broken is not None:  # ours, not the caller's: it keeps its traceback
                raise
            watch.fell(error)
            assert watch.fall is not None
            fall = watch.fall
            raise ForwardError(error, watch.calls, fall.stack, fall.func, fall.args) from error
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
def _restored(
    model: nn.Module, modules: Mapping[str, nn.Module], training: bool, values: bool
) -> Iterator[None]:
    """The model in the wanted mode; afterwards its own modes, its buffers (if the pass has values
    to write into them) and the random states are back."""
    flags = [(module, module.training) for module in modules.values()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if values else []
    on_cuda = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        with torch.random.fork_rng(on_cuda):
            for module, flag in flags:
                if flag is not training:  # setting an attribute of a module takes a while
                    module.training = training
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, flag in flags:
            if module.training is not flag:
                module.training = flag
        for buffer, content in buffers:
            buffer.copy_(content)
