"""Which pages tell of all that are alike."""

import pytest

from .alike import kinds, telling

PLAIN = (
    '<script src="../a.js"></script><link rel="stylesheet" type="text/css" href="a.css">'
    '<p class="x">Words<br> and words.</p>'
)


def test_one_page_tells_of_those_that_differ_in_words_alone():
    pages = {name: PLAIN + f'<a href="{name}">{name}</a>' for name in ("first", "second", "3")}
    assert telling(pages) == ["second"]  # the largest
    assert telling({}) == []


@pytest.mark.parametrize(
    "more",
    [
        "<em>word</em>",  # another element
        "<p>Words.</p>",  # another class
        '<p class="x" hidden>Words.</p>',  # another attribute
        '<p class="x"></p>',  # nothing in it
        '<div><p class="x">Words.</p></div>',  # in something else
        '<script src="b.js"></script>',
        '<link rel="stylesheet" type="text/css" href="b.css">',
    ],
)
def test_a_page_with_something_of_its_own_is_opened(more):
    pages = {"large": PLAIN + PLAIN, "own": PLAIN + more, "also": PLAIN}
    assert telling(pages) == ["large", "own"]


def test_an_element_is_known_by_what_it_stands_in():
    html = '<ul><li>One<li>Two</ul><p>a <img src="x" alt="1 > 0"> b <i>c</i></p>'
    assert kinds(html) == {
        " > ul", "ul > li", "li > li", " > p", "p > img alt src", "p > i",
    }  # fmt: skip
