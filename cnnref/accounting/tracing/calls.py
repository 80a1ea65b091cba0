"""Calls of modules: what happened in one, and how all are seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock, get_ident
from types import GeneratorType
from typing import Any

import torch
from torch import nn

from cnnref.accounting.counting.extras import Cost, Extras
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = [
    "ONE_AT_A_TIME",
    "OTHER_THREADS",
    "Call",
    "Called",
    "ForwardError",
    "calls_seen",
    "plain_convolution",
    "results",
]

aten = torch.ops.aten

Called = Callable[[nn.Module, Sequence[Any], Mapping[str, Any]], Any]
"""What a module's call is: the module, its arguments, those by name; it returns the result."""

Window = tuple[tuple[int, ...], tuple[int, ...]]
"""Kernel and stride, a number for each axis."""

ONE_AT_A_TIME = RLock()
"""Held while something of torch's is another thing for a time."""

OTHER_THREADS = "calls in other threads"
"""Stands among the operators without a formula for those that torch does not show."""

_CONVOLUTIONS: dict[type, Any] = {
    nn.Conv1d: aten.conv1d.default, nn.Conv2d: aten.conv2d.default, nn.Conv3d: aten.conv3d.default,
}  # fmt: skip


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
        input_shape: of the first tensor that it was called with.
        shapes: of its results.
        dtype: of the first of them.
        windows: kernel and stride of each convolution and pooling in it that is like no other.
        receptive_field: what its first result sees.
        without_gates: the same if gates are constants.
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
    input_shape: tuple[int, ...] | None = None
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    dtype: str = ""
    windows: list[Window] = field(default_factory=list)
    receptive_field: TensorField | None = None
    without_gates: TensorField | None = None
    done: bool = False
    warnings: list[str] = field(default_factory=list)

    def add(self, price: Cost) -> None:
        """Charge one operator."""
        self.macs += price.macs
        self.extras = self.extras + price.extras
        if price.unknown:
            self.unknown.append(price.unknown)

    def take(self, inner: Call) -> None:
        """Charge what a call made in this one was charged."""
        self.macs += inner.macs
        self.extras = self.extras + inner.extras
        self.unknown += inner.unknown
        self.windows += [one for one in inner.windows if one not in self.windows]


class ForwardError(Exception):
    """The forward pass failed.

    Args:
        error: what torch, or the model, raised.
        calls: the calls up to there.
        stack: the calls that were going on, the innermost last.
        func: the operator that failed, if one did.
        args: its arguments.
        inputs: what the innermost of those calls was made with.
    """

    def __init__(
        self,
        error: Exception,
        calls: list[Call],
        stack: list[Call],
        func: Any,
        args: Sequence[Any],
        inputs: Any = (),
    ) -> None:
        super().__init__(str(error))
        self.error, self.calls, self.stack, self.func = error, calls, stack, func
        self.operands = args  # every exception has `args` of its own
        self.inputs = inputs


@contextmanager
def calls_seen(
    by: Callable[[Called, nn.Module, Sequence[Any], Mapping[str, Any]], Any],
    elsewhere: Callable[[nn.Module], object] | None = None,
) -> Iterator[None]:
    """Have `by(call, module, args, kwargs)` stand for every call of a module in this thread, and
    tell `elsewhere(module)` of those in others.

    For the time being, `nn.Module.__call__` is another function, as when `torch.fx` traces. Nothing
    is written on any module, and what a module's hooks do is part of its call.
    """
    with ONE_AT_A_TIME:
        original, thread = nn.Module.__call__, get_ident()

        def call(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
            return original(module, *args, **kwargs)

        def seen(module: nn.Module, /, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                if elsewhere is not None:
                    elsewhere(module)
                return original(module, *args, **kwargs)
            return by(call, module, args, kwargs)

        nn.Module.__call__ = seen  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]


def results(model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a network gives; if that comes by and by, as of a generator, all of it."""
    output = model(*args, **kwargs)
    return tuple(output) if isinstance(output, GeneratorType) else output


def plain_convolution(
    module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, Sequence[Any]] | None:
    """The operator that a module will call, and nothing else, and its arguments.

    Torch takes longer to find the way to it than to work out the shape of its result. Of a module
    that is anything but torch's own convolution, without hooks and with zeros for padding, nobody
    knows what it will call: `None`.
    """
    operator = _CONVOLUTIONS.get(type(module))
    if operator is None or kwargs or len(args) != 1:
        return None
    if (
        module.padding_mode != "zeros"
        or isinstance(module.padding, str)
        or "forward" in vars(module)
        or module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    ):
        return None
    return operator, (
        args[0], module.weight, module.bias,
        module.stride, module.padding, module.dilation, module.groups,
    )  # fmt: skip
