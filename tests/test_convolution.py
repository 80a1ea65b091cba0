"""Convolution from scratch by three independent routes: unfold/fold, the matrix, torch."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from cnnref.convolution import (
    conv1d,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    fold,
    insert_zeros,
    matrix_of,
    unfold,
)
from cnnref.windows import Window

small = st.integers(0, 4)
windows = st.builds(
    Window, st.integers(1, 5), st.integers(1, 4), st.tuples(small, small), st.integers(1, 3)
)


@st.composite
def problems(draw):
    """A window, an input (N, C, L), a kernel (O, C, K) and an output gradient, in float64."""
    window = draw(windows)
    size = draw(st.integers(1, 14))
    assume(size + window.left + window.right >= window.span)
    n, c, o = (draw(st.integers(1, 3)) for _ in range(3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return (
        window,
        random(n, c, size),
        random(o, c, window.kernel),
        random(n, o, window.output_size(size)),
    )


def reference(x, w, window):
    """torch's convolution of the input padded by hand."""
    padded = F.pad(x, (window.left, window.right))
    return F.conv1d(padded, w, stride=window.stride, dilation=window.dilation)


def assert_equal(ours, expected, magnitude):
    """Equal up to 1e-12 of the largest sum of absolute products."""
    assert ours.shape == expected.shape
    assert (ours - expected).abs().max() <= 1e-12 * magnitude.abs().max().clamp_min(1e-300)


@settings(max_examples=300)
@given(problems(), st.booleans())
def test_conv1d_three_ways(problem, flip):
    window, x, w, _ = problem
    ours = conv1d(x, w, window, flip=flip)
    magnitude = conv1d(x.abs(), w.abs(), window, flip=flip)
    assert_equal(ours, reference(x, w.flip(-1) if flip else w, window), magnitude)
    matrix = matrix_of(w, x.shape[-1], window, flip=flip)
    by_matrix = (x.flatten(1) @ matrix.T).view_as(ours)
    assert_equal(ours, by_matrix, magnitude)


@settings(max_examples=300)
@given(problems(), st.booleans())
def test_input_gradient_three_ways(problem, flip):
    window, x, w, g = problem
    ours = conv1d_input_gradient(g, w, window, size=x.shape[-1], flip=flip)
    magnitude = conv1d_input_gradient(g.abs(), w.abs(), window, size=x.shape[-1], flip=flip)
    x = x.requires_grad_()
    (by_autograd,) = torch.autograd.grad(reference(x, w.flip(-1) if flip else w, window), x, g)
    assert_equal(ours, by_autograd, magnitude)
    matrix = matrix_of(w, x.shape[-1], window, flip=flip)
    assert_equal(ours, (g.flatten(1) @ matrix).view_as(ours), magnitude)


@settings(max_examples=300)
@given(problems(), st.booleans())
def test_kernel_gradient_three_ways(problem, flip):
    window, x, w, g = problem
    ours = conv1d_kernel_gradient(g, x, window, flip=flip)
    magnitude = conv1d_kernel_gradient(g.abs(), x.abs(), window, flip=flip)
    w = w.requires_grad_()
    output = reference(x, w.flip(-1) if flip else w, window)
    (by_autograd,) = torch.autograd.grad(output, w, g, retain_graph=True)
    assert_equal(ours, by_autograd, magnitude)
    # The matrix route: each entry of the kernel moves the matrix by a constant pattern.
    for index in torch.cartesian_prod(*map(torch.arange, w.shape)).view(-1, 3).tolist():
        unit = torch.zeros_like(w)
        unit[tuple(index)] = 1
        pattern = matrix_of(unit, x.shape[-1], window, flip=flip)
        expected = (g.flatten(1) * (x.flatten(1) @ pattern.T)).sum()
        assert_equal(ours[tuple(index)], expected, magnitude)


