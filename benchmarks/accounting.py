"""How long counting a network takes: ratios to one bare forward pass, measured in one run.

    python benchmarks/accounting.py            # print the tables
    python benchmarks/accounting.py --write    # and write them to benchmarks/accounting.md
    python benchmarks/accounting.py --quick    # only see that everything runs

One thread, everything on the meta device, where a forward pass computes shapes and no values. A
peer that fails there is timed on the CPU, and marked. Each figure is the median of paired ratios:
in every round all counters run in turn, in an order that rotates, so that a slow spell of the
machine slows all. Every peer is given a fresh copy of the network, for some leave hooks and buffers
on it; the copying is not timed. What our count keeps from one network to the next is forgotten
before each. Peers that are not installed are left out; `make peers` installs them. Memory is
the growth of the highest resident set during one count, in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import functools
import gc
import io
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from writing import machine, table_of

TABLE = Path(__file__).with_suffix(".md")
CACHED = type(functools.lru_cache(lambda: None))
Call = Callable[[], object]
Counter = Callable[[nn.Module, Tensor], Call]

BARE, PLAIN, FIELDS = "bare forward pass", "ours", "ours, with receptive fields"
STEP = "ours, with fields, backward MACs and what autograd keeps"
BARS = {PLAIN: 1.3, FIELDS: 1.7, STEP: 3.0}


def convolutions(n: int) -> nn.Module:
    """A chain of `n` convolutions: torch does least for them here, so our share is largest."""
    return nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(n)))


def blocks(n: int) -> nn.Module:
    """A chain of `n` layers, in turn a convolution, a batch norm and a ReLU."""
    layers = (lambda: nn.Conv2d(16, 16, 3, padding=1), lambda: nn.BatchNorm2d(16), nn.ReLU)
    return nn.Sequential(*(layers[i % 3]() for i in range(n)))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "resnet50": (lambda: models.resnet50(weights=None), (1, 3, 224, 224)),
    "resnet152": (lambda: models.resnet152(weights=None), (1, 3, 224, 224)),
    "chain of 1,000, blocks": (lambda: blocks(1000), (1, 16, 64, 64)),
    "chain of 1,000, convolutions": (lambda: convolutions(1000), (1, 16, 64, 64)),
}
LENGTHS = (250, 500, 1000)


def _bare(model: nn.Module, x: Tensor) -> Call:
    def call() -> None:
        with torch.inference_mode():
            model(x)

    return call


def _ours(fields: bool, step: bool = False) -> Counter:
    def made(model: nn.Module, x: Tensor) -> Call:
        from cnnref.accounting import summarize

        def call() -> None:
            told = summarize(model, inputs=x, receptive_fields=fields)
            if step:
                told.with_backward()

        return call

    return made


def _flop_counter(model: nn.Module, x: Tensor) -> Call:
    def call() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            model(x)

    return call


def _torchinfo(model: nn.Module, x: Tensor) -> Call:
    from torchinfo import summary

    return lambda: summary(model, input_data=x, verbose=0, device=x.device)


def _fvcore(model: nn.Module, x: Tensor) -> Call:
    from fvcore.nn import FlopCountAnalysis

    return lambda: FlopCountAnalysis(model, x).total()


def _ptflops(model: nn.Module, x: Tensor) -> Call:
    from ptflops import get_model_complexity_info

    def call() -> None:
        macs, _ = get_model_complexity_info(
            model,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            input_constructor=lambda _: x,
        )
        if macs is None:
            raise RuntimeError("no count")

    return call


def _thop(model: nn.Module, x: Tensor) -> Call:
    from thop import profile

    return lambda: profile(model, inputs=(x,), verbose=False)


COUNTERS: dict[str, tuple[str, Counter]] = {
    BARE: ("torch", _bare),
    PLAIN: ("torch", _ours(False)),
    FIELDS: ("torch", _ours(True)),
    STEP: ("torch", _ours(True, step=True)),
    "FlopCounterMode": ("torch", _flop_counter),
    "torchinfo": ("torchinfo", _torchinfo),
    "fvcore": ("fvcore", _fvcore),
    "ptflops": ("ptflops", _ptflops),
    "thop": ("ultralytics-thop", _thop),
}
"""The distribution each comes with, and how it is called."""


def installed() -> dict[str, Counter]:
    """The counters that can be asked here."""
    found = {}
    for name, (distribution, counter) in COUNTERS.items():
        with contextlib.suppress(PackageNotFoundError):
            version(distribution)
            found[name] = counter
    return found


def forget() -> None:
    """Empty the library's caches: whoever counts a network counts it once."""
    for thing in gc.get_objects():
        if isinstance(thing, CACHED) and thing.__module__.startswith("cnnref."):
            thing.cache_clear()


