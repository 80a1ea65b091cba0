"""What the units along one axis see of one axis of the input, exactly.

Each layer says which units of the layer below its units read (`taps`). From a chain of layers
follow two answers, kept side by side in an `AxisField`:

- the *unclipped* field, as if the input went on for ever: the set of input positions of one unit;
- the *seen* interval of each real unit: the first and last position of the real input that can
  influence it, whatever borders, padding, floors and ceilings there are on the way.

A convolution, a pooling and a convolution on 32 positions:

    >>> conv, pool = Taps.window(3, padding=(1, 1)), Taps.window(2, stride=2)
    >>> field = AxisField.of_input(32).through(conv, 32).through(pool, 16).through(conv, 16)
    >>> field.measures()
    (8, 8, 2, Fraction(1, 2))
    >>> field.seen(0), field.seen(1)
    ((0, 4), (0, 6))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.accounting.receptive_fields.unclipped import UnclippedField

__all__ = ["AxisField", "chained", "interleaved", "joined"]

_NEVER = np.iinfo(np.int64).max // 2
"""First and (negated) last position of a unit that sees nothing; neutral under `minimum`."""


@dataclass(frozen=True, eq=False)
class AxisField:
    """What the units along one axis see of one axis of the input.

    Args:
        bounds: `(2, units)`: the first position that each unit sees, and the negated last. One unit
            stands for all where the axis is gone.
        unclipped: the same on an endless input; `None` where no such thing is defined.
        reason: why it is not.
        known: whether the bounds are facts; false after an operation without a rule.
        loose: whether each unit sees only some part of what the bounds of the one unit say, after
            its positions were rearranged.
        thinned: whether positions may have been left out after that, so that all units together
            see at most what the bounds say.
    """

    bounds: NDArray[np.int64]
    unclipped: UnclippedField | None
    reason: str = ""
    known: bool = True
    loose: bool = False
    thinned: bool = False

    @staticmethod
    def of_input(n: int) -> AxisField:
        """Each position sees itself."""
        positions = np.arange(n)
        return AxisField(np.stack([positions, -positions]), UnclippedField(1, 1, (0,), (1,)))

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.bounds.shape[1])

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for fields that say the same."""
        ideal = self.unclipped
        return (
            self.bounds.shape[1], self.bounds.tobytes(), self.known, self.loose, self.thinned,
            None if ideal is None else (ideal.lows, ideal.masks, ideal.advance),
        )  # fmt: skip

    def measures(self) -> tuple[int, int, int | Fraction, Fraction] | None:
        """Size, support, jump and start of the field; `None` where there is no field.

        The size counts the positions from the first to the last in the largest field of a unit, the
        support those of them that are in it. The jump is the distance between the fields of
        neighbouring units, on average, and the start the middle of unit 0's field.
        """
        return self._measures

    @cached_property
    def _measures(self) -> tuple[int, int, int | Fraction, Fraction] | None:
        if self.unclipped is None:
            return None
        jump = Fraction(self.unclipped.advance, self.unclipped.period)
        return (
            max(mask.bit_length() for mask in self.unclipped.masks),
            max(mask.bit_count() for mask in self.unclipped.masks),
            int(jump) if jump.denominator == 1 else jump,
            self.unclipped.lows[0] + Fraction(self.unclipped.masks[0].bit_length() - 1, 2),
        )

    @cached_property
    def offset(self) -> Fraction | None:
        """How far the middles of the fields lie from where a unit at that jump would stand, on
        average: the start, where all units see alike."""
        if self.unclipped is None:
            return None
        jump = Fraction(self.unclipped.advance, self.unclipped.period)
        middles = (
            low + Fraction(mask.bit_length() - 1, 2) - unit * jump
            for unit, (low, mask) in enumerate(
                zip(self.unclipped.lows, self.unclipped.masks, strict=True)
            )
        )
        return sum(middles, Fraction(0)) / self.unclipped.period

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
        if self.unclipped is None:
            return []
        low, mask = self.unclipped.at(unit)
        return [low + bit for bit in range(mask.bit_length()) if mask >> bit & 1]

    def through(self, taps: Taps, outputs: int) -> AxisField:
        """What the `outputs` units of a layer on top see."""
        if self.loose:
            return self
        n = self.units
        ended = np.empty((2, n + 1), dtype=np.int64)
        ended[:, :n], ended[:, n] = self.bounds, _NEVER
        bounds = np.minimum.reduce(ended.take(taps.indices(n, outputs), axis=1), axis=1)
        field = None if self.unclipped is None else self.unclipped.through(taps)
        reason = self.reason or ("" if field else "its pattern does not repeat")
        return AxisField(bounds, field, reason, self.known)

    def over(self, units: int) -> AxisField:
        """The same for a layer of `units`, all of which see what one stands for."""
        if self.units in (units, 0) or self.loose:
            return self
        return AxisField(np.broadcast_to(self.bounds, (2, units)), None, self.reason, self.known)

    def picked(self, units: NDArray[np.int64], reason: str) -> AxisField:
        """Some of the units, in whatever order; all of them, where not one is followed."""
        if self.loose:
            return self
        return AxisField(self.bounds[:, units], None, self.reason or reason, self.known)

    def taken(self, unit: int, reason: str) -> AxisField:
        """One unit, of which every unit on top knows."""
        if self.loose:
            return self.thin()
        return AxisField(self.bounds[:, [unit]], None, self.reason or reason, self.known)

    def thin(self) -> AxisField:
        """The same if it is exact; else positions of which nobody knows may now be left out."""
        return replace(self, thinned=True) if self.loose and not self.thinned else self

    def collapsed(self, reason: str, known: bool = True) -> AxisField:
        """Every unit on top sees what any unit sees."""
        bounds = self.bounds.min(axis=1, keepdims=True)
        exact = self.loose and self.known and not self.thinned
        # What is first unknown here is unknown for this reason, whatever ended the field before.
        first = reason if exact or (self.known and not known) else self.reason or reason
        return AxisField(bounds, None, first, self.known and known, self.thinned, self.thinned)

    def scattered(self, reason: str) -> AxisField:
        """The units stand somewhere else, in parts, which nobody follows; where all see the same,
        they still do."""
        alike = bool((self.bounds == self.bounds[:, :1]).all())
        exact = self.known and not self.loose and self.unclipped is None
        return self.collapsed(reason, known=alike and exact)

    def so_far(self, reason: str) -> AxisField:
        """Every unit sees what the units up to it see."""
        if self.loose:
            return self
        bounds = np.minimum.accumulate(self.bounds, axis=1)
        return AxisField(bounds, None, self.reason or reason, self.known)

    def loosened(self, reason: str) -> AxisField:
        """The units stand somewhere else now, and which is where is not followed."""
        bounds = self.bounds.min(axis=1, keepdims=True)
        alike = bool((self.bounds == bounds).all()) and not self.loose
        thinned = self.thinned and not alike
        return AxisField(bounds, None, self.reason or reason, self.known, not alike, thinned)

    def at_most(self, reason: str) -> AxisField:
        """Each unit sees some part of what any unit sees, as other units do of which that is told
        in one."""
        bounds = self.bounds.min(axis=1, keepdims=True)
        return AxisField(bounds, None, self.reason or reason, self.known, loose=True, thinned=True)

    def covers(self, other: AxisField) -> bool:
        """Whether every unit surely sees all that any unit of `other` sees."""
        exact = self.known and not self.loose
        return exact and bool((self.bounds <= other.bounds.min(axis=1, keepdims=True)).all())


