"""Which pages a build writes: those that changed, those that gather, or all."""

import re

import pytest

TOP = "# Top\n\n```{toctree}\none\ntwo\nall\n```\n"
ONE = "# One\n\n## A part\n\nWords, and {numref}`fig-a`.\n"
TWO = """\
# Two

```{figure} dot.svg
:name: fig-a
:alt: A dot.

A dot.
```

$$
a = b
$$ (eq-a)
"""
EARLIER = "# Two\n\n```{figure} dot.svg\n:name: fig-b\n:alt: B.\n\nB.\n```\n"
ALL = "# All\n\n```{exercises}\n```\n"
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.fixture
def written(tiny_book):
    """Builds a book after some change, and tells which of its pages were written."""
    book = tiny_book("handouts.lists", "teaching.exercises")
    with (book.folder / "conf.py").open("a") as conf:
        conf.write('extensions.append("sphinx_exercise")\nnumfig = True\n')
        conf.write('html_baseurl = "https://example.org/"\n')
    (book.folder / "dot.svg").write_text(DOT)
    (book.folder / "book" / "_static").mkdir()
    (book.folder / "book" / "_static" / "book.css").write_text("p { color: black; }")
    site = book.folder / "_build" / "html"

    def times():
        return {path.stem: path.stat().st_mtime_ns for path in site.glob("*.html")}

    def build(**pages):
        before = times()
        book.write(**pages)
        book.build()
        after = times()
        return {name for name in ("one", "two", "all") if after[name] != before.get(name)}

    assert build(index=TOP, one=ONE, two=TWO, all=ALL) == {"one", "two", "all"}
    build.book = book
    return build


def test_words_are_written_where_they_stand_and_on_the_pages_that_gather(written):
    assert written() == set()
    assert written(one=ONE + "\nMore words.\n") == {"one", "all"}
    assert written() == set()


@pytest.mark.parametrize(
    "change",
    [
        {"one": ONE.replace("# One", "# Another")},  # stands in the lists of all pages
        {"one": ONE.replace("## A part", "(a-place)=\n## A part")},
        {"two": TWO.replace("# Two\n", EARLIER)},
        {"two": TWO.replace("(eq-a)", "(eq-b)")},
        {"index": TOP.replace("one\ntwo", "two\none")},
    ],
)
def test_what_others_may_show_has_every_page_written(written, change):
    assert written(**change) == {"one", "two", "all"}
    assert written() == set()


def test_a_new_number_is_told_where_it_is_quoted(written):
    assert "Fig. 1" in written.book.html("one")
    written(two=TWO.replace("# Two\n", EARLIER))
    assert "Fig. 2" in written.book.html("one")


def test_a_new_style_is_a_new_look_of_every_page(written):
    (written.book.folder / "book" / "_static" / "book.css").write_text("p { color: navy; }")
    assert written() == {"one", "two", "all"}


def test_the_site_map_lists_every_page_after_an_edit_of_one(written):
    written(one=ONE + "\nMore words.\n")
    listed = (written.book.folder / "_build" / "html" / "sitemap.xml").read_text()
    assert re.findall(r"<loc>https://example.org/(\w+)\.html</loc>", listed) == [
        "all", "index", "one", "two"
    ]  # fmt: skip
