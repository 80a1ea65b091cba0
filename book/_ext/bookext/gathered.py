"""What is known once all pages are read: questions, errata, exercises, figures, the chapters' map.

A directive leaves places on its page. Once all pages are read, a function fills each: it is given
the environment, the page, and the part of the list that is wanted there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from .writing import gathers

LEFT_OUT = (nodes.target, nodes.comment, addnodes.index)

Fill = Callable[[BuildEnvironment, str, str], list[nodes.Node]]

FILLS: dict[str, Fill] = {}
"""What fills the places of each directive."""


class place(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """Stands for a part of a list until every page is read."""


class ListDirective(SphinxDirective):
    """Leaves a place for a list."""

    def run(self) -> list[nodes.Node]:
        """Place it."""
        gathers(self.env)
        return self.places()

    def places(self) -> list[nodes.Node]:
        """The one place, of all that there is."""
        return [place(list=self.name, part="")]

    def section(self, title: str, part: str) -> nodes.section:
        """A section for a part of the list."""
        section = nodes.section(ids=[nodes.make_id(title)], names=[title.lower()])
        section += [nodes.title(title, title), place(list=self.name, part=part)]
        self.state.document.note_implicit_target(section)
        return section


class FillPlaces(SphinxPostTransform):
    """Puts what there is in its place."""

    default_priority = 3  # before Sphinx resolves references, and MyST-NB chooses outputs

    def run(self, **_: Any) -> None:
        """Fill the places of one page."""
        for found in list(self.document.findall(place)):
            found.replace_self(FILLS[found["list"]](self.env, self.env.docname, found["part"]))


def link_to(
    env: BuildEnvironment, page: str, chapter: str, name: str, *words: nodes.Node
) -> nodes.reference:
    """A link on a page to a place in a chapter, or to its top."""
    return make_refnode(env.app.builder, page, chapter, name, list(words))


def copied(
    parts: Iterable[nodes.Node], env: BuildEnvironment, chapter: str, page: str
) -> list[nodes.Node]:
    """Copies whose links lead where those of the chapter lead.

    Places and numbers stay in the chapter, so that none is on two pages.

    Args:
        parts: of the chapter, as it was read.
        env: of this build.
        chapter: the chapter's name.
        page: the name of the page that gets the copies, in the chapter's folder.
    """
    box = nodes.Element("", *(part.deepcopy() for part in parts))
    for part in list(box.findall(nodes.Element)):
        if isinstance(part, LEFT_OUT):
            part.parent.remove(part)
            continue
        part["ids"], part["names"] = [], []
        if isinstance(part, nodes.math_block):
            part["number"] = part["label"] = None
        elif isinstance(part, addnodes.pending_xref):
            part["refdoc"] = page
        elif isinstance(part, nodes.reference) and "refid" in part:
            address = env.app.builder.get_relative_uri(page, chapter)
            part["refuri"] = f"{address}#{part.attributes.pop('refid')}"
    return list(box.children)


def add_list(
    app: Sphinx, name: str, fill: Fill, directive: type[ListDirective] = ListDirective
) -> None:
    """Register the directive of a list, and what fills its places."""
    app.setup_extension("bookext.gathered")
    FILLS[name] = fill
    app.add_directive(name, directive)


def setup(app: Sphinx) -> None:
    """Register what fills places."""
    app.setup_extension("bookext.writing")
    app.add_node(place)
    app.add_post_transform(FillPlaces)
