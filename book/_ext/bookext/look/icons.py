"""Only the icons that a page can show: 270 KB of icon fonts become a few.

The theme's icons come from three FontAwesome fonts with some 2,000 glyphs. The book uses about
thirty: those whose rules are left in its style sheets. The fonts are written again with these.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from fontTools import subset

FONTS = Path(str(files("pydata_sphinx_theme"))) / (
    "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"
)
ESCAPED = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


def code_points(css: str) -> set[int]:
    """The icons that a style sheet shows, written either as escapes or as characters."""
    escaped = {int(code, 16) for code in ESCAPED.findall(css)}
    return escaped | {ord(character) for character in PRIVATE_USE.findall(css)}


def prune_fonts(static: Path, css: str) -> None:
    """Write the icon fonts of a finished site again, with the icons of its style sheet."""
    unicodes = ",".join(f"{code:x}" for code in sorted(code_points(css)))
    for font in FONTS.glob("*.woff2"):
        target = static / "vendor" / "fontawesome" / "webfonts" / font.name
        options = [f"--unicodes={unicodes}", "--flavor=woff2", f"--output-file={target}"]
        subset.main([str(font), *options])
