"""Which units of the layer below each unit of a layer reads, along one axis: its taps.

Every layer that slides over an axis is such a rule. It repeats: after `period` units it reads the
same pattern, `advance` units further on. A convolution repeats after one unit, a transposed
convolution after `stride`, an interpolation after as many as its scale needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

__all__ = ["Taps"]

_ABSENT = np.iinfo(np.int64).max // 2
"""Stands where a unit has fewer taps than others."""


@dataclass(frozen=True, eq=False)
class Taps:
    """Which units of the layer below each unit of one layer reads, along one axis.

    Unit `q + m * period`, for `q` below `period`, reads the units `t + m * advance` for each `t` in
    `offsets[q]`.

    Args:
        period: units after which the pattern repeats.
        advance: units of the layer below that one repetition moves on.
        offsets: for each unit of the first period the units it reads; they may be negative.
        border: what a tap outside the layer below reads: "zeros" (nothing), its nearest unit
            ("clamp"), the unit mirrored at the border ("reflect"), or the one as far from the other
            end, as if the layer went round ("wrap").
    """

    period: int
    advance: int
    offsets: tuple[tuple[int, ...], ...]
    border: str = "zeros"

    @staticmethod
    @lru_cache(maxsize=1024)
    def window(
        kernel: int,
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
        dilation: int = 1,
        border: str = "zeros",
    ) -> Taps:
        """The taps of a convolution or pooling. Padding may be negative: then it cuts."""
        first = -padding[0]
        return Taps(1, stride, (tuple(first + dilation * t for t in range(kernel)),), border)

    @staticmethod
    @lru_cache(maxsize=256)
    def transposed(kernel: int, stride: int, padding: int, dilation: int) -> Taps:
        """The taps of a transposed convolution: unit `j` reads `(j + padding - dilation t) /
        stride` wherever that is whole."""
        return Taps(
            stride,
            1,
            tuple(
                tuple(
                    sorted(
                        (j + padding - dilation * t) // stride
                        for t in range(kernel)
                        if (j + padding - dilation * t) % stride == 0
                    )
                )
                for j in range(stride)
            ),
        )

    @staticmethod
    @lru_cache(maxsize=1024)
    def placed(stride: int, shift: int) -> Taps:
        """The taps of one tap of a transposed convolution: unit `j` reads `(j + shift) / stride`
        wherever that is whole."""
        return Taps(
            stride,
            1,
            tuple(() if (j + shift) % stride else ((j + shift) // stride,) for j in range(stride)),
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def adaptive(n: int, m: int) -> Taps:
        """The taps of an adaptive pooling from `n` units to `m`: window `i` starts at
        `floor(i n / m)` and ends before `ceil((i + 1) n / m)`."""
        period, advance = m // gcd(n, m), n // gcd(n, m)
        return Taps(
            period,
            advance,
            tuple(tuple(range(i * n // m, -((i + 1) * -n // m))) for i in range(period)),
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def interpolation(scale: Fraction, kind: str, aligned: bool = False) -> Taps:
        """The taps of an interpolation.

        Args:
            scale: distance between neighbouring outputs, in input units: below 1 when it enlarges.
            kind: "nearest", "nearest-exact", "linear" or "cubic"; "antialiased" and "linear",
                "cubic" or "lanczos", whose filter grows with the scale.
            aligned: the corner units of input and output coincide (`align_corners`).

        Torch multiplies in single precision. Where a nearest unit's place is a whole number, what
        it reads may be one unit lower than the rule says.
        """
        period, advance = scale.denominator, scale.numerator
        if kind.startswith("antialiased"):
            reach = {"linear": 1, "cubic": 2, "lanczos": 3}[kind.split()[1]]
            grown = max(scale, Fraction(1))
            return Taps(
                period, advance, tuple(_filtered(i, scale, grown, reach) for i in range(period))
            )
        offsets: list[tuple[int, ...]] = []
        for i in range(period):
            if kind == "nearest":
                offsets.append((i * scale // 1,))
                continue
            place = i * scale if aligned else (i + Fraction(1, 2)) * scale - Fraction(1, 2)
            low = place // 1
            if kind == "nearest-exact":
                offsets.append((((i + Fraction(1, 2)) * scale) // 1,))
            elif low == place:  # the other taps have weight 0
                offsets.append((low,))
            elif kind == "linear":
                offsets.append((low, low + 1))
            else:
                offsets.append((low - 1, low, low + 1, low + 2))
        return Taps(period, advance, tuple(offsets), "clamp")

    @lru_cache(maxsize=512)  # noqa: B019 - rules are few, and made once each
    def indices(self, n: int, outputs: int) -> NDArray[np.int64]:
        """Units of a layer below of `n` units that each of `outputs` units reads.

        Returns:
            `(taps, outputs)`; `n` stands where a tap reads nothing.
        """
        width = max(map(len, self.offsets)) or 1
        pattern = np.full((width, self.period), _ABSENT, dtype=np.int64)
        for q, offsets in enumerate(self.offsets):
            pattern[: len(offsets), q] = offsets
        units = np.arange(outputs)
        indices = pattern[:, units % self.period]
        absent = indices == _ABSENT
        indices = indices + self.advance * (units // self.period)
        if self.border == "clamp":
            indices = indices.clip(0, n - 1)
        elif self.border == "reflect":
            indices = np.abs(indices)
            indices = np.where(indices >= n, 2 * (n - 1) - indices, indices)
        elif self.border == "wrap" and n:
            indices = indices % n
        indices[absent | (indices < 0) | (indices >= n)] = n
        return indices

    @lru_cache(maxsize=512)  # noqa: B019 - as above
    def reads_all(self, n: int, outputs: int) -> bool:
        """Whether each of `n` units of a layer below is read by one of `outputs` units."""
        return len(np.unique(self.indices(n, outputs)[self.indices(n, outputs) < n])) == n


def _filtered(unit: int, scale: Fraction, grown: Fraction, reach: int) -> tuple[int, ...]:
    """Where the filter of an antialiased interpolation is not zero: nearer than `reach` times its
    width, and not at the other multiples of that, where it crosses zero."""
    middle = (unit + Fraction(1, 2)) * scale - Fraction(1, 2)
    first = (middle - reach * grown) // 1
    taps = range(first, first + int(2 * reach * grown) + 3)
    places = ((tap, (tap - middle) / grown) for tap in taps)
    return tuple(t for t, at in places if abs(at) < reach and (not at or at.denominator != 1))
