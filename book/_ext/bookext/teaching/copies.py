"""Parts of a chapter, copied onto another page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes
from sphinx.util import docname_join

if TYPE_CHECKING:
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


def number_of(env: BuildEnvironment, chapter: str, kind: str, name: str) -> str:
    """The number of a figure or exercise, such as 2.3; nothing where it has none."""
    numbers = env.toc_fignumbers.get(chapter, {}).get(kind, {})
    return ".".join(map(str, numbers.get(name, ())))


def heading(env: BuildEnvironment, chapter: str) -> list[nodes.Node]:
    """The number and title of a chapter."""
    number = ".".join(map(str, env.toc_secnumbers.get(chapter, {}).get("", ())))
    title = (part.deepcopy() for part in env.titles[chapter].children)
    return [nodes.Text(f"{number}. " if number else ""), *title]


def section_of(env: BuildEnvironment, chapter: str, page: str) -> nodes.section:
    """A section for what comes from a chapter; its title leads there."""
    section = nodes.section(ids=[f"from-{chapter.rpartition('/')[2]}"])
    address = env.app.builder.get_relative_uri(page, chapter)
    link = nodes.reference("", "", *heading(env, chapter), refuri=address, internal=True)
    section += nodes.title("", "", link)
    return section
