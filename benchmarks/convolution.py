"""How far readable convolution is from torch's: ratios of wall times, measured in one run.

    python benchmarks/convolution.py            # print the table
    python benchmarks/convolution.py --write    # and write it to benchmarks/convolution.md

Single thread, float32. The forward pass is compared with `torch.nn.functional.conv2d`, the two
gradients together with the one fused call that torch's autograd makes. A naive loop is timed at the
smallest size alone; anything else would take minutes. Each figure is the median of paired ratios:
ours and torch's in turn, so that a slow spell of the machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnref.convolution import conv2d, conv2d_input_gradient, conv2d_kernel_gradient, unfold
from cnnref.windows import Window
from writing import machine, table_of

TABLE = Path(__file__).with_suffix(".md")
HEADLINE = "(32, 32, 28, 28) * (32, 32, 3, 3)"
SIZES: dict[str, tuple[tuple[int, ...], tuple[int, ...], Window, int]] = {
    "(1, 1, 12, 12) * (1, 1, 3, 3)": ((1, 1, 12, 12), (1, 1, 3, 3), Window(3), 1),
    "(32, 3, 32, 32) * (32, 3, 3, 3)": ((32, 3, 32, 32), (32, 3, 3, 3), Window(3), 1),
    HEADLINE: ((32, 32, 28, 28), (32, 32, 3, 3), Window(3), 1),
    "the same, stride 2": ((32, 32, 28, 28), (32, 32, 3, 3), Window(3, stride=2), 1),
    "the same, dilation 2": ((32, 32, 28, 28), (32, 32, 3, 3), Window(3, dilation=2), 1),
    "the same, depthwise": ((32, 32, 28, 28), (32, 1, 3, 3), Window(3), 32),
    "(32, 64, 14, 14) * (64, 64, 1, 1)": ((32, 64, 14, 14), (64, 64, 1, 1), Window(1), 1),
    "(8, 64, 32, 32) * (64, 64, 5, 5)": ((8, 64, 32, 32), (64, 64, 5, 5), Window(5), 1),
}


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def ratio(
    ours: Callable[[], object], theirs: Callable[[], object], budget: float = 3.0
) -> tuple[float, float, float]:
    """Median of the paired ratios, and the median seconds of each, within a budget of seconds."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(3)][1:]  # the first one warms up
    started = time.perf_counter()
    while len(pairs) < 5 or (time.perf_counter() - started < budget and len(pairs) < 200):
        pairs.append((seconds(ours), seconds(theirs)))
    mine, torchs = zip(*pairs, strict=True)
    quotients = (a / b for a, b in pairs)
    return statistics.median(quotients), statistics.median(mine), statistics.median(torchs)


def loops(x: Tensor, w: Tensor) -> Tensor:
    """The definition, one product at a time, for a single plain image and kernel."""
    rows, columns = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    z = torch.zeros(1, 1, rows, columns)
    for p in range(rows):
        for q in range(columns):
            for a in range(w.shape[2]):
                for b in range(w.shape[3]):
                    z[0, 0, p, q] += w[0, 0, a, b] * x[0, 0, p + a, q + b]
    return z


def measure(name: str) -> list[str]:
    """One line of the table; the results are compared before they are timed."""
    x_shape, w_shape, window, groups = SIZES[name]
    x, w = torch.randn(x_shape), torch.randn(w_shape)
    stride, dilation = [window.stride] * 2, [window.dilation] * 2

    def forward() -> Tensor:
        return conv2d(x, w, window, groups=groups)

    def torch_forward() -> Tensor:
        return F.conv2d(x, w, stride=window.stride, dilation=window.dilation, groups=groups)

    g = torch.randn_like(torch_forward())
    size = (x_shape[2], x_shape[3])

    def backward() -> tuple[Tensor, Tensor]:
        to_input = conv2d_input_gradient(g, w, window, size=size, groups=groups)
        return to_input, conv2d_kernel_gradient(g, x, window, groups=groups)

    def torch_backward() -> tuple[Tensor, Tensor]:
        to_input, to_kernel, _ = torch.ops.aten.convolution_backward(
            g, x, w, None, stride, [0, 0], dilation, False, [0, 0], groups, [True, True, False]
        )
        return to_input, to_kernel

    torch.testing.assert_close(forward(), torch_forward(), rtol=1e-3, atol=1e-3)
    for ours, theirs in zip(backward(), torch_backward(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-2)
    there, mine, torchs = ratio(forward, torch_forward)
    back, mine_back, torchs_back = ratio(backward, torch_backward)
    naive = ""
    if x.numel() < 1000:
        torch.testing.assert_close(loops(x, w), torch_forward())
        naive = f"{ratio(lambda: loops(x, w), forward)[0]:,.0f}"
    milliseconds = (f"{1e3 * t:.3g}" for t in (mine, torchs, mine_back, torchs_back))
    return [name, f"{there:.2f}", f"{back:.2f}", naive, *milliseconds]


def share_of_copy() -> float:
    """How much of the forward pass at the headline's size turns the view into a matrix."""
    x_shape, w_shape, window, _ = SIZES[HEADLINE]
    x, w = torch.randn(x_shape), torch.randn(w_shape)
    return ratio(lambda: unfold(x, (window, window)).contiguous(), lambda: conv2d(x, w, window))[0]


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write the table to {TABLE.name}")
    write = parser.parse_args().write
    torch.set_num_threads(1)
    torch.manual_seed(0)
    head = [
        "input * kernel",
        "forward, ours / torch",
        "gradients, ours / torch",
        "loop / ours",
        "ours, ms",
        "torch, ms",
        "ours, gradients, ms",
        "torch, gradients, ms",
    ]
    rows = []
    for name in SIZES:
        rows.append(measure(name))
        print(*rows[-1], sep="\t", flush=True)
    table = table_of(head, rows)
    text = f"""\
# Convolution from scratch against torch

<!-- table -->

Written by `make bench`; wall times, as medians of paired runs.

{table}

Measured on {machine()}.

The forward pass is one strided view, one copy of it that repeats every pixel once per tap, and one
matrix product per image. At {HEADLINE} the copy takes {share_of_copy():.0%} of our time. torch's
kernels do without it, so ours pays most where a pixel is copied often and multiplied seldom: few
channels, large kernels, depthwise. With 1 x 1 kernels there is next to nothing to copy. The
gradients are two products, one of them followed by `fold`, which adds one tap of all windows at a
time. On the smallest input neither side computes for long, and the ratio is that of the fixed costs
of a call.
"""
    if write:
        TABLE.write_text(text, encoding="utf-8")
        print(f"written: {TABLE.name}")


if __name__ == "__main__":
    main()
