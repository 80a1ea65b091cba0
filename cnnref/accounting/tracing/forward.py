"""One forward pass, watched: which module called which operator on what.

The pass runs on torch's meta device, where tensors have shapes and no values, so it costs no memory
and next to no time. The model stays where it is, and training flags and random states are put back
whatever happens.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from cnnref.accounting.receptive_fields.tensor import TensorField
from cnnref.accounting.tracing.calls import Call, Called, ForwardError, calls_seen
from cnnref.accounting.tracing.operators import Watch

__all__ = ["trace"]


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
    root = Call("", type(model).__name__, model, leaf=from_torch and _is_leaf(model))
    watch = Watch(root, meta, axes is not None)

    def seen(
        called: Called, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        name = names.get(id(module))
        outer = watch.stack[-1]
        itself = module is model and outer is root
        if name is None or itself or isinstance(module, torch.jit.ScriptModule):
            return called(module, args, kwargs)
        call = Call(name, type(module).__name__, module, outer.leaf or _is_leaf(module))
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
            watch.fields.mark(
                fresh, None if axes is None else TensorField.of_input(fresh.shape, axes(value))
            )
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


def _finish(watch: Watch, call: Call, output: Any) -> None:
    tensors = list(_tensors(output))
    call.shapes = [tuple(tensor.shape) for tensor in tensors]
    call.receptive_field = watch.fields.sees(tensors[0]) if tensors else None
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


def _is_leaf(module: nn.Module) -> bool:
    """Whether a module is told as one layer. An attention uses its parts without calling them."""
    inside = module._modules.values()  # `children()` says the same and takes longer
    return isinstance(module, nn.MultiheadAttention) or all(each is None for each in inside)
