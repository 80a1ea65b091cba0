"""How much of what a reader sees is code: text comes first, and what checks it is folded.

Words are what blanks separate. Formulas are drawn and count for neither side; what a cell has
printed counts as text.
"""

import pytest
import yaml
from bs4 import BeautifulSoup

from ..conftest import ROOT, SITE

BOUNDS = {"Mathematics": 15, "Experiments": 25, "Appendices": 25}
"""The most code among the visible words of a chapter, in percent, for each part of the book."""

UNSEEN = (
    "script, style, button, .headerlink, .math, .visually-hidden, .expanded, "
    "details:not([open]) > :not(summary)"
)
"""What a reader does not see, or see as words: folds are closed, and formulas drawn."""

PAGE = """<html><nav>not here</nav><article>
<h1>Two words<a class="headerlink">#</a></h1>
<div class="cell"><div class="cell_input"><pre>a = 1
b = 2</pre></div><div class="cell_output"><pre>printed text</pre></div></div>
<details><summary>One line</summary><pre>c = 3</pre><details open><pre>f</pre></details></details>
<details open><summary>Open</summary><pre>d</pre></details>
<div class="cell"><details class="hide"><summary><p class="collapsed">Show</p>
<p class="expanded">Hide</p></summary><div class="cell_input"><pre>e = 4</pre></div></details></div>
<details class="solution dropdown"><summary>Title</summary><pre>f = 5</pre></details>
<span class="math">x y z</span> <button>no</button></article></html>"""


def chapters():
    """The chapters of the book, each with its part."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [
        (entry["file"].removeprefix("book/"), part["caption"])
        for part in toc["parts"]
        if part["caption"] in BOUNDS
        for entry in part["chapters"]
    ]


def visible(page):
    """The words of a page on which nothing has been opened, and how many of them are code."""
    article = BeautifulSoup(page, "html.parser").find("article")
    for part in article.select(UNSEEN):
        part.extract()
    pieces = [
        pre.get_text()
        for pre in article.find_all("pre")
        if not pre.find_parent(class_="cell_output")
    ]
    return len(" ".join(article.strings).split()), sum(len(piece.split()) for piece in pieces)


def test_what_is_folded_drawn_or_printed_is_no_code():
    words, code = visible(PAGE)
    assert code == 7
    assert words == 2 + 6 + 2 + 2 + 1 + 1 + 1 + 1


@pytest.mark.parametrize(("name", "part"), chapters())
def test_a_chapter_shows_more_words_than_code(name, part, site):
    words, code = visible((SITE / "book" / f"{name}.html").read_text(encoding="utf-8"))
    share = 100 * code / words
    print(f"{name}: {share:.1f} % of the visible words are code")
    assert share < BOUNDS[part]
