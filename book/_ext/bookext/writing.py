"""Which pages a build writes, and what pages note for one another.

Sphinx writes the pages that it has read. But a side bar has the titles of all pages, a link the
number of a figure elsewhere, and the theme's looks are on every page: where anything has changed
that a page shows of others, all are written. Else those that were read are, and those that gather
what the others have, such as the list of all exercises.

Sphinx can have forked processes write pages while it resolves the next. On two quiet cores that
saved nothing: 31 seconds for all pages of a site whose cells had run, with it and without.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

STAMP = "shown.sha256"
GATHERS = "gathers"


def note(env: BuildEnvironment, what: str, value: Any) -> None:
    """Note something of the page that is being read, until it is read again."""
    env.metadata[env.docname].setdefault(what, []).append(value)


def noted(env: BuildEnvironment, what: str) -> Iterator[tuple[str, Any]]:
    """What all pages have noted, each with the page's name."""
    for page in sorted(env.metadata):
        yield from ((page, value) for value in env.metadata[page].get(what, ()))


def gathers(env: BuildEnvironment) -> None:
    """Note that the page that is being read shows what others have."""
    note(env, GATHERS, True)


def note_reading(_app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Remember whether this build reads any page."""
    env.cnnref_reads = bool(docnames)  # type: ignore[attr-defined]


def outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages to write besides those that were read."""
    env.cnnref_shown = shown(app)  # type: ignore[attr-defined]
    if env.cnnref_shown != shown_by_last_build(app):  # type: ignore[attr-defined]
        # viewcode leaves a listing as it is while the module's source stays the same.
        shutil.rmtree(Path(app.outdir) / "_modules", ignore_errors=True)
        return sorted(env.found_docs)
    return [page for page, _ in noted(env, GATHERS)] if env.cnnref_reads else []  # type: ignore[attr-defined]


def shown(app: Sphinx) -> str:
    """A digest of all that a page may show of others, and of the style sheets and templates."""
    env, files = app.env, []
    for folder in (Path(app.srcdir) / "book" / name for name in ("_static", "_templates")):
        files += [(path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    citations = env.domaindata.get("cite", {}).get("citations", ())
    facts = (
        sorted(files),
        sorted((page, str(title)) for page, title in env.titles.items()),
        sorted((page, data.get("builds_on")) for page, data in env.metadata.items()),
        sorted(env.toctree_includes.items()),
        sorted(env.toc_secnumbers.items()),
        sorted(env.toc_fignumbers.items()),
        sorted(repr(thing) for domain in env.domains.values() for thing in domain.get_objects()),
        sorted(env.domaindata["math"]["objects"].items()),
        sorted((c.key, c.citation_id, c.formatted_entry.label, repr(c.entry)) for c in citations),
    )
    return sha256(repr(facts).encode()).hexdigest()


def shown_by_last_build(app: Sphinx) -> str:
    """What `shown` was when the last build succeeded."""
    stamp = Path(app.doctreedir) / STAMP
    return stamp.read_text() if stamp.is_file() else ""


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Note what a build has shown that succeeded, and list all its pages for search engines."""
    if exception is not None:
        return
    (Path(app.doctreedir) / STAMP).write_text(app.env.cnnref_shown)  # type: ignore[attr-defined]
    if app.builder.name == "html" and app.config.html_baseurl:
        # sphinx-sitemap lists the pages that one build has written.
        addresses = (app.builder.get_target_uri(page) for page in sorted(app.env.found_docs))
        lines = (
            f"<url><loc>{escape(app.config.html_baseurl + address)}</loc></url>\n"
            for address in addresses
        )
        (Path(app.outdir) / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{"".join(lines)}'
            "</urlset>\n",
            encoding="utf-8",
        )


def setup(app: Sphinx) -> None:
    """Hook in before and after pages are read, and once all is written."""
    app.connect("env-before-read-docs", note_reading)
    app.connect("env-get-updated", outdated)
    app.connect("build-finished", finish)
