"""The ways to train that `training.py` compares: each does its work on so many images.

The textbook way is torchvision's dataset and transforms, a `DataLoader` and the loop of question
UT-P2.5; the library's is `cnnref.training.fit`. Every other technique differs from `fit` in one
thing.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.optim import Adam
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import CIFAR10

from cnnref.data import Batches, ImageSet, class_extract, synthetic
from cnnref.models import PlainCNN
from cnnref.training import OPTIMIZERS, Recipe, evaluate, fit, seeded

RECIPE = Recipe(epochs=1)
STACK = 5
"""Seeds that are stacked: as many as an experiment has."""

Contestant = Callable[[int], float]
"""Does its work on so many images and says how many it did per second."""


@cache
def images(count: int, seed: int = 0) -> ImageSet:
    """Noise alone: with nothing to learn, no gradient fades to the slow, denormal numbers."""
    return synthetic((3, 32, 32), 2, count, seed=seed, noise=1.0)


def fresh(seed: int = 0) -> PlainCNN:
    """The network as an experiment's seed starts it."""
    with seeded(seed):
        return PlainCNN()


class InMemory(CIFAR10):  # type: ignore[misc]
    """torchvision's CIFAR-10 on pixels of ours, for it would look for its files."""

    def __init__(self, chosen: ImageSet) -> None:
        n = chosen.normalization()
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(n.mean, n.std)]
        )
        self.target_transform = None
        self.data = chosen.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.targets = chosen.labels.tolist()


def loader(count: int, workers: int = 0) -> DataLoader[Any]:
    """The handout's mini-batches: of the subset of two classes, shuffled."""
    subset = class_extract([0, 1], InMemory(images(count)))
    return DataLoader(subset, batch_size=RECIPE.batch_size, shuffle=True, num_workers=workers)


def textbook(count: int, device: str, workers: int = 0) -> float:
    """An epoch of the loop in any tutorial."""
    batches = loader(count, workers)
    model = fresh().to(device)
    optimizer = Adam(model.parameters(), lr=RECIPE.learning_rate)
    loss_function = nn.BCELoss()
    risk = 0.0
    started = time.perf_counter()
    model.train()
    for x, y in batches:
        x, y = x.to(device), y.float().to(device)
        optimizer.zero_grad()
        loss = loss_function(model(x).sigmoid().squeeze(1), y)
        loss.backward()
        optimizer.step()
        risk += loss.item()
    return count / (time.perf_counter() - started)


def textbook_data(count: int, device: str) -> float:
    """An epoch of the textbook's mini-batches that nobody trains on."""
    batches = loader(count)
    started = time.perf_counter()
    for x, y in batches:
        x, y = x.to(device), y.to(device)
    return count / (time.perf_counter() - started)


def library_data(count: int, device: str) -> float:
    """An epoch of the library's mini-batches that nobody trains on."""
    train = images(count)
    batches = Batches(
        train, RECIPE.batch_size, train.normalization(), shuffle_seed=0, device=device
    )
    started = time.perf_counter()
    for x, _ in batches:
        last = x
    last.cpu()  # a GPU is done only when its result is here
    return count / (time.perf_counter() - started)


