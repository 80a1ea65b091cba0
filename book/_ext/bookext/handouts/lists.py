"""`{questions}` and `{errata}`: what the boxes of all chapters say, as cards with links to them.

A question's card has the answer in words. The sections are known while the page is read, so that
Sphinx lists them beside it.
"""

from __future__ import annotations

import re
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from ..gathered import ListDirective, add_list, copied, link_to
from ..writing import noted
from .answertext import answer_in_words
from .boxes import NOTES, VERDICTS, Note, anchor, standard
from .evidence import section_around
from .questions import QUESTIONS, Handout, Question, handouts_of, schools_of

GROUP = re.compile(r"[A-Z]+-[A-Z]*\d*")
"""What the names of related questions begin with: `UT-W1` of `UT-W1.4`."""


class QuestionsDirective(ListDirective):
    """A section for each handout, and before them links to jump by."""

    def places(self) -> list[nodes.Node]:
        """Build the sections."""
        self.env.note_dependency(QUESTIONS)
        jumps, sections = nodes.bullet_list("", classes=["question-jumps"]), []
        for handout in handouts_of(self.env.app):
            section = self.section(f"{handout.course}, {handout.school}", handout.school)
            line = nodes.paragraph()
            line += nodes.reference("", section[0].astext(), refid=section["ids"][0])
            line += nodes.Text(":")
            for name, group in groupby(handout.questions, group_of):
                first = anchor(next(group), "question")
                line += [nodes.Text(" "), nodes.reference("", name, refid=first)]
            jumps += nodes.list_item("", line)
            sections.append(section)
        return [jumps, *sections]


def group_of(question: str) -> str:
    """The group of a question, by its name."""
    match = GROUP.match(question)
    return match[0] if match else question


def questions_of(env: BuildEnvironment, page: str, school: str) -> list[nodes.Node]:
    """A card for each answered question of a handout."""
    handout: Handout = next(h for h in handouts_of(env.app) if h.school == school)
    text = f"From: {handout.handout}. {len(handout.questions)} questions."
    cards = nodes.bullet_list("", classes=["questions"])
    for name, question in handout.questions.items():
        if answer := standard(env).objects.get(("answer", name)):
            cards += question_card(env, page, name, question, *answer)
    return [nodes.paragraph("", text), cards]


def question_card(
    env: BuildEnvironment, page: str, name: str, question: Question, chapter: str, place: str
) -> nodes.list_item:
    """One question: its name, what it is about, its answer, and where that is derived."""
    box = box_at(env, chapter, place)
    about = question.about[0].upper() + question.about[1:]
    where = nodes.paragraph("", f"{env.titles[chapter].astext()}: ", classes=["question-where"])
    where += link_to(env, page, chapter, place, nodes.Text(heading_of(box)))
    return nodes.list_item(
        "",
        name_of(link_to(env, page, chapter, place, nodes.Text(name))),
        nodes.paragraph("", about, classes=["question-about"]),
        *copied(answer_in_words(box), env, chapter, page),
        where,
        ids=[anchor(name, "question")],
    )


class ErrataDirective(ListDirective):
    """A section for each verdict."""

    def places(self) -> list[nodes.Node]:
        """Build the sections."""
        return [self.section(heading, verdict) for verdict, heading in VERDICTS.items()]


def errata_of(env: BuildEnvironment, page: str, verdict: str) -> list[nodes.Node]:
    """A card for each note of a verdict, in the order of the handouts' questions."""
    order = list(schools_of(env.app))
    notes = [(note, chapter) for chapter, note in noted(env, NOTES) if note.verdict == verdict]
    notes.sort(key=lambda found: (order.index(found[0].names[0]), found[1], found[0].place))
    cards = [note_card(env, page, *found) for found in notes]
    return [nodes.bullet_list("", *cards, classes=["questions"])]


def note_card(env: BuildEnvironment, page: str, note: Note, chapter: str) -> nodes.list_item:
    """One note: its questions, its summary and a link."""
    heading = nodes.Text(heading_of(box_at(env, chapter, note.place)))
    where = link_to(env, page, chapter, note.place, heading)
    return nodes.list_item(
        "",
        name_of(link_to(env, page, chapter, note.place, nodes.Text(", ".join(note.names)))),
        nodes.paragraph("", "", *copied(note.summary, env, chapter, page)),
        nodes.paragraph("", "", where, classes=["question-where"]),
    )


def name_of(link: nodes.reference) -> nodes.paragraph:
    """The line with the name on a card."""
    return nodes.paragraph("", "", link, classes=["question-name"])


def box_at(env: BuildEnvironment, chapter: str, place: str) -> nodes.admonition:
    """The box at a place in a chapter, with all around it, as they were read."""
    boxes = env.get_doctree(chapter).findall(nodes.admonition)
    return next(box for box in boxes if place in box["ids"])


def heading_of(box: nodes.Element) -> str:
    """The heading of the section that a box stands in."""
    return section_around(box).children[0].astext()


def setup(app: Sphinx) -> None:
    """Register the two lists."""
    app.setup_extension("bookext.handouts.boxes")
    add_list(app, "questions", questions_of, QuestionsDirective)
    add_list(app, "errata", errata_of, ErrataDirective)
