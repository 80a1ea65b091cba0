"""Architectures of others, counted and checked one by one.

    pip install 'cnnref[timm,hf]'
    python -m tests.accounting.architectures --write    # into benchmarks/architectures.md

walks those of torchvision, of timm one of each family of each of its modules, and of transformers
some, each in a process of its own with limits of time and memory, and writes what was found. What
is not installed is left out. The tests walk some of torchvision's.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import resource
import signal
import textwrap
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from cnnref.accounting import AccountingError, Summary, summarize
from cnnref.accounting.tracing.diagnosis import ValuesNeededError
from cnnref.accounting.tracing.targets import find_network
from tests.accounting.gradient_fields import disagreements

TABLE = Path(__file__).parents[2] / "benchmarks" / "architectures.md"
SECONDS, GIB = 600, 12
"""What the process of one architecture may take."""
MEASURED = 2_000_000_000
"""So many MACs, at most, has a network whose fields are compared with gradients."""

DISTRIBUTIONS = {"hf": "transformers"}

Sizes = tuple[int, ...] | dict[str, tuple[int, ...]]


@dataclass
class Found:
    """What was found of one architecture.

    Args:
        target: its name.
        error: why it was not counted.
        parameters: whether they are as many as the module says.
        macs: whether they are those of torch's own counter; `None` where that gives none.
        untouched: whether the network is as it was.
        macs_status: of the whole.
        field_status: the worst of a row.
        reason: of that row.
        uncounted: operators without a formula.
        device: where it was counted.
        measured: rows whose fields were compared with gradients.
        disagreeing: what gradients say otherwise.
    """

    target: str
    error: str = ""
    parameters: bool = False
    macs: bool | None = None
    untouched: bool = False
    macs_status: str = ""
    field_status: str = ""
    reason: str = ""
    uncounted: tuple[str, ...] = ()
    device: str = ""
    measured: int = 0
    disagreeing: tuple[str, ...] = ()


def state(model: nn.Module) -> list[object]:
    """What a count must leave as it was: every attribute of every module, tensors by version."""
    return [
        (name, key, id(value), getattr(value, "_version", None), module.training)
        for name, module in model.named_modules()
        for table in (vars(module), module._parameters, module._buffers)
        for key, value in table.items()
    ]


def kinds(sizes: Sizes) -> dict[str, torch.dtype] | None:
    """Whole numbers for tokens, else floats; `None` for images alone."""
    if not isinstance(sizes, Mapping):
        return None
    return {name: torch.long if name.endswith("_ids") else torch.float32 for name in sizes}


def _rows_by_their_matrix(x: Any, _: Any, *__: Any, out_shape: Any = None, **___: Any) -> int:
    return 2 * int(prod(out_shape)) * int(x[-1])


_MISSED = {torch.ops.aten._grouped_mm: _rows_by_their_matrix}
"""What torch's counter has no formula for: it would pass over the experts of a mixture."""


def macs_of_torch(model: nn.Module, sizes: Sizes, device: str) -> int | None:
    """Half of what torch's own counter says; `None` where it fails.

    It fails without gradients where a module returns the parameter that it got, and with them
    where an operator has no derivative.
    """
    if isinstance(sizes, Mapping):
        of = kinds(sizes) or {}
        inputs = {k: torch.zeros(1, *v, dtype=of[k], device=device) for k, v in sizes.items()}
        args: tuple[Any, ...] = ()
    else:
        args, inputs = (torch.zeros(1, *sizes, device=device),), {}
    if device == "meta" and any(p.device.type != "meta" for p in model.parameters()):
        model = copy.deepcopy(model).to("meta")
    for gradients in (False, True):
        try:
            with (
                torch.set_grad_enabled(gradients),
                FlopCounterMode(display=False, custom_mapping=_MISSED) as counter,
            ):
                model(*args, **inputs)
        except Exception:
            continue
        return int(counter.get_total_flops()) // 2
    return None


