"""Questions and their answers: nothing claimed that is not checked, nothing forgotten.

A chapter marks where it answers a question of a handout::

    :::{answer} UT-W1.4
    :tests: test_convolution.py::test_input_gradient
    :uses: cnnref.convolution.conv1d_input_gradient

    The question, restated in our own words.
    :::

The section around it must hold evidence: an executed cell that asserts something, or one that
asks stored records by `run(...)` or `claim(...)`. The tests it names must exist. `{questions}`
renders the whole list (`listed`), and the build warns about a question that is
neither answered nor deferred. Warnings are errors in this book, so each of these stops the build.

`` {question}`UT-W1.4` `` in the text links to the answer, or to the list while there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.domains.std import StandardDomain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

from ..folding.folds import fold, fold_line
from ..writing import gathering, note, noted
from .answertext import answer_in_words
from .evidence import has_evidence, section_around, title_of
from .questions import QuestionList, QuestionListError, read_questions
from .testnames import find_test_file, line_of_test

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

QUESTIONS = "book/questions.yml"
TESTS = "tests"
ANSWERS = "answers"


@dataclass(frozen=True)
class Answer:
    """Where a question is answered, and the answer in words."""

    docname: str
    line: int
    section: str
    words: tuple[nodes.Node, ...]


class answer_node(nodes.Admonition, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """The box of one `answer` directive; drawn as an admonition."""


class question_link(nodes.Inline, nodes.TextElement):  # noqa: N801
    """Stands for `{question}` until every page is read."""


def anchor(name: str, kind: str = "answer") -> str:
    """The stable anchor of a question: `UT-W1.4` is answered at `answer-ut-w1-4`."""
    return f"{kind}-{re.sub('[^a-z0-9]+', '-', name.lower())}"


def answers_of(env: BuildEnvironment) -> dict[str, list[Answer]]:
    """Every answer found so far, by the question's name."""
    answers: dict[str, list[Answer]] = {}
    for _, (name, answer) in noted(env, ANSWERS):
        answers.setdefault(name, []).append(answer)
    return answers


def load_questions(app: Sphinx) -> QuestionList:
    """The list of questions, read anew for each build."""
    path = Path(app.srcdir) / QUESTIONS
    try:
        return read_questions(path)
    except QuestionListError as error:
        logger.warning("%s", error, location=f"{path}:1")
        return QuestionList((), ())


def split_names(text: str) -> tuple[str, ...]:
    """The names in a text, separated by commas or blanks."""
    return tuple(re.split(r"[\s,]+", text.strip(" \t\n,")))


class AnswerDirective(SphinxDirective):
    """Marks an answer; see the module's docstring."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"tests": split_names, "uses": split_names}

    def run(self) -> list[nodes.Node]:
        """Build the box: title, restated question, and what checks the answer."""
        handout_of = self.env.cnnref_questions.handout_of  # type: ignore[attr-defined]
        self.env.note_dependency(QUESTIONS)
        names = []
        for name in split_names(self.arguments[0]):
            if name in handout_of:
                names.append(name)
            else:
                logger.warning(
                    "%s is no question of %s", name, QUESTIONS, location=self.get_location()
                )
        if not self.content:
            logger.warning("an answer restates its question", location=self.get_location())

        box = answer_node(classes=["answer"], names_answered=names)
        box["tests"] = self.options.get("tests", ())
        box["uses"] = self.options.get("uses", ())
        box["ids"] = [anchor(name) for name in names]
        self.set_source_info(box)
        schools = list(dict.fromkeys(handout_of[name].school for name in names))
        title = f"Question{'s' * (len(names) > 1)} {_and(names)} · {_and(schools)}"
        link = '<a class="headerlink" href="#{}" title="Link to this answer">#</a>'
        anchors = [nodes.raw("", link.format(box["ids"][0]), format="html")] if names else []
        box += nodes.title(title, title, *anchors)
        self.state.nested_parse(self.content, self.content_offset, box)
        box += self.checked_by(box)

        domain = cast(StandardDomain, self.env.get_domain("std"))
        for name in names:
            domain.anonlabels[anchor(name)] = self.env.docname, anchor(name)
            domain.labels[anchor(name)] = self.env.docname, anchor(name), f"Question {name}"
        # The index has the names, and so has the search.
        entries = [("single", name, anchor(name), "main", None) for name in names]
        return [addnodes.index(entries=entries), box]

    def checked_by(self, box: answer_node) -> list[nodes.Node]:
        """The last line of the box; behind it, links to the tests and to the functions used."""
        tests = box["tests"]
        if not tests:
            logger.warning("an answer names the tests that check it", location=box)
            return []
        for test in tests:
            path, name = split_test(self.env, test)
            if line_of_test(Path(self.env.srcdir) / path, name) is None:
                logger.warning("there is no test %s::%s", path, name, location=box)
            self.env.note_dependency(path)
        line = f"Checked by {len(tests)} test{'s' * (len(tests) > 1)}"
        names = nodes.paragraph()
        names += _listed([link_to_test(self.env, test) for test in tests])
        if box["uses"]:
            names += nodes.Text(" · uses ")
            names += _listed([link_to_api(name, self.env.docname) for name in box["uses"]])
        return [fold("", fold_line(line, line), names, classes=["answer-checks"])]


class QuestionRole(SphinxRole):
    """`` {question}`UT-W1.4` ``: a link to wherever the question stands."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a link to be resolved later; a name that is on no handout is a warning."""
        known = self.env.cnnref_questions.handout_of  # type: ignore[attr-defined]
        if self.text not in known:
            logger.warning("%s is no question", self.text, location=self.get_location())
            return [nodes.literal("", self.text)], []
        return [question_link("", self.text, question=self.text)], []


