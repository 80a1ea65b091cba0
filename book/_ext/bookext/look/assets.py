"""What a page waits for before it shows: one style sheet, and no script.

The theme and its extensions bring a dozen style sheets, most of whose rules no page of this book
needs, and scripts at which a browser stops to read. The template of all pages (`layout.html`) has
them ask for one sheet instead. It is written once the pages are, without the rules for classes that
stand in no page and no script: of 93 KB, compressed, 30 stay. The scripts run when the page has
been shown, in the same order as before; on a phone, as Lighthouse models it, the largest paint is
0.3 s sooner than where they are deferred. Sections far below are laid out when they come near
(book.css), but not if a script asks for the size of what is in them; book.js keeps the theme from
it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import cache, partial
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from posixpath import normpath
from typing import Any

import tinycss2
from docutils import nodes
from sphinx.application import Sphinx

from .icons import prune_fonts

LOOK = "look.css"
# The sheets of explorers belong to the pages that have some.
LINK = re.compile(
    r'[ \t]*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"]*?_static/)(?!explorer)'
    r'(([^"?]+)[^"]*)"[^>]*>\n?'
)
MEDIA = re.compile(r'\bmedia="([^"]+)"')
SCRIPT = re.compile(r"<script\b(?![^>]*\basync\b)(?=[^>]*\bsrc=)(?: defer(?:=\"defer\")?)?")
OPTION = re.compile(r"<script>(DOCUMENTATION_OPTIONS\.[^<]*)</script>")
ADDRESS = re.compile(r"""url\((["']?)(?!data:|#|https?:|/)([^)"']+)\1\)""")
IMPORTED = re.compile(r"""["'(]([^"'()?]+)""")
CLASSES = re.compile(r'\bclass="([^"]*)"')
WORD = re.compile(r"[\w-]+")
SOURCE = re.compile(r'\bsrc="([^"?]+\.js)')
GROUPS = {"media", "supports", "layer", "container"}


def prune(rules: Iterable[Any], known: set[str]) -> Iterator[str]:
    """The rules of a style sheet of which some selector may match.

    A selector matches nothing where it asks for a class that is not known. Classes inside of
    `:not()` and the like ask for nothing.
    """
    for rule in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword in GROUPS and rule.content is not None:
            inner = tinycss2.parse_blocks_contents(rule.content, True, True)
            kept = "".join(prune(inner, known))
            if kept:
                prelude = tinycss2.serialize(rule.prelude).strip()
                yield f"@{rule.at_keyword} {prelude}{{{kept}}}\n"
        elif rule.type == "qualified-rule":
            kept = ",".join(
                tinycss2.serialize(selector).strip()
                for selector in selectors(rule.prelude)
                if classes(selector) <= known
            )
            if kept:
                yield f"{kept}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.type != "error":
            yield tinycss2.serialize([rule]) + "\n"


def selectors(prelude: list[Any]) -> Iterator[list[Any]]:
    """The selectors between the commas."""
    selector: list[Any] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def classes(selector: list[Any]) -> set[str]:
    """The classes that an element, or one around it, must have."""
    pairs = itertools.pairwise(selector)
    return {name.value for dot, name in pairs if dot == "." and name.type == "ident"}


def read_sheet(path: Path, base: Path, known: set[str]) -> str:
    """A pruned style sheet with those that it imports, its addresses as seen from a folder."""
    rules = tinycss2.parse_stylesheet(path.read_text("utf-8"), True, True)
    parts, own = [], []
    for rule in rules:
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            named = IMPORTED.search(tinycss2.serialize(rule.prelude))
            parts.append(read_sheet(path.parent / named[1], base, known))  # type: ignore[index]
        elif not (rule.type == "at-rule" and rule.lower_at_keyword == "charset"):
            own.append(rule)
    folder = Path(relpath(path.parent, base)).as_posix()
    css = "".join(prune(own, known))
    return "".join(parts) + ADDRESS.sub(lambda m: f"url({normpath(f'{folder}/{m[2]}')})", css)


def known_classes(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Every class of a page, and every word of a script: it may be a class that it sets."""
    found = {name for page in pages for names in CLASSES.findall(page) for name in names.split()}
    return found | {word for script in scripts for word in WORD.findall(script)}


def scripts_of(site: Path, pages: Iterable[str]) -> Iterator[str]:
    """The programs that some page runs; the search index is a list of words."""
    named = {Path(name).name for page in pages for name in SOURCE.findall(page)}
    for path in sorted(site.rglob("*.js")):
        if path.name in named - {"searchindex.js"}:
            yield path.read_text("utf-8")


@cache
def sheets_of(_app: Sphinx) -> dict[str, str]:
    """The style sheets that pages ask for, in their order, each with the media that it is for."""
    return {}


def one_sheet(sheets: dict[str, str], head: str) -> str:
    """Part of a page's head, with one style sheet in place of those that all pages share."""
    links = list(LINK.finditer(head))
    for link in links:
        media = MEDIA.search(link[0])
        sheets[link[3]] = media[1] if media else ""
    # Sphinx and the theme tell a browser in the address which version of a file it wants.
    version = sha256("".join(link[2] for link in links).encode()).hexdigest()[:8]
    tag = f'<link rel="stylesheet" href="{links[0][1]}{LOOK}?v={version}" />\n' if links else ""
    for link in links:
        head, tag = head.replace(link[0], tag, 1), ""
    return head


def delay(html: str) -> str:
    """Have scripts wait until the page is shown, and what sets their options wait for them."""
    html = OPTION.sub(r'<script>addEventListener("scripts-run", () => {\1});</script>', html)
    return SCRIPT.sub('<script type="late"', html)


def offer(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Give the template what it passes parts of a page through."""
    context["one_sheet"] = partial(one_sheet, sheets_of(app))
    context["delay"] = delay


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the one style sheet for the classes of all pages, and the fonts with its icons."""
    if exception is not None or app.builder.name != "html" or not sheets_of(app):
        return
    site, static = Path(app.outdir), Path(app.outdir) / "_static"
    # The theme's folder `_static` holds templates of pages, too.
    pages = [path.read_text("utf-8") for path in site.rglob("*.html") if path.parent != static]
    known = known_classes(pages, scripts_of(site, pages))
    parts = []
    for name, media in sheets_of(app).items():
        css = read_sheet(static / name, static, known)
        parts.append(f"@media {media}{{{css}}}\n" if media else css)
    (static / LOOK).write_text("".join(parts), encoding="utf-8")
    prune_fonts(static, "".join(parts))


def setup(app: Sphinx) -> None:
    """Hook into page writing, and in after everything is written."""
    app.connect("html-page-context", offer)
    # After the theme, which writes the colours of code last of all.
    app.connect("build-finished", finish, priority=900)
