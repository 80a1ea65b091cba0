"""What leads a reader: the list of questions, folds by name, marks of a search, the lost page."""

import re
from importlib.metadata import version
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from bookext.handouts.answertext import answer_in_words

from .conftest import CHECKED, ROOT, notebook, served
from .pages import DESK, PHONE, SCRIPTS_RUN, THEME

WHEEL = f"https://book.example/here/_static/cnnref-{version('cnnref')}-py3-none-any.whl"
SETTINGS = """
html_css_files.append("pages.css")
html_baseurl = "https://book.example/here/"
extensions += ["sphinx_exercise"]
numfig = True
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
"""
ANSWER = ":::{answer} %s\n:tests: test_one.py::test_first\n\nWhat is asked.\n:::\n\n"
FIGURE = """```{code-cell} ipython3
---
tags: [hide-input]
mystnb:
  figure: {name: fig-a, caption: Nothing.}
---
from IPython.display import HTML
HTML("<p>drawn</p>")
```
"""
HIDDEN = "```{code-cell} ipython3\n---\ntags: [hide-input]\n---\n1 + 1\n```\n\n"
NAMED = "tags: [hide-input]\nmystnb: {code_prompt_show: Show mine, code_prompt_hide: Hide mine}"
EXERCISE = (
    ":::{{exercise}} About ${0}$ and `code`\n:label: ex-{0}\n\nWhy?\n:::\n\n"
    ":::{{solution}} ex-{0}\n:class: dropdown\n\nBecause of {0}.\n:::\n\n"
)
PAGES = {
    "index": "# Top\n\n```{toctree}\n:numbered:\none\nexercises\nlist\n```\n\n```{install}\n```\n",
    "one": notebook(
        "# One\n\n## First part\n\n" + ANSWER % "Q-1"
        + "**Answer.** It is *one*, see {eq}`eq-one`\nand {ref}`the top <top>`. "
        + "A second sentence brings it to more than sixty letters, $x$ for one. "
        + "Word " * 50 + "and no more.\n\n**Derivation.** Long.\n\n" + CHECKED
        + "\n## Second\n\n(top)=\n### Below\n\n" + ANSWER % "Q-2"
        + "**Answer.** The sum of all, for every one of them:\n\n$$\na = b\n$$ (eq-one)\n\n"
        + CHECKED + "\n## Third\n\n" + ANSWER % "Q-3" + "No answer in words.\n\n" + CHECKED
        + "\n" + FIGURE + HIDDEN + HIDDEN.replace("tags: [hide-input]", NAMED)
    ),
    "exercises": "# Exercises\n\nThe output of UT-W1.4, put out. Outputs.\n\n"
    + "".join(map(EXERCISE.format, "abc"))
    + ":::{admonition} The script: `a.py`\n:class: dropdown\n\nIt.\n:::\n",
    "list": "# All\n\n```{questions}\n```\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(tiny_book):
    book = tiny_book(
        "handouts.lists", "elsewhere.wheel", "folding.folds", "look.assets", "look.pages"
    )
    conf = book.folder / "conf.py"
    conf.write_text(
        conf.read_text() + THEME + SETTINGS
        + f"templates_path = [{str(ROOT / 'book' / '_templates')!r}]\n"
    )  # fmt: skip
    book.write(**PAGES)
    assert book.build() == []
    return book


@pytest.fixture
def open_page(browser, book):
    """Opens a page from the disk; at the end, nothing must have gone wrong on any."""
    problems, contexts = [], []

    def open_it(name, viewport=DESK, **storage):
        contexts.append(browser.new_context(viewport=viewport))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        for key, value in storage.items():
            page.add_init_script(f"localStorage.setItem({key!r}, {value!r})")
        page.goto((book.folder / "_build" / "html" / f"{name}.html").as_uri())
        page.wait_for_function(SCRIPTS_RUN)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


def soup(book, name):
    return BeautifulSoup(book.html(name), "html.parser")


def words(element):
    return re.sub(r"\s+", " ", element.get_text()).strip()


# --- the list of questions ----------------------------------------------------------------------


def test_a_question_shows_its_answer(book):
    listed = soup(book, "list")
    first, second, third = listed.select("ul.questions > li")
    name, about, answer, where = first.select("p")
    assert (words(name), name.a["href"]) == ("Q-1", "one.html#answer-q-1")
    assert words(about) == "One"
    shown = words(answer)
    assert shown.startswith("It is one, see (1.1) and the top. A second sentence brings it")
    assert shown.endswith("and no more.")
    assert answer.a["href"] == "one.html#equation-eq-one"
    assert answer.em.get_text() == "one"
    assert answer.select_one(".math svg")
    assert words(where) == "One: First part"
    assert where.a["href"] == "one.html#answer-q-1"
    # A formula that an answer leads to comes along, without its number.
    assert second.select_one("div.math svg")
    assert second.select_one(".eqno") is None
    assert words(third.select("p")[2]) == "One: Third"
    assert "test_first" not in book.html("list")
    assert "3 questions." in words(listed)


def test_the_list_of_questions_begins_with_one_to_jump_by(book):
    listed = soup(book, "list")
    links = [link["href"] for link in listed.select("ul.question-jumps a")]
    assert links == ["#a-course-a-school", "#question-q-1", "#question-q-2", "#question-q-3"]
    ids = {element["id"] for element in listed.select("[id]")}
    assert {link[1:] for link in links} <= ids


def test_on_a_phone_every_answer_can_be_reached(open_page):
    page = open_page("list", PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    links = page.locator("ul.questions a").all()
    assert len(links) == 8
    for link in links:
        box = link.bounding_box()
        assert 0 <= box["x"] < box["x"] + box["width"] <= PHONE["width"]


def answer(words, *behind):
    """What the list shows of an answer of these words that these nodes follow."""
    box = nodes.container()
    paragraph = nodes.paragraph("", "", nodes.strong("", "Answer."), nodes.Text(words))
    nodes.section("", box, nodes.paragraph("", "Asked."), paragraph, *behind)
    return [node.astext().strip() for node in answer_in_words(box)]


def test_an_answer_goes_on_until_its_sentence_ends():
    goes_on = nodes.math_block("", "\\begin{aligned} a &= b, \\end{aligned}", label=None)
    behind = nodes.paragraph("", "where b is known. Besides.")
    last = nodes.paragraph("", "Another paragraph.")
    assert answer(" It is so. And so.", last) == ["It is so. And so."]
    assert answer(" It is", goes_on, behind, last) == ["It is", goes_on.astext(), behind.astext()]
    ended = nodes.math_block("", "a = b .", label=None)
    assert answer(" It is", nodes.target(), ended, last) == ["It is", "a = b ."]
    items = (nodes.list_item("", nodes.paragraph("", word)) for word in ("Yes", "No"))
    assert answer(" These:", nodes.bullet_list("", *items), last) == ["These:", "Yes\n\nNo"]
    assert answer(" It is", nodes.container(), last) == ["It is"]
    another = nodes.admonition(classes=["answer"])
    assert answer(" It is", another, last) == ["It is"]


# --- folds and their names ----------------------------------------------------------------------


def test_the_fold_of_a_figure_says_which(book):
    folds = soup(book, "one").select("details.above-input > summary")
    assert [[words(line) for line in fold.select("p")] for fold in folds] == [
        ["Show the code of Fig. 1.1", "Hide the code of Fig. 1.1"],
        ["Show the code", "Hide the code"],
        ["Show mine", "Hide mine"],
    ]


def test_a_click_on_the_title_of_a_solution_opens_that_one_only(open_page):
    page = open_page("exercises")
    place = page.url
    solutions = page.locator(".solution")
    is_open = lambda: solutions.evaluate_all("all => all.map(box => box.open)")  # noqa: E731
    assert is_open() == [False] * 3
    for place_of_click in ((20, 15), (150, 15), (215, 15)):  # words, number, formula
        for number in (0, 2):
            before = is_open()
            title = solutions.nth(number).locator("summary")
            title.click(position=dict(zip("xy", place_of_click, strict=True)))
            before[number] = not before[number]
            assert is_open() == before
    title = solutions.nth(1).locator("summary")
    title.locator(".math, svg, code").first.click(force=True)
    assert is_open() == [True, True, True]
    assert page.url == place
    assert title.locator("a").count() == 0


# --- search ------------------------------------------------------------------------------------


def test_a_search_marks_beginnings_of_words_in_the_text_only(open_page):
    page = open_page("exercises", sphinx_highlight_terms="ut w1 4 output exercises")
    page.locator(".highlighted").first.wait_for()
    marked = page.locator(".highlighted").all_inner_texts()
    assert marked[:3] == ["Exercises", "output", "Output"]
    assert set(marked) == {"Exercises", "output", "Output"}
    assert page.locator(".bd-sidebar .highlighted").count() == 0


def test_the_button_that_takes_marks_away_moves_nothing(open_page):
    top = "document.querySelector('article').getBoundingClientRect().top"
    before = open_page("exercises").evaluate(top)
    page = open_page("exercises", sphinx_highlight_terms="output")
    button = page.get_by_role("button", name="Hide search matches")
    assert button.is_visible()
    assert page.evaluate(top) == before
    button.click()
    assert page.locator(".highlighted, .hide-matches").count() == 0
    assert "The output of UT-W1.4" in page.locator("article").inner_text()


def test_where_nothing_is_found_no_button_comes(open_page):
    page = open_page("exercises", sphinx_highlight_terms="ut w1 4")
    page.wait_for_function(SCRIPTS_RUN)
    assert page.locator(".highlighted, .hide-matches").count() == 0


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("exersises", "exercises"), ("firstpart", "first part"),
        ("exercises first part", None), ("xyzzyplugh", None), ("UT-W1.4", None), ("", None),
    ],
)  # fmt: skip
def test_a_search_asks_back_where_it_knows_no_such_word(browser, book, asked, meant):
    with served(book.folder / "_build" / "html") as address:
        page = browser.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{address}/search.html?{urlencode({'q': asked})}")
        asked_back = page.get_by_role("status").filter(has_text="Did you mean")
        if meant:
            assert asked_back.inner_text() == f"Did you mean {meant}?"
            asked_back.get_by_role("link").click()
            page.get_by_text("page(s) matching").wait_for()
        assert page.evaluate("document.readyState") == "complete"
        assert asked_back.count() == 0
        page.close()
    assert problems == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("MACs", "counting-a-network.html"), ("multiply-accumulate", "counting-a-network.html"),
        ("transposed convolution", "transposed-convolution.html"),
        ("dilated convolution", "dilation.html#dilated-convolution"),
        ("receptive field", "receptive-field.html"), ("parameter sharing", "shared-weights.html"),
        ("inception", "inception.html"), ("invariance", "invariance.html"),
        ("pooling", "pooling.html"),
        ("what accuracy should my plain CNN get", "cats-and-dogs.html"),
        ("jitter", "pooling.html#what-pooling-does-to-jitter"),
        ("Adam", "optimizers.html"), ("UT-W1.4", "back-propagation.html#answer-ut-w1-4"),
        ("summarize", "api/cnnref/cnnref.accounting.summary.building.html"),
        ("conv1d_input_gradient", "api/cnnref/cnnref.convolution.gradients.html"),
    ],
)  # fmt: skip
def test_a_search_leads_to_the_chapter_that_tells_of_it(browser, address, asked, found):
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{address}/search.html?{urlencode({'q': asked})}")
    first = page.locator("#search-results li a").first.get_attribute("href")
    page.close()
    assert problems == []
    path, _, anchor = found.partition("#")
    assert first.partition("?")[0].partition("#")[0].endswith(f"book/{path}")
    assert first.endswith(f"#{anchor}" if anchor else "")


