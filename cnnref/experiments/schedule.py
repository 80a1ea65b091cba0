"""Many training runs at a time: over the cores or GPUs of this machine, or over a Ray cluster.

A job is one seed of one experiment, trained in a process of its own. Jobs share nothing, so one
that fails stops no other, and what is finished stays finished.
"""

from __future__ import annotations

import contextlib
import logging
import math
import multiprocessing
import queue
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

import torch

from cnnref.errors import CnnrefError
from cnnref.experiments import store
from cnnref.experiments.catalogue import Experiment
from cnnref.experiments.record import Record
from cnnref.experiments.trainer import Trained, train, train_seed
from cnnref.experiments.verification import all_faults
from cnnref.experiments.workers import Workers, cores
from cnnref.training import choose_device

__all__ = ["Job", "RayError", "on_ray", "on_this_machine", "pending", "places"]


class RayError(CnnrefError, RuntimeError):
    """Ray is not installed, or there is no cluster at the address."""


class Job(NamedTuple):
    """One training run."""

    experiment: Experiment
    seed: int

    def __str__(self) -> str:
        return f"{self.experiment.name} seed {self.seed}"


def pending(
    experiments: Iterable[Experiment],
    *,
    seeds: Sequence[int] | None = None,
    force: bool = False,
    jobs: int = 1,
    on_experiment: Callable[[Experiment], None] | None = None,
) -> list[Job]:
    """The runs whose record is missing, invalid or stale, the longest first.

    Lengths are the wall times of stored records, of any seed; what has none goes before all others,
    for it may be the longest.

    Args:
        experiments: where to look.
        seeds: others than their own.
        force: all runs, whatever is stored.
        jobs: processes that replay the probes of records; see `verify`.
        on_experiment: called before each experiment.
    """
    wanted = [Job(e, s) for e in experiments for s in (e.seeds if seeds is None else seeds)]
    if not force:
        entries = {job.experiment.name: job.experiment for job in wanted}.values()
        faults = all_faults(entries, seeds=seeds, jobs=jobs, on_experiment=on_experiment)
        wanted = [job for job in wanted if faults[job.experiment.name, job.seed]]
    names = {job.experiment.name for job in wanted}
    seconds: dict[str, float] = {}
    for (name, _), path in store.stored().items():
        if name in names - seconds.keys():
            with contextlib.suppress(CnnrefError):
                seconds[name] = store.read(path).seconds
    return sorted(wanted, key=lambda job: -seconds.get(job.experiment.name, math.inf))


def places(device: str | None = None, jobs: int | None = None) -> list[str]:
    """The device of each job that runs at a time.

    Args:
        device: `"cuda"` stands for all GPUs of this machine; the best there is where none is given.
        jobs: how many jobs at a time; one for each GPU, or for each core, where not said.

    Raises:
        DeviceError: the device is not there.
    """
    kind = choose_device(device)
    if kind.type == "cuda" and kind.index is None:
        each = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    else:
        each = [str(kind)] * (cores() if kind.type == "cpu" else 1)
    count = jobs or len(each)
    return [each[i % len(each)] for i in range(count)]


def on_this_machine(
    jobs: Iterable[Job], devices: Sequence[str]
) -> Generator[tuple[Job, Record | BaseException], None, None]:
    """Train jobs side by side, and write their records.

    However this process ends, its jobs end with it; what they have not finished continues at its
    last epoch the next time.

    Args:
        jobs: in the order in which to start them.
        devices: the device of each job that runs at a time; see `places`. Each has an equal share
            of the cores.

    Yields:
        Each job when it is done: with its record, or with the error that ended it.
    """
    free: queue.SimpleQueue[str] = queue.SimpleQueue()
    for device in devices:
        free.put(device)
    threads = max(1, cores() // len(devices))
    lifeline, held = multiprocessing.Pipe(duplex=False)

    def work(job: Job) -> Record:
        device = free.get()
        try:
            # A fresh process for each: one that dies takes no other job along.
            with Workers(1, threads, lifeline) as worker:
                record: Record = worker.submit(_train, job, device).result()
        finally:
            free.put(device)
        return record

    # The lifeline is cut first, and then the threads find their workers gone.
    with lifeline, ThreadPoolExecutor(len(devices)) as pool, held:
        working = {pool.submit(work, job): job for job in jobs}
        try:
            for done in as_completed(working):
                yield working[done], done.exception() or done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _train(job: Job, device: str) -> Record:
    return train_seed(job.experiment, job.seed, device=device, progress=False)


def on_ray(
    jobs: Iterable[Job], address: str, device: str | None = None
) -> Generator[tuple[Job, Record | BaseException], None, None]:
    """Train jobs as tasks of a Ray cluster, and write their records here.

    Each takes one core, and one GPU where the cluster has some. The nodes need `cnnref` and the
    data; they need not share a disk with this machine, but what was killed continues only where
    they find its checkpoint in their own folder of records.

    Args:
        jobs: in the order in which to start them.
        address: `"local"` for a cluster of this machine alone; `"auto"` for the one it belongs to;
            or `host:port` of the head.
        device: `"cpu"` to leave GPUs alone.

    Yields:
        Each job when it is done: with its record, or with the error that ended it.

    Raises:
        RayError: Ray is not installed, or no cluster answers.
    """
    try:
        import ray
    except ImportError as error:
        raise RayError(
            "Ray is not installed; `pip install 'cnnref[ray]'` installs it, and without --ray the "
            "jobs run on this machine"
        ) from error
    if not re.fullmatch(r"local|auto|[^\s/:]+:\d+", address):
        raise RayError(f"the address of a Ray cluster is local, auto or host:port, got {address!r}")
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise RayError(f"no Ray cluster answers at {address!r}: {error}") from error
    try:
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(device != "cpu" and there.get("GPU", 0) >= 1)
        task = ray.remote(num_cpus=1, num_gpus=gpus)(_train_elsewhere)
        waiting = {task.remote(job, device): job for job in jobs}
        while waiting:
            (done,), _ = ray.wait(list(waiting))
            job = waiting.pop(done)
            outcome: Record | BaseException
            try:
                trained = ray.get(done)
                outcome = store.write(trained.content, trained.weights, job.experiment.own)
            except Exception as error:
                outcome = getattr(error, "cause", None) or error  # the node's own
            yield job, outcome
    finally:
        ray.shutdown()


def _train_elsewhere(job: Job, device: str | None) -> Trained:
    trained = train(job.experiment, job.seed, device=device, progress=False)
    # Kept from here on by the cluster, until the machine that asked for it has written it.
    trained.checkpoint.delete()
    return trained
