"""Processes that work for this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

import torch

from cnnref.training import keep_freed_memory

__all__ = ["Workers", "cores"]


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux alone has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers(ProcessPoolExecutor):
    """A pool of fresh processes that leave Ctrl-C to this one.

    Args:
        count: how many.
        threads: of torch, in each.
        lifeline: the reading end of a pipe that only this process can write to: the workers end
            at once when the other end is closed, or when this process ends, however it does.
    """

    def __init__(self, count: int, threads: int = 1, lifeline: Connection | None = None) -> None:
        # Not forked: a fork of a process in which torch has started its threads can hang.
        fresh = multiprocessing.get_context("spawn")
        super().__init__(count, fresh, _begin, (threads, lifeline))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call `fn`; see `concurrent.futures.Executor.submit`.

        Args:
            fn: a function that can be imported.
            *args: its arguments.
            **kwargs: its keyword arguments.
        """
        # Workers start here, and inherit which signals are blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(threads: int, lifeline: Connection | None) -> None:
    torch.set_num_threads(threads)
    keep_freed_memory()
    if lifeline:
        threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)
