"""Sliding windows and their algebra, in pure Python.

A convolution, a pooling and a dilated convolution look at their input through the same thing: a
window of `kernel_size` taps, `dilation` apart, that moves by `stride` over an input of length `n`
with `padding` positions added at its two ends. `Window` is that value for one axis. From it follow
the output size, the taps of every output, "same" padding, the transposed window, and, by
composition, the receptive field of a chain and what comes out of it:

    >>> conv, pool = Window(3), Window(2, stride=2)
    >>> (conv | conv | pool | conv | conv | pool).size
    16
    >>> conv.output_size(32)
    30
    >>> (conv | conv | pool | conv | conv | pool).output_size(32)
    5

Positions are zero-based: input entry `i` has its centre at `i`, padding on the left has negative
positions.

Source: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning (2016);
A. Araujo, W. Norris and J. Sim, Computing receptive fields of convolutional neural networks (2019).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce, wraps
from numbers import Integral, Rational
from typing import Any, TypeVar

__all__ = ["Field", "Window", "compose", "zero_inserted_size"]


def _integer(name: str, value: object, minimum: int) -> int:
    """`value` as an `int`, or a `ValueError` that names the argument and echoes the value."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {value!r} ({type(value).__name__})")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


_Made = TypeVar("_Made")


def _renamed(make: Callable[..., _Made]) -> Callable[..., _Made]:
    """`make`, which also takes `kernel_size` by its name of version 0.1, and says so."""

    @wraps(make)
    def making(*args: Any, **named: Any) -> _Made:
        if "kernel" in named and "kernel_size" not in named:
            warnings.warn(_RENAMED, DeprecationWarning, stacklevel=2)
            named["kernel_size"] = named.pop("kernel")
        return make(*args, **named)

    return making


_RENAMED = "a window's kernel is called kernel_size, as torch has it; kernel goes with version 0.3"


