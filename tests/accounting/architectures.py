"""Architectures of others, counted and checked one by one.

    python -m tests.accounting.architectures --write    # into benchmarks/architectures.md

walks those of torchvision and, where it is installed, of timm, one of each of its modules, and
writes what was found. The tests walk some of torchvision's.
"""

from __future__ import annotations

import argparse
import gc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.tracing.targets import find_network

TABLE = Path(__file__).parents[2] / "benchmarks" / "architectures.md"


@dataclass
class Found:
    """What was found of one architecture."""

    target: str
    error: str = ""
    parameters: bool = False
    macs: bool | None = None
    untouched: bool = False
    macs_status: str = ""
    field_status: str = ""
    reason: str = ""
    device: str = ""


def state(model: nn.Module) -> list[object]:
    """What a count must leave as it was: every attribute of every module, tensors by version."""
    return [
        (name, key, id(value), getattr(value, "_version", None), module.training)
        for name, module in model.named_modules()
        for table in (vars(module), module._parameters, module._buffers)
        for key, value in table.items()
    ]


def macs_of_torch(model: nn.Module, x: torch.Tensor) -> int | None:
    """Half of what torch's own counter says; `None` where the network does not run on meta."""
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(x)
    except Exception:
        return None
    return int(counter.get_total_flops()) // 2


def look(target: str, size: tuple[int, ...]) -> Found:
    """Count an architecture and check what can be checked."""
    found = Found(target)
    try:
        model = find_network(target).eval()
        before = state(model)
        summary = summarize(model, size)
    except AccountingError as error:
        found.error = str(error).partition("\n")[0][:120]
        return found
    found.untouched = state(model) == before
    found.parameters = summary.total_parameters == sum(p.numel() for p in model.parameters())
    found.macs_status, found.device = summary.macs_status, summary.device
    statuses = [layer.field_status for layer in summary]
    found.field_status = max(statuses, key=["complete", "partial", "unavailable"].index)
    if found.field_status != "complete":
        row = next(layer for layer in summary if layer.field_status == found.field_status)
        found.reason = row.reason
    theirs = macs_of_torch(model, torch.zeros(1, *size, device="meta"))
    found.macs = None if theirs is None else theirs == summary.total_macs
    return found


def of_torchvision() -> Iterator[tuple[str, tuple[int, ...]]]:
    """All that classify images, and the sizes that they take."""
    for name in models.list_models(module=models):
        side = 299 if name == "inception_v3" else 224
        yield f"torchvision:{name}", (3, side, side)


def of_timm() -> Iterator[tuple[str, tuple[int, ...]]]:
    """The first of each module."""
    import timm

    for module in timm.list_modules():
        names = timm.list_models(module=module)
        if names:
            told = timm.get_pretrained_cfg(names[0])
            yield f"timm:{names[0]}", tuple(told.input_size if told else (3, 224, 224))


def table(rows: list[Found]) -> str:
    """What was found, as Markdown: sums, and each that is not as it should be."""
    lines = [
        "| library | walked | counted | parameters right | MACs as torch has them | left as it was "
        "| MACs complete | fields exact throughout |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for library in dict.fromkeys(row.target.partition(":")[0] for row in rows):
        of = [row for row in rows if row.target.startswith(f"{library}:")]
        ran = [row for row in of if not row.error]
        asked = [row for row in ran if row.macs is not None]
        lines.append(
            f"| {library} {version(library)} | {len(of)} | {len(ran)} "
            f"| {sum(row.parameters for row in ran)} "
            f"| {sum(bool(row.macs) for row in asked)} of {len(asked)} "
            f"| {sum(row.untouched for row in ran)} "
            f"| {sum(row.macs_status == 'complete' for row in ran)} "
            f"| {sum(row.field_status == 'complete' for row in ran)} |"
        )
    lines += ["", "| architecture | what is not told in full |", "| --- | --- |"]
    for row in rows:
        told = [row.error] if row.error else []
        if not row.error:
            told += ["its parameters differ"] * (not row.parameters)
            told += ["it was changed"] * (not row.untouched)
            told += ["torch counts other MACs"] * (row.macs is False)
            told += ["its MACs are a lower bound"] * (row.macs_status != "complete")
            told += [f"fields {row.field_status}: {row.reason}"] * bool(row.reason)
        if told:
            lines.append(f"| `{row.target}` | {'; '.join(told).replace('|', ' ')} |")
    return "\n".join(lines)


def page(rows: list[Found]) -> str:
    """The table and what it says."""
    timm = ", and the first architecture of each module of timm"
    walked = timm if any(row.target.startswith("timm:") for row in rows) else ""
    return f"""\
# Architectures of others

Written by `python -m tests.accounting.architectures --write`, with torch {torch.__version__}: every
classifier of torchvision{walked}, at the size of input that it is made for. MACs are compared with
torch's own counter wherever that runs on the meta device. A field is exact, or only a bound
("partial"), or unknown ("unavailable").

{table(rows)}
"""


def main() -> None:
    """Walk, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Count architectures of others, and check.")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    walks = [*of_torchvision(), *(of_timm() if find_spec("timm") else ())]
    rows = []
    for target, size in walks:
        rows.append(look(target, size))
        print(rows[-1], flush=True)
        gc.collect()
    if chosen.write:
        TABLE.write_text(page(rows), encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
