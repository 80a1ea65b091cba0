"""What a kind of explorer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnref.figures.style import Picture

Preset = Mapping[str, Any]
# Every explorer loads these first.
SHARED = (
    "explorer-windows.js",
    "explorer-drawing.js",
    "explorer-controls.js",
    "explorer-player.js",
    "explorer-hold.js",
    "explorer.js",
    "explorer-page.js",
)


@dataclass(frozen=True)
class Data:
    """What an explorer's page carries for its script.

    Args:
        content: as JSON holds it; written into the page, since a page on a disk can fetch nothing.
        files: what it was read from; where one changes, the page is read again.
        late: scripts by the names under which they lie beside the others, for what is too much for
            a page: the explorer's own script loads them when it comes near. A name ends in a dash
            and a digest of the content.
    """

    content: Mapping[str, Any]
    files: tuple[Path, ...] = ()
    late: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Explorer:
    """One kind of explorer.

    Args:
        title: its heading.
        scripts: what it loads, in this order, after nothing else.
        preset: every option of the directive with its default; the default's type is the option's.
        draw: the figure of a preset, for pages whose scripts do not run.
        rows: by how many rows a setting is taller than the least; the style sheet keeps room.
        controls: what a link may set besides the options, with a value of each one's type.
        data: what a preset's script is given, where it needs more than the preset.
        styles: its own style sheets, besides the one that all explorers have.
    """

    title: str
    scripts: tuple[str, ...]
    preset: Preset
    draw: Callable[[Preset], Picture]
    rows: Callable[[Preset], int] = lambda _: 0
    data: Callable[[Preset], Data | None] = lambda _: None
    controls: Callable[[Preset], Mapping[str, Any]] = lambda _: {}
    styles: tuple[str, ...] = ()
