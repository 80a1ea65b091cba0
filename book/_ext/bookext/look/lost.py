"""The page for addresses that lead nowhere.

GitHub Pages shows `404.html` in place of any page that it does not have, at whatever depth that was
asked for. So this page has nothing beside it: its look is in it, and its links are whole addresses.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write_lost_page(app: Sphinx, exception: Exception | None) -> None:
    """Write the page into a finished book."""
    if exception is not None or app.builder.name != "html":
        return
    page = app.builder.templates.render("404.html", {"base": app.config.html_baseurl})
    (Path(app.outdir) / "404.html").write_text(page, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Hook in after the pages are written, and rewritten: this one stays as it is."""
    app.connect("build-finished", write_lost_page, priority=950)