def library(
    count: int,
    device: str,
    *,
    precision: str = "float32",
    seed: int = 0,
    model: nn.Module | None = None,
) -> float:
    """An epoch of `fit`, by its own clock: without the evaluations before and after."""
    # A network is compiled anew for every size of batch that it meets.
    test = images(RECIPE.batch_size if model else count // 10, 1)
    model = model or fresh(seed)
    recipe = Recipe(epochs=1, precision=precision, seed=seed)
    history = fit(model, images(count), test, recipe, device=device, progress=False)
    return history.images_per_second[0]


def channels_first(count: int, device: str) -> float:
    """`fit`, if it left images and weights in torch's default layout."""
    with mock.patch.object(torch, "channels_last", torch.contiguous_format):
        return library(count, device)


def fused_adam(count: int, device: str) -> float:
    """`fit`, with all of Adam's arithmetic in one kernel."""
    with mock.patch.dict(OPTIMIZERS, adam=partial(Adam, fused=True)):
        return library(count, device)


def compiled(device: str) -> tuple[Contestant, float]:
    """`fit` of a compiled network, and the seconds that compiling took."""
    model = fresh()
    start = copy.deepcopy(model.state_dict())
    model.compile(dynamic=False)

    def contestant(count: int) -> float:
        model.load_state_dict(start)
        return library(count, device, model=model)

    def seconds() -> float:
        started = time.perf_counter()
        contestant(2 * RECIPE.batch_size)
        return time.perf_counter() - started

    # Code kept from an earlier run would make compiling look free.
    with torch._inductor.config.patch(force_disable_caches=True):
        first = seconds()
    return contestant, first - seconds()


def bare(count: int, device: str) -> float:
    """The step alone, on pixels normalised beforehand; on CUDA it is one graph, captured once."""
    cuda = device.startswith("cuda")
    train = images(count)
    pixels = train.normalization()(train.images.to(device))
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    targets = train.labels.float().to(device)
    model = fresh().to(device).to(memory_format=torch.channels_last)
    optimizer = Adam(model.parameters(), lr=RECIPE.learning_rate, fused=cuda, capturable=cuda)
    chosen = torch.zeros(RECIPE.batch_size, dtype=torch.long, device=device)

    def step() -> Tensor:
        optimizer.zero_grad()
        logits = model(pixels[chosen])
        loss = F.binary_cross_entropy_with_logits(logits.squeeze(1), targets[chosen])
        loss.backward()
        optimizer.step()
        return loss.detach()

    replay = step
    if cuda:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # a graph can neither load kernels nor make the optimizer's state
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = step()

        def replay() -> Tensor:
            graph.replay()
            return captured.clone()

    started = time.perf_counter()
    losses = []
    for batch in torch.randperm(count).to(device).split(RECIPE.batch_size):
        chosen.copy_(batch)
        losses.append(replay())
    torch.stack(losses).cpu()
    return count / (time.perf_counter() - started)


def train_stacked(
    train: ImageSet, seeds: Sequence[int], device: str, dtype: torch.dtype = torch.float32
) -> Tensor:
    """An epoch of one network per seed, all at once: the loss of every step, `(steps, seeds)`."""
    models = [fresh(seed).to(device, dtype) for seed in seeds]
    parameters, _ = stack_module_state(models)
    optimizer = Adam(parameters.values(), lr=RECIPE.learning_rate)
    skeleton = copy.deepcopy(models[0]).to("meta")
    normalization = train.normalization()

    def loss(weights: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        logits = functional_call(skeleton, dict(weights), (x,))
        return F.binary_cross_entropy_with_logits(logits.squeeze(1), y.to(dtype))

    batches = (
        Batches(
            train, RECIPE.batch_size, normalization, shuffle_seed=seed, device=device, dtype=dtype
        ).epoch(0)
        for seed in seeds
    )
    losses = []
    for of_seeds in zip(*batches, strict=True):
        x, y = (torch.stack(parts) for parts in zip(*of_seeds, strict=True))
        optimizer.zero_grad()
        of_each = vmap(loss)(parameters, x, y)
        of_each.sum().backward()
        optimizer.step()
        losses.append(of_each.detach())
    return torch.stack(losses).cpu()


def stacked(count: int, device: str) -> float:
    """Several seeds, all at once: images per second of all together."""
    train = images(count // STACK)
    started = time.perf_counter()
    train_stacked(train, range(STACK), device)
    return len(train) * STACK / (time.perf_counter() - started)


def check_stacked(device: str) -> None:
    """The stacked losses are those of `fit`, seed by seed."""
    train = images(3 * RECIPE.batch_size)
    seeds = (0, 1)
    single = [
        fit(
            fresh(seed),
            train,
            images(100, 1),
            Recipe(epochs=1, precision="float64", seed=seed),
            device=device,
            progress=False,
            record_steps=True,
        ).step_loss
        for seed in seeds
    ]
    together = train_stacked(train, seeds, device, torch.float64)
    torch.testing.assert_close(together, torch.tensor(single, dtype=torch.float64).T)


def evaluation(count: int, device: str, size: int) -> float:
    """The test images, so many at a time."""
    test = images(count // 5)
    model = fresh().to(device).to(memory_format=torch.channels_last)
    batches = Batches(test, size, test.normalization(), device=device)
    started = time.perf_counter()
    evaluate(model, batches)
    return len(test) / (time.perf_counter() - started)


@contextmanager
def crew(threads: int, *surroundings: Mapping[str, str]) -> Iterator[list[ProcessPoolExecutor]]:
    """One process, ready to train, for each of the environments."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                ProcessPoolExecutor(
                    1, multiprocessing.get_context("spawn"), settle, (threads, dict(surrounding))
                )
            )
            for surrounding in surroundings
        ]


def settle(threads: int, surrounding: Mapping[str, str]) -> None:
    """What a process of a crew does first."""
    torch.set_num_threads(threads)
    os.environ.update(surrounding)


def by_crew(
    count: int,
    device: str,
    workers: Sequence[ProcessPoolExecutor],
    seeds: Sequence[int],
    total: Callable[[Iterable[float]], float],
) -> float:
    """`fit` in every process of a crew at the same time."""
    rates = [
        worker.submit(library, count, device, seed=seed)
        for worker, seed in zip(workers, seeds, strict=True)
    ]
    return total([rate.result() for rate in rates])


def team_of_two() -> list[dict[str, str]]:
    """What `torchrun --nproc-per-node=2` tells its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [{"RANK": rank, "LOCAL_RANK": rank, **shared} for rank in ("0", "1")]
