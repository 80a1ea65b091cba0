"""The whole book on paper: a tiny one, printed as `make pdf` prints the real one."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader

from bookext.elsewhere.paper import pages_of, write_pdf

from ..conftest import ROOT, notebook
from ..explorers.reader import AFTER
from ..look.test_look import solution
from ..pages import THEME

LONG = "long_line = [" + ", ".join(f"{i}" for i in range(100, 200)) + "]"
CELL = "```{code-cell} ipython3\n%s\n```\n"
EXPLORER = ":::{explorer} convolution\n:s: 2\n\nIn words: three windows.\n:::\n"
CONFIG = """
title: "tiny: a book on paper"
author: Nobody
logo: logo.svg
html: {baseurl: https://example.org/}
"""
TOC = """
root: index
parts:
  - caption: First part
    chapters: [{file: one}, {file: two}]
  - caption: Second part
    chapters: [{file: three}, {file: book/api/tiny}]
"""
PAGES = {
    "index": "# Top\n\n```{toctree}\n:hidden:\n\none\ntwo\nthree\napi\n```\n",
    "one": notebook(
        "# One\n\n(here)=\n## Long code\n\n" + CELL % LONG + CELL % "print('x' * 300)"
        + solution("A folded sentence.") + "Back to {doc}`two`.\n\n"
        + "".join(f"Line {i}.\n\n" for i in range(80))
        + "## Behind it\n\nSee {ref}`here <here>`.\n"
    ),
    "two": "# Two\n\nSee {ref}`the code <here>`, {doc}`api`.\n\n" + EXPLORER + AFTER,
    "three": "# Three\n\nThe end.\n",
    "api": "# API\n\nNot printed.\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def pdf(tiny_book, browser):
    book = tiny_book("look.images", "explorers.directive", "folding.folds")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + THEME)
    book.write(**PAGES)
    (book.folder / "_config.yml").write_text(CONFIG)
    (book.folder / "_toc.yml").write_text(TOC)
    assert book.build() == []
    target = book.folder / "_build" / "pdf" / "tiny.pdf"
    # A thread of its own: this one may have a Playwright already, and there can only be one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(write_pdf, book.folder, book.folder / "_build" / "html", target).result()
    return PdfReader(target)


def texts(pdf):
    return [page.extract_text() for page in pdf.pages]


def page_with(pdf, words):
    """The pages, from 0, with a line that begins so, contents and title apart."""
    labels = pdf.page_labels
    found = [
        i for i, text in enumerate(texts(pdf))
        if labels[i].isdigit() and re.search(rf"^{words}", text, re.MULTILINE)
    ]  # fmt: skip
    return found[0]


def flat(outline, pdf, depth=0):
    for item in outline:
        if isinstance(item, list):
            yield from flat(item, pdf, depth + 1)
        else:
            yield depth, item.title, pdf.get_destination_page_number(item)


def test_the_outline_leads_to_parts_chapters_and_sections(pdf):
    found = list(flat(pdf.outline, pdf))
    assert [(depth, title) for depth, title, _ in found] == [
        (0, "Top"), (0, "First part"), (1, "One"), (2, "Long code"), (2, "Behind it"), (1, "Two"),
        (2, "After"), (0, "Second part"), (1, "Three"),
    ]  # fmt: skip
    for _, title, number in found:
        if "part" not in title:
            assert number == page_with(pdf, title), title


def test_the_numbers_of_the_contents_are_those_on_the_pages(pdf):
    lines = re.findall(r"^(\w[\w ]*?) ?\n?(\d+)$", texts(pdf)[1], re.MULTILINE)
    assert [title for title, _ in lines] == [
        "Top", "One", "Long code", "Behind it", "Two", "After", "Three",
    ]  # fmt: skip
    assert len({number for _, number in lines}) > 4
    for title, number in lines:
        at = page_with(pdf, title)
        assert pdf.page_labels[at] == number, title
        # The number stands alone on its line.
        assert re.search(rf"^{number}$", texts(pdf)[at], re.MULTILINE), texts(pdf)[at]


def test_code_is_whole_and_folds_are_open(pdf):
    whole = re.sub(r"\s", "", "".join(texts(pdf)))
    assert re.sub(r"\s", "", LONG) in whole
    assert "x" * 300 in whole
    assert "Afoldedsentence." in whole
    assert "Inwords:threewindows." in whole
    assert "Clicktoshow" not in whole


def test_no_page_is_empty_and_a_figure_stands_for_an_explorer(pdf):
    assert all(len(text.split()) > 1 for text in texts(pdf))
    two = pdf.pages[page_with(pdf, "Two")].extract_text()
    assert "Play" not in two
    assert "Not printed" not in "".join(texts(pdf))


def targets(pdf, number):
    """Where the links of a page lead: a page, or an address."""
    for note in pdf.pages[number].get("/Annots", []):
        link = note.get_object()
        action = link.get("/A", {})
        page = link["/Dest"][0] if "/Dest" in link else action["/D"][0] if "/D" in action else None
        yield action["/URI"] if page is None else pdf.get_page_number(page.get_object())


def test_links_lead_within_the_book_or_to_its_address(pdf):
    one, two = page_with(pdf, "One"), page_with(pdf, "Two")
    assert {one, "https://example.org/api.html"} <= set(targets(pdf, two))
    assert two in set(targets(pdf, page_with(pdf, "Back to")))
    assert one in set(targets(pdf, page_with(pdf, "Behind it")))
    wanted = {page_with(pdf, title) for title in ("One", "Behind it", "Two", "Three")}
    assert wanted <= set(targets(pdf, 1))


def test_the_real_book_is_printed_without_its_api_and_without_repeating_itself():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    names = [name for _, name in pages_of(toc)]
    assert names[0] == "index"
    assert len(names) > 25
    assert not any("api" in name for name in names)
    assert not {"book/exercises", "book/figures"} & set(names)
    assert {"book/exercises", "book/figures"} <= {
        entry["file"] for part in toc["parts"] for entry in part["chapters"]
    }
    assert all(Path(ROOT, f"{name}.md").is_file() for name in names)
