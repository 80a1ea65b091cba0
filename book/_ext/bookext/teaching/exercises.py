"""`{exercises}`: every exercise of the book on one page, its solution in a fold.

An exercise begins with how hard it is, in italics: *Easy.*, *Solid.* or *Hard.*

A course may want the book without solutions. With `exercises_solutions: false` among the settings
no page has any, neither a chapter nor this list, nor a notebook, nor the search; and no page offers
its source. sphinx-exercise has a setting for this, too, but drops only the line that begins a
solution and leaves all that is between the two lines.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import exercise_subtitle, is_exercise_node, solution_node

from ..folding.folds import fold, fold_line
from ..gathered import add_list, copied, link_to
from .chapterwise import Entries, by_chapter, number_of

GRADES = ("Easy", "Solid", "Hard")
"""How hard an exercise is, in the order in which a chapter has them."""


def exercises_of(env: BuildEnvironment, chapter: str, page: str) -> Entries:
    """The exercises of a chapter, and a link to each with its number and grade."""
    doctree = env.get_doctree(chapter)
    solutions = {node["target_label"]: node for node in doctree.findall(solution_node)}
    links: list[nodes.Node] = [nodes.Text(":")]
    entries: list[nodes.Node] = []
    for node in doctree.findall(is_exercise_node):
        entry = entry_of(env, chapter, page, node, solutions.get(node["label"]))
        entries.append(entry)
        number = number_of(env, chapter, "exercise", node["label"])
        words = f"{number} {grade_of(node.children[1])}".strip()
        links += [nodes.Text(" "), nodes.reference("", words, refid=entry["ids"][0])]
    return links, entries


def grade_of(text: nodes.Node) -> str:
    """How hard an exercise of this text is, in small letters; nothing where it does not say."""
    first = text.next_node(nodes.emphasis)
    word = first.astext().rstrip(".") if first else ""
    return word.lower() if word in GRADES else ""


def entry_of(
    env: BuildEnvironment,
    chapter: str,
    page: str,
    exercise: nodes.Element,
    solution: nodes.Element | None,
) -> nodes.container:
    """One exercise: its name, which leads to the chapter, its text, and its solution."""
    title, text = exercise.children
    label = exercise["label"]
    number = number_of(env, chapter, "exercise", label)
    name = link_to(env, page, chapter, label, nodes.Text(f"Exercise {number}"))
    line = nodes.paragraph("", "", name, classes=["exercise-name"])
    for subtitle in title.findall(exercise_subtitle):
        line += [nodes.Text(" · "), *copied(subtitle.children, env, chapter, page)]
    entry = nodes.container("", line, ids=[f"all-{label}"], classes=["exercise-entry"])
    entry += copied(text.children, env, chapter, page)
    if solution is not None:
        words = f"Solution of exercise {number}"
        box = fold("", fold_line(words, words), classes=["check", "sheet"])
        box += copied(solution.children[-1].children, env, chapter, page)
        for cell in box.findall(nodes.container):
            cell.attributes.pop("hide_mode", None)  # one click is enough
        entry += box
    return entry


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
    add_list(app, "exercises", by_chapter(exercises_of))
    app.connect("config-inited", keep_sources)
    app.connect("doctree-read", leave_out, priority=100)  # before anything is noted of them
    app.connect("html-page-context", offer_no_source, priority=600)  # once the theme has added it
