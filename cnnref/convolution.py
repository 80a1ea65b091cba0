"""Convolution from scratch.

Everything here is one idea: `unfold` lays every window of the input side by side, as a view of
strides and not a copy; `fold` is its adjoint and adds them back. A convolution is `unfold` and one
`einsum`. Its gradient with respect to the input is the same `einsum` turned round and `fold`;
its gradient with respect to the kernel is `unfold` and an `einsum`; the transposed convolution is
its gradient with respect to the input.

As in torch, "convolution" means cross-correlation. `flip=True` gives the convolution of signal
processing, whose kernel runs backwards.

Shapes: `N` batch, `C` input channels, `O` output channels, `L` input length, `M` output length,
`K` kernel taps. Signals may be plain, with channels, or batched:

    x (L)        w (K)          ->  z (M)
    x (C, L)     w (O, C, K)    ->  z (O, M)
    x (N, C, L)  w (O, C, K)    ->  z (N, O, M)

Source: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning (2016).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from cnnref.windows import Window, zero_inserted_size

__all__ = [
    "conv1d",
    "conv1d_input_gradient",
    "conv1d_kernel_gradient",
    "fold",
    "insert_zeros",
    "matrix_of",
    "unfold",
]


def unfold(x: Tensor, window: Window) -> Tensor:
    """Every window of the last axis, as a view.

    Neighbouring windows are `stride` apart and neighbouring taps `dilation`, so two strides of the
    (padded) tensor describe them all; only padding copies.

    Args:
        x: `(..., L)`.
        window: the window that slides over the last axis.

    Returns:
        `(..., M, K)` with `M = window.output_size(L)`; entry `[..., i, j]` is tap `j` of window
        `i`.

    Raises:
        ValueError: the window does not fit, or is in ceil mode, or `x` is a scalar.
    """
    _refuse_ceil_mode(window)
    _require_axis(x)
    outputs = window.output_size(x.shape[-1])
    if window.padding != (0, 0):
        x = pad(x, (window.left, window.right))
    step = x.stride(-1)
    return x.as_strided(
        (*x.shape[:-1], outputs, window.kernel),
        (*x.stride()[:-1], step * window.stride, step * window.dilation),
        x.storage_offset(),
    )


def fold(columns: Tensor, window: Window, size: int) -> Tensor:
    """Add every window back to where `unfold` read it: the adjoint of `unfold`.

    Args:
        columns: `(..., M, K)`.
        window: the window that `unfold` slid.
        size: `L`, the length of the axis that was unfolded; several lengths give the same `M`.

    Returns:
        `(..., L)`: entry `i` is the sum of all windows' taps that read position `i`.

    Raises:
        ValueError: `columns` is not what `unfold` makes of length `size`, or the window is in ceil
            mode.
    """
    _refuse_ceil_mode(window)
    outputs = window.output_size(size)
    if columns.shape[-2:] != (outputs, window.kernel):
        raise ValueError(
            f"fold needs columns (..., {outputs}, {window.kernel}) for size {size} and {window}, "
            f"got {tuple(columns.shape)}"
        )
    x = columns.new_zeros((*columns.shape[:-2], window.left + size + window.right))
    reach = (outputs - 1) * window.stride + 1
    for j in range(window.kernel):
        first = j * window.dilation
        x[..., first : first + reach : window.stride] += columns[..., j]
    return x[..., window.left : window.left + size]


def conv1d(x: Tensor, w: Tensor, window: Window | None = None, *, flip: bool = False) -> Tensor:
    """One-dimensional convolution: `z[o, i] = sum_{c, j} w[o, c, j] x[c, tap j of window i]`.

    Args:
        x: `(L)`, `(C, L)` or `(N, C, L)`.
        w: `(K)` for a plain `x`, else `(O, C, K)`.
        window: stride, padding and dilation; `Window(K)` where none is given.
        flip: run the kernel backwards (true convolution).

    Returns:
        `(M)`, `(O, M)` or `(N, O, M)`.

    Raises:
        ValueError: shapes, channels, kernel sizes or devices that do not go together; the message
            holds both.
        TypeError: tensors that are not floating-point, or of different types.
    """
    window = _agreed(x, w, window, "x")
    if w.dim() == 1:
        return conv1d(x[None], w[None, None], window, flip=flip)[0]
    taps = w.flip(-1) if flip else w
    return torch.einsum("...cik,ock->...oi", unfold(x, window), taps)


def conv1d_input_gradient(
    g: Tensor, w: Tensor, window: Window | None = None, *, size: int, flip: bool = False
) -> Tensor:
    """Gradient of a loss with respect to the input of `conv1d`, from that to its output, `g`.

    It is also the transposed convolution of `g`: the adjoint of the map `x -> conv1d(x, w)`.

    Args:
        g: `(M)`, `(O, M)` or `(N, O, M)`: the gradient with respect to the output.
        w: the kernel, `(K)` or `(O, C, K)`.
        window: the window of the forward pass.
        size: `L`, the length of the input.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(L)`, `(C, L)` or `(N, C, L)`: the shape of `x`.

    Raises:
        ValueError: shapes that do not go together, or `g` is not as long as the forward output.
        TypeError: tensors that are not floating-point, or of different types.

    Source: Dumoulin and Visin (2016), section 4.
    """
    window = _agreed(g, w, window, "g")
    outputs = window.output_size(size)
    if g.shape[-1] != outputs:
        raise ValueError(
            f"g {tuple(g.shape)} is not the gradient of an output of {window} for an input of "
            f"size {size}: its length must be {outputs}"
        )
    if w.dim() == 1:
        return conv1d_input_gradient(g[None], w[None, None], window, size=size, flip=flip)[0]
    taps = w.flip(-1) if flip else w
    return fold(torch.einsum("...oi,ock->...cik", g, taps), window, size)


def conv1d_kernel_gradient(
    g: Tensor, x: Tensor, window: Window | None = None, *, flip: bool = False
) -> Tensor:
    """Gradient of a loss with respect to the kernel of `conv1d`, from that to its output, `g`.

    Args:
        g: `(M)`, `(O, M)` or `(N, O, M)`: the gradient with respect to the output.
        x: `(L)`, `(C, L)` or `(N, C, L)`: the input.
        window: the window of the forward pass; `Window(L - M + 1)` where none is given.
        flip: whether the forward pass flipped the kernel.

    Returns:
        `(K)` for plain signals, else `(O, C, K)`, summed over the batch.

    Raises:
        ValueError: shapes that do not go together.
        TypeError: tensors that are not floating-point, or of different types.
    """
    _same_kind(("g", g), ("x", x))
    if x.dim() not in (1, 2, 3) or g.dim() != x.dim() or g.shape[:-2] != x.shape[:-2]:
        raise ValueError(
            f"g {tuple(g.shape)} does not go with x {tuple(x.shape)}: both must be (length), "
            "(channels, length) or (N, channels, length), with the same N"
        )
    if window is None:
        window = Window(x.shape[-1] - g.shape[-1] + 1)
    columns = unfold(x, window)
    if g.shape[-1] != columns.shape[-2]:
        raise ValueError(
            f"g {tuple(g.shape)} is not the gradient of an output of {window} for x "
            f"{tuple(x.shape)}: its length must be {columns.shape[-2]}"
        )
    if x.dim() == 1:
        return conv1d_kernel_gradient(g[None], x[None], window, flip=flip)[0, 0]
    if x.dim() == 2:
        g, columns = g[None], columns[None]
    taps = torch.einsum("noi,ncik->ock", g, columns)
    return taps.flip(-1) if flip else taps


def insert_zeros(x: Tensor, m: int) -> Tensor:
    """Insert `m - 1` zeros between neighbouring entries of the last axis.

    A convolution with fractional stride `1 / m` is this, followed by a stride-1 convolution.

    Args:
        x: `(..., L)`.
        m: the factor by which positions move apart, at least 1.

    Returns:
        `(..., (L - 1) m + 1)`.

    Raises:
        ValueError: `m` is not a positive integer, or the axis is empty.
    """
    _require_axis(x)
    spread = x.new_zeros((*x.shape[:-1], zero_inserted_size(x.shape[-1], m)))
    spread[..., ::m] = x
    return spread


def matrix_of(w: Tensor, size: int, window: Window | None = None, *, flip: bool = False) -> Tensor:
    """The matrix of `x -> conv1d(x, w, window)`: Toeplitz for a plain kernel and stride 1.

    Built entry by entry from the window's taps, without `unfold`: an independent route to the same
    result, meant for proofs and pictures, not for speed.

    Args:
        w: the kernel, `(K)` or `(O, C, K)`.
        size: `L`, the length of the input.
        window: stride, padding and dilation; `Window(K)` where none is given.
        flip: run the kernel backwards (true convolution).

    Returns:
        `(M, L)` for a plain kernel, else `(O M, C L)`: rows and columns run over channels first,
        then positions, as `flatten()` does.

    Raises:
        ValueError: the kernel's rank or length is wrong, or the window does not fit `size`.
        TypeError: `w` is not floating-point.
    """
    _same_kind(("w", w))
    window = _window_of(w, window)
    if w.dim() == 1:
        return matrix_of(w[None, None], size, window, flip=flip)
    o, c, _ = w.shape
    outputs = window.output_size(size)
    matrix = w.new_zeros((o, outputs, c, size))
    for i in range(outputs):
        for j, position in enumerate(window.taps(i)):
            if 0 <= position < size:
                matrix[:, i, :, position] += w[..., -1 - j if flip else j]
    return matrix.reshape(o * outputs, c * size)


def _agreed(signal: Tensor, w: Tensor, window: Window | None, name: str) -> Window:
    """The window to use, once signal and kernel are known to go together."""
    _same_kind((name, signal), ("w", w))
    window = _window_of(w, window)
    if w.dim() == 1:
        if signal.dim() != 1:
            raise ValueError(
                f"a plain kernel w {tuple(w.shape)} needs a plain {name} (L), got "
                f"{tuple(signal.shape)}; with channels, w is (O, C, K)"
            )
        return window
    axis, letter = (1, "C") if name == "x" else (0, "O")
    if signal.dim() not in (2, 3) or signal.shape[-2] != w.shape[axis]:
        raise ValueError(
            f"{name} {tuple(signal.shape)} does not go with w {tuple(w.shape)}: {name} must be "
            f"({letter}, length) or (N, {letter}, length) with {letter} = {w.shape[axis]}"
        )
    return window


def _window_of(w: Tensor, window: Window | None) -> Window:
    """`window`, or the plain one of the kernel's length; its taps must be the kernel's."""
    if w.dim() not in (1, 3) or 0 in w.shape:
        raise ValueError(f"w must be (K) or (O, C, K) and not empty, got {tuple(w.shape)}")
    if window is None:
        return Window(w.shape[-1])
    _refuse_ceil_mode(window)
    if window.kernel != w.shape[-1]:
        raise ValueError(
            f"the window has {window.kernel} taps, the kernel w {tuple(w.shape)} has {w.shape[-1]}"
        )
    return window


def _refuse_ceil_mode(window: Window) -> None:
    if window.ceil_mode:
        raise ValueError("ceil mode has windows that overhang the input; it is for pooling alone")


def _require_axis(x: Tensor) -> None:
    if x.dim() == 0:
        raise ValueError(f"x must have at least one axis, got the scalar {x.item()}")


def _same_kind(*tensors: tuple[str, Tensor]) -> None:
    """Refuse what is not floating-point, and tensors of different types or devices."""
    for name, tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must be floating-point, got {tensor.dtype}")
    (first, a), (last, b) = tensors[0], tensors[-1]
    if a.dtype != b.dtype:
        raise TypeError(f"{first} is {a.dtype} but {last} is {b.dtype}; convert one of them")
    if a.device != b.device:
        raise ValueError(f"{first} is on {a.device} but {last} is on {b.device}; move one of them")
