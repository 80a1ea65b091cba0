"""The map of the book: which chapters a chapter builds on.

The front matter of a chapter names them::

    builds_on: [pooling, data]

`{chapter-map}` draws all of them, an arc from each chapter to those below that build on it. The
build warns about a name that is no earlier chapter, and about a chapter that refers back to one
that it does not build on, directly or through others.
"""

from __future__ import annotations

import json
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from ..around import around
from ..gathered import add_list
from ..templates import filled

logger = logging.getLogger(__name__)


def parts_of(env: BuildEnvironment) -> list[addnodes.toctree]:
    """The parts of the book, each with a caption and its pages, as `_toc.yml` has them."""
    return list(env.tocs[env.config.root_doc].findall(addnodes.toctree))


def chapters_of(env: BuildEnvironment) -> dict[str, int]:
    """The chapters, that is, the numbered pages, in order, each with the number of its part."""
    parts = (part["includefiles"] for part in parts_of(env) if part["numbered"])
    return {name: number for number, names in enumerate(parts, 1) for name in names}


def builds_on(env: BuildEnvironment, chapter: str) -> list[str]:
    """What a chapter's front matter says that it builds on, as full names of pages."""
    folder = chapter.rpartition("/")[0]
    named = json.loads(env.metadata[chapter].get("builds_on", "[]"))
    return [f"{folder}/{name}" if folder else name for name in named]


def check_map(_: Sphinx, env: BuildEnvironment) -> None:
    """Warn about a front matter that names what is no earlier chapter."""
    order = list(chapters_of(env))
    for place, chapter in enumerate(order):
        for name in builds_on(env, chapter):
            if name not in order[:place]:
                logger.warning("builds_on: %s is no earlier chapter", name, location=chapter)


def foundations(env: BuildEnvironment, chapter: str) -> set[str]:
    """All chapters that a chapter builds on, directly or through others."""
    found: set[str] = set()
    waiting = [chapter]
    while waiting:
        new = set(builds_on(env, waiting.pop())) - found
        found |= new
        waiting += new
    return found


class CheckReferences(SphinxPostTransform):
    """Warns about references back to chapters that this one does not build on."""

    default_priority = 900  # once references are links

    def run(self, **_: Any) -> None:
        """Check one page."""
        order = list(chapters_of(self.env))
        page = self.env.docname
        if page not in order:
            return
        missing = set(order[: order.index(page)]) - foundations(self.env, page)
        targets = {self.app.builder.get_relative_uri(page, name): name for name in missing}
        for link in self.document.findall(nodes.reference):
            # What stands in a box, such as a note about a handout, is an aside.
            if any(isinstance(node, nodes.Admonition) for node in around(link)):
                continue
            if name := targets.get(link.get("refuri", "").partition("#")[0]):
                logger.warning(
                    "refers back to %s, which is not in its builds_on", name, location=link
                )


def draw_map(env: BuildEnvironment, page: str, _part: str) -> list[nodes.Node]:
    """The map as a list of links; the arcs of a row lead up to the chapters it builds on."""
    order = chapters_of(env)
    places = {name: place for place, name in enumerate(order)}
    rows = [
        {
            "part": part,
            "address": env.app.builder.get_relative_uri(page, name),
            "title": env.titles[name].astext(),
            "below": [
                (env.titles[other].astext(), places[name] - places[other])
                for other in builds_on(env, name)
                if other in places
            ],
        }
        for name, part in order.items()
    ]
    return [nodes.raw("", filled("chapters/map.html", rows=rows), format="html")]


def setup(app: Sphinx) -> None:
    """Register the directive, the checks and the drawing."""
    add_list(app, "chapter-map", draw_map)
    app.add_post_transform(CheckReferences)
    app.connect("env-check-consistency", check_map)
