"""The whole book as one PDF: `make pdf` prints the book once it is built.

Chromium prints each page of the built site, one after the other, each with the page number that
follows the last one. Then its links, which lead to other pages of the site, are made to lead to
other pages of the PDF; those to pages that are not printed lead to the book's address. The title
and the contents (`front.html`) are printed last, since only then the numbers are known, and have
numbers of their own, as in any book.

Jupyter Book's own ways are LaTeX, a large installation that knows none of our boxes, and one long
page printed by a browser that it downloads at the time. All pages joined to one and printed at once
would need no links mended, but no number in the contents could be known, and Chromium would take
4 GB of memory instead of one, and twice the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag

import yaml
from jinja2 import Template
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import Destination, Fit, NameObject, TextStringObject

from . import headless

ROOT = Path(__file__).parents[4]
MADE = "book/api/"
FRONT = Path(__file__).with_name("front.html")
SCRIPT = Path(__file__).with_name("paper.js")
REPEATED = {"book/exercises", "book/figures"}
"""Pages of what stands in the chapters already."""


class Line(NamedTuple):
    """A line of the contents, and of the tree beside the pages."""

    kind: str
    """One of KINDS."""
    text: str
    address: str
    """Of the place it leads to, within the site."""


KINDS = ("part", "page", "section")


def pages_of(toc: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Part and name of every page that somebody wrote, and that repeats no other."""
    yield "", toc["root"]
    for part in toc["parts"]:
        names = (entry["file"] for entry in part["chapters"])
        written = (name for name in names if not name.startswith(MADE) and name not in REPEATED)
        yield from ((part["caption"], name) for name in written)


def make_ready(page: Page, name: str) -> None:
    """Have all that the browser shows in place, under a name that no other page has."""
    page.add_script_tag(path=SCRIPT)
    page.evaluate("name => readyForPaper(name)", name)


def print_page(page: Page, before: int = 0) -> PdfReader:
    """Print what the browser shows, numbered from the one after `before`."""
    page.add_style_tag(content=f"html {{ counter-reset: page {before}; }}")
    return PdfReader(BytesIO(page.pdf(format="A4", print_background=True)))


def lead_links(writer: PdfWriter, site: str, base: str, places: Mapping[str, Destination]) -> None:
    """Have links to the site lead to places of the PDF, or to the book's address."""
    for note in (note.get_object() for page in writer.pages for note in page.get("/Annots", [])):
        address = unquote(note["/A"]["/URI"])
        if not address.startswith(site):
            continue
        local = address.removeprefix(site).replace("?within", "")
        if place := places.get(local) or places.get(urldefrag(local).url):
            del note["/A"]
            note[NameObject("/Dest")] = place.dest_array
        else:
            note["/A"][NameObject("/URI")] = TextStringObject(base + local)


def add_outline(
    writer: PdfWriter, lines: Iterable[Line], places: Mapping[str, Destination]
) -> None:
    """The tree beside the pages: parts, their pages, and the sections of these."""
    above: list[Any] = [None]
    for kind, text, address in lines:
        place, depth = places[address], KINDS.index(kind)
        item = writer.add_outline_item(
            title=text, page_number=place.dest_array[0], fit=Fit.xyz(top=place.top),
            parent=above[min(depth, len(above) - 1)], is_open=False,
        )  # fmt: skip
        above[depth + 1 :] = [item]


def write_pdf(source: Path, site: Path, target: Path) -> None:
    """Print the built site of a book.

    Args:
        source: the folder with `_config.yml` and `_toc.yml`.
        site: the folder of the built pages.
        target: the file to write.
    """
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    base, root = config["html"]["baseurl"], f"{site.resolve().as_uri()}/"
    writer = PdfWriter()
    lines: list[Line] = []
    with sync_playwright() as playwright:
        browser = headless.launch(playwright)
        page = browser.new_page(color_scheme="light", viewport={"width": 800, "height": 1100})
        # Without its script, an explorer is a figure.
        page.route("**/explorer*.js*", lambda route: route.abort())
        part = ""
        for caption, name in pages_of(toc):
            page.goto(f"{root}{name}.html")
            make_ready(page, f"{name}.html")
            if caption != part:
                part = caption
                lines.append(Line("part", caption, f"{name}.html"))
            lines += [Line(*line) for line in page.evaluate("linesOfContents()")]
            writer.append(print_page(page, len(writer.pages)), import_outline=False)
        places = {unquote(name.lstrip("/")): at for name, at in writer.named_destinations.items()}
        numbers = {name: writer.get_destination_page_number(at) for name, at in places.items()}
        name, _, line = config["title"].partition(": ")
        said = {
            "name": name, "line": line, "author": config["author"], "base": base, "site": root,
            "logo": (source / config["logo"]).resolve().as_uri(),
            "lines": [(*line, (numbers[line.address] or 0) + 1) for line in lines],
        }  # fmt: skip
        page.goto(f"{root}index.html")
        page.set_content(Template(FRONT.read_text(encoding="utf-8"), autoescape=True).render(said))
        make_ready(page, "front")
        front = print_page(page)
        browser.close()
    start = len(front.pages)
    writer.merge(0, front, import_outline=False)
    lead_links(writer, root, base, places)
    add_outline(writer, lines, places)
    writer.set_page_label(0, start - 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(start, len(writer.pages) - 1, style=PageLabelStyle.DECIMAL, start=1)
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    writer.page_mode = "/UseOutlines"
    target.parent.mkdir(parents=True, exist_ok=True)
    writer.write(target)


if __name__ == "__main__":
    made = ROOT / "_build" / "pdf" / "cnnref.pdf"
    write_pdf(ROOT, ROOT / "_build" / "html", made)
    print(f"wrote {made.relative_to(ROOT)}")
