"""How much of what a reader sees is code: the measure itself, and what the chapters show."""

import pytest

from bookext.folding.shares import BOUNDS, chapters, visible

from ..conftest import ROOT, SITE
from ..pages import THEME

EXCEPTIONS: dict[str, int] = {}
"""Chapters that show more than their part's bound: the present share in percent, rounded up.

The list may only shrink. A chapter that has become better is to be lowered or taken out.
"""

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


def test_what_is_folded_drawn_or_printed_is_no_code():
    seen = visible(PAGE)
    assert seen.code == 7
    assert seen.words == 2 + 6 + 2 + 2 + 1 + 1 + 1 + 1
    assert seen.lines == (2, 1)
    assert seen.told("share") == "44 %"


def test_the_table_has_the_numbers_of_the_pages(tiny_book):
    book = tiny_book("folding.shares")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text().replace('["*.md"]', '["*.md", "*/*.md"]') + THEME)
    part = "- caption: Mathematics\n    chapters: [{file: book/one}, {file: book/gone}]"
    (book.folder / "_toc.yml").write_text(f"root: index\nparts:\n  {part}\n")
    book.write(
        index="# Top\n\n```{toctree}\nbook/one\nbook/table\n```\n",
        book__one="# One\n\nSome words here.\n\n```python\na = 1\n```\n",
        book__table="# All\n\n```{visible-code}\n```\n",
    )
    assert all("/book/gone" in warning for warning in book.build())
    table = book.html("book/table")
    assert "visible-code:" not in table.partition("<table")[2].partition("</table>")[0]
    assert [cell in table for cell in (">7<", ">3<", ">43 %<", ">15 %<", ">0 %<")] == [True] * 5


@pytest.mark.parametrize(("name", "part"), chapters(ROOT).items())
def test_a_chapter_shows_more_words_than_code(name, part, site):
    share = visible((SITE / "book" / f"{name}.html").read_text(encoding="utf-8")).share
    print(f"{name}: {share:.1f} % of the visible words are code")
    if name in EXCEPTIONS:
        assert BOUNDS[part] <= EXCEPTIONS[name] - 1 < share <= EXCEPTIONS[name]
    else:
        assert share < BOUNDS[part]
