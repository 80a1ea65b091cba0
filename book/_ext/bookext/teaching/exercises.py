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
from sphinx_exercise.nodes import exercise_subtitle, is_exercise_node, solution_node

from ..folding.folds import fold, fold_line
from .copies import ListOfAll, add_list, copied, number_of, section_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

GRADES = ("Easy", "Solid", "Hard")
"""How hard an exercise is, in the order in which a chapter has them."""


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


class ListExercises(ListOfAll):
    """The list; a link leads to each exercise, with its grade."""

    what = "exercises"

    def chapter(self, chapter: str) -> tuple[nodes.paragraph, nodes.section] | None:
        """The exercises of a chapter."""
        jump, section = section_of(self.env, chapter, self.env.docname)
        jump += nodes.Text(":")
        for exercise in exercises_in(self.env, chapter):
            words = f"{exercise.number} {exercise.grade.lower()}".strip()
            jump += [nodes.Text(" "), nodes.reference("", words, refid=place_of(exercise))]
            section += self.entry(chapter, exercise)
        return (jump, section) if len(section) > 1 else None

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


def setup(app: Sphinx) -> None:
    """Register the directive, what fills it in, and the setting."""
    app.add_config_value("exercises_solutions", True, "env", bool)
    add_list(app, ListExercises)
    app.connect("config-inited", keep_sources)
    app.connect("doctree-read", leave_out, priority=100)  # before anything is noted of them
    app.connect("html-page-context", offer_no_source, priority=600)  # once the theme has added it
