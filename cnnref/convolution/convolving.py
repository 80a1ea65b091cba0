"""Convolution and transposed convolution, in one and two dimensions."""

from __future__ import annotations

from torch import Tensor

from cnnref.convolution.core import convolve, scatter
from cnnref.convolution.layout import layout_of, refuse_other_kinds, shape
from cnnref.convolution.unfolding import Windows, as_sizes
from cnnref.windows import Window

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]


def conv1d(
    x: Tensor,
    w: Tensor,
    window: Window | None = None,
    *,
    bias: Tensor | None = None,
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """One-dimensional convolution, `z[o, i] = b[o] + sum_{c, j} w[o, c, j] x[c, position(i, j)]`.

    `position(i, j)` is tap `j` of window `i`; padding counts as zero.

    Args:
        x: `(L)`, `(C, L)` or `(N, C, L)`.
        w: `(K)` for a plain `x`, else `(O, C / groups, K)`.
        window: stride, padding and dilation; `Window(K)` where none is given.
        bias: `(O)`, or a scalar tensor for a plain `x`.
        groups: channels are cut into so many groups, each convolved on its own; `C` for a depthwise
            convolution.
        flip: run the kernel backwards (true convolution).

    Returns:
        `(M)`, `(O, M)` or `(N, O, M)`.

    Raises:
        ValueError: shapes, channels, groups, kernel sizes or devices that do not go together, or a
            window that does not fit; the message holds both shapes.
        TypeError: tensors that are not floating-point, or of different types.

    Source: Dumoulin and Visin (2016), section 2.
    """
    return _conv(1, x, w, window, bias, groups, flip)


def conv2d(
    x: Tensor,
    w: Tensor,
    window: Windows | None = None,
    *,
    bias: Tensor | None = None,
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """Two-dimensional convolution, the sum of `conv1d` over both axes.

    Args:
        x: `(H, W)`, `(C, H, W)` or `(N, C, H, W)`.
        w: `(Kh, Kw)` for a plain `x`, else `(O, C / groups, Kh, Kw)`.
        window: one window for both axes, or a pair (rows, columns); plain ones where none is given.
        bias: `(O)`, or a scalar tensor for a plain `x`.
        groups: channels are cut into so many groups, each convolved on its own.
        flip: run the kernel backwards along both axes (true convolution).

    Returns:
        `(Mh, Mw)`, `(O, Mh, Mw)` or `(N, O, Mh, Mw)`.

    Raises:
        ValueError: as `conv1d`.
        TypeError: as `conv1d`.

    Source: Dumoulin and Visin (2016), section 2.
    """
    return _conv(2, x, w, window, bias, groups, flip)


def conv_transpose1d(
    x: Tensor,
    w: Tensor,
    window: Window | None = None,
    *,
    bias: Tensor | None = None,
    groups: int = 1,
    output_padding: int = 0,
    flip: bool = False,
) -> Tensor:
    """The adjoint of `conv1d` with the same kernel and window, used as a layer.

    It is the gradient of the convolution with respect to its input, so `x` has the channels that
    the kernel *writes*. The output has `window.transposed_size(L, output_padding)` entries.

    Args:
        x: `(L)`, `(C, L)` or `(N, C, L)`.
        w: `(K)` for a plain `x`, else `(C, O / groups, K)`: torch's layout.
        window: the window of the convolution that is transposed.
        bias: `(O)`, or a scalar tensor for a plain `x`.
        groups: channels are cut into so many groups.
        output_padding: chooses among the input lengths that a stride maps to one output length.
        flip: transpose the true convolution.

    Returns:
        `(M)`, `(O, M)` or `(N, O, M)`.

    Raises:
        ValueError: shapes, channels, groups, kernel sizes or devices that do not go together, an
            `output_padding` that is not below `max(stride, dilation)`, or an empty output.
        TypeError: tensors that are not floating-point, or of different types.

    Source: Dumoulin and Visin (2016), section 4.
    """
    return _conv_transpose(1, x, w, window, bias, groups, (output_padding,), flip)


def conv_transpose2d(
    x: Tensor,
    w: Tensor,
    window: Windows | None = None,
    *,
    bias: Tensor | None = None,
    groups: int = 1,
    output_padding: int | tuple[int, int] = 0,
    flip: bool = False,
) -> Tensor:
    """The adjoint of `conv2d` with the same kernel and windows, used as a layer.

    Args:
        x: `(H, W)`, `(C, H, W)` or `(N, C, H, W)`.
        w: `(Kh, Kw)` for a plain `x`, else `(C, O / groups, Kh, Kw)`: torch's layout.
        window: one window for both axes, or a pair (rows, columns).
        bias: `(O)`, or a scalar tensor for a plain `x`.
        groups: channels are cut into so many groups.
        output_padding: as in `conv_transpose1d`, for both axes or each.
        flip: transpose the true convolution.

    Returns:
        `(Mh, Mw)`, `(O, Mh, Mw)` or `(N, O, Mh, Mw)`.

    Raises:
        ValueError: as `conv_transpose1d`.
        TypeError: as `conv_transpose1d`.

    Source: Dumoulin and Visin (2016), section 4.
    """
    extras = (output_padding,) * 2 if isinstance(output_padding, int) else output_padding
    return _conv_transpose(2, x, w, window, bias, groups, extras, flip)


def _conv(
    axes: int,
    x: Tensor,
    w: Tensor,
    windows: Windows | None,
    bias: Tensor | None,
    groups: int,
    flip: bool,
) -> Tensor:
    layout = layout_of(axes, "x", x, w, windows, groups)
    z = convolve(layout.batched(x), layout.kernel(w, flip), layout.windows, groups)
    return layout.as_given(_with_bias(z, w, bias, 0 if w.dim() == axes else len(w)))


def _conv_transpose(
    axes: int,
    x: Tensor,
    w: Tensor,
    windows: Windows | None,
    bias: Tensor | None,
    groups: int,
    output_padding: tuple[int, ...],
    flip: bool,
) -> Tensor:
    # As the gradient of a convolution, x takes the part of the output's gradient.
    layout = layout_of(axes, "g", x, w, windows, groups, called="x")
    extras = as_sizes(output_padding, axes, "output_padding")
    signal = layout.batched(x)
    sizes = [
        window.transposed_size(n, extra)
        for window, n, extra in zip(layout.windows, signal.shape[2:], extras, strict=True)
    ]
    z = scatter(signal, layout.kernel(w, flip), layout.windows, sizes, groups)
    return layout.as_given(_with_bias(z, w, bias, 0 if w.dim() == axes else w.shape[1] * groups))


def _with_bias(z: Tensor, w: Tensor, bias: Tensor | None, channels: int) -> Tensor:
    """Add the bias to `(N, O, ...)`; `channels` is 0 for plain signals."""
    if bias is None:
        return z
    refuse_other_kinds(("bias", bias), ("w", w))
    expected = (channels,) if channels else ()
    if shape(bias) != expected:
        raise ValueError(
            f"bias {shape(bias)} does not go with w {shape(w)}: it must have the shape {expected}"
        )
    return z + bias.view(-1, *(1,) * (z.dim() - 2))
