"""What the list of all pages beside each page is made of; a template writes it.

The theme has Sphinx lay out the whole tree for each of 350 pages, reads the HTML that it gets and
mends it: 14 of 51 s of processor time, where every page is written and no cell runs. The titles are
the same on every page.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any, NamedTuple, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

from ..chapters.chaptermap import parts_of


class Entry(NamedTuple):
    """A page: its name, its number and title as HTML, and the pages below it; or a part."""

    name: str
    title: str
    below: list[Entry]

    def holds(self, page: str) -> bool:
        """Whether a page is this one, or below it."""
        return page == self.name or any(entry.holds(page) for entry in self.below)


@cache
def contents(app: Sphinx) -> list[Entry]:
    """The parts of the book, which have no name but a caption."""
    return [
        Entry(
            "",
            escape(part["caption"]),
            [entry(app, name, title) for title, name in part["entries"]],
        )
        for part in parts_of(app.env)
    ]


def entry(app: Sphinx, name: str, title: str | None = None) -> Entry:
    """The entry of a page, under another title where one is given."""
    builder = cast(StandaloneHTMLBuilder, app.builder)
    words = escape(title) if title else builder.render_partial(app.env.titles[name])["title"]
    below = [entry(app, other) for other in app.env.toctree_includes.get(name, ())]
    return Entry(name, words, below)


def offer_contents(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Give the template what it writes."""
    context["contents"] = contents(app)


def setup(app: Sphinx) -> None:
    """Hook into page writing."""
    app.connect("html-page-context", offer_contents)
