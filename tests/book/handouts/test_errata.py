"""Notes about the handouts: where they stand, on their page, and every rule broken on purpose."""

import re

from ..conftest import CHECKED, messages, notebook

LIST = "# Errata\n\n```{errata}\n```\n"


def about(names, verdict="wrong", summary="Two is *not* $3$.", text="Why."):
    options = f":verdict: {verdict}\n" if verdict else ""
    options += f":summary: {summary}\n" if summary else ""
    return f":::{{about}} {names}\n{options}\n{text}\n:::\n\n"


def pages(body):
    return {
        "index": "# Top\n\n```{toctree}\none\nlist\n```\n",
        "one": notebook(f"# One\n\n## First part\n\n{body}"),
        "list": LIST,
    }


def test_notes_are_collected_by_verdict_with_links(tiny_book):
    book = tiny_book("handouts.errata")
    body = about("Q-1") + about("Q-1, Q-2", "open", "Either.") + CHECKED
    book.write(**pages(body))
    without_answers = [w for w in messages(book.build()) if "neither answered" not in w]
    assert without_answers == []
    one, listed = book.html("one"), book.html("list")
    assert "About question Q-1 · wrong" in one
    assert "About questions Q-1, Q-2 · left open" in one
    assert 'href="one.html#about-q-1"' in listed
    assert 'href="one.html#about-q-1-q-2"' in listed
    assert "<em>not</em>" in listed
    assert "<svg" in listed  # the formula in the summary is drawn here too
    order = [listed.index(text) for text in ("Wrong", "Two is", "Left open", "Either.")]
    assert order == sorted(order)
    assert listed.count("None so far.") == 2


def test_the_page_follows_an_edited_note(tiny_book):
    book = tiny_book("handouts.errata")
    book.write(**pages(about("Q-1") + CHECKED))
    book.build()
    book.write(one=pages(about("Q-1", summary="Something else.") + CHECKED)["one"])
    book.build()
    assert "Something else." in book.html("list")
    assert "Two is" not in book.html("list")


def test_two_notes_on_one_question_have_anchors_of_their_own(tiny_book):
    book = tiny_book("handouts.errata")
    book.write(**pages(about("Q-1") + about("Q-1", "open") + CHECKED))
    book.build()
    ids = re.findall(r'id="(about-[^"]+)"', book.html("one"))
    assert len(set(ids)) == len(ids) == 2


def test_every_rule_broken(tiny_book):
    book = tiny_book("handouts.errata")
    broken = [
        about("Q-9", "open"),
        about("Q-1", verdict=""),
        about("Q-1", "open", summary=""),
        about("Q-2"),
    ]
    book.write(**pages("".join(broken)))
    found = [w for w in messages(book.build()) if "neither answered" not in w]
    assert found == [
        "Q-9 is no question",
        "a note needs a summary",
        "a note needs a verdict",
        "the section that says of Q-2: wrong, has no executed cell that proves it",
    ]


def test_an_unknown_verdict_is_named(tiny_book):
    book = tiny_book("handouts.errata")
    book.write(**pages(about("Q-1", "silly") + CHECKED))
    assert any("silly" in warning for warning in book.build())
