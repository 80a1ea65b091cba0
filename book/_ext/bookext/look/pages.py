"""Small repairs to the pages that the theme and its extensions produce."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Each pair mends a stock violation of the accessibility rules that the browser tests check.
REPAIRS = (
    # Roles for bibliographies that no browser supports any more.
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),
    (re.compile(r' role="doc-biblioentry"'), ""),
    # The same id on every exercise and solution.
    (
        re.compile(r'<section (?:class="[^"]*" )?id="(exercise|solution)-content">'),
        r'<section class="\1-content">',
    ),
)
SHOW_SOLUTIONS = (
    '<button type="button" class="btn btn-sm show-solutions pst-js-only">'
    "Show all solutions</button>"
)


def repair(body: str) -> str:
    """Apply every repair to a page's body."""
    for pattern, replacement in REPAIRS:
        body = pattern.sub(replacement, body)
    return body


def offer_solutions(body: str) -> str:
    """Put a button under the heading of the first solution's section; it opens and closes all."""
    before, solution, after = body.partition('<details class="solution dropdown"')
    if not solution:
        return body
    head, end, rest = before.rpartition("</h2>")
    return f"{head}{end}{SHOW_SOLUTIONS}{rest}{solution}{after}"


def flat(body: str) -> str:
    """A nested list as a flat one: viewcode puts the inner list beside the items, not into one."""
    head, _, items = body.partition("<ul>")
    return f"{head}<ul>{re.sub('</?ul>', '', items)}</ul>"


def numbers_in_order(name: str) -> str:
    """What to sort a name by, so that a tenth question comes after the second."""
    return re.sub(r"\d+", lambda number: number[0].zfill(4), name.lower())


def finish_page(
    _app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Repair the body, or the order of an index."""
    if "body" in context:
        context["body"] = offer_solutions(repair(context["body"]))
    if pagename == "_modules/index":
        context["body"] = flat(context["body"])
    for _letter, entries in context.get("genindexentries", ()):
        entries.sort(key=lambda entry: numbers_in_order(entry[0]))


def setup(app: Sphinx) -> None:
    """Hook into page writing, before the theme adds its buttons."""
    # Jupyter Book sets this value of sphinx_comments, which is not loaded.
    app.add_config_value("comments_config", {}, "html")
    app.connect("html-page-context", finish_page, priority=400)
