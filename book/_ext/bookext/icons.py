"""Only the icons that a page can show: 270 KB of icon fonts become a few.

The theme's icons come from three FontAwesome fonts with some 2,000 glyphs, and its style sheet has
a rule for each. The book uses about thirty. After the build this module looks which, and writes
fonts and style sheet again with nothing else in them.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools import subset

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

THEME = Path(str(files("pydata_sphinx_theme")))
THEME_STATIC = THEME / "theme" / "pydata_sphinx_theme" / "static"
STYLE_SHEET = "styles/pydata-sphinx-theme.css"
FONTS = "vendor/fontawesome/webfonts"

CLASS = re.compile(r"\bfa-[a-z0-9-]+")
RULE = re.compile(
    r'(?P<selectors>(?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\(?P<code>[0-9a-f]+)"\}'
)
ESCAPED = re.compile(r"\\([ef][0-9a-f]{3})\b")
PRIVATE_USE = re.compile("[\ue000-\uf8ff]")


def prune_style_sheet(css: str, classes: set[str]) -> tuple[str, set[int]]:
    """Drop the rules of icons that are not among the classes.

    Returns:
        The shorter style sheet, and the code points that its remaining rules show.
    """
    pruned = RULE.sub(lambda m: m[0] if classes & set(CLASS.findall(m["selectors"])) else "", css)
    return pruned, code_points(pruned)


def code_points(css: str) -> set[int]:
    """The icons that a style sheet shows, written either as escapes or as characters."""
    escaped = {int(code, 16) for code in ESCAPED.findall(css)}
    return escaped | {ord(character) for character in PRIVATE_USE.findall(css)}


def write_subset(source: Path, target: Path, unicodes: Iterable[int]) -> None:
    """Write a font with some of its glyphs, the same bytes each time."""
    options = subset.Options(flavor="woff2", recalc_timestamp=False)
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(unicodes))
    subsetter.subset(font)
    subset.save_font(font, str(target), options)


def prune_icons(app: Sphinx, exception: Exception | None) -> None:
    """Write the smaller style sheet and fonts into the finished site."""
    if exception is not None or app.builder.name != "html":
        return
    static = Path(app.outdir) / "_static"
    pages = (path for kind in ("html", "js") for path in Path(app.outdir).rglob(f"*.{kind}"))
    pages = (path for path in pages if path.name != "fontawesome.js")
    classes = {name for page in pages for name in CLASS.findall(page.read_text(encoding="utf-8"))}

    css, unicodes = prune_style_sheet((THEME_STATIC / STYLE_SHEET).read_text("utf-8"), classes)
    (static / STYLE_SHEET).write_text(css, encoding="utf-8")
    for sheet in static.rglob("*.css"):
        unicodes |= code_points(sheet.read_text(encoding="utf-8"))
    for font in (THEME_STATIC / FONTS).glob("*.woff2"):
        write_subset(font, static / FONTS / font.name, unicodes)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Prune after everything is written."""
    app.connect("build-finished", prune_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