@given(problems())
def test_input_gradient_is_the_adjoint_of_the_convolution(problem):
    """<Ax, g> = <x, A*g> for every x and g."""
    window, x, w, g = problem
    left = (conv1d(x, w, window) * g).sum()
    right = (x * conv1d_input_gradient(g, w, window, size=x.shape[-1])).sum()
    magnitude = (conv1d(x.abs(), w.abs(), window) * g.abs()).sum()
    assert_equal(left, right, magnitude)


@given(problems())
def test_fold_is_the_adjoint_of_unfold(problem):
    window, x, _, _ = problem
    columns = torch.randn_like(unfold(x, window))
    left = (unfold(x, window) * columns).sum()
    right = (x * fold(columns, window, x.shape[-1])).sum()
    assert_equal(left, right, (unfold(x, window) * columns).abs().sum())


@settings(max_examples=30)
@given(problems())
def test_autograd_through_our_forward(problem):
    window, x, w, _ = problem
    x, w = x.requires_grad_(), w.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, w: conv1d(x, w, window), (x, w))


@given(problems(), st.integers(1, 4))
def test_insert_zeros_and_fractional_stride(problem, m):
    _, x, _, _ = problem
    spread = insert_zeros(x, m)
    expected = [
        [[row[i // m] if i % m == 0 else 0 for i in range((len(row) - 1) * m + 1)] for row in rows]
        for rows in x.tolist()
    ]
    assert spread.tolist() == expected


@given(problems())
def test_transposed_convolution_is_zero_insertion_and_the_flipped_kernel(problem):
    window, x, w, g = problem
    assume(max(window.padding) <= window.span - 1)
    extra = (x.shape[-1] + window.left + window.right - window.span) % window.stride
    ours = conv1d_input_gradient(g, w, window, size=x.shape[-1])
    turned = w.transpose(0, 1)
    other = conv1d(insert_zeros(g, window.stride), turned, window.transposed(extra), flip=True)
    assert_equal(ours, other, conv1d_input_gradient(g.abs(), w.abs(), window, size=x.shape[-1]))


@given(problems())
def test_plain_and_unbatched_shapes(problem):
    window, x, w, g = problem
    size = x.shape[-1]
    torch.testing.assert_close(conv1d(x[0], w, window), conv1d(x, w, window)[0])
    plain = conv1d(x[0, 0], w[0, 0], window)
    torch.testing.assert_close(plain, conv1d(x[:1, :1], w[:1, :1], window)[0, 0])
    torch.testing.assert_close(
        conv1d_input_gradient(g[0, 0], w[0, 0], window, size=size),
        conv1d_input_gradient(g[:1, :1], w[:1, :1], window, size=size)[0, 0],
    )
    torch.testing.assert_close(
        conv1d_kernel_gradient(g[0, 0], x[0, 0], window),
        conv1d_kernel_gradient(g[:1, :1], x[:1, :1], window)[0, 0],
    )
    torch.testing.assert_close(
        conv1d_kernel_gradient(g[0], x[0], window), conv1d_kernel_gradient(g[:1], x[:1], window)
    )


def test_unfold_does_not_copy_without_padding():
    x = torch.arange(12.0)[::2]
    columns = unfold(x, Window(3, stride=2))
    assert columns.tolist() == [[0, 2, 4], [4, 6, 8]]
    assert columns.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_types_are_kept(dtype):
    x, w = torch.randn(2, 3, 9).to(dtype), torch.randn(4, 3, 3).to(dtype)
    z = conv1d(x, w)
    assert z.dtype == dtype
    assert conv1d_input_gradient(z, w, size=9).dtype == dtype
    assert conv1d_kernel_gradient(z, x, Window(3)).dtype == dtype
    assert matrix_of(w, 9).dtype == dtype


def test_a_hand_computed_example():
    x, w = torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([1.0, 0, -1])
    assert conv1d(x, w).tolist() == [-2, -2, -2]
    assert conv1d(x, w, flip=True).tolist() == [2, 2, 2]
    assert conv1d(x, w, Window(3, stride=2, padding=1)).tolist() == [-2, -2, 4]
    g = torch.tensor([1.0, 10, 100])
    assert conv1d_input_gradient(g, w, size=5).tolist() == [1, 10, 99, -10, -100]
    assert conv1d_kernel_gradient(g, x).tolist() == [321, 432, 543]


ONES = torch.ones
BAD_CALLS = [
    (lambda: conv1d(ONES(2, 5), ONES(4, 3, 3)), ValueError, ["(2, 5)", "(4, 3, 3)"]),
    (lambda: conv1d(ONES(5), ONES(4, 1, 3)), ValueError, ["(5,)", "(4, 1, 3)"]),
    (lambda: conv1d(ONES(1, 5), ONES(3)), ValueError, ["(1, 5)", "(3,)"]),
    (lambda: conv1d(ONES(5), ONES(3, 3)), ValueError, ["(3, 3)"]),
    (lambda: conv1d(ONES(5), ONES(0)), ValueError, ["not empty"]),
    (lambda: conv1d(ONES(5), ONES(3), Window(2)), ValueError, ["2 taps", "(3,)"]),
    (lambda: conv1d(ONES(2), ONES(3)), ValueError, ["spans 3", "= 2"]),
    (lambda: conv1d(ONES(5).int(), ONES(3).int()), TypeError, ["int32"]),
    (lambda: conv1d(ONES(5), ONES(3).double()), TypeError, ["float32", "float64"]),
    (lambda: conv1d([1.0, 2.0], ONES(2)), TypeError, ["list"]),  # type: ignore[arg-type]
    (lambda: conv1d(ONES(5), ONES(3, device="meta")), ValueError, ["cpu", "meta"]),
    (lambda: conv1d(ONES(5), ONES(2), Window(2, ceil_mode=True)), ValueError, ["ceil mode"]),
    (lambda: conv1d_input_gradient(ONES(4), ONES(3), size=5), ValueError, ["(4,)", "must be 3"]),
    (
        lambda: conv1d_input_gradient(ONES(2, 3), ONES(4, 1, 3), size=5),
        ValueError,
        ["(2, 3)", "(4, 1, 3)"],
    ),
    (
        lambda: conv1d_kernel_gradient(ONES(4), ONES(5), Window(3)),
        ValueError,
        ["(4,)", "(5,)", "must be 3"],
    ),
    (
        lambda: conv1d_kernel_gradient(ONES(2, 1, 3), ONES(3, 1, 5), Window(3)),
        ValueError,
        ["(2, 1, 3)", "(3, 1, 5)"],
    ),
    (lambda: conv1d_kernel_gradient(ONES(6), ONES(5)), ValueError, ["kernel", "0"]),
    (
        lambda: conv1d_kernel_gradient(ONES(1, 2, 1, 3), ONES(1, 2, 1, 5)),
        ValueError,
        ["(1, 2, 1, 3)", "(1, 2, 1, 5)"],
    ),
    (lambda: matrix_of(ONES(2), 5, Window(2, ceil_mode=True)), ValueError, ["ceil mode"]),
    (lambda: fold(ONES(4, 2), Window(2, ceil_mode=True), 5), ValueError, ["ceil mode"]),
    (
        lambda: conv1d_input_gradient(ONES(4), ONES(2), Window(2, ceil_mode=True), size=5),
        ValueError,
        ["ceil mode"],
    ),
    (lambda: unfold(torch.tensor(1.0), Window(1)), ValueError, ["scalar 1.0"]),
    (lambda: insert_zeros(torch.tensor(1.0), 2), ValueError, ["scalar 1.0"]),
    (lambda: fold(ONES(2, 3), Window(3), 5), ValueError, ["(2, 3)", "(..., 3, 3)"]),
    (lambda: insert_zeros(ONES(3), 0), ValueError, ["m must be", "0"]),
    (lambda: matrix_of(ONES(3).int(), 5), TypeError, ["int32"]),
]


@pytest.mark.parametrize(("call", "error", "parts"), BAD_CALLS)
def test_bad_input_is_told_with_both_shapes(call, error, parts):
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)
