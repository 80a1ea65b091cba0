"""The shape of the matrices; that they are right is shown beside the convolutions."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnref.convolution import matrix_of
from cnnref.windows import Window


def is_toeplitz(matrix):
    """Whether every diagonal is constant."""
    return torch.equal(matrix[1:, 1:], matrix[:-1, :-1])


@given(st.integers(1, 4), st.integers(4, 8), st.booleans())
def test_a_plain_kernel_of_stride_one_is_toeplitz(taps, size, same):
    window = Window.same(taps) if same else Window(taps)
    matrix = matrix_of(torch.arange(1.0, taps + 1), size, window)
    assert matrix.shape == (window.output_size(size), size)
    assert is_toeplitz(matrix)


@given(st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_in_two_dimensions_it_is_doubly_block_toeplitz(rows, columns, same):
    size = (5, 4)
    windows = [Window.same(k) if same else Window(k) for k in (rows, columns)]
    mh, mw = (window.output_size(n) for window, n in zip(windows, size, strict=True))
    w = torch.arange(1.0, rows * columns + 1).view(rows, columns)
    blocks = matrix_of(w, size, windows).view(mh, mw, *size).transpose(1, 2)
    assert all(is_toeplitz(block) for line in blocks for block in line)
    assert torch.equal(blocks[1:, 1:], blocks[:-1, :-1])


def test_channels_and_groups_are_blocks():
    w = torch.arange(1.0, 9).view(4, 1, 2)
    matrix = matrix_of(w, 3, groups=2).view(4, 2, 2, 3)
    for o in range(4):
        assert torch.equal(matrix[o, :, o // 2], matrix_of(w[o, 0], 3))
        assert matrix[o, :, 1 - o // 2].count_nonzero() == 0
