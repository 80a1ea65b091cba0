"""Mixed precision without values.

`torch.autocast` casts by the device of what it is given, and knows no meta device. So a pass there
lets it be, and is told that it was asked for. What it costs is then seen in a pass of tensors that
say they are on the CPU, or on a GPU, and have no values either: torch's own fake tensors, which
its own casts are made for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import Tensor
from torch.amp.autocast_mode import autocast

from cnnref.accounting.tracing.calls import ONE_AT_A_TIME

__all__ = ["as_on_cpu", "autocast_left_out", "autocast_off", "autocasts", "fake_tensors"]

aten = torch.ops.aten

_DEVICES = ("cpu", "cuda")

_NORMS = {aten.native_batch_norm, aten.native_layer_norm, aten.native_group_norm}


def autocasts() -> str | None:
    """The device for which `torch.autocast` is at work around us."""
    return next(filter(torch.is_autocast_enabled, _DEVICES), None)


def fake_tensors() -> AbstractContextManager[Any]:
    """While it lasts, tensors have no values, wherever they say they are."""
    from torch._subclasses.fake_tensor import FakeTensorMode  # takes a while to load

    return FakeTensorMode(allow_non_fake_inputs=True)


def as_on_cpu(packet: Any, args: Sequence[Any], out: Any) -> Any:
    """What an operator gives on the CPU, where fake tensors have it otherwise: the mean and the
    deviation of halves are as precise as the parameters of the layer."""
    if packet in _NORMS and out[0].device.type == "cpu":
        others = [t for t in args[1:] if isinstance(t, Tensor)]
        if others and others[0].dtype is not out[1].dtype:
            kind = others[0].dtype
            return out[0], *(torch.empty(t.shape, dtype=kind, device="cpu") for t in out[1:])
    return out


@contextmanager
def autocast_off() -> Iterator[None]:
    """While it lasts, autocast is off around us; what is kept of casts is let go first."""
    before = {device: torch.is_autocast_enabled(device) for device in _DEVICES}
    torch.clear_autocast_cache()
    for device in _DEVICES:
        torch.set_autocast_enabled(device, False)
    try:
        yield
    finally:
        for device, enabled in before.items():
            torch.set_autocast_enabled(device, enabled)


@contextmanager
def autocast_left_out() -> Iterator[list[torch.dtype]]:
    """While it lasts, nothing is cast in this thread; the list says to what something would be."""
    around, thread = autocasts(), get_ident()
    asked = [torch.get_autocast_dtype(around)] if around else []
    kind: Any = autocast

    def made(self: Any, device_type: str, *args: Any, **kwargs: Any) -> None:
        if get_ident() == thread and device_type == "meta":
            device_type = "cpu"
        make(self, device_type, *args, **kwargs)

    def entered(self: Any) -> Any:
        if get_ident() != thread:
            return enter(self)
        if self._enabled:
            asked.append(self.fast_dtype)
        return self

    def left(self: Any, *error: Any) -> Any:
        return leave(self, *error) if get_ident() != thread else False

    with ONE_AT_A_TIME, autocast_off():
        make, enter, leave = before = kind.__init__, kind.__enter__, kind.__exit__
        kind.__init__, kind.__enter__, kind.__exit__ = made, entered, left
        try:
            yield asked
        finally:
            kind.__init__, kind.__enter__, kind.__exit__ = before
