"""What the benchmarks print alike: tables, and the machine that they ran on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch


def machine(device: str = "cpu", *also: str) -> str:
    """What the ratios were measured on, and what else belongs to it, such as versions."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gpu = [] if device == "cpu" else [torch.cuda.get_device_name(device)]
    parts = [
        *gpu,
        names[0] if names else platform.processor() or platform.machine(),
        f"{torch.get_num_threads()} of {os.cpu_count()} cores",
        torch.backends.cpu.get_cpu_capability(),
        f"torch {torch.__version__}",
        f"Python {platform.python_version()}",
        platform.system(),
    ]
    return ", ".join([*parts, *also])


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table: so many columns of words, then columns of numbers."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))
