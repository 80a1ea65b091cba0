"""Convolution and its gradients by three independent routes: unfold/fold, the matrix, torch."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from cnnref.convolution import (
    conv1d,
    conv1d_bias_gradient,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    conv2d,
    conv2d_bias_gradient,
    conv2d_input_gradient,
    conv2d_kernel_gradient,
    conv_transpose1d,
    conv_transpose2d,
    insert_zeros,
    matrix_of,
)
from cnnref.windows import Window
from tests.convolution.conftest import Problem, assert_equal, problems
from tests.examples import examples

FORWARD: dict[int, Any] = {1: conv1d, 2: conv2d}
INPUT_GRADIENT: dict[int, Any] = {1: conv1d_input_gradient, 2: conv2d_input_gradient}
KERNEL_GRADIENT: dict[int, Any] = {1: conv1d_kernel_gradient, 2: conv2d_kernel_gradient}
BIAS_GRADIENT = {1: conv1d_bias_gradient, 2: conv2d_bias_gradient}
TRANSPOSE: dict[int, Any] = {1: conv_transpose1d, 2: conv_transpose2d}
TORCH_TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d}

one = problems(axes=1)
two = problems(axes=2)
both = st.one_of(one, two)


def forward(p: Problem, x, w):
    return FORWARD[p.axes](x, w, p.window, **p.options)


def input_gradient(p: Problem, g, w):
    return INPUT_GRADIENT[p.axes](g, w, p.window, size=p.size, **p.options)


def kernel_gradient(p: Problem, g, x):
    return KERNEL_GRADIENT[p.axes](g, x, p.window, **p.options)


def matrix(p: Problem, w):
    return matrix_of(w, p.size, p.window, **p.options)


def check_forward(p: Problem):
    ours, magnitude = forward(p, p.x, p.w), forward(p, p.x.abs(), p.w.abs())
    assert_equal(ours, p.by_torch(p.x, p.w), magnitude)
    assert_equal(ours, (p.x.flatten(1) @ matrix(p, p.w).T).view_as(ours), magnitude)


def check_input_gradient(p: Problem):
    ours, magnitude = input_gradient(p, p.g, p.w), input_gradient(p, p.g.abs(), p.w.abs())
    x = p.x.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(p.by_torch(x, p.w), x, p.g)
    assert_equal(ours, by_autograd, magnitude)
    assert_equal(ours, (p.g.flatten(1) @ matrix(p, p.w)).view_as(ours), magnitude)


def check_kernel_gradient(p: Problem):
    ours, magnitude = kernel_gradient(p, p.g, p.x), kernel_gradient(p, p.g.abs(), p.x.abs())
    w = p.w.clone().requires_grad_()
    (by_autograd,) = torch.autograd.grad(p.by_torch(p.x, w), w, p.g)
    assert_equal(ours, by_autograd, magnitude)
    # The matrix route: the risk is linear in the matrix, and the matrix is linear in the kernel.
    w = p.w.clone().requires_grad_()
    outer = p.g.flatten(1).T @ p.x.flatten(1)
    # Where every tap lies in the padding, no entry of the matrix comes from the kernel.
    (by_matrix,) = torch.autograd.grad(matrix(p, w) + 0 * w.sum(), w, outer)
    assert_equal(ours, by_matrix, magnitude)


@examples(200)
@given(one)
def test_conv1d_three_ways(problem):
    check_forward(problem)


@examples(100)
@given(two)
def test_conv2d_three_ways(problem):
    check_forward(problem)


@examples(200)
@given(one)
def test_input_gradient_three_ways(problem):
    check_input_gradient(problem)


@examples(100)
@given(two)
def test_conv2d_input_gradient_three_ways(problem):
    check_input_gradient(problem)


@examples(200)
@given(one)
def test_kernel_gradient_three_ways(problem):
    check_kernel_gradient(problem)


@examples(100)
@given(two)
def test_conv2d_kernel_gradient_three_ways(problem):
    check_kernel_gradient(problem)


@given(both)
def test_bias_and_its_gradient(p):
    bias = torch.linspace(-1, 2, len(p.w), dtype=torch.float64, requires_grad=True)
    z = FORWARD[p.axes](p.x, p.w, p.window, bias=bias, **p.options)
    torch.testing.assert_close(z, forward(p, p.x, p.w) + bias.view(-1, *(1,) * p.axes))
    (by_autograd,) = torch.autograd.grad(z, bias, p.g)
    ours = BIAS_GRADIENT[p.axes](p.g)
    assert_equal(ours, by_autograd, BIAS_GRADIENT[p.axes](p.g.abs()))
    torch.testing.assert_close(BIAS_GRADIENT[p.axes](p.g[0]), p.g[0].flatten(1).sum(1))
    torch.testing.assert_close(BIAS_GRADIENT[p.axes](p.g[0, 0]), p.g[0, 0].sum())


@given(both)
def test_input_gradient_is_the_adjoint_of_the_convolution(p):
    """<Ax, g> = <x, A*g> for every x and g."""
    left = (forward(p, p.x, p.w) * p.g).sum()
    right = (p.x * input_gradient(p, p.g, p.w)).sum()
    assert_equal(left, right, (forward(p, p.x.abs(), p.w.abs()) * p.g.abs()).sum())


@given(both)
def test_kernel_gradient_is_the_adjoint_in_the_kernel(p):
    """<B w, g> = <w, B*g>, where B convolves a fixed input."""
    left = (forward(p, p.x, p.w) * p.g).sum()
    right = (p.w * kernel_gradient(p, p.g, p.x)).sum()
    assert_equal(left, right, (forward(p, p.x.abs(), p.w.abs()) * p.g.abs()).sum())


@examples(30)
@given(both)
def test_gradcheck(p):
    x, w = p.x[:1].clone().requires_grad_(), p.w.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: forward(p, x, w), (x, w))
    g = p.g[:1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda g, w: input_gradient(p, g, w), (g, w))
    assert torch.autograd.gradcheck(lambda g, x: kernel_gradient(p, g, x), (g, x))


@examples(30)
@given(both)
def test_autograd_through_our_forward(p):
    x, w = p.x.clone().requires_grad_(), p.w.clone().requires_grad_()
    to_input, to_kernel = torch.autograd.grad(forward(p, x, w), (x, w), p.g)
    assert_equal(to_input, input_gradient(p, p.g, p.w), input_gradient(p, p.g.abs(), p.w.abs()))
    assert_equal(to_kernel, kernel_gradient(p, p.g, p.x), kernel_gradient(p, p.g.abs(), p.x.abs()))


@given(one)
def test_transposed_convolution_is_zero_insertion_and_the_flipped_kernel(p):
    window = p.windows[0]
    assume(max(window.padding) <= window.span - 1)
    extra = (p.x.shape[-1] + window.left + window.right - window.span) % window.stride
    # Within each group, the channels that the kernel reads and writes change places.
    per_group = p.turned.unflatten(0, (p.groups, -1)).transpose(1, 2).flatten(0, 1)
    other = conv1d(
        insert_zeros(p.g, window.stride), per_group, window.transposed(extra),
        groups=p.groups, flip=True,
    )  # fmt: skip
    assert_equal(input_gradient(p, p.g, p.w), other, input_gradient(p, p.g.abs(), p.w.abs()))


@examples(200)
@given(both, st.data())
def test_conv_transpose_three_ways(p, data):
    """torch, the transposed matrix, and the gradient to the input; symmetric padding for torch."""
    windows = tuple(Window(v.kernel_size, v.stride, v.left, v.dilation) for v in p.windows)
    extra = tuple(data.draw(st.integers(0, max(v.stride, v.dilation) - 1)) for v in windows)
    try:
        sizes = tuple(
            v.transposed_size(m, e) for v, m, e in zip(windows, p.g.shape[2:], extra, strict=True)
        )
    except ValueError:
        assume(False)
    window, given_extra = (windows[0], extra[0]) if p.axes == 1 else (windows, extra)
    bias = torch.linspace(-1, 1, p.w.shape[1] * p.groups, dtype=torch.float64)

    def ours(x, w, bias=None):
        return TRANSPOSE[p.axes](
            x, w, window, bias=bias, output_padding=given_extra, groups=p.groups, flip=p.flip
        )

    z, magnitude = ours(p.g, p.w, bias), ours(p.g.abs(), p.w.abs(), bias.abs())
    by_torch = TORCH_TRANSPOSE[p.axes](
        p.g, p.turned, bias, groups=p.groups, output_padding=extra,
        stride=tuple(v.stride for v in windows), dilation=tuple(v.dilation for v in windows),
        padding=tuple(v.left for v in windows),
    )  # fmt: skip
    assert z.shape[2:] == sizes
    assert_equal(z, by_torch, magnitude)
    outputs = tuple(v.output_size(n) for v, n in zip(windows, sizes, strict=True))
    if outputs == tuple(p.g.shape[2:]):  # with a large dilation torch allows sizes that fit more
        size = sizes[0] if p.axes == 1 else sizes
        transposed = matrix_of(p.w, size, window, **p.options).T
        without = ours(p.g, p.w)
        by_matrix = (p.g.flatten(1) @ transposed.T).view_as(without)
        assert_equal(without, by_matrix, magnitude)
        by_gradient = INPUT_GRADIENT[p.axes](p.g, p.w, window, size=size, **p.options)
        assert torch.equal(without, by_gradient)


@given(both)
def test_plain_and_unbatched_signals(p):
    def same(ours, expected):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)

    same(forward(p, p.x[0], p.w), forward(p, p.x, p.w)[0])
    same(input_gradient(p, p.g[0], p.w), input_gradient(p, p.g, p.w)[0])
    same(kernel_gradient(p, p.g[0], p.x[0]), kernel_gradient(p, p.g[:1], p.x[:1]))
    alone = Problem(p.windows, 1, p.flip, p.x[:1, :1], p.w[:1, :1], p.g[:1, :1])
    x, w, g = alone.x[0, 0], alone.w[0, 0], alone.g[0, 0]
    same(forward(alone, x, w), forward(alone, alone.x, alone.w)[0, 0])
    same(input_gradient(alone, g, w), input_gradient(alone, alone.g, alone.w)[0, 0])
    same(kernel_gradient(alone, g, x), kernel_gradient(alone, alone.g, alone.x)[0, 0])
    bias = torch.tensor(2.0, dtype=torch.float64)
    same(FORWARD[p.axes](x, w, p.window, bias=bias, flip=p.flip), forward(alone, x, w) + 2)


def test_depthwise_and_pointwise_are_groups_and_single_taps():
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64)
    depthwise = torch.randn(8, 1, 3, 3, dtype=torch.float64)
    z = conv2d(x, depthwise, groups=4)
    for o in range(8):
        torch.testing.assert_close(z[:, o : o + 1], conv2d(x[:, o // 2, None], depthwise[o, None]))
    pointwise = torch.randn(3, 4, 1, 1, dtype=torch.float64)
    mixed = torch.einsum("oc,nchw->nohw", pointwise[..., 0, 0], x)
    torch.testing.assert_close(conv2d(x, pointwise), mixed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("axes", [1, 2])
def test_types_are_kept_and_agree_with_torch(dtype, axes):
    torch.manual_seed(0)
    x, w = torch.randn(2, 3, *(9, 8)[:axes]), torch.randn(4, 3, *(3, 3)[:axes])
    x, w = x.to(dtype), w.to(dtype)
    size = tuple(x.shape[2:]) if axes == 2 else 9
    window = (Window(3),) * 2 if axes == 2 else Window(3)
    z = FORWARD[axes](x, w, bias=w.new_ones(4))
    assert z.dtype == dtype
    exact = FORWARD[axes](x.double(), w.double(), bias=w.new_ones(4).double())
    magnitude = FORWARD[axes](x.double().abs(), w.double().abs())
    assert_equal(z.double(), exact, magnitude, tolerance=4 * torch.finfo(dtype).eps)
    assert INPUT_GRADIENT[axes](z, w, size=size).dtype == dtype
    assert KERNEL_GRADIENT[axes](z, x, window).dtype == dtype
    assert BIAS_GRADIENT[axes](z).dtype == dtype
    assert TRANSPOSE[axes](z, w).dtype == dtype
    assert matrix_of(w, size).dtype == dtype


def test_other_devices_and_memory_layouts():
    x = torch.randn(2, 3, 6, 5, dtype=torch.float64)
    w = torch.randn(4, 3, 3, 2, dtype=torch.float64)
    z = conv2d(x, w)
    for other in (
        x.to(memory_format=torch.channels_last),
        x.transpose(2, 3).contiguous().transpose(2, 3),
        torch.cat([x, x], 3)[..., :5],
    ):
        torch.testing.assert_close(conv2d(other, w), z, rtol=1e-13, atol=1e-13)
    shapes = conv2d(x.to("meta"), w.to("meta"))
    assert (shapes.shape, shapes.device.type) == (z.shape, "meta")
    one = x[:1, :1].expand(2, 3, 6, 5)
    torch.testing.assert_close(conv2d(one, w), conv2d(one.contiguous(), w))


@pytest.mark.parametrize("device", ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def test_every_device_gives_the_same(device):
    x, w = torch.randn(2, 4, 9, 8, dtype=torch.float64), torch.randn(6, 2, 3, 2).double()
    window, options = (Window(3, 2, (1, 0)), Window(2, 1, 1, 2)), {"groups": 2}
    z = F.conv2d(F.pad(x, (1, 1, 1, 0)), w, stride=(2, 1), dilation=(1, 2), groups=2)
    x, w, g = x.to(device), w.to(device), z.to(device)
    torch.testing.assert_close(conv2d(x, w, window, **options).cpu(), z)
    there = conv2d_input_gradient(g, w, window, size=(9, 8), **options)
    torch.testing.assert_close((there * x).sum().cpu(), (z * z).sum())
    there = conv2d_kernel_gradient(g, x, window, **options)
    torch.testing.assert_close((there * w).sum().cpu(), (z * z).sum())


def test_an_empty_batch_is_a_batch():
    x, w = torch.ones(0, 2, 6, 5), torch.ones(4, 2, 3, 3)
    z = conv2d(x, w)
    assert z.shape == F.conv2d(x, w).shape == (0, 4, 4, 3)
    assert conv2d_input_gradient(z, w, size=(6, 5)).shape == x.shape
    assert torch.equal(conv2d_kernel_gradient(z, x), torch.zeros_like(w))
    assert conv_transpose2d(z, w).shape == x.shape


def test_a_hand_computed_example():
    x, w = torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([1.0, 0, -1])
    assert conv1d(x, w).tolist() == [-2, -2, -2]
    assert conv1d(x, w, flip=True).tolist() == [2, 2, 2]
    assert conv1d(x, w, Window(3, stride=2, padding=1)).tolist() == [-2, -2, 4]
    g = torch.tensor([1.0, 10, 100])
    assert conv1d_input_gradient(g, w, size=5).tolist() == [1, 10, 99, -10, -100]
    assert conv1d_kernel_gradient(g, x).tolist() == [321, 432, 543]


def test_a_hand_computed_example_in_two_dimensions():
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    w = torch.tensor([[1.0, 10], [100, 1000]])
    assert conv2d(x, w).tolist() == [[5421, 6532], [8754, 9865]]
    assert conv2d(x, w, flip=True).tolist() == [[1245, 2356], [4578, 5689]]
    g = torch.tensor([[1.0, 0], [0, 2]])
    assert conv2d_input_gradient(g, w, size=(3, 3)).tolist() == [
        [1, 10, 0], [100, 1002, 20], [0, 200, 2000],
    ]  # fmt: skip
    assert conv2d_kernel_gradient(g, x).tolist() == [[11, 14], [20, 23]]
    assert conv_transpose2d(g, w, Window(2, stride=2)).tolist() == [
        [1, 10, 0, 0], [100, 1000, 0, 0], [0, 0, 2, 20], [0, 0, 200, 2000],
    ]  # fmt: skip


def test_a_word_is_no_flip():
    x, w = torch.ones(5), torch.ones(3)
    for call in (
        lambda: conv1d(x, w, flip="x"),
        lambda: conv1d_input_gradient(torch.ones(3), w, size=5, flip=1),
        lambda: conv1d_kernel_gradient(torch.ones(3), x, flip=None),
        lambda: matrix_of(w, 5, flip="no"),
    ):
        with pytest.raises(ValueError, match="flip must be True or False, got"):
            call()