def chained(parts: Sequence[tuple[AxisField | None, int]]) -> AxisField | None:
    """One layer of units: those of several, one layer after the other.

    Args:
        parts: what each sees along the axis, `None` for nothing, and its number of units.

    Returns:
        The field, of which no pattern repeats; `None` if of a part nobody knows which unit is
        which.
    """
    present = [field for field, _ in parts if field is not None]
    if any(field.loose for field in present):
        return None
    nothing = AxisField(np.full((2, 1), _NEVER), None)
    bounds = [(field or nothing).over(n).bounds for field, n in parts]
    here = "positions are concatenated along an axis"
    reason = next((field.reason for field in present if field.reason), here)
    known = all(field.known for field in present)
    return AxisField(np.concatenate(bounds, axis=1), None, reason, known)


def interleaved(fields: Sequence[AxisField | None], n: int) -> AxisField:
    """One layer of units, in turn those of several layers of `n`; `None` for one that sees nothing
    along the axis."""
    present = [field for field in fields if field is not None]
    first, times = present[0], len(fields)
    if all(field is first for field in fields):
        if first.units != n:
            return first
        return first.through(Taps.interpolation(Fraction(1, times), "nearest"), n * times)
    if any(field.loose for field in present):
        return reduce(joined, present).loosened("positions are interleaved")
    nothing = np.full((2, n), _NEVER)
    bounds = [nothing if field is None else field.over(n).bounds for field in fields]
    ideals = [None if field is None else field.over(n).unclipped for field in fields]
    whole = None
    if all(f is None or i is not None for f, i in zip(fields, ideals, strict=True)):
        whole = UnclippedField.interleaved(ideals)
    reason = next((field.reason for field in present if field.reason), "")
    return AxisField(
        np.stack(bounds, axis=2).reshape(2, -1),
        whole,
        reason or ("" if whole else "its pattern does not repeat"),
        all(field.known for field in present),
    )


@lru_cache(maxsize=2048)
def joined(a: AxisField, b: AxisField) -> AxisField:
    """What units see that combine, one by one, the units of two layers."""
    if a is b:
        return a
    for one, other in ((a, b), (b, a)):
        if one.covers(other) and one.unclipped is None:  # whatever is not known of the other
            return one
    known, loose, thinned = a.known and b.known, a.loose or b.loose, a.thinned or b.thinned
    bounds = np.minimum(a.bounds, b.bounds)  # one unit against many: known to all of them
    if loose:
        bounds = bounds.min(axis=1, keepdims=True)
    if a.unclipped is None or b.unclipped is None:
        return AxisField(bounds, None, a.reason or b.reason, known, loose, thinned)
    if a.units != b.units:
        return AxisField(bounds, None, "one position is spread over all", known)
    field = a.unclipped.joined(b.unclipped)
    reason = "" if field else "paths of different jumps meet"
    return AxisField(bounds, field, reason, known)
