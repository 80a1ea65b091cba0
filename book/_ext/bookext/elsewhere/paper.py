"""The whole book as one PDF: `make pdf` prints the book once it is built.

Chromium prints each page of the built site, one after the other, each with the page number that
follows the last one. Then its links, which lead to other pages of the site, are made to lead to
other pages of the PDF; those to pages that are not printed lead to the book's address. The title
and the contents are printed last, since only then the numbers are known, and have numbers of their
own, as in any book.

Jupyter Book's own ways are LaTeX, a large installation that knows none of our boxes, and one long
page printed by a browser that it downloads at the time.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urldefrag

import yaml
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.constants import PageLabelStyle
from pypdf.generic import ArrayObject, Fit, IndirectObject, RectangleObject

from . import headless

ROOT = Path(__file__).parents[4]
MADE = "book/api/"
REPEATED = {"book/exercises", "book/figures"}
"""Pages of what stands in the chapters already."""

# Chromium notes the places that a link of the page leads to; so each place gets a link to it.
READY = """async () => {
  const links = document.createElement("div");
  links.hidden = true;
  for (const place of document.querySelectorAll("article [id]:not(svg *)")) {
    const link = document.createElement("a");
    link.href = "#" + place.id;
    links.append(link);
  }
  document.body.append(links);
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  await document.fonts.ready;
}"""
HEADINGS = """() => [...document.querySelectorAll("article :is(h1, h2)")].map((heading) => {
  const copy = heading.cloneNode(true);
  copy.querySelectorAll(".headerlink").forEach((link) => link.remove());
  return [heading.localName, heading.closest("section").id, copy.textContent.trim()];
})"""
FRONT = """
@page {
  margin: 25mm 22mm;
  @bottom-center { content: counter(page, lower-roman); font: 9pt serif; }
}
@page :first { @bottom-center { content: ""; } }
body { font: 10.5pt/1.45 system-ui, "DejaVu Sans", sans-serif; color: #222832; margin: 0; }
header { display: flex; flex-direction: column; gap: 6mm; height: 240mm; break-after: page;
  justify-content: center; border-left: 3mm solid #14507a; padding-left: 12mm; }
header img { width: 34mm; }
header h1 { font-size: 44pt; line-height: 1; margin: 0; }
header p { font-size: 15pt; margin: 0; }
header p:last-of-type { font-size: 11pt; color: #55606e; }
h2 { break-after: avoid; margin: 6mm 0 1mm; color: #14507a; font-size: 13pt; }
ul { list-style: none; margin: 0; padding: 0; }
ul ul { font-size: 9pt; margin: 0 0 1.5mm 6mm; color: #55606e; }
ul ul a { font-weight: 400; }
li a { display: flex; gap: 2mm; color: inherit; text-decoration: none; font-weight: 600;
  break-inside: avoid; }
li a span:last-child { margin-left: auto; font-variant-numeric: tabular-nums; }
"""


@dataclass
class Printed:
    """A page of the site on paper: where it stands, and what is where on it."""

    name: str
    part: str
    headings: list[tuple[str, str, str]]
    reader: PdfReader
    first: int
    """The number of the printed pages before it."""

    @property
    def title(self) -> str:
        """Its heading."""
        return self.headings[0][2]

    def places(self) -> Iterator[tuple[str, tuple[int, Fit]]]:
        """The address of each place, within the site, and where it is: page and height."""
        yield f"{self.name}.html", (self.first, Fit.fit_horizontally())
        for name, found in self.reader.named_destinations.items():
            number = self.reader.get_destination_page_number(found)
            if number is not None:
                place = self.first + number, Fit.xyz(0, float(found.top or 0))
                yield f"{self.name}.html#{unquote(name.lstrip('/'))}", place


def pages_of(toc: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Part and name of every page that somebody wrote, and that repeats no other."""
    yield "", toc["root"]
    for part in toc["parts"]:
        names = (entry["file"] for entry in part["chapters"])
        written = (name for name in names if not name.startswith(MADE) and name not in REPEATED)
        yield from ((part["caption"], name) for name in written)


def print_page(
    page: Page, address: str, before: int
) -> tuple[PdfReader, list[tuple[str, str, str]]]:
    """Print a page of the site, numbered from the one after `before`."""
    page.goto(address)
    page.evaluate(READY)
    headings = [(kind, place, text) for kind, place, text in page.evaluate(HEADINGS)]
    title = headings[0][2].replace("\\", "").replace('"', "'").replace("\n", " ")
    page.add_style_tag(
        content=f"""
      html {{ counter-reset: page {before}; }}
      @page {{ @top-left {{ content: ""; }} }}
      @page {{ @top-right {{ content: "{title}"; font: 8.5pt sans-serif; color: #55606e; }} }}
      @page :first {{ @top-right {{ content: ""; }} }}
    """
    )
    return PdfReader(BytesIO(page.pdf(format="A4", print_background=True))), headings


def contents(printed: Iterable[Printed], site: str, numbers: dict[str, tuple[int, Fit]]) -> str:
    """The contents, as a list with links: the parts, their pages, and the sections of these."""
    lines, part = [], ""
    for page in printed:
        if page.part != part:
            part = page.part
            lines.append(f"</ul><h2>{html.escape(part)}</h2><ul>")
        lines.append("<li>")
        for kind, place, text in page.headings:
            address = f"{page.name}.html" + (f"#{place}" if kind == "h2" else "")
            number = numbers.get(address, (page.first, None))[0] + 1
            line = f"<span>{html.escape(text)}</span><span>{number}</span>"
            link = f'<a href="{html.escape(site + address)}">{line}</a>'
            lines.append(f"<ul><li>{link}</li></ul>" if kind == "h2" else link)
        lines.append("</li>")
    return f"<h1>Contents</h1><ul>{''.join(lines)}</ul>"


def lead_links(
    writer: PdfWriter, reader: PdfReader, first: int, site: str, base: str, name: str,
    places: dict[str, tuple[int, Fit]],
) -> None:  # fmt: skip
    """Have the links of what was printed, from page `first`, lead to places in the whole."""
    for number, page in enumerate(reader.pages, first):
        writer.pages[number].pop("/Annots", None)
        for reference in page.get("/Annots", []):
            note = reference.get_object()
            action = note["/A"].get_object() if "/A" in note else {}
            inside = note.get("/Dest") or action.get("/D")
            address = str(action.get("/URI", ""))
            if inside is not None:
                address = f"{site}{name}.html#{str(inside).lstrip('/')}"
            box, local = RectangleObject(note["/Rect"]), unquote(address.removeprefix(site))
            place = places.get(local) or places.get(urldefrag(local).url)
            if place is None:
                whole = base + local if address.startswith(site) else address
                writer.add_annotation(number, Link(rect=box, url=whole, border=[0, 0, 0]))
                continue
            link = Link(rect=box, target_page_index=place[0], fit=place[1], border=[0, 0, 0])
            target = cast("ArrayObject", writer.add_annotation(number, link)["/Dest"])
            # A number would be a page of another file.
            target[0] = cast("IndirectObject", writer.pages[place[0]].indirect_reference)


def add_outline(
    writer: PdfWriter, printed: Iterable[Printed], start: int, places: dict[str, tuple[int, Fit]]
) -> None:
    """The tree beside the pages: parts, their pages, and the sections of these."""
    part, above = "", None
    for page in printed:
        if page.part != part:
            part = page.part
            above = writer.add_outline_item(
                title=part, page_number=start + page.first, is_open=False
            )
        chapter = writer.add_outline_item(
            title=page.title, page_number=start + page.first, parent=above, is_open=False
        )
        for kind, place, text in page.headings:
            if kind == "h2" and (found := places.get(f"{page.name}.html#{place}")):
                writer.add_outline_item(
                    title=text, page_number=found[0], parent=chapter, fit=found[1]
                )


def write_pdf(source: Path, site: Path, target: Path) -> None:
    """Print the built site of a book.

    Args:
        source: the folder with `_config.yml` and `_toc.yml`.
        site: the folder of the built pages.
        target: the file to write.
    """
    config = yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    base, address = config["html"]["baseurl"], f"{site.resolve().as_uri()}/"
    printed: list[Printed] = []
    with sync_playwright() as playwright:
        browser = headless.launch(playwright)
        page = browser.new_page(color_scheme="light", viewport={"width": 800, "height": 1100})
        # Without its script, an explorer is a figure.
        page.route("**/explorer*.js*", lambda route: route.abort())
        before = 0
        for part, name in pages_of(toc):
            reader, headings = print_page(page, f"{address}{name}.html", before)
            printed.append(Printed(name, part, headings, reader, before))
            before += len(reader.pages)
        places = {where: place for one in printed for where, place in one.places()}
        name, _, line = config["title"].partition(": ")
        about = f"{html.escape(config['author'])}<br>{html.escape(base)}"
        logo = (source / config["logo"]).resolve().as_uri() if "logo" in config else ""
        page.goto(f"{address}index.html")
        page.set_content(
            f'<html lang="en"><style>{FRONT}</style><header><img src="{logo}" alt="">'
            f"<h1>{html.escape(name)}</h1><p>{html.escape(line)}</p><p>{about}</p></header>"
            f"{contents(printed, address, places)}</html>"
        )
        page.evaluate(READY)
        front = PdfReader(BytesIO(page.pdf(format="A4", print_background=True)))
        browser.close()
    writer, start = PdfWriter(), len(front.pages)
    places = {where: (start + number, fit) for where, (number, fit) in places.items()}
    for reader in (front, *(one.reader for one in printed)):
        writer.append(reader, import_outline=False)
    lead_links(writer, front, 0, address, base, "", places)
    for one in printed:
        lead_links(writer, one.reader, start + one.first, address, base, one.name, places)
    add_outline(writer, printed, start, places)
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
