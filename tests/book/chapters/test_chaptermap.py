"""The map of the chapters, and the words of the glossary, in tiny books."""

import re

import pytest

from ..conftest import messages


def page(title, *lines, on=None):
    head = f"---\nbuilds_on: [{on}]\n---\n" if on is not None else ""
    return head + f"# {title}\n\n" + "\n".join(lines) + "\n"


TOP = """# Top

```{toctree}
:numbered:
one
two
three
```

```{toctree}
map
```
"""


@pytest.fixture
def book(tiny_book):
    """Three chapters, each on the one before, and a page with the map and a glossary."""
    book = tiny_book("chapters.chaptermap", "chapters.terms")
    book.write(
        index=TOP,
        one=page("One", "A *window* slides. Its strides differ: a stride of 2, and windows."),
        two=page("Two", "See {doc}`one`.", on="one"),
        three=page("Three", "See {doc}`one` & {doc}`two`.", on="two"),
        map=page(
            "Map", "```{chapter-map}\n```\n", ":::{glossary}", "stride", "  A step.", "",
            "window", "  What slides.", ":::",
        ),
    )  # fmt: skip
    return book


def test_the_map_leads_to_every_chapter_and_says_what_it_builds_on(book):
    assert book.build() == []
    rows = re.findall(r"<li class=\"chapter-map__row\">(.*?)</li>", book.html("map"), re.DOTALL)
    told = [re.search(r'href="(.*?)">(.*?)</a> <small>(.*?)</small>', row).groups() for row in rows]
    assert told == [
        ("one.html", "One", "builds on no other"),
        ("two.html", "Two", "builds on One"),
        ("three.html", "Three", "builds on Two"),
    ]
    assert [row.count("<path") for row in rows] == [0, 1, 1]


def test_each_part_has_a_mark_of_its_own(tiny_book):
    book = tiny_book("chapters.chaptermap")
    parts = "".join(
        f"```{{toctree}}\n:numbered:\n{name}\n```\n\n" for name in ("one", "two", "three")
    )
    book.write(
        index=f"# Top\n\n{parts}```{{toctree}}\nmap\n```\n",
        **{name: page(name.title(), "Words.") for name in ("one", "two", "three")},
        map=page("Map", "```{chapter-map}\n```\n"),
    )
    assert book.build() == []
    marks = re.findall(r"<svg[^>]*><(\w+) ", book.html("map"))
    assert marks == ["circle", "rect", "polygon"]


@pytest.mark.parametrize(
    ("name", "on", "message"),
    [
        ("one", "nothing", "builds_on: nothing is no earlier chapter"),
        ("two", "three", "builds_on: three is no earlier chapter"),
        ("two", "map", "builds_on: map is no earlier chapter"),
    ],
)
def test_a_chapter_builds_on_earlier_ones(book, name, on, message):
    book.write(**{name: page(name.title(), "No links.", on=on)})
    assert message in messages(book.build())


def test_a_chapter_refers_back_only_to_what_it_builds_on(book):
    book.write(two=page("Two", "See {doc}`one`."))
    # The third chapter builds on the second alone now, and refers to the first as well.
    expected = "refers back to one, which is not in its builds_on"
    assert messages(book.build()) == [expected, expected]


def links(html):
    return re.findall(r'<a class="reference internal" href="map.html#(term-\w+)">.*?>(\w+)<', html)


def test_the_first_use_of_a_term_is_a_link(book):
    words = "`stride`, $stride$, *stride*, [stride](one), Strides. Again a stride."
    book.write(two=page("Two window", words, on="one"))
    assert book.build() == []
    # Where a word is set apart, it is being explained.
    assert links(book.html("one")) == [("term-stride", "strides"), ("term-window", "windows")]
    assert links(book.html("two")) == [("term-stride", "Strides")]
    assert links(book.html("map")) == []


def test_a_chapter_may_use_a_term_in_another_sense(book):
    text = page("Two", "See {doc}`one`. A stride, a window.", on="one")
    book.write(two=text.replace("---\n", "---\nother_sense: [stride, walk]\n", 1))
    assert messages(book.build()) == ["other_sense: walk is no term of the glossary"]
    assert links(book.html("two")) == [("term-window", "window")]


@pytest.mark.parametrize(
    ("term", "found", "passed"),
    [
        ("stride", ["stride", "Strides"], ["strided", "stride-2", "astride"]),
        ("MAC", ["MAC", "MACs"], ["mac", "MACE"]),
        ("batch", ["batches"], ["mini-batch"]),
        ("max-pooling", ["Max-pooling"], ["pooling"]),
        ("skip connection", ["skip\nconnections"], ["skip, connection"]),
        ("property", ["properties", "property"], ["propertys"]),
        ("bias", ["bias", "biases"], ["biased"]),
    ],
)
def test_terms_are_whole_words_in_singular_and_plural(term, found, passed):
    from bookext.chapters.terms import pattern_of

    assert all(pattern_of(term).search(f"A {word}, then.") for word in found)
    assert not any(pattern_of(term).search(f"A {word}, then.") for word in passed)
