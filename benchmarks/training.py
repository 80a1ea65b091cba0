"""How fast one run trains: ratios of images per second, measured in one run.

    python benchmarks/training.py            # print the table
    python benchmarks/training.py --write    # and write it to benchmarks/training.md
    python benchmarks/training.py --quick    # only see that everything runs

`PlainCNN` in batches of 100, on as many synthetic images as there are cats and dogs in CIFAR-10.
The textbook way is torchvision's dataset and transforms, a `DataLoader` and the loop of question
UT-P2.5; the library's is `cnnref.training.fit`. Every other technique differs from `fit` in one
thing. Each figure is the median of paired ratios: ours and the other in turn, in alternating order,
so that a slow spell of the machine slows both. It takes about half an hour on two cores; leave them
alone meanwhile, for the techniques that need two cores at once lose most where one is busy.

Where there is a CUDA GPU, everything is measured there, the step as a CUDA graph too. That part has
never been run.
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import platform
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
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
from cnnref.training import (
    OPTIMIZERS,
    Recipe,
    choose_device,
    evaluate,
    fit,
    keep_freed_memory,
    seeded,
)

TABLE = Path(__file__).with_suffix(".md")
RECIPE = Recipe(epochs=1)
TRAIN, TEST = 10_000, 2_000
STACK = 5
"""Seeds that are stacked: as many as an experiment has."""
SECONDS = 60.0
"""How long each comparison goes on, once it has the least number of pairs."""

AIMS = {
    "cpu": {"the library, float32": 1.35, "the library, bfloat16": 2.8},
    "cuda": {"the library, float32": 20.0},
}
"""Times the textbook's speed."""

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


