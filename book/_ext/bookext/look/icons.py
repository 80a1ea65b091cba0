"""Only the icons that a page can show: 270 KB of icon fonts become a few.

The theme's icons come from three FontAwesome fonts with some 2,000 glyphs. The book uses about
thirty: those whose rules are left in its style sheets. The fonts are written again with these.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools import subset

if TYPE_CHECKING:
    from collections.abc import Iterable

FONTS = Path(str(files("pydata_sphinx_theme"))) / (
    "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"
)
ESCAPED = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


def code_points(css: str) -> set[int]:
    """The icons that a style sheet shows, written either as escapes or as characters."""
    escaped = {int(code, 16) for code in ESCAPED.findall(css)}
    return escaped | {ord(character) for character in PRIVATE_USE.findall(css)}


def write_subset(source: Path, target: Path, unicodes: Iterable[int]) -> None:
    """Write a font with some of its glyphs, the same bytes each time."""
    options = subset.Options(flavor="woff2", recalc_timestamp=False)
    with subset.load_font(str(source), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=sorted(unicodes))
        subsetter.subset(font)
        subset.save_font(font, str(target), options)


def prune_fonts(static: Path, css: str) -> None:
    """Write the icon fonts of a finished site again, with the icons of its style sheet."""
    for font in FONTS.glob("*.woff2"):
        target = static / "vendor" / "fontawesome" / "webfonts" / font.name
        write_subset(font, target, code_points(css))
