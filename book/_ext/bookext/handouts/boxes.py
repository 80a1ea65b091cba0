"""Boxes that tell of a question: nothing claimed that is not checked, nothing forgotten.

A chapter marks where it answers a question of a handout::

    :::{answer} UT-W1.4
    :tests: convolution/test_convolving.py::test_input_gradient_three_ways
    :uses: cnnref.convolution.conv1d_input_gradient

    The question, restated in our own words.
    :::

The section around it must hold evidence: an executed cell that asserts something, or one that
asks stored records by `run(...)` or `claim(...)`. The tests it names must exist, and each question
of `book/questions.yml` must have one answer. Warnings are errors in this book, so each of these
stops the build. `` {question}`UT-W1.4` `` in the text links to the answer.

A handout can be wrong, imprecise, or leave a convention open. The chapter that finds this out says
so beside its answer::

    :::{about} MIT-4.1.1
    :verdict: wrong
    :summary: With the printed offset of -5 every output is zero.

    What the handout says, why it fails, and the repaired answer.
    :::

A note that calls a handout wrong, or confirms what it prints, needs evidence as well. What all
boxes say is on two pages (`lists`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from ..folding.folds import fold, fold_line
from ..writing import note
from .evidence import has_evidence, section_around
from .questions import QUESTIONS, schools_of

logger = logging.getLogger(__name__)

NOTES = "notes"

VERDICTS = {
    "wrong": "Wrong",
    "imprecise": "Imprecise",
    "open": "Left open",
    "confirmed": "Checked and confirmed",
}
"""What a note can say of a handout, in the order of the page, with the page's headings."""

MUST_BE_PROVED = {"wrong", "confirmed"}


@dataclass(frozen=True)
class Note:
    """A note about a handout, as the page of all notes shows it."""

    place: str
    names: tuple[str, ...]
    verdict: str
    summary: tuple[nodes.Node, ...]


def anchor(name: str, kind: str = "answer") -> str:
    """The stable anchor of a question: `UT-W1.4` is answered at `answer-ut-w1-4`."""
    return f"{kind}-{re.sub('[^a-z0-9]+', '-', name.lower())}"


def standard(env: BuildEnvironment) -> StandardDomain:
    """Where Sphinx keeps what `{question}` leads to, as it does for the terms of a glossary."""
    return cast(StandardDomain, env.get_domain("std"))


def split_names(text: str) -> tuple[str, ...]:
    """The names in a text, separated by commas or blanks."""
    return tuple(re.split(r"[\s,]+", text.strip(" \t\n,")))


class BoxDirective(SphinxDirective):
    """A box about questions; see the module's docstring."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def warn(self, message: str, *details: object) -> None:
        """Say what is wrong with this box."""
        logger.warning(message, *details, location=self.get_location())

    def names(self) -> tuple[str, ...]:
        """The questions that the box is about, as far as there are such."""
        self.env.note_dependency(QUESTIONS)
        known = schools_of(self.env.app)
        names = split_names(self.arguments[0])
        for name in names:
            if name not in known:
                self.warn("%s is no question of %s", name, QUESTIONS)
        return tuple(name for name in names if name in known)

    def box(self, title: str, *behind: nodes.Node, **attributes: Any) -> nodes.admonition:
        """The box, with its content."""
        box = nodes.admonition("", nodes.title(title, title, *behind), **attributes)
        self.set_source_info(box)
        self.state.nested_parse(self.content, self.content_offset, box)
        return box


class AnswerDirective(BoxDirective):
    """Marks an answer."""

    option_spec: ClassVar[dict[str, Any]] = {"tests": split_names, "uses": split_names}

    def run(self) -> list[nodes.Node]:
        """Build the box: title, restated question, and what checks the answer."""
        if not self.content:
            self.warn("an answer restates its question")
        if "tests" not in self.options:
            self.warn("an answer names the tests that check it")
        names = self.names()
        if not names:
            return []
        ids = [anchor(name) for name in names]
        schools = dict.fromkeys(schools_of(self.env.app)[name] for name in names)
        title = f"Question{'s' * (len(names) > 1)} {', '.join(names)} · {', '.join(schools)}"
        link = f'<a class="headerlink" href="#{ids[0]}" title="Link to this answer">#</a>'
        box = self.box(
            title, nodes.raw("", link, format="html"), ids=ids, classes=["answer"], proved=names
        )
        box += self.checks()
        for name, place in zip(names, ids, strict=True):
            standard(self.env).note_object("answer", name, place, location=box)
        # The index has the names, and so has the search.
        entries = [("single", name, anchor(name), "main", None) for name in names]
        return [addnodes.index(entries=entries), box]

    def checks(self) -> fold:
        """The last line of the box; behind it, links to the tests and to the functions used."""
        tests = [self.link_to_test(test) for test in self.options.get("tests", ())]
        uses = [self.link_to_api(name) for name in self.options.get("uses", ())]
        names = nodes.paragraph("", "", *listed(tests))
        if uses:
            names += [nodes.Text(" · uses "), *listed(uses)]
        line = f"Checked by {len(tests)} test{'s' * (len(tests) != 1)}"
        return fold("", fold_line(line, line), names, classes=["answer-checks"])

    def link_to_test(self, test: str) -> nodes.reference:
        """A link to a test in the repository; a test that is not there is a warning."""
        file, _, name = test.partition("::")
        path = f"tests/{file}"
        line = line_of_test(Path(self.env.srcdir) / path, name)
        if line is None:
            self.warn("there is no test %s::%s", path, name)
        self.env.note_dependency(path)
        options = self.config.html_theme_options
        blob = f"{options.get('repository_url')}/blob/{options.get('repository_branch')}"
        text = nodes.literal("", f"{Path(path).name}::{name}")
        return nodes.reference("", "", text, refuri=f"{blob}/{path}#L{line}")

    def link_to_api(self, name: str) -> nodes.Node:
        """A link to the API page of a name; an unknown name is Sphinx's own warning."""
        return addnodes.pending_xref(
            "", nodes.literal("", name.removeprefix("cnnref.")),
            refdomain="py", reftype="obj", reftarget=name, refdoc=self.env.docname,
            refexplicit=True, refwarn=True,
        )  # fmt: skip


