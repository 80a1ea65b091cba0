"""Keeping the memory of one step for the next.

The GNU C library hands large blocks back to the system as soon as they are free. A training step
frees all its activations and asks for the same ones again, and the system clears every page anew:
up to a fifth of the time of a small network's step on a CPU.
"""

from __future__ import annotations

import ctypes
import platform

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names in malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
_LARGE = 2**30


def keep_freed_memory() -> bool:
    """Have this process keep the memory it frees, up to a gigabyte a block; results do not change.

    For a process that trains and ends, such as `cnnref run`: what it has freed, no other gets.

    Returns:
        Whether this system's C library is the GNU one and took the setting; others need none.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_MMAP_THRESHOLD, _LARGE) and mallopt(_TRIM_THRESHOLD, _LARGE))
