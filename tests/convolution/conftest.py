"""Random problems for every route, and what "equal" means."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from cnnref.windows import Window

TORCH = {1: F.conv1d, 2: F.conv2d}
LIMITS = {1: (5, 14), 2: (3, 6)}
"""The largest kernel and input drawn, for each number of axes."""


@dataclass
class Problem:
    """A convolution with all its tensors, in float64."""

    windows: tuple[Window, ...]
    groups: int
    flip: bool
    x: Tensor
    w: Tensor
    g: Tensor

    @property
    def axes(self) -> int:
        return len(self.windows)

    @property
    def window(self):
        """The windows as the functions of one and of two axes take them."""
        return self.windows[0] if self.axes == 1 else self.windows

    @property
    def size(self):
        return self.x.shape[2] if self.axes == 1 else tuple(self.x.shape[2:])

    @property
    def options(self):
        return {"groups": self.groups, "flip": self.flip}

    @property
    def turned(self) -> Tensor:
        """The kernel as the window meets it."""
        return self.w.flip(tuple(range(2, self.w.dim()))) if self.flip else self.w

    def by_torch(self, x: Tensor, w: Tensor) -> Tensor:
        """torch's convolution of the input padded by hand."""
        w = w.flip(tuple(range(2, w.dim()))) if self.flip else w
        padding = [p for v in reversed(self.windows) for p in (v.left, v.right)]
        return TORCH[self.axes](
            F.pad(x, padding), w, groups=self.groups,
            stride=tuple(v.stride for v in self.windows),
            dilation=tuple(v.dilation for v in self.windows),
        )  # fmt: skip


def windows(kernel: int, padding: int = 3):
    """Windows of up to so many taps, with asymmetric padding."""
    ends = st.integers(0, padding)
    return st.builds(
        Window, st.integers(1, kernel), st.integers(1, 3), st.tuples(ends, ends), st.integers(1, 3)
    )


@st.composite
def problems(draw, axes: int) -> Problem:
    """Any window, size, number of channels and groups."""
    kernel, longest = LIMITS[axes]
    chosen = tuple(draw(windows(kernel)) for _ in range(axes))
    sizes = [draw(st.integers(1, longest)) for _ in range(axes)]
    for window, n in zip(chosen, sizes, strict=True):
        assume(n + window.left + window.right >= window.span)
    n, groups, o, c = (draw(st.integers(1, 3)) for _ in range(4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    outputs = [window.output_size(size) for window, size in zip(chosen, sizes, strict=True)]
    return Problem(
        chosen,
        groups,
        draw(st.booleans()),
        random(n, groups * c, *sizes),
        random(groups * o, c, *(window.kernel_size for window in chosen)),
        random(n, groups * o, *outputs),
    )


def assert_equal(ours: Tensor, expected: Tensor, magnitude: Tensor, tolerance: float = 1e-12):
    """Equal up to 1e-12 of the largest sum of absolute products."""
    assert ours.shape == expected.shape
    assert (ours - expected).abs().max() <= tolerance * magnitude.abs().max().clamp_min(1e-300)


def assert_refused(call, error, parts):
    """A call fails, and the message has all these parts."""
    with pytest.raises(error) as caught:
        call()
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)