class AboutDirective(BoxDirective):
    """A note about a handout."""

    option_spec: ClassVar[dict[str, Any]] = {
        "verdict": lambda verdict: directives.choice(verdict, tuple(VERDICTS)),
        "summary": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Build the box and keep its summary for the page of all notes."""
        names = self.names()
        missing = self.option_spec.keys() - self.options.keys()
        for option in sorted(missing):
            self.warn("a note needs a %s", option)
        if missing or not names:
            return []
        verdict = self.options["verdict"]
        place = anchor("-".join(names), "about")
        number = self.env.new_serialno(place)
        place += f"-{number}" if number else ""
        summary, messages = self.parse_inline(self.options["summary"])
        note(self.env, NOTES, Note(place, names, verdict, tuple(summary)))
        title = f"About question{'s' * (len(names) > 1)} {', '.join(names)}"
        box = self.box(
            f"{title} · {VERDICTS[verdict].lower()}",
            ids=[place],
            classes=["note", "about", verdict],
            proved=names if verdict in MUST_BE_PROVED else (),
        )
        return [box, *messages]


def listed(items: Sequence[nodes.Node]) -> list[nodes.Node]:
    """These, with commas between them."""
    return [part for item in items for part in (nodes.Text(", "), item)][1:]


def line_of_test(path: Path, name: str) -> int | None:
    """The line on which a test is defined, or `None` where the file has no such test."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    definitions = (n for n, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
    return next(definitions, None)


def check_evidence(_: Sphinx, doctree: nodes.document) -> None:
    """Ask the boxes of a page that was just read for their evidence."""
    for box in doctree.findall(nodes.admonition):
        if box.get("proved") and not has_evidence(section_around(box)):
            logger.warning(
                "the section that tells of %s has neither an executed cell that asserts"
                " nor one that calls run(...) or claim(...)",
                ", ".join(box["proved"]), location=box,
            )  # fmt: skip


def check_book(app: Sphinx, env: BuildEnvironment) -> None:
    """Check that each question is answered; of a second answer Sphinx itself has warned."""
    for name in schools_of(app):
        if ("answer", name) not in standard(env).objects:
            logger.warning("%s of %s is not answered", name, QUESTIONS)


def setup(app: Sphinx) -> None:
    """Register the directives, the role and the checks."""
    app.setup_extension("bookext.folding.folds")
    app.setup_extension("bookext.writing")
    app.add_object_type("answer", "question", ref_nodeclass=nodes.inline)
    # The search has the names from the index; it would show each twice.
    app.registry.domain_object_types["std"]["answer"].attrs["searchprio"] = -1
    app.add_directive_to_domain("std", "answer", AnswerDirective, override=True)
    app.add_directive("about", AboutDirective)
    app.connect("doctree-read", check_evidence)
    app.connect("env-check-consistency", check_book)
