"""What a page waits for before it shows: one style sheet, and no script.

The theme and its extensions bring a dozen style sheets, most of whose rules no page of this book
needs, and scripts at which a browser stops to read. Once the pages are written, the style sheets
become one file without the rules for classes that stand in no page and no script: of 92 KB,
compressed, 29 stay. The scripts run when the page has been shown, in the same order as before.
Sections far below are laid out when they come near (book.css), but not if a script asks for the
size of what is in them; book.js keeps the theme from it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Any

import tinycss2

from .icons import prune_fonts

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LINK = re.compile(r'[ \t]*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"?]+)[^"]*"[^>]*>\n?')
MEDIA = re.compile(r'\bmedia="([^"]+)"')
SCRIPT = re.compile(
    r'<script\b(?![^>]*(?:\basync\b|"late"))(?=[^>]*\bsrc=)(?: defer(?:="defer")?)?'
)
PRELOAD = re.compile(r'(<link rel="preload" as="script")(?! fetchpriority)')
OPTION = re.compile(r"<script>(DOCUMENTATION_OPTIONS\.[^<]*)</script>")
ADDRESS = re.compile(r"""url\((["']?)(?!data:|#|https?:|/)([^)"']+)\1\)""")
IMPORTED = re.compile(r"""["'(]([^"'()?]+)""")
CLASSES = re.compile(r'\bclass="([^"]*)"')
CLASS = re.compile(r"\.([\w-]+)")
LOOK = re.compile(r"\blook-[0-9a-f]{12}\.css\b")
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


def read_sheet(path: Path, base: Path) -> str:
    """A style sheet with those that it imports, its addresses as seen from another folder."""
    css = path.read_text(encoding="utf-8")
    parts = []
    for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            named = IMPORTED.search(tinycss2.serialize(rule.prelude))
            parts.append(read_sheet(path.parent / named[1], base))  # type: ignore[index]
        elif not (rule.type == "at-rule" and rule.lower_at_keyword == "charset"):
            parts.append(tinycss2.serialize([rule]))
    folder = Path(relpath(path.parent, base)).as_posix()
    return ADDRESS.sub(lambda m: f"url({normpath(f'{folder}/{m[2]}')})", "\n".join(parts))


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


def one_sheet(links: Iterable[str], page: Path, known: set[str]) -> str:
    """The style sheets of a page as one, as if it stood beside them in `_static`."""
    parts = []
    for link in links:
        path = Path(normpath(page.parent / LINK.match(link)[1]))  # type: ignore[index]
        css = read_sheet(path, static_of(path))
        rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
        kept = "".join(prune(rules, known))
        media = MEDIA.search(link)
        parts.append(f"@media {media[1]}{{{kept}}}\n" if media else kept)
    return "".join(parts)


def static_of(path: Path) -> Path:
    """The folder `_static` above a file."""
    return next(folder for folder in path.parents if folder.name == "_static")


LOADER = """<script>
if (!location.hash) document.documentElement.dataset.lazy = "";
addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => setTimeout(() => {
  const scripts = [...document.querySelectorAll("script[type=late]")].map((late) => {
    const script = document.createElement("script");
    for (const { name, value } of late.attributes) {
      if (name !== "type") script.setAttribute(name, value);
    }
    script.async = false;
    return script;
  });
  scripts.at(-1).onload = scripts.at(-1).onerror = () => {
    dispatchEvent(new Event("scripts-run"));
    document.documentElement.dataset.scripts = "run";
  };
  document.head.append(...scripts);
})));
</script>
"""


def delay(html: str) -> str:
    """Have a page's scripts wait until it is shown, and what sets their options wait for them."""
    if LOADER in html:
        return html
    html = OPTION.sub(r'<script>addEventListener("scripts-run", () => {\1});</script>', html)
    html = PRELOAD.sub(r'\1 fetchpriority="low"', html)
    return SCRIPT.sub('<script type="late"', html).replace("</head>", f"{LOADER}</head>", 1)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the pages that this build has written, and leave one style sheet for all."""
    if exception is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    # The theme's folder `_static` holds templates of pages, too.
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")
             if path.parent.name != "_static"}  # fmt: skip
    sheets = {path: [m[0] for m in LINK.finditer(html)] for path, html in pages.items()}
    written = [path for path in pages if len(sheets[path]) > 1 and SCRIPT.search(pages[path])]
    if not written:
        return
    # Each build writes the index anew, which asks for nothing of its own.
    plainest = min(written, key=lambda path: (len(sheets[path]), path))
    shared = {address(link, plainest): link for link in sheets[plainest]}
    known = known_classes(pages.values(), scripts_of(site, pages.values()))
    look = site / "_static" / f"look-{digest(site, shared, known)}.css"
    if not look.is_file():
        look.write_text(one_sheet(shared.values(), plainest, known), encoding="utf-8")
    for path, html in pages.items():
        new = LOOK.sub(look.name, html)
        if path in written:
            link = Path(relpath(look, path.parent)).as_posix()
            tag = f'<link rel="stylesheet" type="text/css" href="{link}" />\n'
            for old in (old for old in sheets[path] if address(old, path) in shared):
                new, tag = new.replace(old, tag, 1), ""
            new = new if path.name == "search.html" else delay(new)
        if new != html:
            path.write_text(new, encoding="utf-8")
    for other in look.parent.glob("look-*.css"):
        if other != look:
            other.unlink()
    prune_fonts(look.parent, look.read_text("utf-8"))


def digest(site: Path, shared: Iterable[str], known: set[str]) -> str:
    """What the one style sheet depends on: the others, and the classes that they ask for."""
    css = "".join(
        path.read_text("utf-8")
        for path in sorted((site / "_static").rglob("*.css"))
        if not LOOK.fullmatch(path.name)
    )
    asked = known.intersection(CLASS.findall(css))
    links = [Path(link).relative_to(site).as_posix() for link in shared]
    return sha256(repr((css, links, sorted(asked))).encode()).hexdigest()[:12]


def address(link: str, page: Path) -> str:
    """Where the style sheet of a link lies."""
    return normpath(page.parent / LINK.match(link)[1])  # type: ignore[index]


def setup(app: Sphinx) -> None:
    """Hook in after everything is written."""
    # After the theme, which writes the colours of code last of all.
    app.connect("build-finished", finish, priority=900)
