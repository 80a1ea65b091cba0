"""Max-pooling and average-pooling with their gradients, from the same windows.

One window pools the last axis, a pair the last two; all axes before them are left alone. Images
`(N, C, H, W)` need the pair: one window alone would pool their width, and is refused. Windows may
be in ceil mode here, as in torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cnnref.convolution.layout import refuse_other_kinds, shape
from cnnref.convolution.unfolding import (
    Windows,
    add_windows,
    as_sizes,
    as_windows,
    sizes_of,
    unfold,
)
from cnnref.errors import require_flags
from cnnref.windows import Window

__all__ = ["avg_pool", "avg_pool_gradient", "max_pool", "max_pool_gradient"]


def max_pool(x: Tensor, windows: Windows, *, fill: float = -math.inf) -> Tensor:
    """The largest entry of every window.

    Args:
        x: `(..., L)` for one window, `(..., H, W)` for a pair.
        windows: the window of each pooled axis.
        fill: what the padding holds. With the default it never wins, as in torch; a window that
            sees padding alone gives `fill`.

    Returns:
        `(..., M)` or `(..., Mh, Mw)`.

    Raises:
        ValueError: a window does not fit, `x` has fewer axes than there are windows, or is
            `(N, C, H, W)` and there is one window.
        TypeError: `x` is not floating-point.
    """
    refuse_other_kinds(("x", x))
    windows = _windows(windows, x)
    return _columns(x, windows, fill).amax(-len(windows) - 1)


def max_pool_gradient(g: Tensor, x: Tensor, windows: Windows, *, fill: float = -math.inf) -> Tensor:
    """Gradient with respect to the input of `max_pool`, from `g`, that to its output.

    All of it goes to the entry that won; among equals, to the window's first, as in torch. Where
    the padding won, it is lost.

    Args:
        g: `(..., M)` or `(..., Mh, Mw)`.
        x: `(..., L)` or `(..., H, W)`: the input of the forward pass.
        windows: the windows of the forward pass.
        fill: what the padding held.

    Returns:
        The shape of `x`.

    Raises:
        ValueError: shapes that do not go together, or different devices.
        TypeError: tensors that are not floating-point, or of different types.
    """
    refuse_other_kinds(("g", g), ("x", x))
    windows = _windows(windows, x)
    taps, columns = -len(windows) - 1, _columns(x, windows, fill)
    _require_outputs(g, (*x.shape[: -len(windows)], *_outputs(windows, x.shape)), shape(x))
    winner = columns.argmax(taps, keepdim=True)
    spread = torch.zeros_like(columns).scatter(taps, winner, g.unsqueeze(taps))
    return _add_back(spread, windows, x.shape[-len(windows) :])


def avg_pool(x: Tensor, windows: Windows, *, count_padding: bool = True) -> Tensor:
    """The mean of every window.

    Args:
        x: `(..., L)` for one window, `(..., H, W)` for a pair.
        windows: the window of each pooled axis.
        count_padding: whether the padding's zeros count as entries (torch's default). What
            overhangs in ceil mode never does.

    Returns:
        `(..., M)` or `(..., Mh, Mw)`; zero for a window that sees nothing that counts.

    Raises:
        ValueError: a window does not fit, `x` has fewer axes than there are windows, or is
            `(N, C, H, W)` and there is one window.
        TypeError: `x` is not floating-point.
    """
    refuse_other_kinds(("x", x))
    windows = _windows(windows, x)
    sums = _columns(x, windows, 0.0).sum(-len(windows) - 1)
    return sums / _counts(windows, sizes_of(x, len(windows)), count_padding, x)


def avg_pool_gradient(
    g: Tensor, windows: Windows, *, size: int | Sequence[int], count_padding: bool = True
) -> Tensor:
    """Gradient with respect to the input of `avg_pool`, from `g`, that to its output.

    Every entry of a window gets an equal share.

    Args:
        g: `(..., M)` or `(..., Mh, Mw)`.
        windows: the windows of the forward pass.
        size: `L`, or `(H, W)`: the size of the input.
        count_padding: as in the forward pass.

    Returns:
        `(..., L)` or `(..., H, W)`.

    Raises:
        ValueError: `g` is not what the windows make of that size.
        TypeError: `g` is not floating-point.
    """
    refuse_other_kinds(("g", g))
    windows = _windows(windows, g)
    sizes = as_sizes(size, len(windows))
    _require_outputs(g, (*g.shape[: -len(windows)], *_outputs(windows, sizes)), sizes)
    share = (g / _counts(windows, sizes, count_padding, g)).unsqueeze(-len(windows) - 1)
    taps = math.prod(window.kernel_size for window in windows)
    spread = share.repeat_interleave(taps, -len(windows) - 1)
    return _add_back(spread, windows, sizes)


def _windows(windows: Windows, x: Tensor) -> tuple[Window, ...]:
    """One window per pooled axis; a bare one is not taken for that of an image's width alone."""
    if isinstance(windows, Window) and x.dim() > 3:
        raise ValueError(
            f"one window would pool only the last axis of {shape(x)}; give a pair, (window, "
            "window), to pool height and width, or (window,) for the last axis"
        )
    return as_windows(windows)


def _columns(x: Tensor, windows: Sequence[Window], fill: float) -> Tensor:
    """`unfold` with all taps of a window in one axis: `(..., T, M)` or `(..., T, Mh, Mw)`."""
    axes = len(windows)
    return unfold(x, windows, fill=fill).flatten(-2 * axes, -axes - 1)


def _add_back(columns: Tensor, windows: Sequence[Window], sizes: Sequence[int]) -> Tensor:
    """The adjoint of `_columns`."""
    taps = [window.kernel_size for window in windows]
    return add_windows(columns.unflatten(-len(windows) - 1, taps), windows, sizes)


def _outputs(windows: Sequence[Window], sizes: Sequence[int]) -> list[int]:
    last = sizes[-len(windows) :]
    return [window.output_size(n) for window, n in zip(windows, last, strict=True)]


def _counts(
    windows: Sequence[Window], sizes: Sequence[int], count_padding: bool, like: Tensor
) -> Tensor:
    """How many entries every window averages over, in the shape of the output."""
    require_flags(count_padding=count_padding)
    counts = like.new_ones(())
    for window, n in zip(windows, sizes, strict=True):
        inside = range(-window.left, n + window.right) if count_padding else range(n)
        seen = [
            max(sum(tap in inside for tap in window.taps(i)), 1)
            for i in range(window.output_size(n))
        ]
        counts = counts[..., None] * like.new_tensor(seen)
    return counts


def _require_outputs(g: Tensor, expected: tuple[int, ...], size: Sequence[int]) -> None:
    if shape(g) != expected:
        raise ValueError(
            f"g {shape(g)} is not the gradient of a pooling of an input of size {tuple(size)}: "
            f"its shape must be {expected}"
        )
