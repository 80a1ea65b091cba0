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
from docutils import nodes
from lxml import html
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from ..writing import gathering, gathers

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BOUNDS = {"Mathematics": 15, "Experiments": 25, "Appendices": 25}
"""The most code among the visible words of a chapter, in percent, for each part of the book."""

CLASS = "contains(concat(' ', normalize-space(@class), ' '), ' {} ')"
PARTS = ("headerlink", "math", "visually-hidden", "expanded")
UNSEEN = "|".join([
    ".//script", ".//style", ".//button", ".//details[not(@open)]/summary/following-sibling::*",
    *(f".//*[{CLASS.format(name)}]" for name in PARTS),
])  # fmt: skip
"""What a reader does not see, or see as words: folds are closed, and formulas drawn."""

CODE = f".//pre[not(ancestor::*[{CLASS.format('cell_output')}])]"
TABLE = "visible-code"
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


def visible(page: str) -> Visible:
    """What is visible of a page on which nothing has been opened."""
    article = html.fromstring(page).find(".//article")
    if article is None:
        return Visible(0, 0, ())
    for part in article.xpath(UNSEEN):
        part.drop_tree()
    pieces = [pre.text_content() for pre in article.xpath(CODE)]
    return Visible(
        words=len(" ".join(article.itertext()).split()),
        code=sum(len(piece.split()) for piece in pieces),
        lines=tuple(piece.strip("\n").count("\n") + 1 for piece in pieces),
    )


class VisibleCodeDirective(SphinxDirective):
    """The table, with marks where the numbers will stand."""

    def run(self) -> list[nodes.Node]:
        """Build it."""
        gathers(self.env, TABLE)
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
    site = Path(app.outdir)
    known: dict[str, Visible] = {}

    def number(mark: re.Match[str]) -> str:
        name, what = mark.groups()
        if name not in known:
            path = site / "book" / f"{name}.html"
            known[name] = visible(path.read_text(encoding="utf-8") if path.is_file() else "<p>")
        return known[name].told(what)

    for page in gathering(app.env, TABLE):
        path = site / app.builder.get_target_uri(page)
        path.write_text(MARK.sub(number, path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the directive, and fill in its numbers before pages are squeezed."""
    app.setup_extension("bookext.writing")
    app.add_directive("visible-code", VisibleCodeDirective)
    app.connect("build-finished", fill, priority=800)