def look(target: str, sizes: Sizes, measure: bool = False) -> Found:
    """Count an architecture and check what can be checked; with `measure`, its fields too, if it is
    an image's and not too large for that."""
    found = Found(target)
    try:
        model = find_network(target).eval()
        before = state(model)
        try:
            summary = summarize(model, sizes, dtypes=kinds(sizes))
        except ValuesNeededError:
            model = find_network(target, "cpu").eval()
            before = state(model)
            summary = summarize(model, sizes, dtypes=kinds(sizes))
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
    found.uncounted = tuple(dict.fromkeys(name for row in summary for name in row.uncounted))
    theirs = macs_of_torch(model, sizes, found.device)
    found.macs = None if theirs is None else theirs == summary.total_macs
    if measure and not isinstance(sizes, Mapping) and (summary.total_macs or 0) <= MEASURED:
        found.measured, found.disagreeing = _measured(target, summary, sizes)
    return found


def _measured(target: str, summary: Summary, size: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
    torch.manual_seed(0)
    try:
        return disagreements(find_network(target, "cpu"), summary, size)
    except (NotImplementedError, RuntimeError):  # such as an operator that has no derivative
        return 0, ()


def apart(target: str, sizes: Sizes) -> Found:
    """The same, in a child of this process that is stopped where it takes too much."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            signal.alarm(SECONDS)
            resource.setrlimit(resource.RLIMIT_DATA, (GIB << 30,) * 2)
            found = look(target, sizes, measure=True)
        except BaseException:
            last = traceback.format_exc().strip().splitlines()[-1]
            found = Found(target, error=last[:120])
        os.write(writing, json.dumps(asdict(found)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    return Found(**json.loads(text)) if text else Found(target, error=f"over {SECONDS} s")


def of_torchvision() -> Iterator[tuple[str, tuple[int, ...]]]:
    """All that classify images, and the sizes that they take."""
    for name in models.list_models(module=models):
        side = 299 if name == "inception_v3" else 224
        yield f"torchvision:{name}", (3, side, side)


def of_timm() -> Iterator[tuple[str, tuple[int, ...]]]:
    """The first of each family of each module: of those whose names begin with the same letters."""
    import timm

    for module in timm.list_modules():
        families: dict[str, str] = {}
        for name in timm.list_models(module=module):
            families.setdefault(re.split(r"[^a-z]", name)[0], name)
        families.pop("test", None)
        for name in families.values():
            told = timm.get_pretrained_cfg(name)
            yield f"timm:{name}", tuple(told.input_size if told else (3, 224, 224))


Named = dict[str, tuple[int, ...]]
TOKENS: Named = {"input_ids": (128,)}
IMAGE: Named = {"pixel_values": (3, 224, 224)}
OF_TRANSFORMERS: dict[str, Named] = {
    **dict.fromkeys(("albert", "bart", "bert", "bloom", "distilbert", "electra"), TOKENS),
    **dict.fromkeys(("gemma2", "gpt2", "gpt_neox", "llama", "mamba", "mistral"), TOKENS),
    **dict.fromkeys(("mixtral", "opt", "qwen2", "roberta"), TOKENS),
    **dict.fromkeys(("beit", "convnext", "convnextv2", "deit", "dinov2", "focalnet"), IMAGE),
    **dict.fromkeys(("mobilenet_v2", "poolformer", "pvt", "regnet", "resnet", "segformer"), IMAGE),
    **dict.fromkeys(("swin", "swinv2", "vit"), IMAGE),
    "clip": {"input_ids": (77,), **IMAGE},
    "detr": {"pixel_values": (3, 320, 320)},
    "efficientnet": {"pixel_values": (3, 600, 600)},
    "t5": {**TOKENS, "decoder_input_ids": (32,)},
    "whisper": {"input_features": (80, 3000), "decoder_input_ids": (16,)},
    "yolos": {"pixel_values": (3, 512, 864)},
}


def of_transformers() -> Iterator[tuple[str, Named]]:
    """Some that read text, images, sound, or two of these."""
    for name, sizes in OF_TRANSFORMERS.items():
        yield f"hf:{name}", sizes


def table(rows: list[Found]) -> str:
    """What was found, as Markdown: sums, and each that is not as it should be."""
    lines = [
        "| library | walked | counted | parameters right | MACs as torch has them | left as it was "
        "| MACs complete | fields exact throughout | fields as gradients have them |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for library in dict.fromkeys(row.target.partition(":")[0] for row in rows):
        distribution = DISTRIBUTIONS.get(library, library)
        of = [row for row in rows if row.target.startswith(f"{library}:")]
        ran = [row for row in of if not row.error]
        asked = [row for row in ran if row.macs is not None]
        measured = [row for row in ran if row.measured]
        alike = sum(not row.disagreeing for row in measured)
        lines.append(
            f"| {distribution} {version(distribution)} | {len(of)} | {len(ran)} "
            f"| {sum(row.parameters for row in ran)} "
            f"| {sum(bool(row.macs) for row in asked)} of {len(asked)} "
            f"| {sum(row.untouched for row in ran)} "
            f"| {sum(row.macs_status == 'complete' for row in ran)} "
            f"| {sum(row.field_status == 'complete' for row in ran)} "
            f"| {f'{alike} of {len(measured)}' if measured else 'none asked'} |"
        )
    lines += ["", "| architecture | what is not told in full |", "| --- | --- |"]
    for row in rows:
        told = [row.error] if row.error else []
        if not row.error:
            told += ["its parameters differ"] * (not row.parameters)
            told += ["it was changed"] * (not row.untouched)
            told += ["torch counts other MACs"] * (row.macs is False)
            bound = f"its MACs are a lower bound, without {', '.join(row.uncounted)}"
            told += [bound] * (row.macs_status != "complete")
            told += [f"fields {row.field_status}: {row.reason}"] * bool(row.reason)
            told += [f"gradients say otherwise of {each}" for each in row.disagreeing]
        if told:
            lines.append(f"| `{row.target}` | {'; '.join(told).replace('|', ' ')} |")
    return "\n".join(lines)


def page(rows: list[Found]) -> str:
    """The table and what it says."""
    walked = {
        "torchvision": "every classifier of torchvision",
        "timm": "of timm one of each family of each module",
        "hf": "some models of transformers with their defaults",
    }
    here = [told for name, told in walked.items() if any(r.target.startswith(name) for r in rows)]
    measured = sum(row.measured for row in rows)
    text = f"""\
Written by `python -m tests.accounting.architectures --write`, with torch {torch.__version__}:
{"; ".join(here)}. Weights are random, and inputs of the size that a network is made for. MACs are
compared with torch's own counter, which was told of the one operator here that it misses, the
products of experts. A field is exact, or only a bound ("partial"), or unknown ("unavailable"). In
networks of images with at most {MEASURED:,} MACs, fields are also compared with gradients, in
{measured:,} layers and blocks: an exact one must be the rows of the image, first to last, that the
first, the middle and the last unit along the height depend on; of a bound, none may lie outside."""
    return f"""\
# Architectures of others

{textwrap.fill(text, 100)}

{table(rows)}
"""


def main() -> None:
    """Walk, print, and write where asked."""
    parser = argparse.ArgumentParser(description="Count architectures of others, and check.")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    parser.add_argument("--kept", type=Path, help="a file that keeps what was found, to go on with")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(1)
    walks = [*of_torchvision(), *(of_timm() if find_spec("timm") else ())]
    if find_spec("transformers"):
        from transformers.utils import logging

        logging.set_verbosity_error()
        walks += of_transformers()
    kept = {}
    if chosen.kept and chosen.kept.exists():
        lines = chosen.kept.read_text(encoding="utf-8").splitlines()
        kept = {found.target: found for found in (Found(**json.loads(line)) for line in lines)}
    rows = []
    for target, sizes in walks:
        found = kept.get(target) or apart(target, sizes)
        rows.append(found)
        if target not in kept:
            print(found, flush=True)
            if chosen.kept:
                with chosen.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(found)) + "\n")
    if chosen.write:
        TABLE.write_text(page(rows), encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
