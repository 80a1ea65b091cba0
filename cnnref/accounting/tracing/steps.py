"""One training step without values: what autograd keeps, what its backward pass multiplies, and
how many bytes are alive at once.

Other than the pass that counts a network (`forward`), this one has autograd at work. What is kept
for the backward pass is what autograd itself hands to `torch.autograd.graph.saved_tensors_hooks`;
which products the backward pass needs follows from `requires_grad` of each operator's arguments;
and the backward pass is run, so that every result's storage is born and freed when torch does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import saved_tensors_hooks

from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.attention import attention_fused
from cnnref.accounting.tracing.autocast import (
    autocast_left_out,
    autocast_off,
    autocasts,
    fake_tensors,
)
from cnnref.accounting.tracing.calls import Called, ForwardError, calls_seen, results
from cnnref.accounting.tracing.forward import is_leaf, restored, uncompiled
from cnnref.accounting.tracing.inputs import each_tensor
from cnnref.accounting.tracing.keeping import Kept
from cnnref.accounting.tracing.step_watch import StepCall, StepWatch

__all__ = ["Step", "take_step"]


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
        convolves: whether there is a convolution, whose kernel may take memory of its own.
        autocast: the precision to which something was cast, and the device whose rules say what.
    """

    calls: list[StepCall]
    inputs: int
    saved: int
    peak: int
    backward_macs: int
    convolves: bool
    autocast: tuple[torch.dtype, str] | None = None


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
    autocast: torch.dtype | None = None,
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

        autocast: run the forward pass under `torch.autocast` to this precision.

    Raises:
        ForwardError: a pass failed.
    """
    take = partial(
        _taken, model, args, kwargs, training=training, gradients=gradients, peak=peak, dtype=dtype
    )
    around = autocasts()
    asked = [torch.get_autocast_dtype(around)] if around else []
    asked = [autocast] if autocast is not None else asked
    if not meta:
        given = next(tensors((args, kwargs, list(model.parameters()))), None)
        place = "cpu" if given is None else given.device.type
        step = take(place, nullcontext, autocast)
    elif asked:
        place = around or "cpu"
        step = take(place, fake_tensors, autocast)
    else:
        place = "cpu"
        with autocast_left_out() as asked:
            try:
                step = take("meta", attention_fused, None)
            except ForwardError:
                if not asked:
                    raise
        if asked:
            step = take(place, fake_tensors, None)
    return replace(step, autocast=(asked[0], place)) if asked else step


def _taken(
    model: nn.Module,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    place: str,
    without_values: Callable[[], AbstractContextManager[Any]],
    autocast: torch.dtype | None,
    *,
    training: bool,
    gradients: bool,
    peak: bool,
    dtype: torch.dtype | None,
) -> Step:
    """The step, of tensors at a place; in `without_values` they have none, unless it is nothing."""
    values = without_values is nullcontext
    names = {id(module): name for name, module in model.named_modules()}
    from_torch = type(model).__module__.startswith("torch.nn.")
    root = StepCall("", type(model).__name__, model, from_torch and is_leaf(model))
    watch = StepWatch(root, place == "meta", without_values is fake_tensors)

    def copy(tensor: Tensor, kind: torch.dtype) -> Tensor:
        if values:
            return tensor.detach().clone() if kind is tensor.dtype else tensor.detach().to(kind)
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=kind, device=place)

    def stand_in(tensor: Tensor) -> Tensor:
        kind = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
        made = tensor.detach() if values and kind is tensor.dtype else copy(tensor, kind)
        watch.given(made)
        asks = tensor.requires_grad  # without gradients too: autocast keeps the casts of what does
        if isinstance(tensor, nn.Parameter):
            return nn.Parameter(made, requires_grad=asks)
        return made.requires_grad_(asks)

    def ready(value: Tensor) -> Tensor:
        fresh = copy(value, value.dtype)
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

    kept = Kept(model, args, kwargs)
    watch.about_to_write = kept.about_to_write if values else None
    modules = dict(model.named_modules())
    with restored(kept, modules, training, values), uncompiled(), without_values():
        arguments, named = each_tensor((list(args), dict(kwargs)), ready)
        kept.replace(stand_in)
        try:
            with (
                torch.set_grad_enabled(gradients), calls_seen(seen),
                saved_tensors_hooks(watch.keep, lambda tensor: tensor), watch,
            ):  # fmt: skip
                with nullcontext() if autocast is None else torch.autocast(place, autocast):
                    output = results(model, arguments, named)
                saved = watch.saved
                watch.backward = True
                back = peak or watch.others_keep or _surprises(output, watch.nodes)
                if back:
                    with autocast_off():
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
    watch.forget()
    macs = watch.macs_back if back else sum(call.backward_macs for call in calls)
    return Step(calls, watch.inputs, saved, watch.peak, macs, watch.convolves)


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
