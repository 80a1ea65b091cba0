"""Convolution from scratch.

Everything here is one idea: `unfold` lays every window of the input side by side, as a view of
strides and not a copy; `fold` is its adjoint and adds them back. A convolution is `unfold` and one
matrix product. Its gradient with respect to the input is the transposed product and `fold`; its
gradient with respect to the kernel is `unfold` and a product; the transposed convolution is its
gradient with respect to the input; a pooling is `unfold` and a maximum or a mean.

As in torch, "convolution" means cross-correlation. `flip=True` gives the convolution of signal
processing, whose kernel runs backwards.

Shapes: `N` batch, `C` input channels, `O` output channels, `L` input length, `M` output length,
`K` kernel taps; in two dimensions `(H, W)`, `(Mh, Mw)` and `(Kh, Kw)`. Signals may be plain, with
channels, or batched:

    x (L)        w (K)          ->  z (M)
    x (C, L)     w (O, C, K)    ->  z (O, M)
    x (N, C, L)  w (O, C, K)    ->  z (N, O, M)

The windows come first (`unfolding`), then three products (`core`), the operations made of them
(`convolving`, `gradients`, `pooling`), and, as an independent route to the same results, their
matrices (`matrices`). `layout` says what callers may pass. Functions of tensors alone:
no module, no network, no training.

Source: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning (2016).
"""

from cnnref.convolution.convolving import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from cnnref.convolution.gradients import (
    conv1d_bias_gradient,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    conv2d_bias_gradient,
    conv2d_input_gradient,
    conv2d_kernel_gradient,
)
from cnnref.convolution.matrices import matrix_of
from cnnref.convolution.pooling import avg_pool, avg_pool_gradient, max_pool, max_pool_gradient
from cnnref.convolution.unfolding import fold, insert_zeros, unfold

__all__ = [
    "avg_pool",
    "avg_pool_gradient",
    "conv1d",
    "conv1d_bias_gradient",
    "conv1d_input_gradient",
    "conv1d_kernel_gradient",
    "conv2d",
    "conv2d_bias_gradient",
    "conv2d_input_gradient",
    "conv2d_kernel_gradient",
    "conv_transpose1d",
    "conv_transpose2d",
    "fold",
    "insert_zeros",
    "matrix_of",
    "max_pool",
    "max_pool_gradient",
    "unfold",
]
