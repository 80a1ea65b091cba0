"""How much of what a reader sees of a chapter is code: measured on the pages, told on one of them.

`{visible-code}` is a table of the chapters. Its numbers are known when all pages are written, so
they are filled in last. Everything folded counts as closed. Words are what blanks separate.
Formulas are drawn and count for neither side; what a cell has printed counts as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

BOUNDS = {"Mathematics": 15, "Experiments": 25, "Appendices": 25}
"""The most code among the visible words of a chapter, in percent, for each part of the book."""

UNSEEN = "script, style, button, .headerlink, .math, .visually-hidden, p.expanded"
MARK = re.compile(r"visible-code:([\w-]+):(words|code|share)")


@dataclass(frozen=True)
class Visible:
    """What is visible of a page: its words, those of code, and the lines of each piece of code."""

    words: int
    code: int
    lines: tuple[int, ...]

    @property
    def share(self) -> float:
        """Code among the words, in percent."""
        return 100 * self.code / max(self.words, 1)

    def told(self, what: str) -> str:
        """One of the numbers as the table has it."""
        return f"{self.share:.0f} %" if what == "share" else f"{getattr(self, what):,}"


def chapters(source: Path) -> dict[str, str]:
    """The part that each chapter of a book belongs to, in order."""
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    return {
        Path(entry["file"]).name: part["caption"]
        for part in toc["parts"]
        if part["caption"] in BOUNDS
        for entry in part["chapters"]
    }


def visible(html: str) -> Visible:
    """What is visible of a page on which nothing has been opened."""
    article = BeautifulSoup(html, "html.parser").find("article")
    if not isinstance(article, Tag):
        return Visible(0, 0, ())
    for part in article.select(UNSEEN):
        part.decompose()
    for line in article.select("details:not([open]) > summary, .dropdown > .admonition-title"):
        for hidden in [*line.next_siblings]:
            hidden.extract()
    pieces = [
        pre.get_text() for pre in article.select("pre") if not pre.find_parent(class_="cell_output")
    ]
    return Visible(
        words=len(article.get_text(" ").split()),
        code=sum(len(piece.split()) for piece in pieces),
        lines=tuple(piece.strip("\n").count("\n") + 1 for piece in pieces),
    )


class VisibleCodeDirective(SphinxDirective):
    """The table, with marks where the numbers will stand."""

    def run(self) -> list[nodes.Node]:
        """Build it."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "_toc.yml"))
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in range(5)), cols=5)
        heads = ("chapter", "visible words", "of code", "share", "at most")
        group += nodes.thead("", row(*(nodes.Text(head) for head in heads)))
        body = nodes.tbody()
        for name, part in chapters(root).items():
            link = addnodes.pending_xref(
                "", nodes.inline("", name), refdomain="std", reftype="doc", refexplicit=False,
                reftarget=f"/book/{name}", refdoc=self.env.docname, refwarn=True,
            )  # fmt: skip
            marks = (f"visible-code:{name}:{what}" for what in ("words", "code", "share"))
            body += row(link, *map(nodes.Text, marks), nodes.Text(f"{BOUNDS[part]} %"))
        group += body
        return [nodes.table("", group)]


def row(*cells: nodes.Node) -> nodes.row:
    """A row of a table; all but the first of its cells hold numbers."""
    entries = (nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells)
    line = nodes.row("", *entries)
    for entry in line.children[1:]:
        entry["classes"].append("text-right")  # type: ignore[index]
    return line


def fill(app: Sphinx, exception: Exception | None) -> None:
    """Put the numbers into the pages that have marks."""
    if exception is not None or app.builder.name != "html":
        return
    pages = Path(app.outdir) / "book"
    known: dict[str, Visible] = {}

    def number(mark: re.Match[str]) -> str:
        name, what = mark.groups()
        if name not in known:
            path = pages / f"{name}.html"
            html = path.read_text(encoding="utf-8") if path.is_file() else ""
            known[name] = visible(html)
        return known[name].told(what)

    for path in sorted(pages.rglob("*.html")):
        html = path.read_text(encoding="utf-8")
        if MARK.search(html):
            path.write_text(MARK.sub(number, html), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive, and fill in its numbers before pages are squeezed."""
    app.add_directive("visible-code", VisibleCodeDirective)
    app.connect("build-finished", fill, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