class ResolveQuestions(SphinxPostTransform):
    """Fills in where questions stand; before Sphinx resolves references."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Resolve the links of one page."""
        for link in list(self.document.findall(question_link)):
            link.replace_self(self.link(link["question"]))

    def link(self, name: str) -> nodes.Node:
        """The text of a `{question}` role."""
        if answers := answers_of(self.env).get(name):
            return self.refer(answers[0].docname, anchor(name), name)
        for docname in gathering(self.env, ANSWERS):
            return self.refer(docname, anchor(name, "question"), name)
        return nodes.Text(name)

    def refer(self, docname: str, target: str, text: str) -> nodes.reference:
        """A link to a place in the book."""
        return make_refnode(
            self.app.builder, self.env.docname, docname, target, nodes.inline("", text)
        )


def split_test(env: BuildEnvironment, test: str) -> tuple[str, str]:
    """The file of a test, from the book's root, and its name in that file."""
    filename, _, name = test.removeprefix("tests/").partition("::")
    root = Path(env.srcdir)
    path = find_test_file(root / TESTS, filename)
    return path.relative_to(root).as_posix(), name


def link_to_test(env: BuildEnvironment, test: str) -> nodes.Node:
    """A link to a test in the repository, where there is one."""
    path, name = split_test(env, test)
    line = line_of_test(Path(env.srcdir) / path, name)
    text = nodes.literal("", f"{Path(path).name}::{name}")
    options = env.config.html_theme_options
    if line is None or "repository_url" not in options:
        return text
    blob = f"{options['repository_url']}/blob/{options.get('repository_branch', 'main')}"
    return nodes.reference("", "", text, refuri=f"{blob}/{path}#L{line}")


def link_to_api(name: str, docname: str) -> nodes.Node:
    """A link to the API page of a name; an unknown name is Sphinx's own warning."""
    return addnodes.pending_xref(
        "", nodes.literal("", name.removeprefix("cnnref.")),
        refdomain="py", reftype="obj", reftarget=name, refdoc=docname,
        refexplicit=True, refwarn=True,
    )  # fmt: skip


def _and(items: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _listed(items: Sequence[nodes.Node]) -> list[nodes.Node]:
    out: list[nodes.Node] = []
    for item in items:
        out += [nodes.Text(", "), item] if out else [item]
    return out


def visit_box(self: HTML5Translator, node: nodes.Element) -> None:
    """Open a box as the theme opens any admonition."""
    self.visit_admonition(node)


def depart_box(self: HTML5Translator, node: nodes.Element) -> None:
    """Close it."""
    self.depart_admonition(node)


def read_list(app: Sphinx) -> None:
    """Read the list once per build, before any page."""
    app.env.cnnref_questions = load_questions(app)  # type: ignore[attr-defined]


def collect_answers(app: Sphinx, doctree: nodes.document) -> None:
    """Note the answers of a page that was just read, and ask each for its evidence."""
    for box in doctree.findall(answer_node):
        section = section_around(box)
        if not has_evidence(section):
            logger.warning(
                "the section that answers %s has neither an executed cell that asserts"
                " nor one that calls run(...) or claim(...)",
                _and(box["names_answered"]), location=box,
            )  # fmt: skip
        for name in box["names_answered"]:
            answer = Answer(
                app.env.docname,
                box.line or 0,
                title_of(section, app.env.docname),
                tuple(answer_in_words(box, answer_node)),
            )
            note(app.env, ANSWERS, (name, answer))


def check_book(_: Sphinx, env: BuildEnvironment) -> None:
    """Check the list against all the answers: each question one answer, or deferred."""
    questions = cast(QuestionList, env.cnnref_questions)  # type: ignore[attr-defined]
    answers = answers_of(env)
    for name, found in sorted(answers.items()):
        for again in found[1:]:
            first = f"{env.doc2path(found[0].docname, False)}:{found[0].line}"
            logger.warning(
                "%s is answered already, in %s", name, first, location=(again.docname, again.line)
            )
        if name in questions.deferred:
            logger.warning("%s is answered, yet deferred", name, location=place_of(env, name))
    for name in questions.deferred:
        if name not in questions.handout_of:
            logger.warning("the deferred %s is no question", name, location=place_of(env, name))
    for name in questions.handout_of:
        if name not in answers and name not in questions.deferred:
            logger.warning(
                "%s is neither answered nor deferred", name, location=place_of(env, name)
            )


def place_of(env: BuildEnvironment, name: str) -> str:
    """The last line of the list of questions that holds a name (deferred names come last)."""
    path = Path(env.srcdir) / QUESTIONS
    lines = path.read_text(encoding="utf-8").splitlines()
    whole = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    return f"{path}:{max(n for n, line in enumerate(lines, 1) if whole.search(line))}"


def setup(app: Sphinx) -> None:
    """Register the directives, the role and the checks."""
    app.setup_extension("bookext.folding.folds")
    app.add_node(answer_node, html=(visit_box, depart_box))
    app.add_node(question_link)
    app.add_directive("answer", AnswerDirective)
    app.setup_extension("bookext.handouts.listed")
    app.add_role("question", QuestionRole())
    app.add_post_transform(ResolveQuestions)
    app.setup_extension("bookext.writing")
    app.connect("builder-inited", read_list)
    app.connect("doctree-read", collect_answers)
    app.connect("env-check-consistency", check_book)
