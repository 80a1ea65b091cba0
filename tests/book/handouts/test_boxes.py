"""Every rule of questions, answers and notes about handouts, broken on purpose in a tiny book."""

import re

import pytest

from bookext.handouts.boxes import line_of_test

from ..conftest import CHECKED, QUESTIONS, messages, notebook


def answer(names, tests="test_one.py::test_first", text="What is asked.", uses=None):
    options = f":tests: {tests}\n" if tests else ""
    options += f":uses: {uses}\n" if uses else ""
    return f":::{{answer}} {names}\n{options}\n{text}\n:::\n\n"


def about(names, verdict="wrong", summary="Two is *not* $3$.", text="Why."):
    options = f":verdict: {verdict}\n" if verdict else ""
    options += f":summary: {summary}\n" if summary else ""
    return f":::{{about}} {names}\n{options}\n{text}\n:::\n\n"


def pages(body, **changes):
    """A book with a page of this content, and the two lists."""
    return {"index": "# Top\n\n```{toctree}\none\nlist\nerrata\n```\n",
            "one": notebook(f"# One\n\n## First part\n\n{body}"),
            "list": "# All\n\n```{questions}\n```\n",
            "errata": "# Errata\n\n```{errata}\n```\n", **changes}  # fmt: skip


ANSWERED = answer("Q-1, Q-2, Q-3") + CHECKED


def test_good_answers_make_no_warning_and_link_everything(tiny_book):
    book = tiny_book("handouts.lists")
    body = answer("Q-1") + CHECKED + "\n## Second\n\n" + answer("Q-2, Q-3") + CHECKED
    book.write(**pages(body + "\nSee {question}`Q-2`.\n"))
    assert book.build() == []
    one, listed = book.html("one"), book.html("list")
    assert 'id="answer-q-1"' in one
    assert "Question Q-1 · A School" in one
    assert "Questions Q-2, Q-3 · A School" in one
    assert re.search(r'href="#answer-q-2"><span class="[^"]*">Q-2<', one)
    assert "test_first" in one
    assert "test_first" not in listed
    assert 'href="one.html#answer-q-2"' in listed
    assert "First part" in listed
    assert "3 questions." in listed


BAD_BOXES = {
    "unknown question": (answer("{q} Q-9") + CHECKED, "Q-9 is no question of book/questions.yml"),
    "cell that is not run": (
        answer("{q}") + "```python\nassert True\n```",
        "the section that tells of {q} has neither an executed cell that asserts nor",
    ),
    "cell that does not assert": (
        answer("{q}")
        + CHECKED.replace("assert 1 + 1 == 2", "print('assert'); rerun = print; rerun(1)"),
        "the section that tells of {q} has neither an executed cell that asserts nor",
    ),
    "no test": (answer("{q}", tests=None) + CHECKED, "an answer names the tests that check it"),
    "unknown test": (
        answer("{q}", tests="test_one.py::test_gone") + CHECKED,
        "there is no test tests/test_one.py::test_gone",
    ),
    "unknown test file": (
        answer("{q}", tests="test_none.py::test_first") + CHECKED,
        "there is no test tests/test_none.py::test_first",
    ),
    "two answers": (answer("{q}") * 2 + CHECKED, "duplicate answer description of {q}, other"),
    "nothing restated": (answer("{q}", text="") + CHECKED, "an answer restates its question"),
    "unknown name": (
        answer("{q}", uses="gone.name") + CHECKED,
        "py:obj reference target not found: gone.name",
    ),
    "unknown link": (
        answer("{q}") + CHECKED + "\n{{question}}`Q-7`",
        "'question' reference target not found: Q-7",
    ),
    "no answer": ("Words.", "{q} of book/questions.yml is not answered"),
    "note on an unknown question": (
        answer("{q}") + CHECKED + about("Q-8", "open"),
        "Q-8 is no question of book/questions.yml",
    ),
    "no verdict": (answer("{q}") + CHECKED + about("{q}", verdict=""), "a note needs a verdict"),
    "no summary": (
        answer("{q}") + CHECKED + about("{q}", "open", summary=""),
        "a note needs a summary",
    ),
    "nothing proved": (
        answer("{q}") + CHECKED + "\n## Part\n\n" + about("{q}"),
        "the section that tells of {q} has neither an executed cell that asserts nor",
    ),
}


@pytest.fixture(scope="module")
def bad_boxes(tiny_book):
    """The warnings of one book with every mistake, each on a page and question of its own."""
    names = {mistake: f"B-{number}" for number, mistake in enumerate(BAD_BOXES)}
    listed = "".join(f"      {name}: {{kind: written, about: it}}\n" for name in names.values())
    book = tiny_book("handouts.lists", questions=QUESTIONS + listed)
    toctree = "\n".join(["one", "list", "errata", *names.values()])
    index = f"# Top\n\n```{{toctree}}\n{toctree}\n```\n"
    bad = {}
    for mistake, name in names.items():
        body = BAD_BOXES[mistake][0].replace("{q}", name).replace("{{", "{").replace("}}", "}")
        bad[name] = notebook(f"# Page\n\n{body}\n")
    book.write(**pages(ANSWERED, index=index, **bad))
    return names, messages(book.build())


@pytest.mark.parametrize("mistake", BAD_BOXES)
def test_a_bad_box_is_a_warning(bad_boxes, mistake):
    names, found = bad_boxes
    expected = BAD_BOXES[mistake][1].format(q=names[mistake])
    assert sum(expected in message for message in found) == 1, found


def test_each_bad_box_makes_one_warning(bad_boxes):
    assert len(bad_boxes[1]) == len(BAD_BOXES), bad_boxes[1]


def test_an_unknown_verdict_is_named(tiny_book):
    book = tiny_book("handouts.lists")
    book.write(**pages(ANSWERED + about("Q-1", "silly")))
    assert any("silly" in warning for warning in book.build())


def test_evidence_must_be_in_the_answering_section(tiny_book):
    book = tiny_book("handouts.lists")
    elsewhere = f"{answer('Q-1, Q-2, Q-3')}\n## There\n\n{CHECKED}"
    book.write(**pages(elsewhere))
    (found,) = messages(book.build())
    assert "the section that tells of Q-1, Q-2, Q-3 has neither" in found
    book.write(**pages(elsewhere.replace("## There", "### Below")))
    assert book.build() == []


@pytest.mark.parametrize("call", ["run", "claim"])
def test_records_are_evidence_too(tiny_book, call):
    book = tiny_book("handouts.lists")
    cell = f"```{{code-cell}} ipython3\n{call} = len\n{call}('a-record')\n```\n"
    book.write(**pages(answer("Q-1, Q-2, Q-3") + cell))
    assert book.build() == []


def test_tests_are_found_by_name(tmp_path):
    path = tmp_path / "test_a.py"
    path.write_text("def test_x():\n    pass\n\n\ndef test_y(x):\n    pass\n")
    assert line_of_test(path, "test_x") == 1
    assert line_of_test(path, "test_y") == 5
    assert line_of_test(path, "test_") is None
    assert line_of_test(tmp_path / "none.py", "test_x") is None
