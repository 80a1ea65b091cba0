"""What a kind of explorer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
            a page: the explorer's own script loads them when it comes near.
    """

    content: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    late: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Explorer:
    """One kind of explorer.

    Args:
        title: its heading.
        scripts: what it loads after `SHARED`, in this order: names between spaces, each of a file
            `explorer-NAME.js`.
        preset: every option of the directive with its default; the default's type is the option's.
        draw: the figure of a preset, for pages whose scripts do not run.
        rows: by how many rows a setting is taller than the least; the style sheet keeps room.
        controls: what a link may set besides the options, with a value of each one's type.
        data: what a preset's script is given, where it needs more than the preset.
        sheet: the name of a style sheet `explorer-NAME.css`, besides the one that all have.
    """

    title: str
    scripts: str
    preset: Preset
    draw: Callable[[Preset], Picture]
    rows: Callable[[Preset], int] = lambda _: 0
    data: Callable[[Preset], Data] = lambda _: Data()
    controls: Callable[[Preset], Mapping[str, Any]] = lambda _: {}
    sheet: str = ""

    @property
    def files(self) -> list[str]:
        """All its scripts and style sheets, in the order in which a page loads them."""
        own = [f"explorer-{name}.js" for name in self.scripts.split()]
        sheets = ["explorers.css", *([f"explorer-{self.sheet}.css"] if self.sheet else [])]
        return [*sheets, *SHARED, *own]
