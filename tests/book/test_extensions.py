"""Every rule of the book's extension, broken on purpose in a tiny book."""

import json
import re

import pytest
from bookext.execution import execution_key, key_of_build
from bookext.external import documentation_url
from bookext.google import to_myst
from bookext.icons import prune_style_sheet
from bookext.images import has_good_alt
from bookext.mathrender import FormulaError, MathJax
from bookext.pages import repair, to_run
from bookext.questions import QuestionListError, read_questions
from bookext.testnames import find_test_file, line_of_test
from docutils import nodes

from .conftest import QUESTIONS, notebook

CHECKED = "```{code-cell} ipython3\nassert 1 + 1 == 2\n```\n"


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


def messages(warnings):
    return sorted(re.sub(r" \[.*\]$", "", w.partition("WARNING: ")[2]) for w in warnings)


def test_good_answers_make_no_warning_and_link_everything(tiny_book):
    book = tiny_book("answers")
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
    assert "test_first" in listed
    assert listed.count("to come") == 1
    assert "2 of 3 answered so far." in listed


def test_the_list_follows_an_edited_answer(tiny_book):
    book = tiny_book("answers")
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
    book = tiny_book("answers", questions=QUESTIONS.replace("deferred", listed + "deferred"))
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
    book = tiny_book("answers", questions=QUESTIONS.replace("[Q-3]", "[Q-2, Q-3]"))
    elsewhere = f"# One\n\n## Here\n\n{answer('Q-1')}\n## There\n\n{CHECKED}"
    book.write(**good_pages(one=notebook(elsewhere)))
    (found,) = messages(book.build())
    assert "the section that answers Q-1 has neither" in found
    book.write(one=notebook(elsewhere.replace("## There", "### Below")))
    assert book.build() == []


def test_a_record_is_evidence_too(tiny_book):
    book = tiny_book("answers", questions=QUESTIONS.replace("[Q-3]", "[Q-2, Q-3]"))
    cell = "```{code-cell} ipython3\nrun = len\nrun('a-record')\n```\n"
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
    book = tiny_book("answers", questions=questions)
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
    path.write_text(
        "def test_x():\n    pass\n\nclass TestY:\n    def test_z(self):\n        pass\n"
    )
    assert line_of_test(path, "test_x") == 1
    assert line_of_test(path, "TestY::test_z") == 5
    assert line_of_test(path, "test_z") is None
    assert line_of_test(path, "TestN::test_z") is None
    assert line_of_test(tmp_path / "none.py", "test_x") is None


def test_test_files_are_found_in_folders_below(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test_b.py").touch()
    assert find_test_file(tmp_path, "test_b.py") == tmp_path / "data" / "test_b.py"
    assert find_test_file(tmp_path, "data/test_b.py") == tmp_path / "data" / "test_b.py"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "test_b.py").touch()
    assert not find_test_file(tmp_path, "test_b.py").exists()
    (tmp_path / "test_b.py").touch()
    assert find_test_file(tmp_path, "test_b.py") == tmp_path / "test_b.py"


# --- when pages run again ---------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    """A library, a folder of data, and their key."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "a.py").write_text("a = 1")
    (tmp_path / "data").mkdir()

    def key(**facts):
        return execution_key({"lib": tmp_path / "lib"}, {"data": tmp_path / "data"}, facts)

    return tmp_path, key


def test_the_key_stays_while_nothing_changes(tree):
    folder, key = tree
    before = key(torch="2")
    (folder / "lib" / "__pycache__").mkdir()
    (folder / "lib" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert key(torch="2") == before


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "lib" / "a.py").write_text("a = 2"),
        lambda at: (at / "lib" / "a.py").rename(at / "lib" / "b.py"),
        lambda at: (at / "lib" / "record.json").write_text("{}"),
        lambda at: (at / "data" / "train.npz").write_bytes(b"1"),
    ],
)
def test_the_key_sees_every_change(tree, change):
    folder, key = tree
    before = key()
    change(folder)
    assert key() != before


