"""The gradients of a convolution, to its input, its kernel and its bias.

Each takes `g`, the gradient of a loss with respect to the convolution's output, and returns that
with respect to one of the convolution's arguments, in that argument's shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cnnref.convolution.core import kernel_gradient, scatter
from cnnref.convolution.layout import (
    SIZES,
    Layout,
    check_groups,
    layout_of,
    refuse_ceil_mode,
    refuse_other_kinds,
    shape,
)
from cnnref.convolution.unfolding import Windows, as_sizes, as_windows
from cnnref.errors import require_flags
from cnnref.windows import Window

__all__ = [
    "conv1d_bias_gradient",
    "conv1d_input_gradient",
    "conv1d_kernel_gradient",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_kernel_gradient",
]


def conv1d_input_gradient(
    g: Tensor,
    w: Tensor,
    window: Window | None = None,
    *,
    size: int,
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """Gradient with respect to the input of `conv1d`, from `g`, that to its output.

    It is also the transposed convolution of `g`: the adjoint of the map `x -> conv1d(x, w)`.

    Args:
        g: `(M)`, `(O, M)` or `(N, O, M)`: the gradient with respect to the output.
        w: the kernel, `(K)` or `(O, C / groups, K)`.
        window: the window of the forward pass.
        size: `L`, the length of the input.
        groups: the groups of the forward pass.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(L)`, `(C, L)` or `(N, C, L)`: the shape of `x`.

    Raises:
        ValueError: shapes that do not go together, or `g` is not as long as the forward output.
        TypeError: tensors that are not floating-point, or of different types.

    Source: Dumoulin and Visin (2016), section 4.
    """
    return _input_gradient(1, g, w, window, size, groups, flip)


def conv2d_input_gradient(
    g: Tensor,
    w: Tensor,
    window: Windows | None = None,
    *,
    size: tuple[int, int],
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """Gradient with respect to the input of `conv2d`, from `g`, that to its output.

    Args:
        g: `(Mh, Mw)`, `(O, Mh, Mw)` or `(N, O, Mh, Mw)`: the gradient with respect to the output.
        w: the kernel, `(Kh, Kw)` or `(O, C / groups, Kh, Kw)`.
        window: the window of the forward pass, or its pair of windows.
        size: `(H, W)` of the input.
        groups: the groups of the forward pass.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(H, W)`, `(C, H, W)` or `(N, C, H, W)`: the shape of `x`.

    Raises:
        ValueError: as `conv1d_input_gradient`.
        TypeError: as `conv1d_input_gradient`.
    """
    return _input_gradient(2, g, w, window, size, groups, flip)


def conv1d_kernel_gradient(
    g: Tensor, x: Tensor, window: Window | None = None, *, groups: int = 1, flip: bool = False
) -> Tensor:
    """Gradient with respect to the kernel of `conv1d`, from `g`, that to its output.

    Args:
        g: `(M)`, `(O, M)` or `(N, O, M)`: the gradient with respect to the output.
        x: `(L)`, `(C, L)` or `(N, C, L)`: the input.
        window: the window of the forward pass; `Window(L - M + 1)` where none is given.
        groups: the groups of the forward pass.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(K)` for plain signals, else `(O, C / groups, K)`, summed over the batch.

    Raises:
        ValueError: shapes that do not go together.
        TypeError: tensors that are not floating-point, or of different types.
    """
    return _kernel_gradient(1, g, x, window, groups, flip)


def conv2d_kernel_gradient(
    g: Tensor, x: Tensor, window: Windows | None = None, *, groups: int = 1, flip: bool = False
) -> Tensor:
    """Gradient with respect to the kernel of `conv2d`, from `g`, that to its output.

    Args:
        g: `(Mh, Mw)`, `(O, Mh, Mw)` or `(N, O, Mh, Mw)`: the gradient with respect to the output.
        x: `(H, W)`, `(C, H, W)` or `(N, C, H, W)`: the input.
        window: the window of the forward pass, or its pair of windows; plain ones of the kernel's
            size where none is given.
        groups: the groups of the forward pass.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(Kh, Kw)` for plain signals, else `(O, C / groups, Kh, Kw)`, summed over the batch.

    Raises:
        ValueError: as `conv1d_kernel_gradient`.
        TypeError: as `conv1d_kernel_gradient`.
    """
    return _kernel_gradient(2, g, x, window, groups, flip)


def conv1d_bias_gradient(g: Tensor) -> Tensor:
    """Gradient with respect to the bias of `conv1d`: the sum of `g` over batch and positions.

    Args:
        g: `(M)`, `(O, M)` or `(N, O, M)`: the gradient with respect to the output.

    Returns:
        `(O)`; a scalar for a plain `g`.

    Raises:
        ValueError: `g` has another number of axes.
        TypeError: `g` is not floating-point.
    """
    return _bias_gradient(1, g)


def conv2d_bias_gradient(g: Tensor) -> Tensor:
    """Gradient with respect to the bias of `conv2d`: the sum of `g` over batch and positions.

    Args:
        g: `(Mh, Mw)`, `(O, Mh, Mw)` or `(N, O, Mh, Mw)`: the gradient with respect to the output.

    Returns:
        `(O)`; a scalar for a plain `g`.

    Raises:
        ValueError: `g` has another number of axes.
        TypeError: `g` is not floating-point.
    """
    return _bias_gradient(2, g)


def _input_gradient(
    axes: int,
    g: Tensor,
    w: Tensor,
    windows: Windows | None,
    size: int | Sequence[int],
    groups: int,
    flip: bool,
) -> Tensor:
    layout = layout_of(axes, "g", g, w, windows, groups)
    sizes = as_sizes(size, axes)
    _require_outputs(g, layout.windows, sizes)
    kernel = layout.kernel(w, flip)
    return layout.as_given(scatter(layout.batched(g), kernel, layout.windows, sizes, groups))


def _kernel_gradient(
    axes: int, g: Tensor, x: Tensor, windows: Windows | None, groups: int, flip: bool
) -> Tensor:
    refuse_other_kinds(("g", g), ("x", x))
    if (
        not axes <= x.dim() <= axes + 2
        or g.dim() != x.dim()
        or g.shape[: -axes - 1] != x.shape[: -axes - 1]
    ):
        raise ValueError(
            f"g {shape(g)} does not go with x {shape(x)}: both must be ({SIZES[axes]}), (channels, "
            f"{SIZES[axes]}) or (N, channels, {SIZES[axes]}), with the same N"
        )
    plain = x.dim() == axes
    check_groups(
        groups,
        {"g": g, "x": x},
        **({} if plain else {"g": g.shape[-axes - 1], "x": x.shape[-axes - 1]}),
    )
    sizes = x.shape[-axes:]
    if windows is None:
        found = tuple(Window(n - m + 1) for n, m in zip(sizes, g.shape[-axes:], strict=True))
    else:
        found = as_windows(windows) * (axes if isinstance(windows, Window) else 1)
    refuse_ceil_mode(found)
    _require_outputs(g, found, sizes)
    layout = Layout(found, groups, axes + 2 - x.dim(), plain)
    taps = kernel_gradient(layout.batched(g), layout.batched(x), found, groups)
    require_flags(flip=flip)
    taps = taps.flip(tuple(range(2, taps.dim()))) if flip else taps
    return taps[0, 0] if plain else taps


def _bias_gradient(axes: int, g: Tensor) -> Tensor:
    refuse_other_kinds(("g", g))
    if not axes <= g.dim() <= axes + 2:
        sizes = SIZES[axes]
        raise ValueError(f"g must be ({sizes}), (O, {sizes}) or (N, O, {sizes}), got {shape(g)}")
    if g.dim() == axes:
        return g.sum()
    return torch.sum(g, [axis for axis in range(g.dim()) if axis != g.dim() - axes - 1])


def _require_outputs(g: Tensor, windows: Sequence[Window], sizes: Sequence[int]) -> None:
    """Refuse a gradient that is not as long as the forward output."""
    if len(windows) != len(sizes):
        raise ValueError(f"there must be {len(sizes)} windows, got {len(windows)}")
    expected = [window.output_size(n) for window, n in zip(windows, sizes, strict=True)]
    if [*g.shape[-len(sizes) :]] != expected:
        which = windows if len(windows) > 1 else windows[0]
        raise ValueError(
            f"g {shape(g)} is not the gradient of an output of {which} for an input of size "
            f"{tuple(sizes)}: its last axes must be {tuple(expected)}"
        )