# --- addresses ---------------------------------------------------------------------------------


def test_the_command_that_installs_the_library(book):
    (block,) = soup(book, "index").select(".install pre")
    assert words(block) == f"pip install 'cnnref[all] @ {WHEEL}'"


def test_the_readme_has_the_address_of_this_version():
    # The settings' own address is that of the published book.
    base = re.search(r"baseurl: (\S+)", (ROOT / "_config.yml").read_text())[1]
    address = WHEEL.replace("https://book.example/here/", base)
    assert f"pip install 'cnnref[all] @ {address}'\n" in (ROOT / "README.md").read_text()


LOST = ROOT / "book" / "404.html"


def test_the_lost_page_needs_nothing_and_leads_to_places_that_are_there():
    html = LOST.read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    assert page.select("script, img, link") == []
    assert "url(" not in html
    settings = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert f"baseurl: {page.base['href']}\n" in settings
    assert f"html_extra_path: [{LOST.relative_to(ROOT)}]\n" in settings
    files = {link["href"] for link in page.select("a")} | {page.form["action"]}
    generated = {"search.html", "genindex.html"}
    sources = {f"{path.relative_to(ROOT).with_suffix('.html')}" for path in ROOT.glob("book/*.md")}
    assert files <= sources | generated | {"index.html"}
    assert page.form.input["name"] == "q"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_lost_page_is_accessible_and_fits_a_phone(page, accessibility, theme):
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=theme)
    page.goto(LOST.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    accessibility.check(page)


def test_papers_on_arxiv_say_so_in_a_field_that_becomes_a_link():
    entries = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert "arXiv" not in entries
    assert entries.count("eprint") > 20
    assert re.findall(r"(?<!\\)%.*", entries) == []  # it would end the field
