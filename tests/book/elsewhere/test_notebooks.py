"""The chapters as notebooks: plain Markdown, cells that run with the library's wheel alone."""

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from tests.chapters import python_of, read_cells, read_exercises

from ..conftest import ROOT, notebook

RUNNER = Path(__file__).with_name("notebook_runner.py")

RUN = {"data", "from-60-to-94", "pooling"}
"""Chapters that run here as notebooks: one with images, one with records, one with neither."""

INSTALLED = {"cnnref", "torch", "torchvision", "numpy", "matplotlib"}
"""What the wheel installs, of all that cells import."""


def notebooks_of(site):
    return sorted((site / "_sources").rglob("*.ipynb"))


def content(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The folder of what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*pip, ROOT], check=True, cwd=folder)
    (wheel,) = folder.glob("cnnref-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def run(library, notebooks, folder):
    """The error of each notebook that fails, where there is neither a book nor data."""
    mine = ("CNNREF_", "PYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    env |= {"CNNREF_DATA": str(folder), "CNNREF_EXPERIMENTS": "stored", "OMP_NUM_THREADS": "1"}
    env |= {"IPYTHONDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, RUNNER, library, *notebooks],
        capture_output=True, text=True, cwd=folder, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = dict(json.loads(line) for line in done.stdout.splitlines())
    assert set(told) == {str(notebook) for notebook in notebooks}
    return {Path(name).name: error for name, error in told.items() if error}


def test_a_chapter_runs_with_the_wheel_alone(site, library, tmp_path):
    chapters = [path for path in notebooks_of(site) if path.stem in RUN]
    assert {path.stem for path in chapters} == RUN
    assert run(library, chapters, tmp_path) == {}


def imported(code):
    """The packages that a cell imports, without those of Python and of every notebook."""
    names = set()
    for node in ast.walk(ast.parse(python_of(code))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"IPython"}


def test_the_other_notebooks_run_where_the_chapters_do(site):
    """They have the same cells, which `tests/answers` plays in an empty folder, without data."""
    paths = notebooks_of(site)
    assert len(paths) >= 22
    for path in paths:
        _, *code = (c["source"] for c in content(path)["cells"] if c["cell_type"] == "code")
        page = ROOT / "book" / f"{path.stem}.md"
        assert read_exercises(page), f"no test plays {page.name}"
        cells = read_cells(page)
        pairs = zip(cells, code, strict=True)
        assert [c.line for c, told in pairs if c.source.strip() != told.strip()] == [], path
        assert set().union(*map(imported, code)) <= INSTALLED, path


def test_the_wheel_has_every_file_of_the_library(library):
    def files(folder):
        kinds = {".py", ".json", ".safetensors", ".typed"}
        found = (path for path in folder.rglob("*") if path.suffix in kinds)
        return {path.relative_to(folder).as_posix() for path in found}

    assert files(ROOT / "cnnref") <= files(library / "cnnref")


def test_the_runner_sees_what_a_notebook_lacks(library, tmp_path):
    for name, source in {"book": "import myst_nb", "wrong": "assert 6 * 7 == 41"}.items():
        cell = {"id": name, "cell_type": "code", "source": source}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))
    found = run(library, sorted(tmp_path.glob("*.ipynb")), tmp_path)
    assert "No module named 'myst_nb'" in found["book.ipynb"]
    assert "AssertionError" in found["wrong.ipynb"]


def test_the_text_is_plain_markdown(site):
    for path in notebooks_of(site):
        text = "\n\n".join(c["source"] for c in content(path)["cells"] if c["cell_type"] != "code")
        text = re.sub(r"^((?:> )?)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)
        # Neither roles and directives of MyST nor links that lead nowhere from here.
        assert not re.search(r"\{[a-z:]+\}`|^:{3,}|^```\{", text, re.MULTILINE), path
        targets = re.findall(r"\]\(([^)\s]+)\)", text)
        assert [target for target in targets if not target.startswith("https://")] == [], path


def test_numbers_stand_in_the_text(site):
    pooling = content(site / "_sources" / "book" / "pooling.ipynb")
    text = "\n".join(cell["source"] for cell in pooling["cells"])
    assert " falls: 2.78 for $\\mathbf x$,\nthen 1.60, 0.50 and 0.10" in text
    assert "> **Questions UT-W3.1, UT-W3.2, UT-W3.3, UT-W3.4 ·" in text
    assert "> **Question UT-W3.5" in text
    assert text.count(r"\tag{") >= 5
    assert "\n*Fig. 6.1: One array and three ways to pool it" in text
    assert "> **Exercise 6.1 (" in text
    assert "> **Solution to Exercise 6.1 (" in text


def test_notebooks_are_clean_and_their_cells_numbered(site):
    for path in notebooks_of(site):
        notebook = content(path)
        assert [c["id"] for c in notebook["cells"]] == [
            f"cell-{number}" for number in range(len(notebook["cells"]))
        ]
        for cell in notebook["cells"]:
            assert cell.get("outputs", []) == []
        assert set(notebook["metadata"]) == {"kernelspec"}
        assert '%pip install -q "cnnref[all] @ https://' in notebook["cells"][1]["source"]


def test_a_page_offers_its_notebook(site):
    html = (site / "book" / "pooling.html").read_text(encoding="utf-8")
    assert '_sources/book/pooling.ipynb"' in html
    colab = "https://colab.research.google.com/github/cnnref/cnnref/blob/gh-pages/"
    assert f'{colab}_sources/book/pooling.ipynb"' in html
    assert "colab.research" not in (site / "book" / "notation.html").read_text(encoding="utf-8")


def test_a_file_to_download_is_linked_where_the_book_has_it(tiny_book):
    book = tiny_book("chapters.chaptermap", "elsewhere.notebooks")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + 'html_baseurl = "https://book.example/here/"\n')
    (book.folder / "own script.py").write_text("print(1)\n")
    cell = "```{code-cell} ipython3\n1 + 1\n```\n"
    book.write(
        index="# Top\n\n```{toctree}\n:numbered:\none\n```\n",
        one=notebook("# One\n\nTake {download}`it.py <own script.py>`.\n\n" + cell),
    )
    assert book.build() == []
    html = book.folder / "_build" / "html"
    *_, text, _ = content(html / "_sources" / "one.ipynb")["cells"]
    (place,) = re.findall(r"Take \[`it\.py`\]\(https://book\.example/here/(.*)\)\.", text["source"])
    assert (html / unquote(place)).read_text() == "print(1)\n"
