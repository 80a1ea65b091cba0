"""Pooling against torch's, in ceil mode and out of it, and against plain loops."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from cnnref.convolution import avg_pool, avg_pool_gradient, max_pool, max_pool_gradient
from cnnref.windows import Window
from tests.convolution.conftest import assert_equal, assert_refused, windows
from tests.examples import examples

MAX = {1: F.max_pool1d, 2: F.max_pool2d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d}


@st.composite
def poolings(draw, axes, dilated=True):
    """What torch accepts: symmetric padding of at most half a kernel."""
    chosen = []
    for _ in range(axes):
        kernel = draw(st.integers(1, 4))
        padding = draw(st.integers(0, kernel // 2))
        dilation = draw(st.integers(1, 2)) if dilated else 1
        chosen.append(Window(kernel, draw(st.integers(1, 3)), padding, dilation))
    sizes = [draw(st.integers(1, 8)) for _ in range(axes)]
    for window, n in zip(chosen, sizes, strict=True):
        assume(n + 2 * window.left >= window.span)
    if draw(st.booleans()):
        chosen = [Window(v.kernel_size, v.stride, v.padding, v.dilation, True) for v in chosen]
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    x = torch.randn(2, 3, *sizes, dtype=torch.float64, generator=generator)
    if draw(st.booleans()):
        x = x.round()  # ties
    return tuple(chosen), x


any_pooling = st.one_of(poolings(axes=1), poolings(axes=2))
undilated = st.one_of(poolings(axes=1, dilated=False), poolings(axes=2, dilated=False))


def arguments(chosen):
    return {
        "kernel_size": tuple(v.kernel_size for v in chosen),
        "stride": tuple(v.stride for v in chosen),
        "padding": tuple(v.left for v in chosen),
        "ceil_mode": chosen[0].ceil_mode,
    }


@examples(200)
@given(any_pooling)
def test_max_pool_and_its_gradient_are_those_of_torch(problem):
    chosen, x = problem
    x.requires_grad_()
    by_torch = MAX[len(chosen)](x, dilation=tuple(v.dilation for v in chosen), **arguments(chosen))
    assert torch.equal(max_pool(x, chosen), by_torch)
    # Of a window that sees padding alone torch sends the gradient to an entry outside of it.
    assume(by_torch.isfinite().all())
    g = torch.randn_like(by_torch)
    (by_autograd,) = torch.autograd.grad(by_torch, x, g)
    assert_equal(max_pool_gradient(g, x.detach(), chosen), by_autograd, g)


@examples(200)
@given(undilated, st.booleans())
def test_avg_pool_and_its_gradient_are_those_of_torch(problem, count_padding):
    chosen, x = problem
    x.requires_grad_()
    by_torch = AVG[len(chosen)](x, count_include_pad=count_padding, **arguments(chosen))
    assert_equal(avg_pool(x, chosen, count_padding=count_padding), by_torch, x)
    g = torch.randn_like(by_torch)
    (by_autograd,) = torch.autograd.grad(by_torch, x, g)
    size = tuple(x.shape[2:])
    ours = avg_pool_gradient(g, chosen, size=size, count_padding=count_padding)
    assert_equal(ours, by_autograd, g)


@given(windows(4), st.lists(st.integers(-9, 9), min_size=1, max_size=9), st.sampled_from([0, -3]))
def test_any_window_and_any_filling_by_loops(window, values, fill):
    """Padding that torch has no name for: asymmetric, larger than half the kernel, of any value."""
    n = len(values)
    assume(n + window.left + window.right >= window.span)
    read = [
        [values[t] if 0 <= t < n else fill for t in window.taps(i)]
        for i in range(window.output_size(n))
    ]
    x = torch.tensor(values, dtype=torch.float64)
    assert max_pool(x, window, fill=fill).tolist() == [max(row) for row in read]
    real = [[values[t] for t in window.taps(i) if 0 <= t < n] for i in range(len(read))]
    means = [sum(row) / max(len(row), 1) for row in real]
    assert avg_pool(x, window, count_padding=False).tolist() == pytest.approx(means)
    if fill == 0:
        means = [sum(row) / len(row) for row in read]
        assert avg_pool(x, window).tolist() == pytest.approx(means)
    # Where the padding wins, the gradient is lost.
    g = torch.ones(len(read), dtype=torch.float64)
    won = sum(any(v == max(row) for v in row) and first_is_real(window, i, values, fill)
              for i, row in enumerate(read))  # fmt: skip
    assert max_pool_gradient(g, x, window, fill=fill).sum() == won


def first_is_real(window, i, values, fill):
    """Whether the first of the largest entries of window `i` is no padding."""
    n = len(values)
    taps = list(window.taps(i))
    read = [values[t] if 0 <= t < n else fill for t in taps]
    return 0 <= taps[read.index(max(read))] < n


@examples(30)
@given(undilated)
def test_gradcheck(problem):
    chosen, x = problem
    x = (x + torch.linspace(0, 1e-3, x.numel(), dtype=x.dtype).view_as(x))[:1].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: avg_pool(x, chosen), (x,))
    assert torch.autograd.gradcheck(lambda x: max_pool(x, chosen), (x,), eps=1e-8, atol=1e-4)


@given(undilated)
def test_average_pooling_is_adjoint_to_its_gradient(problem):
    chosen, x = problem
    y = avg_pool(x, chosen)
    g = torch.randn_like(y)
    back = avg_pool_gradient(g, chosen, size=tuple(x.shape[2:]))
    assert_equal((y * g).sum(), (x * back).sum(), (x.abs().sum() * g.abs().max()))


def test_types_and_axes_are_kept():
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.arange(8.0).to(dtype)
        assert max_pool(x, Window(2, stride=2)).tolist() == [1, 3, 5, 7]
        assert avg_pool(x, Window(2, stride=2)).dtype == dtype
    x = torch.arange(16.0).view(4, 4)
    assert max_pool(x, Window(2, stride=2)).shape == (4, 2)
    assert max_pool(x, (Window(2, stride=2),) * 2).tolist() == [[5, 7], [13, 15]]


def test_a_window_that_sees_padding_alone():
    x = torch.tensor([1.0])
    assert max_pool(x, Window(1, padding=1)).tolist() == [-math.inf, 1, -math.inf]
    assert avg_pool(x, Window(1, padding=1), count_padding=False).tolist() == [0, 1, 0]


def test_of_images_a_listed_window_pools_the_last_axis():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.equal(max_pool(x, (Window(2, 2),)), x[..., 1::2])


ONES = torch.ones
IMAGE = ONES(1, 1, 4, 4)
BAD_CALLS = [
    (lambda: max_pool(ONES(3).int(), Window(2)), TypeError, ["int32"]),
    (lambda: max_pool(ONES(3), 2), TypeError, ["Window", "2"]),  # type: ignore[arg-type]
    (lambda: max_pool(ONES(3), Window(4)), ValueError, ["spans 4", "= 3"]),
    (lambda: avg_pool(ONES(3), (Window(1),) * 2), ValueError, ["at least 2 axes", "(3,)"]),
    (lambda: max_pool(ONES(3), Window(2), fill=None), TypeError, ["fill", "None"]),  # type: ignore[arg-type]
    (lambda: avg_pool(ONES(3), Window(2), count_padding=1), ValueError, ["or False, got 1"]),  # type: ignore[arg-type]
    (lambda: max_pool(IMAGE, Window(2)), ValueError, ["(1, 1, 4, 4)", "(window,)"]),
    (lambda: avg_pool(IMAGE, Window(2)), ValueError, ["a pair, (window, window)"]),
    (lambda: max_pool_gradient(IMAGE, IMAGE, Window(2)), ValueError, ["a pair"]),
    (lambda: avg_pool_gradient(IMAGE, Window(2), size=5), ValueError, ["a pair"]),
    (lambda: max_pool_gradient(ONES(3), ONES(3), Window(2)), ValueError, ["(3,)", "be (2,)"]),
    (lambda: max_pool_gradient(ONES(2).double(), ONES(3), Window(2)), TypeError, ["float64"]),
    (lambda: avg_pool_gradient(ONES(3), Window(2), size=3), ValueError, ["(3,)", "be (2,)"]),
    (lambda: avg_pool_gradient(ONES(3), Window(2), size=(3, 3)), ValueError, ["(3, 3)"]),
]


@pytest.mark.parametrize(("call", "error", "parts"), BAD_CALLS)
def test_bad_input_is_told_with_its_shape(call, error, parts):
    assert_refused(call, error, parts)