def test_the_key_sees_facts(tree):
    _, key = tree
    assert key(torch="2.11") != key(torch="2.12")


def test_the_key_of_a_build_sees_the_settings(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "questions.yml").write_text(QUESTIONS)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "seed-0.json").write_text("{}")
    (tmp_path / "data").mkdir()
    base = {"CNNREF_DATA": str(tmp_path / "data")}
    settings = [
        base,
        base | {"CNNREF_EXPERIMENTS": "stored"},
        base | {"CNNREF_RESULTS": str(tmp_path / "results")},
    ]
    keys = [key_of_build(tmp_path, each) for each in settings]
    assert len(set(keys)) == 3
    assert key_of_build(tmp_path, base) == keys[0]
    (tmp_path / "results" / "seed-0.json").write_text('{"edited": true}')
    (tmp_path / "data" / "batch").write_bytes(b"1")
    assert not {key_of_build(tmp_path, each) for each in settings} & set(keys)


LIBRARY = """\
import json
from pathlib import Path

def value():
    return 41

def record():
    path = Path(__file__).parent / "results" / "seed-0.json"
    return json.loads(path.read_text())["accuracy"]
"""


def test_a_stale_cache_cannot_hide_an_edit(tiny_book):
    book = tiny_book("execution")
    library = book.folder / "lib" / "cnnref"
    (library / "results").mkdir(parents=True)
    (library / "__init__.py").write_text(LIBRARY)
    (library / "results" / "seed-0.json").write_text(json.dumps({"accuracy": 0.5}))
    cell = "import uuid, cnnref\nprint('value', cnnref.value(), 'record', cnnref.record())\n"
    page = f"# Page\n\n```{{code-cell}} ipython3\n{cell}print('run', uuid.uuid4())\n```\n"
    book.write(index=notebook(page))

    def outcome(**env):
        assert book.build(CNNREF_DATA=str(book.folder / "nothing"), **env) == []
        text = re.sub(r"<[^>]+>", "", book.html("index"))
        seen = re.search(r"value (\d+) record ([\d.]+)\s+run (\S+)", text)
        assert seen, text
        return seen[1], seen[2], seen[3]

    first = outcome()
    assert first[:2] == ("41", "0.5")
    # Nothing changed: the page comes from the cache, even when Sphinx forgets what it read.
    for doctree in (book.folder / "_build" / "html" / ".doctrees").glob("*.doctree"):
        doctree.unlink()
    assert outcome() == first

    (library / "__init__.py").write_text(LIBRARY.replace("41", "42"))
    second = outcome()
    assert second[:2] == ("42", "0.5")

    (library / "results" / "seed-0.json").write_text(json.dumps({"accuracy": 0.75}))
    third = outcome()
    assert third[:2] == ("42", "0.75")
    assert len(list((book.folder / "_build" / ".jupyter_cache").iterdir())) == 1

    # A forced build runs every page every time.
    forced = [outcome(CNNREF_EXPERIMENTS="force") for _ in range(2)]
    assert len({third[2], *(each[2] for each in forced)}) == 3


def test_the_results_page_is_read_last(tiny_book):
    """In a forced build the chapters train first, and the list of results reads what they wrote."""
    book = tiny_book("execution")
    log = "Path('../order.txt').open('a').write('{}')"
    cell = "# Page\n\n```{{code-cell}} ipython3\nfrom pathlib import Path\n_ = {}\n```\n"
    pages = {"book__results": "r", "book__aaa": "a", "book__zzz": "z"}
    book.write(
        index="# Top\n\n```{toctree}\nbook/results\nbook/aaa\nbook/zzz\n```\n",
        **{name: notebook(cell.format(log.format(mark))) for name, mark in pages.items()},
    )
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text().replace('["*.md"]', '["**.md"]'))
    assert book.build(CNNREF_DATA=str(book.folder / "nothing")) == []
    (order,) = book.folder.rglob("order.txt")
    assert order.read_text() == "azr"


