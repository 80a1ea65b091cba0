"""What a kind of explorer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnref.figures.style import Picture

Preset = Mapping[str, Any]
# Every explorer loads these first.
SHARED = ("explorer-windows.js", "explorer-drawing.js", "explorer.js")


@dataclass(frozen=True)
class Explorer:
    """One kind of explorer.

    Args:
        title: its heading.
        scripts: what it loads, in this order, after nothing else.
        preset: every option of the directive with its default; the default's type is the option's.
        draw: the figure of a preset, for pages whose scripts do not run.
        rows: by how many rows a setting is taller than the least; the style sheet keeps room.
        sent: what the scripts get of a preset.
    """

    title: str
    scripts: tuple[str, ...]
    preset: Preset
    draw: Callable[[Preset], Picture]
    rows: Callable[[Preset], int] = lambda _: 0
    sent: Callable[[Preset], Preset] = lambda preset: preset
