"""The matrix of a convolution: Toeplitz in one dimension, doubly block Toeplitz in two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from torch import Tensor

from cnnref.convolution.layout import check_groups, refuse_other_kinds, windows_for
from cnnref.convolution.unfolding import Windows, as_sizes
from cnnref.errors import require_flags

__all__ = ["matrix_of"]


def matrix_of(
    w: Tensor,
    size: int | Sequence[int],
    window: Windows | None = None,
    *,
    groups: int = 1,
    flip: bool = False,
) -> Tensor:
    """The matrix of `x -> conv1d(x, w, window)` or `conv2d(x, w, window)`.

    Built entry by entry from the windows' taps, without `unfold`: an independent route to the same
    result, meant for proofs and pictures, not for speed. With stride 1 the matrix of a plain kernel
    is Toeplitz; in two dimensions it is block Toeplitz with Toeplitz blocks. Its transpose is the
    transposed convolution.

    Args:
        w: the kernel, `(K)` or `(O, C / groups, K)`; in two dimensions `(Kh, Kw)` or
            `(O, C / groups, Kh, Kw)`.
        size: `L`, or `(H, W)`: the size of the input.
        window: stride, padding and dilation; plain ones where none is given.
        groups: the groups of the convolution.
        flip: run the kernel backwards (true convolution).

    Returns:
        `(M, L)` for a plain kernel, else `(O M, C L)`, where in two dimensions `M` stands for
        `Mh Mw` and `L` for `H W`: rows and columns run over channels first, then positions, as
        `flatten()` does.

    Raises:
        ValueError: the kernel's shape, the groups or the size do not go together, or the window
            does not fit.
        TypeError: `w` is not floating-point.
    """
    refuse_other_kinds(("w", w))
    axes = 1 if w.dim() in (1, 3) else 2
    windows = windows_for(axes, w, window)
    sizes = as_sizes(size, axes)
    if w.dim() == axes:
        w = w[None, None]
    check_groups(groups, w=len(w))
    require_flags(flip=flip)
    if flip:
        w = w.flip(tuple(range(2, w.dim())))
    o, c = len(w) // groups, w.shape[1]
    outputs = [view.output_size(n) for view, n in zip(windows, sizes, strict=True)]
    matrix = w.new_zeros((groups * o, *outputs, groups * c, *sizes))
    for i in product(*map(range, outputs)):
        taps = [list(enumerate(view.taps(row))) for view, row in zip(windows, i, strict=True)]
        for tap in product(*taps):
            j, position = zip(*tap, strict=True)
            if all(0 <= p < n for p, n in zip(position, sizes, strict=True)):
                for k in range(groups):
                    rows, columns = slice(k * o, (k + 1) * o), slice(k * c, (k + 1) * c)
                    matrix[(rows, *i, columns, *position)] += w[(rows, slice(None), *j)]
    return matrix.reshape(groups * o * prod(outputs), groups * c * prod(sizes))
