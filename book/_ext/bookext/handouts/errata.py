"""Notes about the handouts themselves, where they stand and on one page.

A handout can be wrong, imprecise, or leave a convention open. The chapter that finds this out says
so beside its answer::

    :::{about} MIT-4.1.1
    :verdict: wrong
    :summary: With the printed offset of -5 every output is zero.

    What the handout says, why it fails, and the repaired answer.
    :::

`{errata}` renders all of them, by verdict, each with a link to its note. A note that calls a
handout wrong, or confirms what it prints, stands in a section with an executed cell that proves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from ..writing import gathers, note, noted
from .answers import anchor, depart_box, split_names, visit_box
from .evidence import has_evidence, section_around, title_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

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


@dataclass
class Note:
    """A note in a chapter, as the page of all notes shows it."""

    docname: str
    anchor: str
    names: tuple[str, ...]
    verdict: str
    section: str
    summary: list[nodes.Node] = field(default_factory=list)


class about_node(nodes.Admonition, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """The box of one note."""


class errata_list(nodes.General, nodes.Element):  # noqa: N801
    """Stands for all notes of one verdict until every page is read."""


def _verdict(argument: str) -> str:
    return directives.choice(argument, tuple(VERDICTS))


class AboutDirective(SphinxDirective):
    """A note about a handout; see the module's docstring."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "verdict": _verdict,
        "summary": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Build the box and keep its summary for the page of all notes."""
        known = self.env.cnnref_questions.handout_of  # type: ignore[attr-defined]
        names = split_names(self.arguments[0])
        faults = [f"{name} is no question" for name in names if name not in known]
        faults += [f"a note needs a {o}" for o in self.option_spec if o not in self.options]
        for fault in faults:
            logger.warning("%s", fault, location=self.get_location())
        if faults:
            return []
        verdict = self.options["verdict"]
        taken = self.env.temp_data.setdefault("cnnref_note_anchors", set())
        stem = target = anchor("-".join(names), "about")
        while target in taken:
            target = f"{stem}-{len(taken)}"
        taken.add(target)

        box = about_node(classes=["note", "about", verdict], verdict=verdict)
        box["ids"], box["names_noted"] = [target], names
        self.set_source_info(box)
        which = ", ".join(names)
        title = f"About question{'s' * (len(names) > 1)} {which} · {VERDICTS[verdict].lower()}"
        box += nodes.title(title, title)
        box["summary_nodes"], messages = self.parse_inline(self.options["summary"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box, *messages]


class ErrataDirective(SphinxDirective):
    """All notes, one section and list per verdict."""

    def run(self) -> list[nodes.Node]:
        """Build the sections; their rows are known when every page is read."""
        gathers(self.env, NOTES)
        sections = []
        for verdict, heading in VERDICTS.items():
            section = nodes.section(ids=[nodes.make_id(heading)], names=[heading.lower()])
            section += nodes.title(heading, heading)
            section += errata_list(verdict=verdict)
            self.state.document.note_implicit_target(section)
            sections.append(section)
        return list(sections)


class ResolveErrata(SphinxPostTransform):
    """Fills in the page of notes; before Sphinx resolves references."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace each list by its notes, as cards like those of the questions."""
        for listing in list(self.document.findall(errata_list)):
            cards = [self.card(note) for note in sorted_notes(self.env, listing["verdict"])]
            if cards:
                listing.replace_self(nodes.bullet_list("", *cards, classes=["questions"]))
            else:
                listing.replace_self(nodes.paragraph("", "None so far."))

    def card(self, note: Note) -> nodes.list_item:
        """One note: its questions, its summary and a link."""
        card = nodes.list_item("")
        card += nodes.paragraph(
            "", "", self.refer(note, ", ".join(note.names)), classes=["question-name"]
        )
        card += nodes.paragraph("", "", *(n.deepcopy() for n in note.summary))
        card += nodes.paragraph("", "", self.refer(note, note.section), classes=["question-where"])
        return card

    def refer(self, note: Note, text: str) -> nodes.reference:
        """A link to a note."""
        return make_refnode(
            self.app.builder, self.env.docname, note.docname, note.anchor, nodes.inline("", text)
        )


def sorted_notes(env: BuildEnvironment, verdict: str) -> list[Note]:
    """The notes of a verdict, in the order of the handouts' questions."""
    order = list(env.cnnref_questions.handout_of)  # type: ignore[attr-defined]
    chosen: list[Note] = [found for _, found in noted(env, NOTES) if found.verdict == verdict]
    return sorted(chosen, key=lambda n: (*map(order.index, n.names[:1]), n.docname, n.anchor))


def collect_notes(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the notes of a page that was just read, and ask the strong ones for their proof."""
    for box in doctree.findall(about_node):
        section = section_around(box)
        if box["verdict"] in MUST_BE_PROVED and not has_evidence(section):
            logger.warning(
                "the section that says of %s: %s, has no executed cell that proves it",
                ", ".join(box["names_noted"]), box["verdict"], location=box,
            )  # fmt: skip
        found = Note(
            app.env.docname,
            box["ids"][0],
            tuple(box["names_noted"]),
            box["verdict"],
            title_of(section, app.env.docname),
            box.attributes.pop("summary_nodes"),
        )
        note(app.env, NOTES, found)


def setup(app: Sphinx) -> None:
    """Register the two directives."""
    app.setup_extension("bookext.handouts.answers")
    app.add_node(about_node, html=(visit_box, depart_box))
    app.add_node(errata_list)
    app.add_directive("about", AboutDirective)
    app.add_directive("errata", ErrataDirective)
    app.add_post_transform(ResolveErrata)
    app.connect("doctree-read", collect_notes)
