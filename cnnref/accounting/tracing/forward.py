"""One forward pass, watched: which module called which operator on what.

The pass runs on torch's meta device, where tensors have shapes and no values, so it costs no memory
and next to no time. The model stays where it is, and all that it keeps, and random states, are put
back whatever happens.
"""

from __future__ import annotations

import contextlib
import gc
import random
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from cnnref.accounting.counting.registered import has_formula, is_whole
from cnnref.accounting.operation import tensors
from cnnref.accounting.receptive_fields.tensor import TensorField
from cnnref.accounting.tracing.autocast import autocast_left_out, autocasts, fake_tensors
from cnnref.accounting.tracing.calls import (
    OTHER_THREADS,
    Call,
    Called,
    ForwardError,
    calls_seen,
    results,
)
from cnnref.accounting.tracing.inputs import each_tensor
from cnnref.accounting.tracing.keeping import AccountingWarning, Kept
from cnnref.accounting.tracing.operators import Watch

__all__ = ["is_leaf", "restored", "trace", "uncompiled"]


def trace(
    model: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    axes: Callable[[Tensor], Mapping[int, int]] | None,
    *,
    meta: bool,
    training: bool,
    gradients: bool = False,
) -> list[Call]:
    """Run one forward pass and tell what happened.

    Args:
        model: the network.
        args: its arguments; tensors among them are replaced, not changed.
        kwargs: its arguments by name.
        axes: for each input tensor the numbers of its axes, by dimension; `None`: follow nothing.
        meta: run without values.
        training: the mode to run in.
        gradients: have autograd at work, for a network that takes gradients itself.

    Returns:
        The calls in the order in which they began; the first is the model's own.

    Raises:
        ForwardError: the pass failed.
    """
    run = partial(_run, model, args, kwargs, axes, training=training, gradients=gradients)
    if not meta:
        return run(None)
    around, calls = autocasts(), None
    with autocast_left_out() as asked:
        try:
            calls = run("meta")
        except ForwardError:
            if not asked:
                raise
    if calls is not None and not asked:
        return calls
    try:
        return run(around or "cpu")  # where it casts
    except ForwardError:
        if calls is None:
            raise
    calls[0].warnings.append("counted without torch.autocast: precisions are those without it")
    return calls


def _run(
    model: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    axes: Callable[[Tensor], Mapping[int, int]] | None,
    place: str | None,
    *,
    training: bool,
    gradients: bool,
) -> list[Call]:
    """The pass, of tensors without values that say they are at a place; `None`: with values."""
    meta, fake = place == "meta", place not in ("meta", None)
    modules = dict(model.named_modules())
    names = {id(module): name for name, module in modules.items()}
    shortcuts = meta and not gradients and not _has_any_global_hook()
    # A network without modules of its own calls functions, and each of them is told.
    from_torch = type(model).__module__.startswith("torch.nn.")
    alone = has_formula(type(model)) or (from_torch and is_leaf(model))
    root = Call("", type(model).__name__, model, leaf=alone)
    watch = Watch(root, meta, axes is not None, fake)
    root.input_shape = next((tuple(t.shape) for t in tensors((args, kwargs))), None)

    def seen(
        called: Called, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        name = names.get(id(module))
        outer = watch.stack[-1]
        itself = module is model and outer is root
        if name is None or itself or isinstance(module, torch.jit.ScriptModule):
            return called(module, args, kwargs)
        call = Call(name, type(module).__name__, module, outer.leaf or is_leaf(module))
        first = args[0] if args else next(tensors(kwargs), None)
        call.input_shape = tuple(first.shape) if isinstance(first, Tensor) else None
        if not outer.leaf:
            watch.calls.append(call)
        watch.stack.append(call)
        try:
            output = watch.without_torch(module, args, kwargs) if shortcuts else None
            if output is None:
                output = called(module, args, kwargs)
            _finish(watch, call, output)
            watch.charge_own(call, module, args, output)
        except Exception as error:
            watch.fell(error, inputs=(args, kwargs))
            raise
        finally:
            watch.stack.pop()
        if outer.leaf:
            outer.take(call)
        return output

    def stand_in(value: Tensor) -> Tensor:
        return torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device=place)

    def elsewhere(module: nn.Module) -> None:
        if id(module) in names and OTHER_THREADS not in root.unknown:
            root.unknown.append(OTHER_THREADS)

    def ready(value: Tensor) -> Tensor:
        # A copy of the tensor's handle: what we write on it must not stay on the caller's.
        fresh = value.detach().clone() if place is None else stand_in(value)
        field = None
        if axes is not None and value.numel():
            field = TensorField.of_input(fresh.shape, axes(value))
        watch.fields.mark(fresh, field)
        return fresh

    kept = Kept(model, args, kwargs)
    watch.about_to_write = kept.about_to_write if place is None else None
    autograd = torch.enable_grad() if gradients else torch.inference_mode()
    with (
        restored(kept, modules, training, place is None), uncompiled(), autograd,
        fake_tensors() if fake else contextlib.nullcontext(),
    ):  # fmt: skip
        if fake:
            kept.replace(stand_in)
        arguments = [each_tensor(value, ready) for value in args]
        named = {key: each_tensor(value, ready) for key, value in kwargs.items()}
        try:
            with calls_seen(seen, elsewhere), watch:
                output = results(model, arguments, named)
        except Exception as error:
            if watch.broken is not None:  # ours, not the caller's: it keeps its traceback
                raise
            watch.fell(error, inputs=(args, kwargs))
            assert watch.fall is not None
            fall = watch.fall
            raise ForwardError(
                error, watch.calls, fall.stack, fall.func, fall.args, fall.inputs
            ) from error
        _finish(watch, root, output)
        watch.charge_own(root, model, arguments, output)
    watch.fall = None
    watch.twins.clear()
    del output, arguments, named
    root.warnings += _left_behind(watch.made, kept)
    return watch.calls


