"""A tiny book with every kind of explorer, and a browser that opens its pages from the disk."""

import pytest

from ..pages import DESK, THEME, WATCH_SHIFTS
from .reader import PAGES


@pytest.fixture(scope="session")
def explorer_book(tiny_book):
    """The folder of the built pages."""
    book = tiny_book("look.images", "explorers.directive")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + THEME)
    book.write(**PAGES)
    assert book.build() == []
    return book.folder / "_build" / "html"


@pytest.fixture
def visit(browser, explorer_book):
    """Opens a page from the disk; at the end, nothing must have gone wrong on any."""
    problems, contexts = [], []

    def open_page(name, viewport=DESK, fragment="", clock=False, **context):
        contexts.append(browser.new_context(viewport=viewport, **context))
        page = contexts[-1].new_page()
        page.on("console", lambda m: problems.extend([m.text] if m.type == "error" else []))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "request", lambda r: problems.extend([] if r.url[:5] in ("file:", "data:") else [r.url])
        )
        if context.get("java_script_enabled", True):
            page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
            page.add_init_script(WATCH_SHIFTS)
        if clock:
            page.clock.install()
        page.goto(f"{(explorer_book / f'{name}.html').as_uri()}{fragment}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
