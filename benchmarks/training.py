"""How fast one run trains: ratios of images per second, measured in one run.

    python benchmarks/training.py            # print the table
    python benchmarks/training.py --write    # and write it to benchmarks/training.md
    python benchmarks/training.py --quick    # only see that everything runs

`PlainCNN` in batches of 100, on as many synthetic images as there are cats and dogs in CIFAR-10.
The techniques are those of `techniques.py`, each against the textbook's way or against `fit`. Each
figure is the median of paired ratios: ours and the other in turn, in alternating order, so that a
slow spell of the machine slows both. It takes about half an hour on two cores; leave them
alone meanwhile, for the techniques that need two cores at once lose most where one is busy.

Where there is a CUDA GPU, everything is measured there, the step as a CUDA graph too. That part has
never been run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from cnnref.training import choose_device, keep_freed_memory
from techniques import (
    RECIPE,
    STACK,
    Contestant,
    bare,
    by_crew,
    channels_first,
    check_stacked,
    compiled,
    crew,
    evaluation,
    fused_adam,
    library,
    library_data,
    stacked,
    team_of_two,
    textbook,
    textbook_data,
)
from writing import machine, table_of

TABLE = Path(__file__).with_suffix(".md")
TRAIN, TEST = 10_000, 2_000
SECONDS = 60.0
"""How long each comparison goes on, once it has the least number of pairs."""

AIMS = {
    "cpu": {"the library, float32": 1.35, "the library, bfloat16": 2.8},
    "cuda": {"the library, float32": 20.0},
}
"""Times the textbook's speed."""


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
    """Pairs of runs until the budget of seconds is spent, but at least so many.

    Where so many would take longer than the budget, each is of fewer images, down to a tenth.
    """
    few = min(count, 1000)
    rates = [contestant(few) for contestant in (ours, theirs)]  # the first one warms up
    if budget:
        seconds_per_image = sum(1 / rate for rate in rates)
        affordable = round(budget / least / seconds_per_image / few) * few
        count = min(count, max(few, affordable))
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

Written by `make bench`; wall times, as medians of paired runs of {TRAIN:,} synthetic images, or
fewer where a technique is slow (an evaluation: {TEST:,}), `PlainCNN`, batches of
{RECIPE.batch_size}. A technique is called faster or slower where every pair says so.

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
    head = [
        "technique",
        "against",
        "verdict",
        "times as fast",
        "lowest to highest",
        "pairs",
        "images/s",
        "against, images/s",
    ]
    rows: list[list[str]] = []
    measured: dict[str, Measured] = {}
    remarks: list[str] = []
    for name, ours, against, theirs in comparisons(device, options.threads, remarks):
        found = measured[name] = compare(ours, theirs, count, least, budget)
        spread = f"{found.ratios[0]:.2f} to {found.ratios[-1]:.2f}"
        rates = f"{found.ours:,.0f}", f"{found.theirs:,.0f}"
        pairs = str(len(found.ratios))
        rows.append([name, against, found.verdict, f"{found.median:.2f}", spread, pairs, *rates])
        print(*rows[-1], sep="\t", flush=True)
    table = table_of(head, rows, words=3)
    text = report(device, measured, table, remarks)
    print(text.partition(table)[2])
    if options.write:
        TABLE.write_text(text, encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