def _left_behind(made: Sequence[weakref.ref[Tensor]], kept: Kept) -> list[str]:
    """What a reader has to know if tensors of the pass are still there: some object keeps them that
    cannot be reached from the model."""
    left: list[Tensor] = []
    for look in range(2):
        left = [tensor for tensor in (each() for each in made) if tensor is not None]
        left = [tensor for tensor in left if not kept.holds(tensor)]
        if not left:
            return []
        if not look:
            left.clear()
            gc.collect()  # tensors in circles of references are nobody's
    told = (
        f"the forward pass has put {len(left)} of its tensors, the first of shape "
        f"{tuple(left[0].shape)}, where they could not be taken back; they have no values of use, "
        "so make what keeps them anew before the network runs again"
    )
    warnings.warn(told, AccountingWarning, stacklevel=5)
    return [told]


def _finish(watch: Watch, call: Call, output: Any) -> None:
    found = list(tensors(output))
    call.shapes = [tuple(tensor.shape) for tensor in found]
    if found:
        watch.finish(call, found[0])
    call.done = True


@contextlib.contextmanager
def restored(
    kept: Kept, modules: Mapping[str, nn.Module], training: bool, values: bool
) -> Iterator[None]:
    """The model in the wanted mode; afterwards all that is kept, the random states and torch's
    settings are back."""
    if values:  # torch does not say of all its operators that they write statistics
        kept.about_to_write([b for module in modules.values() for b in module._buffers.values()])
    fast, gradients = torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()
    kind, drawn, drawn_by_numpy = (
        torch.get_default_dtype(),
        random.getstate(),
        np.random.get_state(),
    )
    on_cuda = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(on_cuda):
            for module in modules.values():
                if module.training is not training:  # setting an attribute takes a while
                    module.training = training
            torch.backends.mha.set_fastpath_enabled(False)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(kind)
        random.setstate(drawn)
        np.random.set_state(drawn_by_numpy)
        kept.restore()


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """What is compiled runs as it was written. Nothing of torch's compiler is loaded for that,
    unless the network itself asks for it on the way."""
    original = torch.compile
    with contextlib.ExitStack() as until_the_end:

        def compiled(*args: Any, **kwargs: Any) -> Any:
            torch.compile = original
            until_the_end.enter_context(torch.compiler.set_stance("force_eager"))
            return original(*args, **kwargs)

        if "torch._dynamo" in sys.modules:
            until_the_end.enter_context(torch.compiler.set_stance("force_eager"))
        else:
            torch.compile = compiled
        try:
            yield
        finally:
            torch.compile = original


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is told as one layer."""
    inside = module._modules.values()  # `children()` says the same and takes longer
    return is_whole(module) or all(each is None for each in inside)
