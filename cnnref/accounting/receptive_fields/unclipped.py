"""The receptive fields of the units along one axis, as if the input went on for ever.

They repeat, as the taps of layers do. So one set of positions for each unit of a period says it
all, holes of dilation included. A set is a whole number whose bits are the positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, lcm

from cnnref.accounting.receptive_fields.taps import Taps

__all__ = ["UnclippedField"]

_LONGEST = 4096
"""The longest period that is followed; no layer in use comes near."""


@dataclass(frozen=True, eq=False)
class UnclippedField:
    """The field of each unit, were the input endless.

    Unit `q + m * period` sees the positions `lows[q] + m * advance + b` for each bit `b` that is
    set in `masks[q]`; the lowest bit of each mask is set.
    """

    period: int
    advance: int
    lows: tuple[int, ...]
    masks: tuple[int, ...]

    def through(self, taps: Taps) -> UnclippedField | None:
        """The field of a layer on top; `None` if no period below `_LONGEST` describes it."""
        if self.period == taps.period == 1:  # nearly always
            (own,), (offsets,), mask = self.masks, taps.offsets, 0
            lowest = min(offsets, default=0)
            for tap in offsets:
                mask |= own << (tap - lowest) * self.advance
            low = self.lows[0] + lowest * self.advance if mask else 0
            return UnclippedField(1, taps.advance * self.advance, (low,), (mask,))
        repeats = self.period // gcd(self.period, taps.advance)
        period = taps.period * repeats
        if period > _LONGEST:
            return None
        lows, masks = [], []
        for unit in range(period):
            moved, q = divmod(unit, taps.period)
            sets = []
            for tap in taps.offsets[q]:
                turns, phase = divmod(tap + moved * taps.advance, self.period)
                sets.append((self.lows[phase] + turns * self.advance, self.masks[phase]))
            low, mask = _united(sets)
            lows.append(low)
            masks.append(mask)
        advance = taps.advance * repeats // self.period * self.advance
        return UnclippedField(period, advance, tuple(lows), tuple(masks))

    def joined(self, other: UnclippedField) -> UnclippedField | None:
        """The union of both, unit by unit; `None` where the two move at different speeds."""
        if self.advance * other.period != other.advance * self.period:
            return None
        period = lcm(self.period, other.period)
        if period > _LONGEST:
            return None
        sets = [_united([self.at(unit), other.at(unit)]) for unit in range(period)]
        advance = self.advance * (period // self.period)
        return UnclippedField(
            period, advance, *(tuple(column) for column in zip(*sets, strict=True))
        )

    @staticmethod
    def interleaved(fields: Sequence[UnclippedField | None]) -> UnclippedField | None:
        """One layer of units, in turn those of several, `None` for one that sees nothing; `None` if
        they move at different speeds."""
        present = [field for field in fields if field is not None]
        period = lcm(*(field.period for field in present))
        advances = {field.advance * (period // field.period) for field in present}
        if len(advances) > 1 or period * len(fields) > _LONGEST:
            return None
        sets = [
            (0, 0) if field is None else field.at(unit)
            for unit in range(period)
            for field in fields
        ]
        return UnclippedField(
            len(sets), advances.pop(), *(tuple(column) for column in zip(*sets, strict=True))
        ).reduced()

    def reduced(self) -> UnclippedField:
        """The same with the shortest period."""
        for period in range(1, self.period):
            advance, rest = divmod(self.advance * period, self.period)
            if self.period % period or rest:
                continue
            first = UnclippedField(period, advance, self.lows[:period], self.masks[:period])
            if all(first.at(u) == (self.lows[u], self.masks[u]) for u in range(self.period)):
                return first
        return self

    def at(self, unit: int) -> tuple[int, int]:
        """Lowest position and mask of one unit, which need not exist in a real layer."""
        turns, phase = divmod(unit, self.period)
        return self.lows[phase] + turns * self.advance, self.masks[phase]


def _united(sets: list[tuple[int, int]]) -> tuple[int, int]:
    """Lowest position and mask of a union. A unit without taps sees nothing: mask 0."""
    sets = [(low, mask) for low, mask in sets if mask]
    if not sets:
        return 0, 0
    lowest = min(low for low, _ in sets)
    mask = 0
    for low, positions in sets:
        mask |= positions << (low - lowest)
    return lowest, mask