def comparisons(
    device: str, threads: int, remarks: list[str]
) -> Iterator[tuple[str, Contestant, str, Contestant]]:
    """Every technique, and what it is compared with."""
    ours = "the library", partial(library, device=device)
    theirs = "textbook", partial(textbook, device=device)
    yield "the library, float32", ours[1], *theirs
    yield "the library, bfloat16", partial(library, device=device, precision="bfloat16"), *theirs
    yield "textbook, two loader workers", partial(textbook, device=device, workers=2), *theirs
    yield (
        "the library's batches, no training",
        partial(library_data, device=device),
        "textbook's batches",
        partial(textbook_data, device=device),
    )
    yield "channels first", partial(channels_first, device=device), *ours
    yield "fused Adam", partial(fused_adam, device=device), *ours
    try:
        contestant, seconds = compiled(device)
    except RuntimeError as error:
        remarks.append(f"`torch.compile` fails here: {str(error).splitlines()[0]}")
    else:
        yield "`torch.compile`", contestant, *ours
        remarks.append(
            f"Compiling took {seconds:.0f} s, which the ratio leaves out: a run of twenty epochs "
            "pays them once."
        )
    yield "the bare step", partial(bare, device=device), *ours
    half = max(1, threads // 2)
    if device == "cpu" or torch.cuda.device_count() > 1:
        with crew(half, *team_of_two()) as workers:
            shared = partial(by_crew, device=device, workers=workers, seeds=(0, 0), total=min)
            yield "two processes share every batch", shared, *ours
    with crew(half, {}, {}) as workers:
        apart = partial(by_crew, device=device, workers=workers, seeds=(0, 1), total=sum)
        yield "two seeds side by side, half the threads each", apart, *ours
    with crew(threads, {}, {}) as (keeping, plain):
        if keeping.submit(keep_freed_memory).result():
            kept = partial(by_crew, device=device, workers=[keeping], seeds=(0,), total=sum)
            alone = partial(by_crew, device=device, workers=[plain], seeds=(0,), total=sum)
            yield "freed memory kept", kept, "the library, in a new process", alone
    check_stacked(device)
    yield f"{STACK} seeds stacked", partial(stacked, device=device), *ours
    reference = partial(evaluation, device=device, size=1000)
    for size in (100, 2000):
        by_size = partial(evaluation, device=device, size=size)
        yield f"evaluation, {size} at a time", by_size, "1000 at a time", reference


class Measured(NamedTuple):
    """What came out of a comparison."""

    ratios: list[float]
    """Of every pair, the smallest first."""
    ours: float
    """Median rate, in images per second."""
    theirs: float

    @property
    def median(self) -> float:
        """Times as fast."""
        return statistics.median(self.ratios)

    @property
    def verdict(self) -> str:
        """Whether a technique pays: all pairs must agree."""
        if self.ratios[0] > 1:
            return "faster"
        return "slower" if self.ratios[-1] < 1 else "no difference"


def compare(
    ours: Contestant, theirs: Contestant, count: int, least: int, budget: float
) -> Measured:
    """Pairs of runs until the budget of seconds is spent, but at least so many."""
    for contestant in (ours, theirs):
        contestant(min(count, 1000))  # the first one warms up
    started = time.perf_counter()
    pairs: list[tuple[float, float]] = []
    while len(pairs) < least or (time.perf_counter() - started < budget and len(pairs) < 50):
        if len(pairs) % 2:
            second = theirs(count)
            pairs.append((ours(count), second))
        else:
            pairs.append((ours(count), theirs(count)))
    mine, others = zip(*pairs, strict=True)
    ratios = sorted(a / b for a, b in pairs)
    return Measured(ratios, statistics.median(mine), statistics.median(others))


def with_bfloat16(device: str) -> str:
    """Which instructions for bfloat16 there are."""
    if device != "cpu":
        has = torch.cuda.is_bf16_supported(including_emulation=False)
        return f"The GPU has {'' if has else 'no '}instructions for bfloat16."
    known = torch.cpu.get_capabilities()
    names = sorted(name for name, there in known.items() if "bf16" in name and there is True)
    if names:
        return f"This processor computes in bfloat16 itself ({', '.join(names)})."
    return (
        "This processor has no instructions for bfloat16 "
        f"({torch.backends.cpu.get_cpu_capability()} alone, neither AVX512-BF16 nor AMX): its "
        "convolutions in bfloat16 are emulated."
    )


def machine(device: str) -> str:
    """What the ratios were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    gpu = "" if device == "cpu" else f"{torch.cuda.get_device_name(device)}; "
    return (
        f"{gpu}{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}; torch {torch.__version__}, "
        f"Python {platform.python_version()}, {platform.system()}"
    )


def report(device: str, measured: Mapping[str, Measured], table: str, remarks: list[str]) -> str:
    """The table and what it says, for the book."""
    aims = [
        f"{name} {aim:g}, {'reached' if measured[name].median >= aim else 'missed'}"
        for name, aim in AIMS[device].items()
    ]
    loading = (
        measured["the library, float32"].theirs
        / measured["the library's batches, no training"].theirs
    )
    never = "" if device == "cuda" else ", which has never been run: no GPU was at hand"
    return f"""\
# Training with the library against the textbook's way

<!-- table -->

Written by `make bench`; wall times, as medians of paired runs of {TRAIN:,} synthetic images (an
evaluation: {TEST:,}), `PlainCNN`, batches of {RECIPE.batch_size}. A technique is called faster or
slower where every pair says so.

{table}

Measured on {machine(device)}.

The textbook's way is torchvision's dataset with `ToTensor` and `Normalize`, a `DataLoader` and a
loop that reads the loss after every step. Loading takes {loading:.0%} of its epoch. The library has
the images in memory and normalises them batch by batch, so that loading is next to free and the
arithmetic of the network is left. Its images and weights lie channels last; the row with channels
first takes that back.

What was aimed at, in times the textbook's speed: {"; ".join(aims)}.
{with_bfloat16(device)}

The bare step has its pixels normalised beforehand and keeps no history: what it gains is what the
comfort of `fit` costs. On CUDA it is one graph{never}. Two processes share
every batch as `torchrun` starts them, over gloo. Two seeds side by side are two processes that know
nothing of each other; the images of both count, as do those of all seeds where `torch.func.vmap`
trains {STACK} stacked networks as one. The losses of the stacked networks are compared with those
of single runs before they are timed. {" ".join(remarks)}
"""


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), help="cuda where it is, else cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="all cores")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help=f"write the table to {TABLE.name}")
    how.add_argument("--quick", action="store_true", help="one pair of a few steps")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = choose_device(options.device or ("cuda" if torch.cuda.is_available() else "cpu")).type
    count, least, budget = (200, 1, 0.0) if options.quick else (TRAIN, 5, SECONDS)
    rows = [
        [
            "technique",
            "against",
            "times as fast",
            "lowest to highest",
            "pairs",
            "verdict",
            "images/s",
            "against, images/s",
        ],
        ["---", "---", "---:", "---:", "---:", "---", "---:", "---:"],
    ]
    measured: dict[str, Measured] = {}
    remarks: list[str] = []
    for name, ours, against, theirs in comparisons(device, options.threads, remarks):
        found = measured[name] = compare(ours, theirs, count, least, budget)
        spread = f"{found.ratios[0]:.2f} to {found.ratios[-1]:.2f}"
        rates = f"{found.ours:,.0f}", f"{found.theirs:,.0f}"
        pairs = str(len(found.ratios))
        rows.append([name, against, f"{found.median:.2f}", spread, pairs, found.verdict, *rates])
        print(*rows[-1], sep="\t", flush=True)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = report(device, measured, table, remarks)
    print(text.partition(table)[2])
    if options.write:
        TABLE.write_text(text, encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
