"""The built site on a local server, a browser to read it with, and tiny books to build."""

import gzip
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from . import tiny_builds
from .accessibility import Accessibility

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
SITE = ROOT / "_build" / "html"

# Tests of the extension's parts import it as Sphinx does.
sys.path.insert(0, str(EXTENSIONS))

from bookext.elsewhere import headless  # noqa: E402

COMPRESSED = {".html", ".css", ".js", ".svg", ".json", ".xml", ".txt"}


@lru_cache(64)
def compressed(path: Path, _time: int) -> bytes:
    """A file as it was at that time, compressed."""
    return gzip.compress(path.read_bytes(), mtime=0)


def served_bytes(path: Path) -> bytes:
    """What a reader's browser is sent of a file: text compressed, as by a real host."""
    if path.suffix in COMPRESSED:
        return compressed(path, path.stat().st_mtime_ns)
    return path.read_bytes()


class CompressingHandler(SimpleHTTPRequestHandler):
    """Serves files, and text compressed."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = served_bytes(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the reader has gone on
            self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built book."""
    if not (SITE / "index.html").is_file():
        pytest.fail("the book is not built; run `make book` first")
    return SITE


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    handler = partial(CompressingHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def address(site) -> Iterator[str]:
    """The address at which the built book is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium. Where there is none, tests skip; in CI they fail instead."""
    missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    if not headless.program():
        missing(headless.MISSING)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        missing(f"{error}; install it: pip install 'cnnref[test]'")
    with sync_playwright() as playwright:
        chromium = headless.launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page of a browser that remembers nothing of other tests."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def accessibility() -> Accessibility:
    """Axe, which remembers what it has seen."""
    return Accessibility()


@dataclass
class TinyBook:
    """A Sphinx project of a few files, built in a process of its own."""

    folder: Path
    env: dict[str, str]

    def write(self, **pages: str) -> None:
        """Write pages by name; `__` stands for a slash."""
        for name, text in pages.items():
            path = self.folder / f"{name.replace('__', '/')}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def build(self, **env: str) -> list[str]:
        """Build, and return the warnings, each with its place."""
        log = self.folder / "warnings.txt"
        log.write_text("")
        arguments = ["-n", "-q", "-w", str(log), ".", "_build/html"]
        status, said = tiny_builds.build(self.folder, self.env | env, arguments)
        assert status == 0, said
        return [line for line in log.read_text().splitlines() if "WARNING: " in line]

    def html(self, page: str) -> str:
        """The built page."""
        return (self.folder / "_build" / "html" / f"{page}.html").read_text(encoding="utf-8")


CONF = """\
extensions = {extensions!r}
include_patterns = ["*.md"]
html_theme = "basic"
html_math_renderer = "drawn"
html_theme_options = {{}}
myst_enable_extensions = ["colon_fence", "dollarmath", "amsmath"]
myst_update_mathjax = False
nb_execution_mode = "cache"
nb_output_stderr = "remove-warn"
"""

QUESTIONS = """\
handouts:
  - school: A School
    course: A Course
    handout: Sheet 1
    questions:
      Q-1: {kind: written, about: one}
      Q-2: {kind: written, about: two}
      Q-3: {kind: experiment, about: three}
"""


@pytest.fixture(scope="session")
def tiny_book(tmp_path_factory) -> Callable[..., TinyBook]:
    """Makes tiny books out of some of the extension's parts."""

    def make(*parts: str, questions: str = QUESTIONS) -> TinyBook:
        tmp_path = tmp_path_factory.mktemp("tiny-book")
        extensions = ["myst_nb", "bookext.look.mathrender", *(f"bookext.{part}" for part in parts)]
        (tmp_path / "conf.py").write_text(CONF.format(extensions=extensions))
        (tmp_path / "book").mkdir()
        (tmp_path / "book" / "questions.yml").write_text(questions)
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_one.py").write_text("def test_first():\n    pass\n")
        # This checkout's library, whichever is installed.
        path = os.pathsep.join([str(tmp_path / "lib"), str(EXTENSIONS), str(ROOT)])
        return TinyBook(tmp_path, {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"})

    return make


def notebook(body: str) -> str:
    """A page whose cells are executed."""
    head = "file_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}"
    return f"---\n{head}\n---\n\n{body}"


CHECKED = "```{code-cell} ipython3\nassert 1 + 1 == 2\n```\n"


def messages(warnings: list[str]) -> list[str]:
    """What warnings say, without their places and kinds."""
    return sorted(re.sub(r" \[.*\]$", "", w.partition("WARNING: ")[2]) for w in warnings)