def seconds(call: Call) -> float:
    """Wall time of one call, whatever it prints thrown away."""
    forget()
    gc.collect()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        started = time.perf_counter()
        call()
        return time.perf_counter() - started


def device_of(counter: Counter, model: nn.Module, size: tuple[int, ...]) -> str:
    """Where a counter can count a network: "meta", else "cpu", else an empty string."""
    for device in ("meta", "cpu"):
        with contextlib.suppress(Exception):
            seconds(counter(_copied(model, device), torch.zeros(size, device=device)))
            return device
    return ""


def _copied(model: nn.Module, device: str) -> nn.Module:
    copied = copy.deepcopy(model)
    return copied.to_empty(device=device) if device == "meta" else copied


def times(
    counters: Mapping[str, Counter],
    model: nn.Module,
    size: tuple[int, ...],
    devices: Mapping[str, str],
    rounds: int,
) -> dict[str, list[float]]:
    """Seconds of each counter in each round; the first round warms up and is left out."""
    names = [name for name in counters if devices[name]]
    found: dict[str, list[float]] = {name: [] for name in names}
    for i in range(rounds + 1):
        turn = i % len(names)
        for name in names[turn:] + names[:turn]:
            x = torch.zeros(size, device=devices[name])
            spent = seconds(counters[name](_copied(model, devices[name]), x))
            if i:
                found[name].append(spent)
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Median of the paired ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def memory(network: str, name: str, device: str) -> float:
    """MiB by which the highest resident set grows in one count; NaN where no system tells."""
    command = [sys.executable, __file__, "--memory", network, name, device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(json.loads(done.stdout.splitlines()[-1])) if done.returncode == 0 else float("nan")


def _resident(what: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _measure_memory(network: str, name: str, device: str) -> None:
    torch.set_num_threads(1)
    make, size = NETWORKS[network]
    with torch.device(device):
        model, x = make().eval(), torch.zeros(size)
        small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
        little = torch.zeros(1, 3, 8, 8)
    seconds(COUNTERS[name][1](small, little))  # what is imported at the first call
    call = COUNTERS[name][1](model, x)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the highest is the present again
    before = _resident("VmRSS")
    seconds(call)
    print(json.dumps(_resident("VmHWM") - before))


def import_seconds(statement: str, repeats: int) -> float:
    """Median seconds of an import of compiled modules, torch imported before."""
    program = (
        "import time, torch; started = time.perf_counter(); "
        f"{statement}; print(time.perf_counter() - started)"
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=env)
        for _ in range(repeats + 1)
    ]
    return statistics.median(float(run.stdout) for run in runs[1:])  # the first may compile


def versions() -> list[str]:
    """Of the peers that were asked."""
    found = {COUNTERS[name][0] for name in installed()} - {"torch"}
    return [f"{distribution} {version(distribution)}" for distribution in sorted(found)]


def compared(rounds: int, with_memory: bool) -> tuple[str, str, list[str]]:
    """The tables of time and of memory, and the bars that were missed."""
    counters = installed()
    found: dict[str, dict[str, str]] = {name: {} for name in counters}
    grown: dict[str, dict[str, str]] = {name: {} for name in counters}
    milliseconds, missed = [], []
    for network, (make, size) in NETWORKS.items():
        model = make().eval()
        devices = {name: device_of(counter, model, size) for name, counter in counters.items()}
        spent = times(counters, model, size, devices, rounds)
        milliseconds.append(f"{1e3 * statistics.median(spent[BARE]):.0f} ms")
        for name in counters:
            if not devices[name]:
                found[name][network] = grown[name][network] = "fails"
                continue
            mark = "" if devices[name] == "meta" else " (CPU)"
            share = ratio(spent[name], spent[BARE])
            found[name][network] = f"{share:.2f}{mark}"
            if share > BARS.get(name, share):
                missed.append(f"{name}, {network}: {share:.2f}, at most {BARS[name]} wanted")
            if with_memory:
                grown[name][network] = f"{memory(network, name, devices[name]):.1f}{mark}"
        print(network, *(f"{name} {found[name][network]}" for name in counters), sep="\n  ")
    head = ["counter", *NETWORKS]
    rows = [[name, *found[name].values()] for name in counters]
    rows.append([f"{BARE}, median", *milliseconds])
    memories = table_of(head, [[name, *grown[name].values()] for name in counters])
    return table_of(head, rows), memories if with_memory else "", missed


def growth(rounds: int) -> str:
    """The table of how time grows with the number of layers."""
    counters: dict[str, Counter] = {name: COUNTERS[name][1] for name in (BARE, PLAIN, FIELDS)}
    chains = {n: convolutions(n).eval() for n in LENGTHS}
    spent: dict[tuple[int, str], list[float]] = {(n, c): [] for n in LENGTHS for c in counters}
    for i in range(rounds + 1):
        for n, chain in chains.items():
            for name, counter in counters.items():
                x = torch.zeros(1, 16, 64, 64, device="meta")
                took = seconds(counter(_copied(chain, "meta"), x))
                if i:
                    spent[n, name].append(took)
    rows = [
        [name, *(f"{ratio(spent[n, name], spent[LENGTHS[0], name]):.2f}" for n in LENGTHS)]
        for name in counters
    ]
    return table_of(["counter", *(f"{n:,} layers" for n in LENGTHS)], rows)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write the tables to {TABLE.name}")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=25, help="rounds that are timed")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.memory:
        _measure_memory(*chosen.memory)
        return
    rounds = 1 if chosen.quick else chosen.rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    times_table, memories, missed = compared(rounds, with_memory=Path("/proc/self").exists())
    grown = growth(rounds)
    print(grown)
    repeats = 3 if chosen.quick else 15
    package, parts = (
        1e3 * import_seconds(statement, repeats)
        for statement in ("import cnnref.accounting", "from cnnref.accounting import summarize")
    )
    print(f"import: {package:.1f} ms, with its parts {parts:.1f} ms")
    bars = "Missed: " + "; ".join(missed) + "." if missed else "All of these are kept in this run."
    text = f"""\
# Counting networks: what it costs

<!-- table -->

Written by `make bench`; medians of {rounds} paired rounds, as multiples of one bare forward pass on
the meta device. Wanted: at most {BARS[PLAIN]} without receptive fields, {BARS[FIELDS]} with, and
{BARS[STEP]} with what a training step adds.
{bars}

{times_table}

Our count may take less than the bare pass: for the commonest layers it works out the shape of the
result itself, where torch's own way there, on the meta device, takes up to a millisecond. A chain
of convolutions alone is the worst case, for torch is quick with them. `(CPU)`: the counter fails on
the meta device and computes real values.

## Memory

Growth of the highest resident set during one count, in MiB.

{memories}

## Growth

Time as a multiple of that of {LENGTHS[0]} layers, for chains of convolutions.

{grown}

## Import

`import cnnref.accounting` takes {package:.1f} ms after `import torch` (median of {repeats}; wanted:
at most 10). Its parts load with the first name that is asked for:
`from cnnref.accounting import summarize` takes {parts:.1f} ms.

Measured on {machine("cpu", *versions())}.
"""
    if chosen.write:
        TABLE.write_text(text, encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
