"""When pages run again, and in which order."""

import json
import re
import sys

import pytest

from bookext.running import execution
from bookext.running.ahead import MANY
from bookext.running.execution import key_of_build

from ..conftest import QUESTIONS, notebook


@pytest.fixture
def tree(tmp_path):
    """Questions, a record, a folder of data, and their key."""
    for folder in ("book", "results", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "book" / "questions.yml").write_text(QUESTIONS)
    (tmp_path / "results" / "a.json").write_text("{}")
    settings = {"CNNREF_DATA": f"{tmp_path}/data", "CNNREF_RESULTS": f"{tmp_path}/results"}
    return tmp_path, lambda: key_of_build(tmp_path, settings)


def test_the_key_stays_while_nothing_changes(tree):
    folder, key = tree
    before = key()
    (folder / "results" / "__pycache__").mkdir()
    (folder / "results" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert key() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "book" / "questions.yml").write_text("a"),
        lambda at: (at / "results" / "a.json").write_text("[]"),
        lambda at: (at / "results" / "a.json").rename(at / "results" / "b.json"),
        lambda at: (at / "results" / "b.json").write_text("{}"),
        lambda at: (at / "data" / "train.npz").write_bytes(b"1"),
    ],
)
def test_the_key_sees_every_change(tree, change):
    folder, key = tree
    before = key()
    change(folder)
    assert key() != before


def test_the_key_sees_the_version_of_torch(tree, monkeypatch):
    _, key = tree
    before = key()
    monkeypatch.setattr(execution, "version", lambda name: f"{name} of tomorrow")
    assert key() != before


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
    book = tiny_book("running.execution")
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


def test_a_line_that_arrives_in_pieces_stays_a_line(tiny_book):
    book = tiny_book("running.execution")
    cell = (
        "import sys, time\nfor piece in ('one', ' line', '\\n'):\n"
        "    sys.stdout.write(piece)\n    sys.stdout.flush()\n    time.sleep(0.3)\n"
    )
    book.write(index=notebook(f"# Page\n\n```{{code-cell}} ipython3\n{cell}```\n"))
    assert book.build(CNNREF_DATA=str(book.folder / "nothing")) == []
    assert "one line" in re.sub(r"<[^>]+>", "", book.html("index"))


def test_a_forced_build_trains_first_and_its_pages_read(tiny_book):
    book = tiny_book("running.execution")
    library = book.folder / "cnnref"
    library.mkdir()
    (library / "__init__.py").touch()
    train = "import os, sys\nfrom pathlib import Path\n"
    train += "Path('trained.txt').write_text(' '.join(sys.argv[1:]))\n"
    train += "sys.exit(os.environ.get('BREAKS', 0))\n"
    (library / "__main__.py").write_text(train)
    cell = "import os\nprint(open('trained.txt').read(), os.environ['CNNREF_EXPERIMENTS'])\n"
    book.write(index=notebook(f"# Page\n\n```{{code-cell}} ipython3\n{cell}```\n"))
    nothing = str(book.folder / "nothing")
    assert book.build(CNNREF_DATA=nothing, CNNREF_EXPERIMENTS="force") == []
    assert "run --all --force stored" in re.sub(r"<[^>]+>", "", book.html("index"))
    with pytest.raises(AssertionError, match="training that was asked for has failed"):
        book.build(CNNREF_DATA=nothing, CNNREF_EXPERIMENTS="force", BREAKS="1")


def test_pages_run_side_by_side(tiny_book):
    """Each of two pages waits for the other's sign; in turn they would wait for ever."""
    book = tiny_book("running.ahead")
    cell = (
        "import time\nfrom pathlib import Path\nPath('{0}.sign').touch()\n"
        "end = time.monotonic() + 60\n"
        "while not Path('{1}.sign').exists() and time.monotonic() < end:\n    time.sleep(0.1)\n"
        "print('met' if time.monotonic() < end else 'alone')\n"
    )
    page = "# Page\n\n```{{code-cell}} ipython3\n{}```\n"
    book.write(
        index="# Top\n\n```{toctree}\none\ntwo\n```\n",
        one=notebook(page.format(cell.format("one", "two"))),
        two=notebook(page.format(cell.format("two", "one"))),
    )
    assert book.build(CNNREF_DATA=str(book.folder / "nothing")) == []
    for name in ("one", "two"):
        assert "met" in re.sub(r"<[^>]+>", "", book.html(name))


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux")
def test_the_kernels_of_many_pages_have_imported_everything(tiny_book):
    book = tiny_book("running.ahead")
    cell = "import sys\nprint('imported:', 'pandas' in sys.modules)\n"
    page = notebook(f"# Page\n\n```{{code-cell}} ipython3\n{cell}```\n")
    names = [f"page{number}" for number in range(MANY)]
    tree = "\n".join(f"book/{name}" for name in names)
    book.write(
        index=f"# Top\n\n```{{toctree}}\n{tree}\n```\n",
        **{f"book__{name}": page for name in names},
    )
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text().replace('["*.md"]', '["**.md"]'))
    assert book.build(CNNREF_DATA=str(book.folder / "nothing")) == []
    for name in names:
        assert "imported: True" in re.sub(r"<[^>]+>", "", book.html(f"book/{name}"))


def test_a_page_that_fails_ahead_is_reported_once(tiny_book):
    book = tiny_book("running.ahead")
    page = "# Page\n\n```{{code-cell}} ipython3\n{}\n```\n"
    book.write(
        index="# Top\n\n```{toctree}\none\ntwo\n```\n",
        one=notebook(page.format("raise RuntimeError('broken on purpose')")),
        two=notebook(page.format("print('fine')")),
    )
    warnings = book.build(CNNREF_DATA=str(book.folder / "nothing"))
    assert [w for w in warnings if "Executing notebook failed" in w]
    assert all("one" in warning for warning in warnings)
    assert "fine" in book.html("two")
