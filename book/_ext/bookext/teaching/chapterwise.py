"""Lists by chapter: links to jump by, and a section for each chapter that has something."""

from __future__ import annotations

from collections.abc import Callable

from docutils import nodes
from sphinx.environment import BuildEnvironment

from ..chapters.chaptermap import chapters_of
from ..gathered import Fill, link_to

Entries = tuple[list[nodes.Node], list[nodes.Node]]


def by_chapter(entries_of: Callable[[BuildEnvironment, str, str], Entries]) -> Fill:
    """Fills the place of such a list.

    Args:
        entries_of: given the environment, a chapter and the page with the list: links to the
            chapter's entries, which may be none, and the entries.
    """

    def fill(env: BuildEnvironment, page: str, _part: str) -> list[nodes.Node]:
        jumps, sections = nodes.bullet_list("", classes=["question-jumps"]), []
        for chapter in chapters_of(env):
            links, entries = entries_of(env, chapter, page)
            if entries:
                name = f"from-{chapter.rpartition('/')[2]}"
                jump = nodes.reference("", "", *title_of(env, chapter), refid=name)
                jumps += nodes.list_item("", nodes.paragraph("", "", jump, *links))
                link = link_to(env, page, chapter, "", *title_of(env, chapter))
                section = nodes.section("", nodes.title("", "", link), *entries, ids=[name])
                sections.append(section)
        return [jumps, *sections]

    return fill


def title_of(env: BuildEnvironment, chapter: str) -> list[nodes.Node]:
    """The number and title of a chapter."""
    number = ".".join(map(str, env.toc_secnumbers.get(chapter, {}).get("", ())))
    title = (part.deepcopy() for part in env.titles[chapter].children)
    return [nodes.Text(f"{number}. " if number else ""), *title]


def number_of(env: BuildEnvironment, chapter: str, kind: str, name: str) -> str:
    """The number of a figure or exercise, such as 2.3; nothing where it has none."""
    numbers = env.toc_fignumbers.get(chapter, {}).get(kind, {})
    return ".".join(map(str, numbers.get(name, ())))
