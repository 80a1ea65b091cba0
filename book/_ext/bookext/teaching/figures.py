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
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docutils import nodes
from sphinx.domains.std import StandardDomain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from ..chapters.chaptermap import chapters_of
from ..look.images import trained_html
from .copies import ListOfAll, add_list, copied, number_of, section_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PLACE = "page-figures"
"""The label of the page with the list."""

LICENCE = "CC BY 4.0"
ARCHIVES = "_downloads"
LINK = ' <a class="take-link" href="{}" title="Fig. {} as a file">for slides</a>'


@dataclass(frozen=True)
class Figure:
    """A numbered figure of a chapter, as it was read."""

    name: str
    number: str
    image: nodes.image
    caption: nodes.caption

    @property
    def file(self) -> str:
        """What its files are called, without an ending."""
        return f"fig-{self.number.replace('.', '-')}"


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


class ListFigures(ListOfAll):
    """The list, and before the figures of a chapter an archive of them."""

    what = "figures"
    formats = ("html",)

    def chapter(self, chapter: str) -> tuple[nodes.paragraph, nodes.section] | None:
        """The figures of a chapter."""
        found = list(figures_in(self.env, self.env.get_doctree(chapter), chapter))
        if not found:
            return None
        page = self.env.docname
        jump, section = section_of(self.env, chapter, page)
        number = found[0].number.partition(".")[0]
        archive = f"{ARCHIVES}/cnnref-figures-{number}.zip"
        up = relative_uri(self.app.builder.get_target_uri(page), archive)
        html = (
            f'<p class="take-files"><a href="{up}" download>All {len(found)} in one archive</a> '
            '<button type="button" class="btn btn-sm save-png pst-js-only">All as PNG</button></p>'
        )
        section += nodes.raw("", html, format="html")
        section += [self.card(chapter, figure) for figure in found]
        return jump, section

    def card(self, chapter: str, figure: Figure) -> nodes.container:
        """One figure: its image, its caption, where it is from, and its files."""
        page = self.env.docname
        builder = self.app.builder
        file = self.env.images[figure.image["uri"]][1]
        (image,) = copied([figure.image], self.env, chapter, page)
        place = f"{builder.get_relative_uri(page, chapter)}#{figure.name}"
        link = nodes.reference("", f"Fig. {figure.number}", refuri=place, internal=True)
        caption = nodes.paragraph("", "", link, nodes.Text(": "), classes=["take-caption"])
        caption += copied(figure.caption.children, self.env, chapter, page)
        at = relative_uri(builder.get_target_uri(page), f"{builder.imagedir}/{file}")
        address = urljoin(self.config.html_baseurl, f"{builder.get_target_uri(chapter)}")
        address = f"{address}#{figure.name}"
        source = f"From {self.config.project}, {address}, {LICENCE}"
        html = f'<p class="take-source">{escape(source)}</p>{files_html(figure, at)}'
        if figure.image.get("trained"):
            html += trained_html(figure.image["trained"])
        words = nodes.container("", caption, nodes.raw("", html, format="html"))
        card = nodes.container("", image, words, ids=[place_of(figure.name)], classes=["take-card"])
        card["taken"] = (file, f"{figure.file}{Path(file).suffix}", source)
        return card


def files_html(figure: Figure, address: str) -> str:
    """The links to the files of a figure; a photograph is a PNG already."""
    kind = Path(address).suffix.removeprefix(".")
    what = f'<span class="visually-hidden"> of Fig. {figure.number}</span>'
    link = f'<a href="{escape(address)}" download="{figure.file}.{kind}">{kind.upper()}{what}</a>'
    button = (
        f'<button type="button" class="btn btn-sm save-png pst-js-only"'
        f' data-name="{figure.file}">PNG{what}</button>'
    )
    return f'<p class="take-files">{link}{f" {button}" if kind == "svg" else ""}</p>'


def place_of(figure: str) -> str:
    """The place of a figure in the list."""
    return f"take-{figure}"


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
            link = LINK.format(f"{address}#{place_of(figure.name)}", figure.number)
            figure.caption.append(nodes.raw("", link, format="html"))


def note_archives(app: Sphinx, doctree: nodes.document, _page: str) -> None:
    """Remember what goes into the archives, once the captions' references are words."""
    cards = [card for card in doctree.findall(nodes.container) if "taken" in card]
    for card in cards:
        file, name, source = card["taken"]
        caption = next(card.findall(lambda node: "take-caption" in classes_of(node)))
        number = name.split("-")[1]
        archives_of(app).setdefault(number, []).append((file, name, f"{words(caption)}\n{source}"))


def archives_of(app: Sphinx) -> dict[str, list[tuple[str, str, str]]]:
    """For each chapter's number, its figures: the site's file, a name for it, and the words."""
    if not hasattr(app, "cnnref_archives"):
        app.cnnref_archives = {}  # type: ignore[attr-defined]
    return cast(dict[str, list[tuple[str, str, str]]], app.cnnref_archives)  # type: ignore[attr-defined]


def words(node: nodes.Node) -> str:
    """The text of a node in one line, formulas between dollars."""
    if isinstance(node, nodes.math):
        return f"${node.astext()}$"
    if isinstance(node, nodes.Text):
        return " ".join(f"|{node.astext()}|".split())[1:-1]
    return "".join(map(words, node.children))


def classes_of(node: nodes.Node) -> list[str]:
    """The classes of a node."""
    return node.get("classes", []) if isinstance(node, nodes.Element) else []


def write_archives(app: Sphinx, exception: Exception | None) -> None:
    """Write an archive for each chapter, the same bytes for the same figures."""
    if exception is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    for number, figures in archives_of(app).items():
        path = site / ARCHIVES / f"cnnref-figures-{number}.zip"
        path.parent.mkdir(exist_ok=True)
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            told = "\n".join(f"{name}\n{text}\n" for _, name, text in figures)
            archive.writestr(ZipInfo("captions.txt"), told)
            for file, name, _ in figures:
                content = (site / app.builder.imagedir / file).read_bytes()
                archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)


def load_script(
    app: Sphinx, _page: str, _template: str, _context: dict[str, Any], doctree: nodes.document
) -> None:
    """Have the page with the list load its script, and no other page."""
    if doctree and any("taken" in card for card in doctree.findall(nodes.container)):
        app.add_js_file("figures.js", defer="defer")


def setup(app: Sphinx) -> None:
    """Register the directive, what fills it in, the links and the archives."""
    add_list(app, ListFigures)
    app.add_post_transform(LinkFigures)
    app.connect("doctree-resolved", note_archives)
    app.connect("html-page-context", load_script)
    app.connect("build-finished", write_archives)
