"""`{figures}`: every figure of the book on one page, to be taken along.

Each has its caption, the line that says where it is from, and its drawing as a file; a chapter's
are also together in one archive. A figure's caption in its chapter ends with a link to it.

A drawing becomes a PNG in the browser of the reader who asks for one (figures.js): that costs no
page anything. Drawn by the library, 120 of them would add 20 seconds to a build and 10 MB to the
site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from ..chapters.chaptermap import chapters_of
from ..gathered import add_list, copied, link_to
from ..look.images import trained_html
from ..templates import filled
from .chapterwise import Entries, by_chapter, number_of

PLACE = "page-figures"
"""The label of the page with the list."""

LICENCE = "CC BY 4.0"
LINK = ' <a class="take-link" href="{}" title="Fig. {} as a file">for slides</a>'


@dataclass(frozen=True)
class Figure:
    """A numbered figure of a chapter, as it was read."""

    name: str
    number: str
    image: nodes.image
    caption: nodes.caption

    @property
    def archive(self) -> str:
        """The archive that it is in."""
        return f"_downloads/cnnref-figures-{self.number.partition('.')[0]}.zip"

    @property
    def file(self) -> str:
        """What its file is called."""
        return f"fig-{self.number.replace('.', '-')}{Path(self.image['uri']).suffix}"


def figures_in(env: BuildEnvironment, doctree: nodes.document, chapter: str) -> Iterator[Figure]:
    """The figures of a chapter that have an image, in order: those of missing data have none."""
    for node in doctree.findall(nodes.figure):
        image = node.next_node(nodes.image)
        caption = node.next_node(nodes.caption)
        for name in node["ids"]:
            number = number_of(env, chapter, "figure", name)
            if number and image is not None and caption is not None:
                yield Figure(name, number, image, caption)
                break


def figures_of(env: BuildEnvironment, chapter: str, page: str) -> Entries:
    """The figures of a chapter, and before them an archive of them."""
    found = list(figures_in(env, env.get_doctree(chapter), chapter))
    if not found:
        return [], []
    address = relative_uri(env.app.builder.get_target_uri(page), found[0].archive)
    html = filled("teaching/archive.html", address=address, number=len(found))
    files = nodes.raw("", html, format="html")
    return [], [files, *(card(env, chapter, page, figure) for figure in found)]


def card(env: BuildEnvironment, chapter: str, page: str, figure: Figure) -> nodes.container:
    """One figure: its image, its caption, where it is from, and its files."""
    place = f"{env.app.builder.get_target_uri(chapter)}#{figure.name}"
    address = urljoin(env.config.html_baseurl, place)
    source = f"From {env.config.project}, {address}, {LICENCE}"
    (image,) = copied([figure.image], env, chapter, page)
    name = link_to(env, page, chapter, figure.name, nodes.Text(f"Fig. {figure.number}"))
    caption = nodes.paragraph("", "", name, nodes.Text(": "), classes=["take-caption"])
    caption += copied(figure.caption.children, env, chapter, page)
    drawing = f"{env.app.builder.imagedir}/{env.images[figure.image['uri']][1]}"
    file = relative_uri(env.app.builder.get_target_uri(page), drawing)
    html = filled("teaching/files.html", figure=figure, source=source, address=file)
    if figure.image.get("trained"):
        html += trained_html(figure.image["trained"])
    told = nodes.container("", caption, nodes.raw("", html, format="html"))
    card = nodes.container("", image, told, ids=[f"take-{figure.name}"], classes=["take-card"])
    card["figure"], card["source"] = figure, source
    return card


class LinkFigures(SphinxPostTransform):
    """Ends the caption of each figure of a chapter with a link to it in the list."""

    default_priority = 900  # once all that is quoted from the caption has been quoted
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Link those of one page."""
        domain = cast(StandardDomain, self.env.get_domain("std"))
        page, chapter = domain.anonlabels.get(PLACE, ("", ""))[0], self.env.docname
        if not page or chapter not in chapters_of(self.env):
            return
        address = self.app.builder.get_relative_uri(chapter, page)
        for figure in figures_in(self.env, self.document, chapter):
            link = LINK.format(f"{address}#take-{figure.name}", figure.number)
            figure.caption.append(nodes.raw("", link, format="html"))


def words(node: nodes.Node) -> str:
    """The text of a node in one line, formulas between dollars."""
    if isinstance(node, nodes.math):
        return f"${node.astext()}$"
    if isinstance(node, nodes.Text):
        return " ".join(f"|{node.astext()}|".split())[1:-1]
    return "".join(map(words, node.children))


def finish_list(
    app: Sphinx, _page: str, _template: str, _context: dict[str, Any], doctree: nodes.document
) -> None:
    """Have the page with the list load its script, and write the archives that it offers."""
    cards = [c for c in doctree.findall(nodes.container) if "figure" in c] if doctree else []
    for archive, found in groupby(cards, lambda card: card["figure"].archive):
        app.add_js_file("figures.js", defer="defer")
        write_archive(app, Path(app.outdir, archive), list(found))


def write_archive(app: Sphinx, path: Path, cards: list[nodes.container]) -> None:
    """Write the figures of a chapter and their captions, the same bytes for the same figures."""
    path.parent.mkdir(exist_ok=True)
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        captions = [words(next(card.findall(nodes.paragraph))) for card in cards]
        told = (
            f"{card['figure'].file}\n{caption}\n{card['source']}\n"
            for card, caption in zip(cards, captions, strict=True)
        )
        archive.writestr(ZipInfo("captions.txt"), "\n".join(told))
        for figure in (card["figure"] for card in cards):
            drawing = Path(app.srcdir, figure.image["uri"]).read_bytes()
            archive.writestr(ZipInfo(figure.file), drawing, ZIP_DEFLATED)


def setup(app: Sphinx) -> None:
    """Register the directive, what fills it in, the links and the archives."""
    add_list(app, "figures", by_chapter(figures_of))
    app.add_post_transform(LinkFigures)
    app.connect("html-page-context", finish_list)
