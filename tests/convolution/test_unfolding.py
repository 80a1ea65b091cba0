"""Windows side by side, and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from cnnref.convolution import fold, insert_zeros, unfold
from cnnref.windows import Window
from tests.convolution.conftest import assert_equal, assert_refused, problems

both = st.one_of(problems(axes=1), problems(axes=2))


@given(both, st.floats(-2, 2))
def test_unfold_reads_the_taps_of_every_window(p, fill):
    """Entry by entry, from the definition of a window's taps."""
    columns = unfold(p.x, p.windows, fill=fill)
    inside = {(): p.x[0, 0]}
    for window, n in zip(p.windows, p.x.shape[2:], strict=True):
        inside = {
            (*where, (j, i)): (value[tap] if value is not None and 0 <= tap < n else None)
            for where, value in inside.items()
            for i in range(window.output_size(n))
            for j, tap in enumerate(window.taps(i))
        }
    for where, value in inside.items():
        taps, positions = zip(*where, strict=True)
        expected = fill if value is None else value.item()
        assert columns[(0, 0, *taps, *positions)].item() == expected


@given(problems(axes=2))
def test_unfold_has_the_order_of_torchs(p):
    """For symmetric padding, flattening our axes gives torch's own columns."""
    windows = tuple(Window(v.kernel_size, v.stride, v.left, v.dilation) for v in p.windows)
    if any(n + 2 * v.left < v.span for v, n in zip(windows, p.x.shape[2:], strict=True)):
        return
    by_torch = F.unfold(
        p.x, [v.kernel_size for v in windows], [v.dilation for v in windows],
        [v.left for v in windows], [v.stride for v in windows],
    )  # fmt: skip
    assert torch.equal(unfold(p.x, windows).flatten(4).flatten(1, 3), by_torch)


@given(both)
def test_fold_is_the_adjoint_of_unfold(p):
    columns = torch.randn_like(unfold(p.x, p.windows))
    left = (unfold(p.x, p.windows) * columns).sum()
    right = (p.x * fold(columns, p.windows, tuple(p.x.shape[2:]))).sum()
    assert_equal(left, right, (unfold(p.x, p.windows) * columns).abs().sum())


@given(problems(axes=1), st.integers(1, 4))
def test_insert_zeros_and_fractional_stride(p, m):
    spread = insert_zeros(p.x, m)
    expected = [
        [[row[i // m] if i % m == 0 else 0 for i in range((len(row) - 1) * m + 1)] for row in rows]
        for rows in p.x.tolist()
    ]
    assert spread.tolist() == expected


@given(problems(axes=2), st.integers(1, 3), st.integers(1, 3))
def test_insert_zeros_in_two_axes_is_one_after_the_other(p, rows, columns):
    by_turns = insert_zeros(insert_zeros(p.x, columns).mT, rows).mT
    assert torch.equal(insert_zeros(p.x, (rows, columns)), by_turns)


def test_unfold_does_not_copy_without_padding():
    x = torch.arange(12.0)[::2]
    columns = unfold(x, Window(3, stride=2))
    assert columns.tolist() == [[0, 4], [2, 6], [4, 8]]
    assert columns.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def test_one_window_unfolds_the_last_axis_of_many():
    x = torch.arange(24.0).view(2, 3, 4)
    assert unfold(x, Window(2)).shape == (2, 3, 2, 3)
    assert torch.equal(unfold(x, Window(2))[1, 2], unfold(x[1, 2], Window(2)))


BAD_CALLS = [
    (lambda: unfold(torch.tensor(1.0), Window(1)), ValueError, ["at least 1 axes", "()"]),
    (lambda: unfold(torch.ones(3), (Window(1), Window(1))), ValueError, ["at least 2", "(3,)"]),
    (lambda: unfold(torch.ones(3), (2, 2)), TypeError, ["Window", "(2, 2)"]),  # type: ignore[arg-type]
    (lambda: unfold(torch.ones(3), ()), ValueError, ["at least one axis"]),
    (lambda: unfold(torch.ones(2), Window(3)), ValueError, ["spans 3", "= 2"]),
    (lambda: fold(torch.ones(2, 3), Window(3), 5), ValueError, ["(2, 3)", "(..., 3, 3)"]),
    (lambda: fold(torch.ones(3, 3), Window(3), (5, 5)), ValueError, ["a number", "(5, 5)"]),
    (lambda: fold(torch.ones(3, 3), Window(3), 5.0), ValueError, ["a number", "5.0"]),  # type: ignore[arg-type]
    (lambda: insert_zeros(torch.ones(3), 2.5), ValueError, ["m must be", "2.5"]),  # type: ignore[arg-type]
    (lambda: insert_zeros(torch.ones(3), 0), ValueError, ["m must be", "0"]),
    (lambda: insert_zeros(torch.tensor(1.0), 2), ValueError, ["at least 1 axes", "()"]),
]


@pytest.mark.parametrize(("call", "error", "parts"), BAD_CALLS)
def test_bad_input_is_told_with_its_shape(call, error, parts):
    assert_refused(call, error, parts)