def test_the_site_map_lists_every_page_after_an_edit_of_one(tiny_book):
    book = tiny_book("pages")
    with (book.folder / "conf.py").open("a") as conf:
        conf.write('extensions.append("sphinx_sitemap")\n')
        conf.write('html_baseurl = "https://example.org/"\nsitemap_url_scheme = "{link}"\n')
    book.write(index="# Top\n\n```{toctree}\nother\n```\n", other="# Other\n")
    assert book.build() == []
    book.write(index="# Top again\n\n```{toctree}\nother\n```\n")
    assert book.build() == []
    site_map = (book.folder / "_build" / "html" / "sitemap.xml").read_text()
    assert "https://example.org/index.html" in site_map
    assert "https://example.org/other.html" in site_map


def test_cells_that_wait_for_data_are_coloured_as_python(tiny_book):
    book = tiny_book("cells")
    source = "%%needs cifar10\nfor image in ():\n    pass\n"
    book.write(index=f"# Top\n\n```{{code-block}} ipython3\n{source}```\n")
    assert book.build() == []
    assert '<span class="k">for</span>' in book.html("index")


# --- formulas ---------------------------------------------------------------------------------


def test_formulas_become_drawings(tiny_book):
    book = tiny_book()
    block = "$$\na &= b \\\\ c &= d\n$$ (eq-a)"
    book.write(index=f"# Top\n\nInline ($x_1$), and $y$ too.\n\n{block}\n\nSee {{eq}}`eq-a`.\n")
    assert book.build() == []
    html = book.html("index")
    assert html.count("<math ") == 3
    tied = r'<span class="math-and-mark">\(<span class="math.*?</math></span></span>\),</span> and'
    assert re.search(tied, html)
    assert html.count("math-and-mark") == 1
    assert "\\\\" not in html
    assert "MJX" not in html
    used = set(re.findall(r'href="#(glyph-[^"]+)"', html))
    defined = re.findall(r'id="(glyph-[^"]+)"', html)
    assert sorted(used) == defined
    assert 'class="eqno">(1)' in html


def test_bad_latex_is_a_warning_with_its_place(tiny_book):
    book = tiny_book()
    mistakes = [r"\frac{a}{", r"\nonsense{a}", r"\begin{aligned} a"]
    book.write(index="# Top\n\n" + "\n\n".join(f"Inline ${tex}$." for tex in mistakes))
    found = book.build()
    assert len(found) == 3
    for line, tex, warning in zip((3, 5, 7), mistakes, found, strict=True):
        assert f"index.md:{line}: WARNING: formula not understood" in warning
        assert tex in warning


def test_mathjax_survives_a_mistake():
    mathjax = MathJax()
    try:
        with pytest.raises(FormulaError, match="Undefined control sequence"):
            mathjax.typeset(r"\nonsense", display=False)
        formula = mathjax.typeset(r"\left( \sum_i x_i \right)", display=True)
        assert "TEX-LO-2211" in formula.glyphs
        assert "MJX" not in formula.svg
    finally:
        mathjax.close()


# --- images -----------------------------------------------------------------------------------

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


def image_cell(metadata, options=""):
    show = f"display({{'image/svg+xml': '{SVG}'}}, metadata={metadata}, raw=True)"
    return f"```{{code-cell}} ipython3\n{options}from IPython.display import display\n{show}\n```\n"


def test_alternative_texts_come_from_the_run(tiny_book):
    book = tiny_book("images")
    figure = "---\nmystnb: {figure: {caption: A square., name: fig-a}}\n---\n"
    book.write(index=notebook(
        "# Top\n\n"
        + image_cell({"image/svg+xml": {"alt": "A black square."}})
        + image_cell({"alt": "Another one."}, figure)
    ))  # fmt: skip
    assert book.build() == []
    html = book.html("index")
    assert 'alt="A black square."' in html
    assert 'alt="Another one."' in html
    assert re.search(r'<figure class="[^"]*" id="fig-a">', html)


