"""`{questions}`: every question with its answer in words, and the way to what proves it.

A list of cards, one for each question, under a heading for each handout; before them a list to
jump by. What the answers are is known once all pages are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from ..teaching.copies import copied
from ..writing import gathers
from .answers import ANSWERS, QUESTIONS, Answer, anchor, answers_of
from .questions import Handout, Question, QuestionList

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

GROUP = re.compile(r"[A-Z]+-[A-Z]*\d*")
"""What the names of related questions begin with: `UT-W1` of `UT-W1.4`."""


class question_status(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """Stands for what is known of a question, or of a handout, once every page is read."""


def questions_of(env: BuildEnvironment) -> QuestionList:
    """The list of questions of this build."""
    return cast(QuestionList, env.cnnref_questions)  # type: ignore[attr-defined]


class QuestionsDirective(SphinxDirective):
    """The list of all questions; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        """Build the sections, leaving open what is not known yet."""
        self.env.note_dependency(QUESTIONS)
        gathers(self.env, ANSWERS)
        handouts = questions_of(self.env).handouts
        sections = [self.section(handout) for handout in handouts]
        jumps = nodes.bullet_list("", classes=["question-jumps"])
        for handout, section in zip(handouts, sections, strict=True):
            jumps += self.jump(handout, section["ids"][0])
        return [jumps, *sections]

    def jump(self, handout: Handout, section: str) -> nodes.list_item:
        """Links to a handout's section, and to the first of each group of its questions."""
        line = nodes.paragraph()
        line += nodes.reference("", title_of(handout), refid=section)
        line += nodes.Text(":")
        for name, group in groupby(handout.questions, group_of):
            first = anchor(next(group).name, "question")
            line += [nodes.Text(" "), nodes.reference("", name, refid=first)]
        return nodes.list_item("", line)

    def section(self, handout: Handout) -> nodes.section:
        """The section of one handout."""
        title = title_of(handout)
        section = nodes.section(ids=[nodes.make_id(title)], names=[title.lower()])
        section += nodes.title(title, title)
        section += nodes.paragraph(
            "", f"From: {handout.handout}. ", question_status(handout=handout.school)
        )
        cards = nodes.bullet_list("", classes=["questions"])
        cards += [self.card(question) for question in handout.questions]
        section += cards
        self.state.document.note_implicit_target(section)
        return section

    def card(self, question: Question) -> nodes.list_item:
        """One question: its name, what it is about, and a place for the answer."""
        card = nodes.list_item("", ids=[anchor(question.name, "question")])
        card += nodes.paragraph(
            "", "", question_status(question=question.name), classes=["question-name"]
        )
        about = question.about[:1].upper() + question.about[1:]
        card += nodes.paragraph("", about, classes=["question-about"])
        card += question_status(answer=question.name)
        return card


def title_of(handout: Handout) -> str:
    """The course and who gives it."""
    return f"{handout.course}, {handout.school}"


def group_of(question: Question) -> str:
    """The group of a question, by its name."""
    match = GROUP.match(question.name)
    return match[0] if match else question.name


class ResolveList(SphinxPostTransform):
    """Fills in what only the whole book knows; before Sphinx resolves references."""

    default_priority = 4

    def run(self, **_: Any) -> None:
        """Resolve the list of one page."""
        fill: dict[str, Callable[[str], list[nodes.Node]]] = {
            "handout": self.count, "question": self.name, "answer": self.answer
        }  # fmt: skip
        for status in list(self.document.findall(question_status)):
            (kind,) = fill.keys() & status.attributes.keys()
            status.replace_self(fill[kind](status[kind]))

    def count(self, school: str) -> list[nodes.Node]:
        """How many questions a handout has, and how many of them the book answers so far."""
        handout = next(h for h in questions_of(self.env).handouts if h.school == school)
        answered = sum(q.name in answers_of(self.env) for q in handout.questions)
        asked = len(handout.questions)
        if answered < asked:
            return [nodes.Text(f"{answered} of {asked} questions answered so far.")]
        return [nodes.Text(f"{asked} questions.")]

    def name(self, question: str) -> list[nodes.Node]:
        """The name of a question, as a link to its answer where there is one."""
        answers = answers_of(self.env).get(question)
        return [self.refer(answers[0], question, question) if answers else nodes.Text(question)]

    def answer(self, question: str) -> list[nodes.Node]:
        """An answer in words, and where it is derived."""
        answers = answers_of(self.env).get(question)
        if not answers:
            return [nodes.paragraph("", "to come", classes=["question-to-come"])]
        answer = answers[0]
        answered = copied(answer.words, self.env, answer.docname, self.env.docname)
        where = nodes.paragraph("", "", classes=["question-where"])
        chapter = self.env.titles[answer.docname].astext()
        if answer.section in (chapter, answer.docname):
            where += self.refer(answer, question, chapter)
        else:
            where += [nodes.Text(f"{chapter}: "), self.refer(answer, question, answer.section)]
        return [*answered, where]

    def refer(self, answer: Answer, question: str, text: str) -> nodes.reference:
        """A link to an answer."""
        return make_refnode(
            self.app.builder, self.env.docname, answer.docname, anchor(question),
            nodes.inline("", text),
        )  # fmt: skip


def setup(app: Sphinx) -> None:
    """Register the directive and what fills it in."""
    app.add_node(question_status)
    app.add_directive("questions", QuestionsDirective)
    app.add_post_transform(ResolveList)
