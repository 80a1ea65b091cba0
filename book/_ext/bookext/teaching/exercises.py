"""`{exercises}`: every exercise of the book on one page, its solution in a fold.

An exercise begins with how hard it is, in italics: *Easy.*, *Solid.* or *Hard.*

A course may want the book without solutions. With `exercises_solutions: false` among the settings
no page has any, neither a chapter nor this list, nor a notebook, nor the search; and no page offers
its source. sphinx-exercise has a setting for this, too, but drops only the line that begins a
solution and leaves all that is between the two lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx_exercise.nodes import exercise_subtitle, is_exercise_node, solution_node

from ..chapters.chaptermap import chapters_of
from ..folding.checks import fold, fold_line
from .copies import copied, heading, number_of, section_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

GRADES = ("Easy", "Solid", "Hard")
"""How hard an exercise is, in the order in which a chapter has them."""


class all_exercises(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """Stands for the list until every page is read."""


class ExercisesDirective(SphinxDirective):
    """Places the list; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        """Leave a place for it."""
        return [all_exercises()]


@dataclass(frozen=True)
class Exercise:
    """An exercise of a chapter, as it was read."""

    name: str
    number: str
    title: list[nodes.Node]
    text: list[nodes.Node]
    solution: list[nodes.Node]

    @property
    def grade(self) -> str:
        """How hard it is; nothing where it does not say."""
        first = next((part for part in self.text if isinstance(part, nodes.paragraph)), None)
        word = first.astext().partition(".")[0] if first else ""
        return word if word in GRADES else ""


def exercises_in(env: BuildEnvironment, chapter: str) -> Iterator[Exercise]:
    """The exercises of a chapter, in order."""
    doctree = env.get_doctree(chapter)
    solutions = {node["target_label"]: node for node in doctree.findall(solution_node)}
    for node in doctree.findall(is_exercise_node):
        title, text = node.children
        named = list(title.findall(exercise_subtitle))
        name = node["label"]
        yield Exercise(
            name,
            number_of(env, chapter, "exercise", name),
            [part for subtitle in named for part in subtitle.children],
            text.children,
            solutions[name].children[-1].children if name in solutions else [],
        )


class ListExercises(SphinxPostTransform):
    """Puts the list in its place; before MyST-NB chooses what outputs show."""

    default_priority = 3

    def run(self, **_: Any) -> None:
        """List the exercises on one page."""
        for place in list(self.document.findall(all_exercises)):
            jumps = nodes.bullet_list("", classes=["question-jumps"])
            sections = []
            for chapter in chapters_of(self.env):
                if found := list(exercises_in(self.env, chapter)):
                    sections.append(self.section(chapter, found))
                    jumps += self.jump(chapter, found, sections[-1]["ids"][0])
            place.replace_self([jumps, *sections])

    def jump(self, chapter: str, found: list[Exercise], section: str) -> nodes.list_item:
        """Links to a chapter's section and to each of its exercises, with their grades."""
        line = nodes.paragraph()
        line += [nodes.reference("", "", *heading(self.env, chapter), refid=section)]
        line += nodes.Text(":")
        for exercise in found:
            words = f"{exercise.number} {exercise.grade.lower()}".strip()
            line += [nodes.Text(" "), nodes.reference("", words, refid=place_of(exercise))]
        return nodes.list_item("", line)

    def section(self, chapter: str, found: list[Exercise]) -> nodes.section:
        """The section of one chapter."""
        section = section_of(self.env, chapter, self.env.docname)
        for exercise in found:
            section += self.entry(chapter, exercise)
        return section

    def entry(self, chapter: str, exercise: Exercise) -> nodes.container:
        """One exercise: its name, which leads to the chapter, its text, and its solution."""
        page = self.env.docname
        entry = nodes.container(ids=[place_of(exercise)], classes=["exercise-entry"])
        address = self.app.builder.get_relative_uri(page, chapter)
        words = f"Exercise {exercise.number}".strip()
        link = nodes.reference("", words, refuri=f"{address}#{exercise.name}", internal=True)
        line = nodes.paragraph("", "", link, classes=["exercise-name"])
        if exercise.title:
            line += [nodes.Text(" · "), *copied(exercise.title, self.env, chapter, page)]
        entry += line
        entry += copied(exercise.text, self.env, chapter, page)
        if exercise.solution:
            name = f"Solution of exercise {exercise.number}".strip()
            box = fold("", fold_line(name, name), classes=["check", "sheet"])
            box += copied(exercise.solution, self.env, chapter, page)
            for cell in box.findall(nodes.container):
                cell.attributes.pop("hide_mode", None)  # one click is enough
            entry += box
        return entry


def place_of(exercise: Exercise) -> str:
    """The place of an exercise in the list."""
    return f"all-{exercise.name}"


def keep_sources(_: Sphinx, config: Config) -> None:
    """Offer no source of a page that would have the solutions in it."""
    if not config.exercises_solutions:
        config.html_copy_source = False


def offer_no_source(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Take the button away that leads to the source."""
    if not app.config.exercises_solutions:
        for group in context.get("header_buttons", ()):
            buttons = group.get("buttons", [])
            buttons[:] = [b for b in buttons if b["label"] != "download-source-button"]


def leave_out(app: Sphinx, doctree: nodes.document) -> None:
    """Take the solutions out of a page that was just read."""
    if not app.config.exercises_solutions:
        for solution in list(doctree.findall(solution_node)):
            solution.parent.remove(solution)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive, what fills it in, and the setting."""
    app.add_config_value("exercises_solutions", True, "env", bool)
    app.add_node(all_exercises)
    app.add_directive("exercises", ExercisesDirective)
    app.add_post_transform(ListExercises)
    app.connect("config-inited", keep_sources)
    app.connect("doctree-read", leave_out, priority=100)  # before anything is noted of them
    app.connect("html-page-context", offer_no_source, priority=600)  # once the theme has added it
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
