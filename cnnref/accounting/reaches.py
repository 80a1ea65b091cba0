"""What the units along one axis see of one axis of the input, exactly.

Every layer that moves over an axis is a `Step`: a rule that says which units of the layer below
each of its units reads. The rule repeats: after `period` units it reads the same pattern, `advance`
units further on. A convolution repeats after one unit, a transposed convolution after `stride`, an
interpolation after as many as its scale needs. From a chain of steps follow two answers, kept side
by side in a `Reach`:

- the *field*, as if the input went on for ever: the set of input positions of one unit. The field
  repeats too, so one set for each unit of a period says it all, holes of dilation included;
- the *seen* interval of each real unit: the first and last position of the real input that can
  influence it, whatever borders, padding, floors and ceilings there are on the way.

A convolution, a pooling and a convolution on 32 positions:

    >>> conv, pool = Step.window(3, padding=(1, 1)), Step.window(2, stride=2)
    >>> reach = Reach.of_input(32).through(conv, 32).through(pool, 16).through(conv, 16)
    >>> reach.measures()
    (8, 8, 2, Fraction(1, 2))
    >>> reach.seen(0), reach.seen(1)
    ((0, 4), (0, 6))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

__all__ = ["EndlessField", "Reach", "Step", "joined"]

_NEVER = np.iinfo(np.int64).max // 2
"""First and (negated) last position of a unit that sees nothing; neutral under `minimum`."""

_LONGEST = 4096
"""The longest period that is followed; no layer in use comes near."""


@dataclass(frozen=True, eq=False)
class Step:
    """Which units of the layer below each unit of one layer reads, along one axis.

    Unit `q + m * period`, for `q` below `period`, reads the units `t + m * advance` for each `t` in
    `taps[q]`.

    Args:
        period: units after which the pattern repeats.
        advance: units of the layer below that one repetition moves on.
        taps: for each unit of the first period the units it reads; they may be negative.
        border: what a tap outside the layer below reads: "zeros" (nothing), its nearest unit
            ("clamp"), or the unit mirrored at the border ("reflect").
    """

    period: int
    advance: int
    taps: tuple[tuple[int, ...], ...]
    border: str = "zeros"

    @staticmethod
    @lru_cache(maxsize=1024)
    def window(
        kernel: int,
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
        dilation: int = 1,
        border: str = "zeros",
    ) -> Step:
        """The step of a convolution or pooling. Padding may be negative: then it cuts."""
        first = -padding[0]
        return Step(1, stride, (tuple(first + dilation * t for t in range(kernel)),), border)

    @staticmethod
    @lru_cache(maxsize=256)
    def transposed(kernel: int, stride: int, padding: int, dilation: int) -> Step:
        """The step of a transposed convolution: unit `j` reads `(j + padding - dilation t) /
        stride` wherever that is whole."""
        return Step(
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
    @lru_cache(maxsize=256)
    def adaptive(n: int, m: int) -> Step:
        """The step of an adaptive pooling from `n` units to `m`: window `i` starts at
        `floor(i n / m)` and ends before `ceil((i + 1) n / m)`."""
        period, advance = m // gcd(n, m), n // gcd(n, m)
        return Step(
            period,
            advance,
            tuple(tuple(range(i * n // m, -((i + 1) * -n // m))) for i in range(period)),
        )

    @staticmethod
    @lru_cache(maxsize=256)
    def interpolation(scale: Fraction, kind: str, aligned: bool = False) -> Step:
        """The step of an interpolation.

        Args:
            scale: distance between neighbouring outputs, in input units: below 1 when it enlarges.
            kind: "nearest", "nearest-exact", "linear" or "cubic".
            aligned: the corner units of input and output coincide (`align_corners`).

        Torch multiplies in single precision. Where a nearest unit's place is a whole number, what
        it reads may be one unit lower than the rule says.
        """
        period, advance = scale.denominator, scale.numerator
        taps: list[tuple[int, ...]] = []
        for i in range(period):
            if kind == "nearest":
                taps.append((i * scale // 1,))
                continue
            place = i * scale if aligned else (i + Fraction(1, 2)) * scale - Fraction(1, 2)
            low = place // 1
            if kind == "nearest-exact":
                taps.append((((i + Fraction(1, 2)) * scale) // 1,))
            elif low == place:  # the other taps have weight 0
                taps.append((low,))
            elif kind == "linear":
                taps.append((low, low + 1))
            else:
                taps.append((low - 1, low, low + 1, low + 2))
        return Step(period, advance, tuple(taps), "clamp")

    @lru_cache(maxsize=512)  # noqa: B019 - steps are few, and made once each
    def indices(self, n: int, outputs: int) -> NDArray[np.int64]:
        """Units of a layer below of `n` units that each of `outputs` units reads.

        Returns:
            `(taps, outputs)`; `n` stands where a tap reads nothing.
        """
        width = max(map(len, self.taps)) or 1
        pattern = np.full((width, self.period), _NEVER, dtype=np.int64)
        for q, taps in enumerate(self.taps):
            pattern[: len(taps), q] = taps
        units = np.arange(outputs)
        indices = pattern[:, units % self.period]
        absent = indices == _NEVER
        indices = indices + self.advance * (units // self.period)
        if self.border == "clamp":
            indices = indices.clip(0, n - 1)
        elif self.border == "reflect":
            indices = np.abs(indices)
            indices = np.where(indices >= n, 2 * (n - 1) - indices, indices)
        indices[absent | (indices < 0) | (indices >= n)] = n
        return indices

    @lru_cache(maxsize=512)  # noqa: B019 - as above
    def reads_all(self, n: int, outputs: int) -> bool:
        """Whether each of `n` units of a layer below is read by one of `outputs` units."""
        return len(np.unique(self.indices(n, outputs)[self.indices(n, outputs) < n])) == n


@dataclass(frozen=True, eq=False)
class EndlessField:
    """The field of each unit, were the input endless.

    Unit `q + m * period` sees the positions `lows[q] + m * advance + b` for each bit `b` that is
    set in `masks[q]`; the lowest bit of each mask is set.
    """

    period: int
    advance: int
    lows: tuple[int, ...]
    masks: tuple[int, ...]

    def through(self, step: Step) -> EndlessField | None:
        """The field of a layer on top; `None` if no period below `_LONGEST` describes it."""
        if self.period == step.period == 1:  # nearly always
            (own,), (taps,), mask = self.masks, step.taps, 0
            lowest = min(taps, default=0)
            for tap in taps:
                mask |= own << (tap - lowest) * self.advance
            low = self.lows[0] + lowest * self.advance if mask else 0
            return EndlessField(1, step.advance * self.advance, (low,), (mask,))
        repeats = self.period // gcd(self.period, step.advance)
        period = step.period * repeats
        if period > _LONGEST:
            return None
        lows, masks = [], []
        for unit in range(period):
            moved, q = divmod(unit, step.period)
            sets = []
            for tap in step.taps[q]:
                turns, phase = divmod(tap + moved * step.advance, self.period)
                sets.append((self.lows[phase] + turns * self.advance, self.masks[phase]))
            low, mask = _union(sets)
            lows.append(low)
            masks.append(mask)
        advance = step.advance * repeats // self.period * self.advance
        return EndlessField(period, advance, tuple(lows), tuple(masks))

    def joined(self, other: EndlessField) -> EndlessField | None:
        """The union of both, unit by unit; `None` where the two move at different speeds."""
        if self.advance * other.period != other.advance * self.period:
            return None
        period = lcm(self.period, other.period)
        if period > _LONGEST:
            return None
        sets = [_union([self.at(unit), other.at(unit)]) for unit in range(period)]
        advance = self.advance * (period // self.period)
        return EndlessField(period, advance, *(tuple(column) for column in zip(*sets, strict=True)))

    def at(self, unit: int) -> tuple[int, int]:
        """Lowest position and mask of one unit, which need not exist in a real layer."""
        turns, phase = divmod(unit, self.period)
        return self.lows[phase] + turns * self.advance, self.masks[phase]


def _union(sets: list[tuple[int, int]]) -> tuple[int, int]:
    """Lowest position and mask of a union. A unit without taps sees nothing: mask 0."""
    sets = [(low, mask) for low, mask in sets if mask]
    if not sets:
        return 0, 0
    lowest = min(low for low, _ in sets)
    mask = 0
    for low, positions in sets:
        mask |= positions << (low - lowest)
    return lowest, mask


@dataclass(frozen=True, eq=False)
class Reach:
    """What the units along one axis see of one axis of the input.

    Args:
        bounds: `(2, units)`: the first position that each unit sees, and the negated last. One unit
            stands for all where the axis is gone.
        field: the same on an endless input; `None` where no such thing is defined.
        reason: why it is not.
        known: whether the bounds are facts; false after an operation without a rule.
        loose: whether each unit sees only some part of what the bounds of the one unit say, after
            its positions were rearranged.
        thinned: whether positions may have been left out after that, so that all units together
            see at most what the bounds say.
    """

    bounds: NDArray[np.int64]
    field: EndlessField | None
    reason: str = ""
    known: bool = True
    loose: bool = False
    thinned: bool = False

    @staticmethod
    def of_input(n: int) -> Reach:
        """Each position sees itself."""
        positions = np.arange(n)
        return Reach(np.stack([positions, -positions]), EndlessField(1, 1, (0,), (1,)))

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.bounds.shape[1])

    def measures(self) -> tuple[int, int, int | Fraction, Fraction] | None:
        """Size, support, jump and start of the field; `None` where there is no field.

        The size counts the positions from the first to the last in the largest field of a unit, the
        support those of them that are in it. The jump is the distance between the fields of
        neighbouring units, on average, and the start the middle of unit 0's field.
        """
        return self._measures

    @cached_property
    def _measures(self) -> tuple[int, int, int | Fraction, Fraction] | None:
        if self.field is None:
            return None
        jump = Fraction(self.field.advance, self.field.period)
        return (
            max(mask.bit_length() for mask in self.field.masks),
            max(mask.bit_count() for mask in self.field.masks),
            int(jump) if jump.denominator == 1 else jump,
            self.field.lows[0] + Fraction(self.field.masks[0].bit_length() - 1, 2),
        )

    @cached_property
    def offset(self) -> Fraction | None:
        """How far the middles of the fields lie from where a unit at that jump would stand, on
        average: the start, where all units see alike."""
        if self.field is None:
            return None
        jump = Fraction(self.field.advance, self.field.period)
        middles = (
            low + Fraction(mask.bit_length() - 1, 2) - unit * jump
            for unit, (low, mask) in enumerate(zip(self.field.lows, self.field.masks, strict=True))
        )
        return sum(middles, Fraction(0)) / self.field.period

    @cached_property
    def clipped(self) -> int:
        """Positions from the first to the last of the real input, for the unit that sees most."""
        return max(int((1 - self.bounds[0] - self.bounds[1]).max()), 0)

    @cached_property
    def whole(self) -> tuple[int, int]:
        """First and last position of the real input that any unit sees."""
        first, last = self.bounds.min(axis=1)
        return int(first), -int(last)

    def seen(self, unit: int) -> tuple[int, int] | None:
        """First and last position of the real input that a unit sees; `None` if it sees none."""
        first, last = self.bounds[:, unit]
        return (int(first), -int(last)) if first <= -last else None

    def positions(self, unit: int) -> list[int]:
        """The field of a unit, position by position, on an endless input; empty if not defined."""
        if self.field is None:
            return []
        low, mask = self.field.at(unit)
        return [low + bit for bit in range(mask.bit_length()) if mask >> bit & 1]

    def through(self, step: Step, outputs: int) -> Reach:
        """What the `outputs` units of a layer on top see."""
        if self.loose:
            return self
        n = self.units
        ended = np.empty((2, n + 1), dtype=np.int64)
        ended[:, :n], ended[:, n] = self.bounds, _NEVER
        bounds = np.minimum.reduce(ended.take(step.indices(n, outputs), axis=1), axis=1)
        field = None if self.field is None else self.field.through(step)
        reason = self.reason or ("" if field else "its pattern does not repeat")
        return Reach(bounds, field, reason, self.known)

    def over(self, units: int) -> Reach:
        """The same for a layer of `units`, all of which see what one stands for."""
        if self.units in (units, 0) or self.loose:
            return self
        return Reach(np.broadcast_to(self.bounds, (2, units)), None, self.reason, self.known)

    def taken(self, unit: int, reason: str) -> Reach:
        """One unit, of which every unit on top knows."""
        if self.loose:
            return self.thin()
        return Reach(self.bounds[:, [unit]], None, self.reason or reason, self.known)

    def thin(self) -> Reach:
        """The same if it is exact; else positions of which nobody knows may now be left out."""
        return replace(self, thinned=True) if self.loose and not self.thinned else self

    def collapsed(self, reason: str, known: bool = True) -> Reach:
        """Every unit on top sees what any unit sees."""
        bounds = self.bounds.min(axis=1, keepdims=True)
        exact = self.loose and self.known and not self.thinned
        first = reason if exact else self.reason or reason
        return Reach(bounds, None, first, self.known and known, self.thinned, self.thinned)

    def so_far(self, reason: str) -> Reach:
        """Every unit sees what the units up to it see."""
        if self.loose:
            return self
        bounds = np.minimum.accumulate(self.bounds, axis=1)
        return Reach(bounds, None, self.reason or reason, self.known)

    def loosened(self, reason: str) -> Reach:
        """The units stand somewhere else now, and which is where is not followed."""
        bounds = self.bounds.min(axis=1, keepdims=True)
        alike = bool((self.bounds == bounds).all()) and not self.loose
        thinned = self.thinned and not alike
        return Reach(bounds, None, self.reason or reason, self.known, not alike, thinned)

    def covers(self, other: Reach) -> bool:
        """Whether every unit surely sees all that any unit of `other` sees."""
        exact = self.known and not self.loose
        return exact and bool((self.bounds <= other.bounds.min(axis=1, keepdims=True)).all())


def joined(a: Reach, b: Reach) -> Reach:
    """What units see that combine, one by one, the units of two layers."""
    if a is b:
        return a
    for one, other in ((a, b), (b, a)):
        if one.covers(other) and one.field is None:  # whatever is not known of the other
            return one
    known, loose, thinned = a.known and b.known, a.loose or b.loose, a.thinned or b.thinned
    bounds = np.minimum(a.bounds, b.bounds)  # one unit against many: known to all of them
    if loose:
        bounds = bounds.min(axis=1, keepdims=True)
    if a.field is None or b.field is None:
        return Reach(bounds, None, a.reason or b.reason, known, loose, thinned)
    if a.units != b.units:
        return Reach(bounds, None, "one position is spread over all", known)
    field = a.field.joined(b.field)
    reason = "" if field else "paths of different jumps meet"
    return Reach(bounds, field, reason, known)
