"""The mathematics in three products, for any number of axes.

Every function takes batched signals `(N, channels, ...)` that are known to go together; `conv1d`,
`conv2d` and their gradients check and arrange what they are given, then call these. The letters:
`N` batch, `G` groups, `C` input channels, `O` output channels, `T` taps of a window, `P` positions
of the output. Within a group the convolution is one matrix product over channels and taps; the
three functions are that product and its two transposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor

from cnnref.convolution.unfolding import add_windows, unfold
from cnnref.windows import Window

__all__ = ["convolve", "kernel_gradient", "scatter"]


def convolve(x: Tensor, w: Tensor, windows: Sequence[Window], groups: int) -> Tensor:
    """The convolution: `(N, C, ...)` by `(O, C / G, taps...)` to `(N, O, positions...)`."""
    columns = unfold(x, windows)  # (N, C, taps..., positions...)
    positions = columns.shape[-len(windows) :]
    rows = w.reshape(groups, len(w) // groups, -1)  # (G, O/G, C/G T)
    columns = columns.reshape(len(x), groups, rows.shape[-1], positions.numel())
    return (rows @ columns).reshape(len(x), len(w), *positions)


def scatter(
    g: Tensor, w: Tensor, windows: Sequence[Window], sizes: Sequence[int], groups: int
) -> Tensor:
    """Its adjoint in `x`: `(N, O, positions...)` by `(O, C / G, taps...)` to `(N, C, sizes...)`."""
    positions = g.shape[2:]
    rows = w.reshape(groups, len(w) // groups, -1)  # (G, O/G, C/G T)
    z = g.reshape(len(g), groups, len(w) // groups, positions.numel())  # (N, G, O/G, P)
    columns = rows.mT @ z  # (N, G, C/G T, P)
    columns = columns.reshape(len(g), groups * w.shape[1], *w.shape[2:], *positions)
    return add_windows(columns, windows, sizes)


def kernel_gradient(g: Tensor, x: Tensor, windows: Sequence[Window], groups: int) -> Tensor:
    """Its adjoint in `w`: `(N, O, positions...)` by `(N, C, ...)` to `(O, C / G, taps...)`."""
    taps = [window.kernel_size for window in windows]
    positions, per_group = g.shape[2:].numel(), x.shape[1] // groups
    columns = unfold(x, windows).reshape(len(x), groups, per_group * prod(taps), positions)
    z = g.reshape(len(g), groups, g.shape[1] // groups, positions)  # (N, G, O/G, P)
    rows = (z @ columns.mT).sum(0)  # (G, O/G, C/G T)
    return rows.reshape(g.shape[1], per_group, *taps)
