"""Checks behind one line: what it says, what stays outside, and who opens it."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from ..conftest import ROOT, notebook
from ..pages import PHONE, THEME

CELL = "```{code-cell} ipython3\n%s\n```\n\n"
TABLE = CELL % (
    "from IPython.display import Markdown\n\nMarkdown('| a | b |\\n| --- | --- |\\n| 1 | 2 |')"
)
HIDDEN = CELL % ":tags: [hide-input]\nprint('error: 2.0e-16')"
PAGE = (
    "(top)=\n# Page\n\n## One\n\n"
    "**Checked: three ways, $m$ cases, as {ref}`above <top>`**. More words.\n\n"
    + CELL % "print('error: 1.0e-15')\nprint('3 of 3')"
    + HIDDEN
    + "Then others.\n\n"
    + CELL % ":tags: [verify]\nprint('10 cases, largest error: 3.0e-15')"
    + "Not a check.\n\n"
    + CELL % "shown = 1"
    + "## Two\n\n**Checked: the formula and a loop**.\n\n"
    + CELL % "print('no number')"
    + TABLE
    + "**Checked: nothing to fold**.\n\n"
    + TABLE
    + "**Checked: VGG-16**: word and more.\n\n"
    + CELL % "(here := 1)"
    + "### Far below\n\nText.\n"
)
MORE = 'html_baseurl = "https://book.example/"\nnb_render_markdown_format = "gfm"\n'
QUESTION = (
    "# Answers\n\n## Part\n\n:::{answer} Q-1\n:tests: test_one.py::test_first\n\nWhat?\n:::\n\n"
    + CELL % "assert True"
)


@pytest.fixture(scope="module")
def book(tiny_book):
    book = tiny_book(
        "folding.checks",
        "handouts.lists",
        "look.pages",
        "chapters.chaptermap",
        "elsewhere.notebooks",
    )
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + THEME + MORE)
    book.write(
        index="# Top\n\n```{toctree}\n:numbered:\nchecks\nanswers\n```\n",
        checks=notebook(PAGE),
        answers=notebook(QUESTION),
    )
    found = book.build()
    assert all("is not answered" in warning for warning in found), found
    return book


@pytest.fixture(scope="module")
def folds(book):
    return BeautifulSoup(book.html("checks"), "html.parser").select("details.check")


@pytest.fixture
def page(browser, book):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def address(book, name, place=""):
    return (book.folder / "_build" / "html" / f"{name}.html").as_uri() + place


def line(fold):
    for formula in fold.summary.select(".math"):
        formula.replace_with("FORMULA")
    return " ".join(fold.summary.get_text().split())


def test_a_line_says_what_was_compared_and_how_close_it_came(folds):
    assert [line(fold) for fold in folds] == [
        "Checked: three ways, FORMULA cases, as above; 10 cases, largest error: 3.0e-15",
        "Checked: the formula and a loop",
        "Checked: VGG-16; 1",
    ]


def test_the_fold_holds_paragraphs_code_and_outputs_and_no_other_fold(folds):
    first = folds[0]
    assert not first.has_attr("open")
    assert len(first.select(".cell_input")) == len(first.select(".cell_output")) == 3
    assert "More words." in first.get_text()
    assert "Then others." in first.get_text()
    assert "Not a check." not in first.get_text()
    assert first.select("details, summary a, summary [id]") == []


def test_what_the_line_says_in_full_is_said_once_on_the_screen(folds):
    assert ["said" in fold.p["class"] if fold.p.has_attr("class") else False for fold in folds] == [
        False, True, False,
    ]  # fmt: skip


def test_figures_and_tables_are_not_folded(book, folds):
    tables = BeautifulSoup(book.html("checks"), "html.parser").select("article table")
    assert len(tables) == 2
    assert not any(fold.find("table") for fold in folds)


def test_the_notebook_has_plain_paragraphs_and_cells(book):
    path = book.folder / "_build" / "html" / "_sources" / "checks.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell["source"] for cell in cells)
    assert "**Checked: three ways, $m$ cases, as [above](" in text
    assert "Checked: three ways, $m$ cases, as above" not in text
    assert len([cell for cell in cells if cell["cell_type"] == "code"]) == 9
    (*_, question, _) = nbformat.read(path.with_name("answers.ipynb"), as_version=4).cells
    assert "> Checked by 1 test\n>\n> [`test_one.py::test_first`](" in question["source"]


def test_an_answer_ends_with_one_line(book):
    (fold,) = BeautifulSoup(book.html("answers"), "html.parser").select(".answer details")
    assert (line(fold), fold["class"]) == ("Checked by 1 test", ["answer-checks"])
    assert "test_one.py::test_first" in fold.get_text()


def test_the_keyboard_opens_it_and_scripts_are_not_needed(browser, book):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(book, "checks"))
    assert not page.get_by_text("More words.").is_visible()
    page.locator("details.check summary").first.focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("More words.").is_visible()
    context.close()


def test_a_link_into_it_opens_it(page, book):
    page.goto(address(book, "checks"))
    page.evaluate("document.querySelector('details.check p').id = 'inside'")
    page.evaluate("location.hash = '#inside'")
    page.get_by_text("More words.").wait_for(state="visible")


def test_one_button_shows_all_and_hides_all(page, book):
    page.goto(address(book, "checks"))
    button = page.get_by_role("button", name="Show all proofs and checks")
    opened = page.locator("details.check[open]")
    button.click()
    assert opened.count() == 3
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert opened.count() == 0


def test_paper_has_it_open_and_says_nothing_twice(page, book):
    page.goto(address(book, "checks"))
    page.wait_for_function("document.querySelector('.btn-show-all[aria-pressed]')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.get_by_text("More words.").is_visible()
    assert page.locator("p.said").is_visible()
    assert not page.locator("details.check summary").first.is_visible()


def test_a_finger_can_hit_the_line(page, book):
    page.set_viewport_size(PHONE)
    for name in ("checks", "answers"):
        page.goto(address(book, name))
        for summary in page.locator("article :is(.check, .answer-checks) > summary").all():
            assert summary.bounding_box()["height"] >= 44


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, book, accessibility, theme):
    page.emulate_media(color_scheme=theme)
    for name in ("checks", "answers"):
        page.goto(address(book, name))
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        accessibility.check(page, "article")


def test_chapters_use_the_tag_only_where_it_folds():
    for path in (ROOT / "book").glob("*.md"):
        for tags in re.findall(r"tags: *\[([^]]*)\]", path.read_text(encoding="utf-8")):
            named = {tag.strip() for tag in tags.split(",")}
            assert "verify" not in named or named == {"verify"}, (path.name, tags)
