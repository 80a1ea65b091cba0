"""Every chapter begins and ends alike, and its exercises go from easy to hard."""

import re
from pathlib import Path

import pytest
import yaml

from bookext.teaching.exercises import GRADES
from tests.chapters import read_cells

ROOT = Path(__file__).parents[1]
EXERCISE = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{exercise\}[^\n]*\n(?::\w+:[^\n]*\n)*\s*(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def chapters():
    """The numbered chapters, in order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    return [entry["file"] for part in parts if part.get("numbered") for entry in part["chapters"]]


def text_of(name):
    """A chapter without its cells, in which `##` begins no heading."""
    text = (ROOT / f"{name}.md").read_text()
    return re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_the_chapters_are_found():
    assert len(chapters()) > 20


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_begins_with_what_it_is_for_and_how_long_it_takes(name):
    _, _, rest = text_of(name).partition("\n# ")
    title, _, rest = rest.partition("\n")
    items = re.findall(r"^- \*([^*]+)\*", rest.partition("\n\n\n")[0].lstrip()[:2000], re.MULTILINE)
    assert rest.lstrip().startswith("- *You will be able to* "), title
    assert items[:2] == ["You will be able to", "Time:"], title
    assert set(items[2:3]) <= {"Questions answered:", "Question answered:"}, title


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_ends_with_what_to_remember_and_then_its_exercises(name):
    text = text_of(name)
    headings = HEADING.findall(text)
    at = headings.index("What to remember")
    assert headings[at + 1] == "Exercises"
    assert set(headings[at + 2 :]) <= {"Read on"}
    remembered = text.partition("\n## What to remember\n")[2].partition("\n## ")[0]
    assert 3 <= len(re.findall(r"^- ", remembered, re.MULTILINE)) <= 6


@pytest.mark.parametrize("name", chapters())
def test_exercises_say_how_hard_they_are_and_are_in_that_order(name):
    texts = [found["text"] for found in EXERCISE.finditer(text_of(name))]
    assert len(texts) >= 3
    words = [re.match(r"\*(\w+)\.\* ", text) for text in texts]
    assert [text for text, word in zip(texts, words, strict=True) if not word] == []
    grades = [GRADES.index(word[1]) for word in words]
    assert grades == sorted(grades)
    assert grades[-1] == GRADES.index("Hard")


# What is one thing to read: a formula, a number that a cell puts in, a reference.
AS_ONE_WORD = re.compile(r"\$[^$]+\$|\{[\w:]+\}`[^`]*`")
ANSWER = re.compile(r"^\*\*Answer\.\*\* (.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def test_an_answer_is_short_enough_to_be_read_at_once():
    answers = {
        text: len(re.findall(r"\w[\w’'.,-]*", AS_ONE_WORD.sub("word", text)))
        for name in chapters()
        for text in ANSWER.findall(text_of(name))
    }
    assert len(answers) > 60
    assert {text: count for text, count in answers.items() if count > 80} == {}


LEADS = re.compile(r"\{\w+(?::\w+)?\}`(?:[^`<]*<)?([\w-]+)>?`|\]\(#?([\w-]+)\)")


def led_to(text):
    """The names of where roles and links lead, and of what roles put in."""
    return {name for names in LEADS.findall(text) for name in names if name}


SOLUTION = re.compile(r"^```\{solution-start\}.*?^```\{solution-end\}$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"^\$\$ \(([\w-]+)\)|^\(([\w-]+)\)=|^ *:?(?:name|label): ([\w-]+)", re.MULTILINE)


def test_nothing_leads_into_a_solution():
    """A book for a course has none, and there a reference into one would lead nowhere."""
    pages = {path: path.read_text() for path in ROOT.glob("book/**/*.md")}
    inside = [found[0] for text in pages.values() for found in SOLUTION.finditer(text)]
    places = {name for text in inside for names in PLACE.findall(text) for name in names if name}
    assert len(places) >= len(inside) > 80
    for path, text in pages.items():
        assert not led_to(SOLUTION.sub("", text)) & places, path


@pytest.mark.parametrize("name", chapters())
def test_a_chapter_whose_cells_wait_for_data_knows_how(name):
    text = (ROOT / f"{name}.md").read_text()
    waiting = text.find("\n%%needs ")
    assert waiting < 0 or 0 < text.find("\n%load_ext cnnref.notebook\n") < waiting


def test_nothing_leads_to_what_waits_for_data():
    """Where there are none, a number would be missing in the text, and a link lead nowhere."""
    pages = {path: path.read_text() for path in ROOT.glob("book/**/*.md")}
    waiting = [
        cell for path in pages for cell in read_cells(path) if cell.source.startswith("%%needs ")
    ]
    figures = {cell.metadata.get("mystnb", {}).get("figure", {}).get("name") for cell in waiting}
    assert len(figures) > 10
    assert [cell.source for cell in waiting if "glue(" in cell.source] == []
    for path, text in pages.items():
        assert not led_to(text) & figures, path


@pytest.mark.parametrize(
    "path", [*ROOT.glob("book/*.md"), *ROOT.glob("book/about/*.md")], ids=lambda path: path.stem
)
def test_tables_that_a_cell_writes_are_drawn_as_tables(path):
    text = path.read_text()
    writes_tables = "Markdown(" in text and re.search(r"\|\s*:?-+:?\s*\|", text)
    front = text.partition("\n---\n")[0]
    assert not writes_tables or "render_markdown_format: gfm" in front
