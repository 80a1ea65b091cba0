"""Where to compute, and with which random numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from cnnref.errors import CnnrefError, unknown

__all__ = ["DeviceError", "choose_device", "seeded"]


class DeviceError(CnnrefError, ValueError):
    """The device is unknown, or this machine does not have it."""


def choose_device(name: str | None = None) -> torch.device:
    """The device called `name`, or the best there is: CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: `name` is no device, or this machine does not have it.
    """
    available = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "cpu": 1,
    }
    if name is None:
        return torch.device(next(kind for kind, count in available.items() if count))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(unknown("device", name, available)) from error
    if device.type not in available:
        raise DeviceError(unknown("device", name, available))
    if (device.index or 0) >= available[device.type]:
        here = ", ".join(kind for kind, count in available.items() if count)
        raise DeviceError(f"device {name!r} is not on this machine; it has: {here}")
    return device


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from `seed` inside the block; leave torch's generators as they were."""
    cuda = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(cuda):
        torch.manual_seed(seed)
        yield