def test_a_missing_alternative_text_is_a_warning(tiny_book):
    book = tiny_book("images")
    (book.folder / "picture.svg").write_text(SVG)
    bodies = [
        image_cell({}),
        image_cell({"image/svg+xml": {"alt": "figure.svg"}}),
        "![](picture.svg)\n",
        "![picture.svg](picture.svg)\n",
    ]
    book.write(index=notebook("# Top\n\n" + "\n".join(bodies)))
    found = book.build()
    assert len(found) == len(bodies)
    assert all("WARNING: image without an alternative text" in warning for warning in found)


@pytest.mark.parametrize(
    ("alt", "good"),
    [("A cat.", True), ("", False), (" ", False), ("a/b.png", False), ("Training loss", True)],
)
def test_what_an_alternative_text_is(alt, good):
    assert has_good_alt(nodes.image(uri="x.svg", alt=alt)) is good


# --- the API reference ------------------------------------------------------------------------


def test_google_docstrings_become_fields():
    text = to_myst(
        """Do it, as $y = x$.

        Args:
            x: input: with a colon,
                and a second line.
            *more: others.

        Returns:
            The `y`: two lines
            of it.

        Raises:
            ValueError: if not.

        Example:
            >>> do(1)
            1

            and so on.
        """
    )
    assert ":param x: input: with a colon,\n    and a second line." in text
    assert r":param \*more: others." in text
    assert ":returns: The `y`: two lines\n    of it." in text
    assert ":raises ValueError: if not." in text
    assert "```{code-block} pycon\n>>> do(1)\n1\n```\n\nand so on." in text


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("int", "https://docs.python.org/3/library/functions.html#int"),
        ("ValueError", "https://docs.python.org/3/library/exceptions.html#ValueError"),
        ("collections.abc.Sequence",
         "https://docs.python.org/3/library/collections.abc.html#collections.abc.Sequence"),
        ("fractions.Fraction",
         "https://docs.python.org/3/library/fractions.html#fractions.Fraction"),
        ("json", "https://docs.python.org/3/library/json.html#module-json"),
        ("Tensor", "https://docs.pytorch.org/docs/stable/tensors.html#torch.Tensor"),
        ("torch.nn.functional.conv1d",
         "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html"),
        ("torch.nn.Module", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html"),
        ("torch.float64",
         "https://docs.pytorch.org/docs/stable/tensor_attributes.html"),
        ("numpy.ndarray", "https://numpy.org/doc/stable/reference/generated/numpy.ndarray.html"),
        ("torch.no_such_name", None),
        ("json.no_such_name", None),
        ("nothing.at.all", None),
    ],
)  # fmt: skip
def test_external_names_have_addresses(name, url):
    assert documentation_url(name) == url


def test_icons_that_no_page_shows_are_dropped():
    cat = r'.fa-cat:before,.fa-kitty:before{content:"\f6be"}'
    css = rf'.fa-sun:before{{content:"\f185"}}{cat}.x{{content:"\f107"}}'
    pruned, kept = prune_style_sheet(css, {"fa-sun"})
    assert pruned == r'.fa-sun:before{content:"\f185"}.x{content:"\f107"}'
    assert kept == {0xF185, 0xF107}
    assert prune_style_sheet(css, {"fa-kitty"})[1] == {0xF6BE, 0xF107}


# --- pages ------------------------------------------------------------------------------------


def test_an_offered_notebook_is_the_same_in_every_build():
    def written(cell_id, outputs, count):
        code = {"cell_type": "code", "source": "1", "outputs": outputs, "execution_count": count}
        text = {"cell_type": "markdown", "source": "one"}
        cells = [{"id": cell_id, **code}, {"id": f"{cell_id}b", **text}]
        return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})

    first = to_run(written("f00", [{"output_type": "stream", "name": "stdout", "text": "1"}], 1))
    assert first == to_run(written("ba4", [], None))
    assert [cell["id"] for cell in json.loads(first)["cells"]] == ["cell-0", "cell-1"]


def test_repairs():
    body = '<section class="x" id="proof-content"><div role="list" class="citation-list">'
    assert repair(body) == '<section class="proof-content"><div class="citation-list">'
