"""Several processes that train one model together, as `torchrun` starts them.

    torchrun --nproc-per-node=2 -m cnnref run cats-dogs-plain

Every process takes its share of each mini-batch, so the global batch stays what the recipe says.
Alone, a process is a team of one, and nothing here does anything.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from cnnref.errors import CnnrefError

__all__ = ["Team", "TeamError", "team"]

_ALONE = ContextVar("_ALONE", default=False)


class TeamError(CnnrefError, ValueError):
    """The work cannot be shared out over these processes."""


@dataclass(frozen=True)
class Team:
    """The processes of one training run, seen from one of them.

    Args:
        rank: number of this process, from 0; process 0 leads.
        size: how many there are.
        local_rank: number of this process on its own machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process shows progress and writes the files."""
        return self.rank == 0

    def add_up(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over the processes; all get it."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def mean(self, means: Tensor, count: int) -> Tensor:
        """The mean over all images, from every process's means over `count` images."""
        if self.size == 1:
            return means
        counted = torch.cat([means * count, means.new_tensor([count])])
        total = self.add_up(counted)
        return total[:-1] / total[-1]

    def from_leader(self, make: Callable[[], Any]) -> Any:
        """What `make` returns in the leading process; the others do not call it, and wait.

        Meanwhile the leader is a team of one: what it calls may train and evaluate. An error that
        `make` raises is raised in every process, so that none waits for ever.
        """
        if self.size == 1:
            return make()
        told: list[Any] = [None, None]
        if self.leads:
            with _alone():
                try:
                    told[0] = make()
                except Exception as error:
                    told[1] = error
        distributed.broadcast_object_list(told)
        made, failure = told
        if failure is not None:
            raise failure
        return made

    def place(self, device: torch.device) -> torch.device:
        """Where this process computes: on CUDA each has a GPU of its own.

        Args:
            device: what was asked for.

        Raises:
            TeamError: this machine has fewer GPUs than processes, or the device is neither CUDA nor
                the CPU.
        """
        if self.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda":
            raise TeamError(f"several processes train on cuda or cpu, not on {device.type}")
        processes = int(os.environ.get("LOCAL_WORLD_SIZE", self.size))
        if processes > torch.cuda.device_count():
            raise TeamError(
                f"this machine has {torch.cuda.device_count()} GPUs for {processes} processes; "
                "start fewer, or train on the device cpu"
            )
        return torch.device("cuda", self.local_rank)

    def network(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The model as training calls it: gradients become the mean over the processes.

        Batch normalisation takes its statistics over the whole batch, as one process would.

        Raises:
            TeamError: the model has batch normalisation, and the device is not CUDA: torch can
                synchronise its statistics there alone.
        """
        if self.size == 1:
            return model
        if any(isinstance(module, _BatchNorm) for module in model.modules()):
            if device.type != "cuda":
                raise TeamError(
                    f"{type(model).__name__} has batch normalisation, which torch can synchronise "
                    f"over processes on CUDA only, not on {device.type}; train it in one process"
                )
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return DistributedDataParallel(model, [device.index] if device.type == "cuda" else None)


def team() -> Team:
    """The team that `torchrun` announced in the environment, joined on the first call."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or _ALONE.get():
        return Team()
    if not distributed.is_initialized():
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        )
        atexit.register(_leave)
    return Team(distributed.get_rank(), size, int(os.environ.get("LOCAL_RANK", "0")))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
