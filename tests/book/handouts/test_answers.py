"""Every rule of questions and answers, broken on purpose in a tiny book."""

import pytest

from bookext.handouts.questions import QuestionListError, read_questions
from bookext.handouts.testnames import files_below, find_test_file, line_of_test

from ..conftest import CHECKED, QUESTIONS, messages, notebook


def answer(names, tests="test_one.py::test_first", text="What is asked.", uses=None):
    options = f":tests: {tests}\n" if tests else ""
    options += f":uses: {uses}\n" if uses else ""
    return f":::{{answer}} {names}\n{options}\n{text}\n:::\n\n"


def good_pages(**changes):
    body = (
        f"# One\n\n## First part\n\n{answer('Q-1')}{CHECKED}\n## Second\n\n{answer('Q-2')}{CHECKED}"
    )
    return {"index": "# Top\n\n```{toctree}\none\nlist\n```\n",
            "one": notebook(body), "list": "# All\n\n```{questions}\n```\n", **changes}  # fmt: skip


def test_good_answers_make_no_warning_and_link_everything(tiny_book):
    book = tiny_book("handouts.answers")
    pages = good_pages()
    pages["one"] += "\nSee {question}`Q-2` and {question}`Q-3` and {ref}`answer-q-1`.\n"
    book.write(**pages)
    assert book.build() == []

    one, listed = book.html("one"), book.html("list")
    assert 'id="answer-q-1"' in one
    assert "Question Q-1 · A School" in one
    assert 'href="list.html#question-q-3"' in one
    assert 'href="one.html#answer-q-2"' in listed
    assert "First part" in listed
    assert "test_first" in one
    assert "test_first" not in listed
    assert listed.count("to come") == 1
    assert "2 of 3 questions answered so far." in listed


def test_the_list_follows_an_edited_answer(tiny_book):
    book = tiny_book("handouts.answers")
    book.write(**good_pages())
    assert book.build() == []
    book.write(one=good_pages()["one"].replace("First part", "Part renamed"))
    assert book.build() == []
    assert "Part renamed" in book.html("list")

    # An answer that goes away leaves a question with neither answer nor excuse.
    book.write(one=good_pages()["one"].replace(answer("Q-2"), ""))
    (found,) = book.build()
    assert "questions.yml:7: WARNING: Q-2 is neither answered nor deferred" in found


