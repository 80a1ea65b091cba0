"""Whole builds of the real book, and a tiny book that trains while it is built."""

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_cache import get_cache

from bookext.running.execution import key_of_build

from .conftest import ROOT, notebook

# Pickles and settings of Sphinx's own, which no reader is served.
NOT_SERVED = {".doctrees", ".buildinfo"}


def build_book(output: Path, **env: str) -> Path:
    """Build the real book from clean and strictly, and return its pages' folder."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(ROOT), "-n", "-W"]
    done = subprocess.run(
        [*command, "--keep-going", "--path-output", str(output)],
        cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # What went wrong stands before dozens of lines of what other libraries note of their work.
    told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    told = [line for line in told if " INFO " not in line]
    assert done.returncode == 0, "\n".join(told[-60:])
    return output / "_build" / "html"


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not NOT_SERVED & set(path.parts)}


def needs_data(page: Path) -> bool:
    return any(line.startswith("%%needs ") for line in page.read_text("utf-8").splitlines())


AGAIN = {"data", "from-60-to-94", "one-dimensional-convolution"}
"""Pages that run twice wherever tests run: one with datasets, one with records, one with neither.

On every page `tests/answers` runs the cells that need no dataset, where there is none, and
`tests/test_chapter_form.py` sees that the text names nothing that the others make.
"""


def copy_outputs(empty: Path, output: Path, again: set[str]) -> Path:
    """Give a build that will have no data the first build's outputs, but for some pages."""
    (kept,) = (ROOT / "_build" / ".jupyter_cache").iterdir()
    key = key_of_build(ROOT, os.environ | {"CNNREF_DATA": str(empty)})
    copy = shutil.copytree(kept, output / "_build" / ".jupyter_cache" / key)
    cache = get_cache(copy)
    for record in cache.list_cache_records():
        if Path(record.uri).stem in again:
            cache.remove_cache(record.pk)
    return copy


def test_a_second_build_without_any_dataset_differs_only_where_data_are_shown(site, tmp_path):
    """In another folder, without Sphinx's notes: the same bytes, but for pages with a dataset.

    Running every page again takes minutes, so that most keep their outputs here, with what they
    show of data; with CNNREF_FROM_CLEAN=1, as in the workflow, every page runs.
    """
    empty = tmp_path / "data"
    empty.mkdir()
    showing = {page.stem for page in (ROOT / "book").glob("*.md") if needs_data(page)}
    outputs = None
    if os.environ.get("CNNREF_FROM_CLEAN") != "1":
        outputs = copy_outputs(empty, tmp_path, AGAIN)
        showing &= AGAIN
    again = build_book(tmp_path, CNNREF_DATA=str(empty))
    # A build leaves nothing but the outputs that it has used.
    assert outputs is None or outputs.is_dir()
    assert list(empty.iterdir()) == []
    chapter = (again / "book" / "data.html").read_text(encoding="utf-8")
    assert "cnnref data fetch" in chapter

    pages = {name for name in files(again) if name.endswith(".html")}
    assert pages
    # An incremental build may leave a page behind that the book has lost; no page may be missing.
    assert pages <= files(site)
    assert 0 < len(showing) < len(pages) / 4
    # A chapter to download has the numbers of its page; the search index has the words, and the
    # inventory the names of the figures.
    other = {f"book/{name}.html" for name in showing}
    other |= {f"_sources/book/{name}.ipynb" for name in showing}
    # The list of figures has those of all chapters.
    other |= {"searchindex.js", "objects.inv", "book/figures.html"}
    other |= {name for name in files(site) if name.startswith("_downloads/cnnref-figures-")}
    same = sorted(files(again) & files(site) - other)
    _, different, unreadable = filecmp.cmpfiles(site, again, same, shallow=False)
    assert (different, unreadable) == ([], [])


TRAINING = """\
# Training

```{code-cell} ipython3
from dataclasses import replace

from cnnref.experiments import CATALOGUE, run
from cnnref.training import Recipe

tiny = replace(
    CATALOGUE["cats-dogs-plain"],
    name="tiny",
    title="A tiny experiment",
    dataset="synthetic",
    recipe=Recipe(epochs=1, batch_size=64),
    seeds=(0,),
)
result = run(tiny)
print(f"accuracy {float(result.final()[0])!r}")
```
"""


def test_a_page_trains_what_has_no_record_and_reads_it_from_then_on(tiny_book):
    book = tiny_book("running.execution")
    book.write(index=notebook(TRAINING))
    results = book.folder / "results"
    record = results / "tiny" / "seed-0.json"

    env = {"CNNREF_RESULTS": str(results), "CNNREF_DATA": str(book.folder / "no-data")}
    assert book.build(**env) == []
    first = record.read_text()
    accuracy = json.loads(first)["final"]["accuracy"]
    assert f"accuracy {accuracy!r}" in book.html("index")

    assert book.build(CNNREF_EXPERIMENTS="stored", **env) == []
    assert record.read_text() == first
