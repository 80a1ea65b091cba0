"""The one idea under all of them: every window side by side, and back.

`unfold` lays the windows of the last axes side by side, as a view of strides and not a copy;
`fold` is its adjoint and adds them back. `insert_zeros` makes strides fractional.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from cnnref.windows import Window, zero_inserted_size

__all__ = ["fold", "insert_zeros", "unfold"]

Windows = Window | Sequence[Window]
"""The windows of the last axes of a tensor; one window stands for the last axis alone."""


def unfold(x: Tensor, windows: Windows, *, fill: float = 0.0) -> Tensor:
    """Every window of the last axes, as a view.

    Neighbouring windows are `stride` apart and neighbouring taps `dilation`, so two strides of the
    (padded) tensor describe an axis; only padding copies. One window unfolds the last axis, a pair
    the last two.

    Args:
        x: `(..., L)` for one window, `(..., H, W)` for a pair.
        windows: the window that slides over each axis.
        fill: what the padding holds.

    Returns:
        `(..., K, M)` for one window, `(..., K1, K2, M1, M2)` for a pair, where
        `M = window.output_size(L)`: entry `[..., j, i]` is tap `j` of window `i`.

    Raises:
        TypeError: `windows` is neither a `Window` nor a sequence of them, or `fill` is no number.
        ValueError: a window does not fit, or `x` has fewer axes than there are windows.
    """
    windows = as_windows(windows)
    sizes = sizes_of(x, len(windows))
    if not isinstance(fill, Real) or isinstance(fill, bool):
        raise TypeError(f"fill must be a number, got {fill!r}")
    outputs = [window.output_size(size) for window, size in zip(windows, sizes, strict=True)]
    before = [window.left for window in windows]
    after = [
        _reach(window, m) - window.left - size
        for window, m, size in zip(windows, outputs, sizes, strict=True)
    ]
    if any(before) or any(room > 0 for room in after):
        ends = zip(reversed(before), reversed(after), strict=True)
        x = pad(x, [max(room, 0) for pair in ends for room in pair], value=fill)
    steps = x.stride()[-len(windows) :]
    return x.as_strided(
        (*x.shape[: -len(windows)], *(window.kernel_size for window in windows), *outputs),
        (
            *x.stride()[: -len(windows)],
            *(step * window.dilation for step, window in zip(steps, windows, strict=True)),
            *(step * window.stride for step, window in zip(steps, windows, strict=True)),
        ),
        x.storage_offset(),
    )


def fold(columns: Tensor, windows: Windows, size: int | Sequence[int]) -> Tensor:
    """Add every window back to where `unfold` read it: the adjoint of `unfold`.

    Args:
        columns: `(..., K, M)` for one window, `(..., K1, K2, M1, M2)` for a pair.
        windows: the windows that `unfold` slid.
        size: `L`, or `(H, W)`: the axes that were unfolded; several sizes give the same `M`.

    Returns:
        `(..., L)` or `(..., H, W)`: each entry is the sum of all the taps that read it.

    Raises:
        TypeError: `windows` is neither a `Window` nor a sequence of them.
        ValueError: `columns` is not what `unfold` makes of that size.
    """
    windows = as_windows(windows)
    sizes = as_sizes(size, len(windows))
    expected = (
        *(window.kernel_size for window in windows),
        *(window.output_size(n) for window, n in zip(windows, sizes, strict=True)),
    )
    if columns.shape[-2 * len(windows) :] != expected:
        raise ValueError(
            f"fold needs columns (..., {', '.join(map(str, expected))}) for size {size} and "
            f"{windows if len(windows) > 1 else windows[0]}, got {tuple(columns.shape)}"
        )
    return add_windows(columns, windows, sizes)


def add_windows(columns: Tensor, windows: Sequence[Window], sizes: Sequence[int]) -> Tensor:
    """`fold` for sizes that are known to fit: add one tap of all windows at a time."""
    axes = len(windows)
    lead, outputs = columns.shape[: -2 * axes], columns.shape[-axes:]
    padded = [
        max(window.left + n + window.right, _reach(window, m))
        for window, n, m in zip(windows, sizes, outputs, strict=True)
    ]
    x = columns.new_zeros((*lead, *padded))
    for taps in product(*(range(window.kernel_size) for window in windows)):
        firsts = [j * window.dilation for j, window in zip(taps, windows, strict=True)]
        where: list[Any] = [
            slice(first, first + (m - 1) * window.stride + 1, window.stride)
            for first, window, m in zip(firsts, windows, outputs, strict=True)
        ]
        here: list[Any] = [*taps, *[slice(None)] * axes]
        x[(..., *where)] += columns[(..., *here)]
    inside: list[Any] = [
        slice(window.left, window.left + n) for window, n in zip(windows, sizes, strict=True)
    ]
    return x[(..., *inside)]


def insert_zeros(x: Tensor, m: int | Sequence[int]) -> Tensor:
    """Insert `m - 1` zeros between neighbouring entries.

    A convolution with fractional stride `1 / m` is this, followed by a stride-1 convolution.

    Args:
        x: `(..., L)`.
        m: the factor by which positions move apart, at least 1; a pair for the last two axes.

    Returns:
        `(..., (L - 1) m + 1)`.

    Raises:
        ValueError: a factor is not a positive integer, or an axis is empty or missing.
    """
    factors = as_sizes(m, len(m) if isinstance(m, Sequence) else 1, "m")
    sizes = sizes_of(x, len(factors))
    spread = x.new_zeros((*x.shape[: -len(factors)], *map(zero_inserted_size, sizes, factors)))
    every: list[Any] = [slice(None, None, factor) for factor in factors]
    spread[(..., *every)] = x
    return spread


def as_windows(windows: Windows) -> tuple[Window, ...]:
    """One window per axis, as a tuple."""
    found = (windows,) if isinstance(windows, Window) else windows
    if not isinstance(found, tuple | list) or not all(isinstance(v, Window) for v in found):
        raise TypeError(f"windows must be a Window or a sequence of them, got {windows!r}")
    if not found:
        raise ValueError("windows must name at least one axis, got none")
    return tuple(found)


def as_sizes(size: int | Sequence[int], axes: int, name: str = "size") -> tuple[int, ...]:
    """One number per axis, as a tuple."""
    sizes = (int(size),) if isinstance(size, Integral) else size
    if not isinstance(sizes, Sequence) or len(sizes) != axes:
        numbers = "a number" if axes == 1 else f"{axes} numbers"
        raise ValueError(f"{name} must be {numbers}, one for each axis, got {size!r}")
    return tuple(sizes)


def sizes_of(x: Tensor, axes: int) -> torch.Size:
    """The lengths of the last axes of a tensor."""
    if x.dim() < axes:
        raise ValueError(f"x must have at least {axes} axes, got {tuple(x.shape)}")
    return x.shape[-axes:]


def _reach(window: Window, outputs: int) -> int:
    """Padded positions up to the last tap of the last window; in ceil mode it may overhang."""
    return (outputs - 1) * window.stride + window.span