BAD_ANSWERS = {
    "unknown question": (answer("{q} Q-9") + CHECKED, "Q-9 is no question of book/questions.yml"),
    "cell that is not run": (
        answer("{q}") + "```python\nassert True\n```",
        "the section that answers {q} has neither an executed cell that asserts nor",
    ),
    "cell that does not assert": (
        answer("{q}") + CHECKED.replace("assert 1 + 1 == 2", "print('assert')"),
        "the section that answers {q} has neither an executed cell that asserts nor",
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
    "two answers": (answer("{q}") * 2 + CHECKED, "{q} is answered already, in "),
    "deferred": (answer("{q} Q-3") + CHECKED, "Q-3 is answered, yet deferred"),
    "nothing restated": (answer("{q}", text="") + CHECKED, "an answer restates its question"),
    "unknown name": (
        answer("{q}", uses="gone.name") + CHECKED,
        "py:obj reference target not found: gone.name",
    ),
    "unknown link": (answer("{q}") + CHECKED + "\n{{question}}`Q-7`", "Q-7 is no question"),
}


@pytest.fixture(scope="module")
def bad_answers(tiny_book):
    """The warnings of one book with every mistake, each on a page and question of its own."""
    names = {mistake: f"B-{number}" for number, mistake in enumerate(BAD_ANSWERS)}
    listed = "".join(f"      {name}: {{kind: written, about: it}}\n" for name in names.values())
    book = tiny_book(
        "handouts.answers", questions=QUESTIONS.replace("deferred", listed + "deferred")
    )
    pages = good_pages()
    toctree = "\n".join(["one", "list", *names.values()])
    pages["index"] = f"# Top\n\n```{{toctree}}\n{toctree}\n```\n"
    for mistake, name in names.items():
        body = BAD_ANSWERS[mistake][0].replace("{q}", name).replace("{{", "{").replace("}}", "}")
        pages[name] = notebook(f"# Page\n\n{body}\n")
    book.write(**pages)
    # An unknown name is told twice: where it is used and in the list of questions.
    return names, set(messages(book.build()))


@pytest.mark.parametrize("mistake", BAD_ANSWERS)
def test_a_bad_answer_is_a_warning(bad_answers, mistake):
    names, found = bad_answers
    expected = BAD_ANSWERS[mistake][1].format(q=names[mistake])
    assert sum(expected in message for message in found) == 1, found


def test_each_bad_answer_makes_one_warning(bad_answers):
    assert len(bad_answers[1]) == len(BAD_ANSWERS), bad_answers[1]


def test_evidence_must_be_in_the_answering_section(tiny_book):
    book = tiny_book("handouts.answers", questions=QUESTIONS.replace("[Q-3]", "[Q-2, Q-3]"))
    elsewhere = f"# One\n\n## Here\n\n{answer('Q-1')}\n## There\n\n{CHECKED}"
    book.write(**good_pages(one=notebook(elsewhere)))
    (found,) = messages(book.build())
    assert "the section that answers Q-1 has neither" in found
    book.write(one=notebook(elsewhere.replace("## There", "### Below")))
    assert book.build() == []


@pytest.mark.parametrize("call", ["run", "claim"])
def test_records_are_evidence_too(tiny_book, call):
    book = tiny_book("handouts.answers", questions=QUESTIONS.replace("[Q-3]", "[Q-2, Q-3]"))
    cell = f"```{{code-cell}} ipython3\n{call} = len\n{call}('a-record')\n```\n"
    book.write(**good_pages(one=notebook(f"# One\n\n{answer('Q-1')}{cell}")))
    assert book.build() == []


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (QUESTIONS.replace("[Q-3]", "[]"), ["Q-3 is neither answered nor deferred"]),
        (QUESTIONS.replace("[Q-3]", "[Q-3, Q-4]"), ["the deferred Q-4 is no question"]),
    ],
)
def test_the_list_itself_is_checked(tiny_book, questions, expected):
    book = tiny_book("handouts.answers", questions=questions)
    book.write(**good_pages())
    assert messages(book.build()) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Q-3: {kind: experiment", "Q-3: {kind: riddle", "Q-3 needs an 'about' and a 'kind'"),
        ("[Q-3]", "[Q-3, Q-3]", "deferred question listed twice: Q-3"),
    ],
)
def test_a_malformed_list_is_refused(tmp_path, old, new, expected):
    path = tmp_path / "questions.yml"
    path.write_text(QUESTIONS.replace(old, new))
    with pytest.raises(QuestionListError, match=expected):
        read_questions(path)


def test_tests_are_found_by_name(tmp_path):
    path = tmp_path / "test_a.py"
    path.write_text("def test_x():\n    pass\n\n\ndef test_y(x):\n    pass\n")
    assert line_of_test(path, "test_x") == 1
    assert line_of_test(path, "test_y") == 5
    assert line_of_test(path, "test_") is None
    assert line_of_test(tmp_path / "none.py", "test_x") is None


def test_test_files_are_found_in_folders_below(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test_b.py").touch()
    assert find_test_file(tmp_path, "test_b.py") == tmp_path / "data" / "test_b.py"
    assert find_test_file(tmp_path, "data/test_b.py") == tmp_path / "data" / "test_b.py"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "test_b.py").touch()
    files_below.cache_clear()
    assert not find_test_file(tmp_path, "test_b.py").exists()
    (tmp_path / "test_b.py").touch()
    files_below.cache_clear()
    assert find_test_file(tmp_path, "test_b.py") == tmp_path / "test_b.py"