@dataclass(frozen=True)
class Window:
    """A sliding window over one axis.

    Its arguments are called as those of torch's layers.

    Args:
        kernel_size: number of taps, at least 1.
        stride: distance between neighbouring windows, at least 1.
        padding: positions added at both ends, or a pair `(left, right)`; none negative.
        dilation: distance between neighbouring taps, at least 1.
        ceil_mode: also count the last, partly filled window, if it starts inside the input or its
            left padding (the rule of torch's pooling layers).

    Raises:
        ValueError: an argument is not an integer, is a boolean, or is too small. The message names
            the argument and the value.

    Examples:
        >>> Window(3, stride=2, padding=1)
        Window(kernel_size=3, stride=2, padding=(1, 1), dilation=1, ceil_mode=False)
        >>> Window(3, stride=2, padding=1).output_size(32)
        16
    """

    kernel_size: int
    stride: int = 1
    padding: int | tuple[int, int] = 0
    dilation: int = 1
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        """Validate every argument and store `padding` as a pair."""
        for name in ("kernel_size", "stride", "dilation"):
            object.__setattr__(self, name, _integer(name, getattr(self, name), 1))
        padding = self.padding
        pair = padding if isinstance(padding, tuple | list) else (padding, padding)
        if len(pair) != 2:
            raise ValueError(f"padding must be an integer or a (left, right) pair, got {padding!r}")
        object.__setattr__(self, "padding", tuple(_integer("padding", p, 0) for p in pair))
        if not isinstance(self.ceil_mode, bool):
            raise ValueError(f"ceil_mode must be True or False, got {self.ceil_mode!r}")

    @classmethod
    @_renamed
    def valid(cls, kernel_size: int, stride: int = 1, dilation: int = 1) -> Window:
        """The window without padding: every output sees input entries alone."""
        return cls(kernel_size, stride, 0, dilation)

    @classmethod
    @_renamed
    def full(cls, kernel_size: int, dilation: int = 1) -> Window:
        """The stride-1 window padded by `span - 1`: every overlap of kernel and input counts."""
        return cls(kernel_size, 1, cls(kernel_size, dilation=dilation).span - 1, dilation)

    @classmethod
    @_renamed
    def same(
        cls, kernel_size: int, stride: int = 1, dilation: int = 1, size: int | None = None
    ) -> Window:
        """The window whose output has `ceil(size / stride)` entries.

        With stride 1 the padding is `span - 1` in all, whatever the input's size. With a larger
        stride it depends on `size`. Where the total is odd, the extra position goes to the right,
        as in torch and TensorFlow.

        Args:
            kernel_size: number of taps.
            stride: distance between neighbouring windows.
            dilation: distance between neighbouring taps.
            size: length of the input; needed when `stride` is greater than 1.

        Raises:
            ValueError: an argument is bad, or `size` is missing where it is needed.
        """
        bare = cls(kernel_size, stride, 0, dilation)
        if size is None:
            if bare.stride > 1:
                raise ValueError(
                    f"size is needed for 'same' padding with stride {stride}: "
                    "the padding depends on it"
                )
            total = bare.span - 1
        else:
            outputs = -(-_integer("size", size, 1) // bare.stride)
            total = max((outputs - 1) * bare.stride + bare.span - size, 0)
        return cls(kernel_size, stride, (total // 2, total - total // 2), dilation)

    @classmethod
    def of(cls, layer: Any) -> tuple[Window, ...]:
        """The windows of a convolution or a pooling of torch, one for each axis.

        Args:
            layer: `nn.Conv1d` to `nn.Conv3d`, or `nn.MaxPool1d` to `nn.AvgPool3d`.

        Raises:
            ValueError: the layer slides no window: it is transposed, adaptive, or something else.

        Examples:
            >>> from torch import nn
            >>> conv, pool = nn.Conv2d(3, 8, kernel_size=(3, 5), padding="same"), nn.MaxPool2d(2)
            >>> Window.of(conv)[1]
            Window(kernel_size=5, stride=1, padding=(2, 2), dilation=1, ceil_mode=False)
            >>> compose(Window.of(layer)[0] for layer in (conv, pool)).output_size(224)
            112
        """
        names = " ".join(kind.__name__ for kind in type(layer).__mro__)
        found = re.search(r"(?<!\w)(?:Conv|MaxPool|AvgPool)([123])d(?!\w)", names)
        if found is None:
            raise ValueError(
                f"a window slides in Conv, MaxPool and AvgPool of one to three axes, not in "
                f"{type(layer).__name__}"
            )
        axes = int(found[1])
        padding = layer.padding

        def along(value: Any) -> list[Any]:
            return list(value) if isinstance(value, tuple | list) else [value] * axes

        kernels, strides = along(layer.kernel_size), along(layer.stride)
        dilations = along(getattr(layer, "dilation", 1))
        if padding == "same":
            return tuple(cls.same(k, 1, d) for k, d in zip(kernels, dilations, strict=True))
        paddings = along(0 if padding == "valid" else padding)
        ceil_mode = getattr(layer, "ceil_mode", False)
        values = zip(kernels, strides, paddings, dilations, strict=True)
        return tuple(cls(*each, ceil_mode) for each in values)

    @property
    def kernel(self) -> int:
        """`kernel_size` by its name of version 0.1, which goes with version 0.3."""
        warnings.warn(_RENAMED, DeprecationWarning, stacklevel=2)
        return self.kernel_size

    @property
    def left(self) -> int:
        """Padding at the left end."""
        return self.padding[0]  # type: ignore[index]

    @property
    def right(self) -> int:
        """Padding at the right end."""
        return self.padding[1]  # type: ignore[index]

    @property
    def span(self) -> int:
        """Input positions from the first tap to the last, both included: `d (k - 1) + 1`."""
        return self.dilation * (self.kernel_size - 1) + 1

    def output_size(self, n: int) -> int:
        """Number of windows over an input of length `n`.

        It is `floor((n + left + right - span) / stride) + 1`; in ceil mode the division rounds up
        and the last window must start before the right padding.

        Raises:
            ValueError: `n` is not a positive integer, or not one window fits.
        """
        padded = _integer("n", n, 1) + self.left + self.right
        room = padded - self.span
        if self.ceil_mode:
            count = -(-room // self.stride) + 1
            if (count - 1) * self.stride >= n + self.left:
                count -= 1
        else:
            count = room // self.stride + 1
        if count < 1:
            raise ValueError(
                f"the window of kernel size {self.kernel_size} and dilation {self.dilation} spans "
                f"{self.span} positions, more than the padded input n + padding = "
                f"{n} + {self.left} + {self.right} = {padded}"
            )
        return count

    def transposed_size(self, n: int, output_padding: int = 0) -> int:
        """Length of the transposed convolution's output for an input of length `n`.

        It is `(n - 1) stride + span - left - right + output_padding`. A stride maps several input
        lengths to the same output size; an `output_padding` below the stride chooses among them.

        Raises:
            ValueError: `n` is not a positive integer, `output_padding` is not smaller than
                `max(stride, dilation)` (torch's rule), or the result would be empty.
        """
        _integer("n", n, 1)
        extra = self._output_padding(output_padding)
        size = (n - 1) * self.stride + self.span - self.left - self.right + extra
        if size < 1:
            raise ValueError(
                f"the transposed output would have {size} entries: padding {self.padding} is too "
                f"large for n = {n}"
            )
        return size

    def transposed(self, output_padding: int = 0) -> Window:
        """The stride-1 window that does the transposed convolution after zero insertion.

        Insert `stride - 1` zeros between the entries (`zero_inserted_size`), then slide this
        window with the flipped kernel. A fractional stride `1 / m` is the same two steps with any
        window, so the transposed window is its special case.

        Raises:
            ValueError: `output_padding` is not smaller than `max(stride, dilation)`, or the padding
                exceeds `span - 1`: the transposed window would have to cut its input, not pad it.
        """
        extra = self._output_padding(output_padding)
        left, right = self.span - 1 - self.left, self.span - 1 - self.right + extra
        if left < 0 or right < 0:
            raise ValueError(
                f"padding {self.padding} exceeds span - 1 = {self.span - 1}: "
                "the transposed window would need negative padding"
            )
        return Window(self.kernel_size, 1, (left, right), self.dilation)

    def _output_padding(self, value: int) -> int:
        """`value` as an `int`, if torch would take it."""
        extra = _integer("output_padding", value, 0)
        if extra >= max(self.stride, self.dilation):
            raise ValueError(
                f"output_padding must be smaller than stride {self.stride} or dilation "
                f"{self.dilation}, got {extra}"
            )
        return extra

    def taps(self, i: int) -> range:
        """Input positions that output `i` looks at; those outside `0..n-1` are padding."""
        first = _integer("i", i, 0) * self.stride - self.left
        return range(first, first + self.span, self.dilation)

    def unused(self, n: int) -> int:
        """How many padded positions after the last window no output looks at."""
        last = self.taps(self.output_size(n) - 1)[-1]
        return max(n + self.right - 1 - last, 0)

    @property
    def field(self) -> Field:
        """The receptive field of this window alone."""
        alone = Field(self.span, self.stride, Fraction(self.span - 1, 2) - self.left)
        return alone._of((self,))

    def __or__(self, other: Window | Field) -> Field:
        """The receptive field of this window followed by `other`."""
        return self.field | other


Window.__init__ = _renamed(Window.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True)
class Field:
    """What the outputs of a chain of windows see of its input, along one axis.

    Fields compose: `a | b` is `a` followed by `b`. The composition is associative, and
    `Field(1, 1, 0)`, the field of `Window(1)`, is its identity.

    Args:
        size: input positions from the first to the last that one output depends on.
        jump: distance in the input between the fields of neighbouring outputs.
        start: input position of the centre of output 0's field; a half-integer when `size` is
            even.

    Attributes:
        windows: the windows that it is composed of, first layer first; `None` if it was made from
            numbers. Fields that say the same are equal, whatever they are composed of.

    Raises:
        ValueError: `size` or `jump` is not a positive integer, or `start` is not on the half-grid
            that `size` implies.

    Source: Araujo et al. (2019), equations (1) to (4).
    """

    size: int = 1
    jump: int = 1
    start: Fraction = Fraction(0)
    windows: tuple[Window, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Validate, and store `start` as an exact fraction."""
        for name in ("size", "jump"):
            object.__setattr__(self, name, _integer(name, getattr(self, name), 1))
        if not isinstance(self.start, Rational | float) or isinstance(self.start, bool):
            raise ValueError(f"start must be a number, got {self.start!r}")
        object.__setattr__(self, "start", Fraction(self.start))
        if (self.start - Fraction(self.size - 1, 2)).denominator != 1:
            raise ValueError(
                f"start {self.start} does not centre a field of size {self.size} on whole positions"
            )

    def __or__(self, other: Window | Field) -> Field:
        """The field of this chain followed by `other`."""
        if isinstance(other, Window):
            other = other.field
        if not isinstance(other, Field):
            return NotImplemented
        both = Field(
            self.size + (other.size - 1) * self.jump,
            self.jump * other.jump,
            self.start + other.start * self.jump,
        )
        if self.windows is None or other.windows is None:
            return both
        return both._of(self.windows + other.windows)

    def _of(self, windows: tuple[Window, ...]) -> Field:
        """This new field, which now knows its windows."""
        object.__setattr__(self, "windows", windows)
        return self

    def output_size(self, n: int) -> int:
        """Number of outputs that the chain makes of an input of length `n`.

        Layer by layer, since each may leave positions unused, or round up.

        Raises:
            ValueError: `n` is not a positive integer, a window does not fit its layer's input, or
                the field was made from numbers, which do not say where its windows end.

        Examples:
            >>> (Window(7, stride=2, padding=3) | Window(3, stride=2, padding=1)).output_size(224)
            56
        """
        if self.windows is None:
            raise ValueError(
                f"{self} was made from numbers, and output sizes depend on each window's padding "
                "and rounding: compose it from windows"
            )
        size = _integer("n", n, 1)
        for number, window in enumerate(self.windows, 1):
            try:
                size = window.output_size(size)
            except ValueError as error:
                where = f"window {number} of {len(self.windows)}"
                raise ValueError(f"{where}, for n = {n} in front of all: {error}") from None
        return size

    def extent(self, i: int) -> tuple[int, int]:
        """First and last input position that output `i` depends on; they may lie in the padding."""
        first = self.start - Fraction(self.size - 1, 2) + _integer("i", i, 0) * self.jump
        return int(first), int(first) + self.size - 1


def compose(windows: Iterable[Window | Field]) -> Field:
    """The receptive field of a chain, first layer first; of an empty chain, the identity.

    Examples:
        >>> compose([Window(3, dilation=d) for d in (1, 2, 4, 8)])
        Field(size=31, jump=1, start=Fraction(15, 1))
    """
    return reduce(lambda chain, window: chain | window, windows, Field()._of(()))


def zero_inserted_size(n: int, m: int) -> int:
    """Length after inserting `m - 1` zeros between neighbouring entries: `(n - 1) m + 1`.

    Raises:
        ValueError: `n` or `m` is not a positive integer.
    """
    return (_integer("n", n, 1) - 1) * _integer("m", m, 1) + 1
