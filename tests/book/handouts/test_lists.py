"""The two pages that gather what the boxes say."""

import re

from ..conftest import CHECKED
from .test_boxes import ANSWERED, about, answer, pages


def test_the_list_follows_an_edited_answer(tiny_book):
    book = tiny_book("handouts.lists")
    book.write(**pages(ANSWERED))
    assert book.build() == []
    assert "First part" in book.html("list")
    edited = pages(ANSWERED)["one"].replace("First part", "Part renamed")
    book.write(one=edited)
    assert book.build() == []
    assert "Part renamed" in book.html("list")

    # An answer that goes away leaves a question without one.
    book.write(one=edited.replace("Q-1, Q-2, Q-3", "Q-1, Q-3"))
    (found,) = book.build()
    assert "Q-2 of book/questions.yml is not answered" in found
    assert "question-q-2" not in book.html("list").partition("A School</h2>")[2]


def test_notes_are_collected_by_verdict_with_links(tiny_book):
    book = tiny_book("handouts.lists")
    notes = about("Q-2") + about("Q-1, Q-2", "open", "Either.") + about("Q-1", summary="First.")
    book.write(**pages(ANSWERED + "\n" + notes))
    assert book.build() == []
    one, listed = book.html("one"), book.html("errata")
    assert "About question Q-1 · wrong" in one
    assert "About questions Q-1, Q-2 · left open" in one
    assert 'href="one.html#about-q-1"' in listed
    assert 'href="one.html#about-q-1-q-2"' in listed
    assert "<em>not</em>" in listed
    assert "<svg" in listed  # the formula in the summary is drawn here too
    order = [listed.index(text) for text in ("Wrong", "First.", "Two is", "Left open", "Either.")]
    assert order == sorted(order)


def test_the_page_follows_an_edited_note(tiny_book):
    book = tiny_book("handouts.lists")
    book.write(**pages(answer("Q-1, Q-2, Q-3") + about("Q-1") + CHECKED))
    book.build()
    book.write(**pages(ANSWERED + about("Q-1", summary="Something else.") + CHECKED))
    book.build()
    assert "Something else." in book.html("errata")
    assert "Two is" not in book.html("errata")


def test_two_notes_on_one_question_have_anchors_of_their_own(tiny_book):
    book = tiny_book("handouts.lists")
    book.write(**pages(ANSWERED + "\n" + about("Q-1") + about("Q-1", "open")))
    assert book.build() == []
    assert re.findall(r'id="(about-[^"]+)"', book.html("one")) == ["about-q-1", "about-q-1-1"]
