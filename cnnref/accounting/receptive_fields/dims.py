"""What a tensor's dimensions move along: the batch and the channels nothing, the others an axis of
the input each, or several that a view has flattened into one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

__all__ = ["Atom", "Dim", "axes_of", "channels_of", "length_of", "matched", "normal", "plain"]

Atom = tuple[tuple[int, ...], int]
"""The axes that a run of entries moves along (none, for channels), and its length."""
Dim = tuple[Atom, ...]
"""A dimension: one atom, several where axes were flattened together, none where the length is 1."""


def length_of(dim: Dim) -> int:
    """Entries of a dimension."""
    return prod(size for _, size in dim)


def axes_of(dim: Dim) -> set[int]:
    """The axes of the input that a dimension moves along."""
    return {axis for axes, _ in dim for axis in axes}


def plain(size: int) -> Dim:
    """A dimension of `size` channels, or of a batch: it moves along no axis."""
    return (((), size),) if size != 1 else ()


def channels_of(dim: Dim) -> int:
    """Entries of a dimension at one position along its axes."""
    return prod(size for axes, size in dim if not axes)


def normal(atoms: Sequence[Atom]) -> Dim:
    """A dimension of these atoms; neighbouring channels are told as one."""
    found: list[Atom] = []
    for axes, size in atoms:
        if size != 1 and found and not axes and not found[-1][0]:
            found[-1] = ((), found[-1][1] * size)
        elif size != 1:
            found.append((axes, size))
    return tuple(found)


def matched(columns: Sequence[Dim], size: int) -> tuple[Dim, set[int]]:
    """One dimension for operands that are broadcast over it, and the axes that do not match."""
    moving = [dim for dim in columns if axes_of(dim) and length_of(dim) == size]
    if not moving:
        return plain(size), set()
    first = moving[0]
    if all(dim == first for dim in moving):
        return first, set()
    if all(len(dim) == 1 for dim in moving):  # axes of several inputs, side by side
        return ((tuple(sorted(set().union(*map(axes_of, moving)))), size),), set()
    return plain(size), set().union(*map(axes_of, moving))
