"""Lists of what all chapters have: parts of them, copied onto another page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import docname_join
from sphinx.util.docutils import SphinxDirective

from ..chapters.chaptermap import chapters_of
from ..writing import gathers

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

LEFT_OUT = (nodes.target, nodes.comment, addnodes.index)


def copied(
    parts: Iterable[nodes.Node], env: BuildEnvironment, chapter: str, page: str
) -> list[nodes.Node]:
    """Copies whose links lead where those of the chapter lead.

    Places and numbers stay in the chapter, so that none is on two pages.

    Args:
        parts: of the chapter, as it was read.
        env: of this build.
        chapter: the chapter's name.
        page: the name of the page that gets the copies.
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
            if part.get("reftype") == "doc":
                part["reftarget"] = f"/{docname_join(chapter, part['reftarget'])}"
            part["refdoc"] = page
        elif isinstance(part, nodes.reference) and "refid" in part:
            address = env.app.builder.get_relative_uri(page, chapter)
            part["refuri"] = f"{address}#{part.attributes.pop('refid')}"
    return list(box.children)


class ListDirective(SphinxDirective):
    """Leaves a place for a list of what the chapters have."""

    def run(self) -> list[nodes.Node]:
        """Place it."""
        gathers(self.env, self.name)
        return [list_place(what=self.name)]


class list_place(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """Stands for a list until every page is read."""


class ListOfAll(SphinxPostTransform):
    """Puts a list in its place: links to jump by, and a section for each chapter."""

    default_priority = 3  # before MyST-NB chooses what outputs show
    what: ClassVar[str]

    def run(self, **_: Any) -> None:
        """Fill the places of one page."""
        for place in list(self.document.findall(list_place)):
            if place["what"] == self.what:
                jumps = nodes.bullet_list("", classes=["question-jumps"])
                found = [*filter(None, map(self.chapter, chapters_of(self.env)))]
                jumps += [nodes.list_item("", jump) for jump, _ in found]
                place.replace_self([jumps, *(section for _, section in found)])

    def chapter(self, chapter: str) -> tuple[nodes.paragraph, nodes.section] | None:
        """The links to what is from a chapter, and its section; nothing, where it has none."""
        raise NotImplementedError


def number_of(env: BuildEnvironment, chapter: str, kind: str, name: str) -> str:
    """The number of a figure or exercise, such as 2.3; nothing where it has none."""
    numbers = env.toc_fignumbers.get(chapter, {}).get(kind, {})
    return ".".join(map(str, numbers.get(name, ())))


def heading(env: BuildEnvironment, chapter: str) -> list[nodes.Node]:
    """The number and title of a chapter."""
    number = ".".join(map(str, env.toc_secnumbers.get(chapter, {}).get("", ())))
    title = (part.deepcopy() for part in env.titles[chapter].children)
    return [nodes.Text(f"{number}. " if number else ""), *title]


def section_of(
    env: BuildEnvironment, chapter: str, page: str
) -> tuple[nodes.paragraph, nodes.section]:
    """A link to the section for what comes from a chapter, and that; its title leads there."""
    section = nodes.section(ids=[f"from-{chapter.rpartition('/')[2]}"])
    address = env.app.builder.get_relative_uri(page, chapter)
    link = nodes.reference("", "", *heading(env, chapter), refuri=address, internal=True)
    section += nodes.title("", "", link)
    jump = nodes.reference("", "", *heading(env, chapter), refid=section["ids"][0])
    return nodes.paragraph("", "", jump), section


def add_list(app: Sphinx, kind: type[ListOfAll]) -> None:
    """Register the directive of a list, and what fills its places."""
    app.setup_extension("bookext.writing")
    app.add_node(list_place, override=True)
    app.add_directive(kind.what, ListDirective)
    app.add_post_transform(kind)
