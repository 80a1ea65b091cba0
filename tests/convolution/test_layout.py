"""Everything that callers can get wrong, and what they are told."""

import pytest
import torch

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
    matrix_of,
)
from cnnref.windows import Window
from tests.convolution.conftest import assert_refused

ONES = torch.ones
CEIL = Window(2, ceil_mode=True)

BAD_VALUES = [
    (lambda: conv1d(ONES(2, 5), ONES(4, 3, 3)), ["(2, 5)", "(4, 3, 3)", "C = 3"]),
    (lambda: conv1d(ONES(5), ONES(4, 1, 3)), ["(5,)", "(4, 1, 3)"]),
    (lambda: conv1d(ONES(1, 5), ONES(3)), ["(1, 5)", "(3,)"]),
    (lambda: conv1d(ONES(5), ONES(3, 3)), ["(3, 3)"]),
    (lambda: conv1d(ONES(5), ONES(0)), ["not empty", "(0,)"]),
    (lambda: conv1d(ONES(5), ONES(3), Window(2)), ["2 taps", "(3,)"]),
    (lambda: conv1d(ONES(5), ONES(3), (Window(3), Window(3))), ["1 windows", "got 2"]),  # type: ignore[arg-type]
    (lambda: conv1d(ONES(2), ONES(3)), ["(2,)", "(3,)", "spans 3", "= 2"]),
    (lambda: conv1d(ONES(1, 0), ONES(2, 1, 3)), ["(1, 0)", "(2, 1, 3)"]),
    (lambda: conv1d(ONES(5), ONES(3, device="meta")), ["cpu", "meta", "(5,)", "(3,)"]),
    (lambda: conv1d(ONES(5), ONES(2), CEIL), ["ceil mode"]),
    (lambda: conv1d(ONES(5), ONES(3), groups=2), ["one group", "2"]),
    (lambda: conv1d(ONES(4, 5), ONES(6, 2, 3), groups=4), ["groups = 4", "(4, 5)", "(6, 2, 3)"]),
    (lambda: conv1d(ONES(4, 5), ONES(6, 3, 3), groups=2), ["(4, 5)", "(6, 3, 3)", "C = 6"]),
    (lambda: conv1d(ONES(4, 5), ONES(6, 4, 3), groups=0), ["positive", "0"]),
    (lambda: conv1d(ONES(4, 5), ONES(6, 4, 3), bias=ONES(4)), ["(4,)", "(6, 4, 3)", "(6,)"]),
    (lambda: conv1d(ONES(5), ONES(3), bias=ONES(1)), ["bias (1,)", "()"]),
    (lambda: conv2d(ONES(3, 5, 5), ONES(4, 2, 3, 3)), ["(3, 5, 5)", "(4, 2, 3, 3)"]),
    (lambda: conv2d(ONES(5, 5), ONES(3)), ["(3,)", "(Kh, Kw)"]),
    (lambda: conv2d(ONES(5, 2), ONES(3, 3)), ["(5, 2)", "(3, 3)", "spans 3"]),
    (lambda: conv2d(ONES(5, 5), ONES(3, 2), Window(3)), ["3, 3 taps", "(3, 2)"]),
    (lambda: conv1d_input_gradient(ONES(4), ONES(3), size=5), ["(4,)", "must be (3,)"]),
    (lambda: conv1d_input_gradient(ONES(2, 3), ONES(4, 1, 3), size=5), ["(2, 3)", "(4, 1, 3)"]),
    (lambda: conv1d_input_gradient(ONES(4), ONES(2), CEIL, size=5), ["ceil mode"]),
    (
        lambda: conv2d_input_gradient(ONES(3, 3), ONES(3, 3), size=5),  # type: ignore[arg-type]
        ["2 numbers", "5"],
    ),
    (
        lambda: conv2d_input_gradient(ONES(3, 3), ONES(3, 3), size=(5, 6)),
        ["(3, 3)", "must be (3, 4)"],
    ),
    (lambda: conv1d_kernel_gradient(ONES(4), ONES(5), Window(3)), ["(4,)", "must be (3,)"]),
    (
        lambda: conv1d_kernel_gradient(ONES(2, 1, 3), ONES(3, 1, 5), Window(3)),
        ["(2, 1, 3)", "(3, 1, 5)"],
    ),
    (lambda: conv1d_kernel_gradient(ONES(6), ONES(5)), ["kernel", "0"]),
    (lambda: conv1d_kernel_gradient(ONES(4), ONES(5), CEIL), ["ceil mode"]),
    (
        lambda: conv1d_kernel_gradient(ONES(1, 2, 1, 3), ONES(1, 2, 1, 5)),
        ["(1, 2, 1, 3)", "(1, 2, 1, 5)"],
    ),
    (lambda: conv2d_kernel_gradient(ONES(3), ONES(5)), ["(3,)", "(5,)"]),
    (
        lambda: conv2d_kernel_gradient(ONES(3, 3, 3), ONES(4, 5, 5), groups=2),
        ["groups = 2", "3 channels of g", "(3, 3, 3)", "(4, 5, 5)"],
    ),
    (
        lambda: conv2d_kernel_gradient(ONES(3, 3), ONES(5, 5), (Window(3),)),
        ["2 windows", "got 1"],
    ),
    (lambda: conv1d_bias_gradient(ONES(2, 2, 2, 2)), ["(2, 2, 2, 2)"]),
    (lambda: conv2d_bias_gradient(ONES(2)), ["(2,)"]),
    (lambda: conv_transpose1d(ONES(2, 5), ONES(3, 2, 3)), ["x (2, 5)", "(3, 2, 3)", "O = 3"]),
    (
        lambda: conv_transpose1d(ONES(5), ONES(3), Window(3, 2), output_padding=2),
        ["output_padding", "2"],
    ),
    (lambda: conv_transpose1d(ONES(1), ONES(3), Window(3, padding=2)), ["-1 entries"]),
    (
        lambda: conv_transpose2d(ONES(5, 5), ONES(3, 3), output_padding=(0, 0, 0)),  # type: ignore[arg-type]
        ["output_padding", "(0, 0, 0)"],
    ),
    (lambda: matrix_of(ONES(2), 5, CEIL), ["ceil mode"]),
    (lambda: matrix_of(ONES(2, 2), 5), ["2 numbers", "5"]),
    (lambda: matrix_of(ONES(3, 1, 2), 5, groups=2), ["groups = 2", "3"]),
    (lambda: matrix_of(ONES(1, 1, 1, 1, 1), 5), ["(1, 1, 1, 1, 1)"]),
]

BAD_TYPES = [
    (lambda: conv1d(ONES(5).int(), ONES(3).int()), ["int32", "(5,)"]),
    (lambda: conv1d(ONES(5), ONES(3).double()), ["float32", "float64", "(5,)", "(3,)"]),
    (lambda: conv1d([1.0, 2.0], ONES(2)), ["list"]),  # type: ignore[arg-type]
    (lambda: conv2d(ONES(5, 5), ONES(3, 3), 1), ["Window", "1"]),  # type: ignore[arg-type]
    (lambda: conv1d(ONES(5), ONES(3), bias=torch.tensor(1)), ["bias", "int64"]),
    (lambda: matrix_of(ONES(3).int(), 5), ["int32"]),
    (lambda: conv1d_bias_gradient(ONES(3).bool()), ["bool"]),
]


def messages(calls, error):
    for call, parts in calls:
        yield pytest.param(call, error, parts, id=" ".join(parts)[:40])


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [*messages(BAD_VALUES, ValueError), *messages(BAD_TYPES, TypeError)],
)
def test_bad_input_is_told_with_both_shapes(call, error, parts):
    assert_refused(call, error, parts)
