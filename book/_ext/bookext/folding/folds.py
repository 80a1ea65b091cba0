"""Folds: one line, and behind it what proves and checks, a solution, a script.

HTML has `details` for this, which docutils does not know: it needs no script, the keyboard opens
it, and so does a browser that is sent into it. A box of class `dropdown`, as authors mark them for
sphinx-togglebutton, becomes one as well. That extension adds a button and hides the box by a
script, once the page has been shown; and there the title of a solution is a link to its exercise,
which stands right above it, so that who clicks the title is taken away. MyST-NB folds code; here
such a fold says of which figure the code is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


class fold(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """What is hidden until a reader asks for it; its first child is its line."""


class fold_line(nodes.General, nodes.TextElement):  # noqa: N801
    """The line of a fold."""


class FoldBoxes(SphinxPostTransform):
    """Makes folds of the boxes of class `dropdown`."""

    formats = ("html",)
    default_priority = 950  # once all is in place that is looked for in boxes

    def run(self, **_: Any) -> None:
        """Fold those of one page."""
        for box in list(self.document.findall(nodes.Element)):
            if isinstance(box, nodes.Admonition) and "dropdown" in box["classes"]:
                title, *content = box.children
                line = line_of(title.children)
                box.replace_self(fold("", line, *content, ids=box["ids"], classes=box["classes"]))


class NameFolds(SphinxPostTransform):
    """Ends the name of a fold with the number of the figure that its code draws."""

    default_priority = 190  # before MyST-NB folds them
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Name those of one page."""
        numbers = self.env.toc_fignumbers.get(self.env.docname, {}).get("figure", {})
        for cell in self.document.findall(nodes.container):
            names = (name for figure in cell.findall(nodes.figure) for name in figure["ids"])
            number = next((numbers[name] for name in names if name in numbers), None)
            for prompt in ("prompt_show", "prompt_hide"):
                if number and prompt in cell:
                    cell[prompt] += f" of Fig. {'.'.join(map(str, number))}"


def line_of(words: Iterable[nodes.Node]) -> fold_line:
    """The line of a fold, to which nothing leads; a link in it would take away who clicks it."""
    line = fold_line("", "", *words)
    for part in list(line.findall(nodes.Element)):
        part["ids"] = []
        if isinstance(part, nodes.reference):
            part.replace_self(part.children)
    return line


def offer_all(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], doctree: Any
) -> None:
    """A button in the page's head that opens every fold; `book.js` listens to it."""
    if doctree and doctree.next_node(fold) is not None and "header_buttons" in context:
        context["header_buttons"].insert(0, {
            "type": "javascript",
            "javascript": "",
            "tooltip": "Show all proofs and checks",
            "icon": "fas fa-eye",
            "label": "show-all",
            "classes": "pst-js-only",
        })  # fmt: skip


def written_as(tag: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """What opens a node as an element of HTML, and what closes it."""

    def visit(self: HTML5Translator, node: nodes.Element) -> None:
        self.body.append(self.starttag(node, tag, ""))

    def depart(self: HTML5Translator, _: nodes.Element) -> None:
        self.body.append(f"</{tag}>\n")

    return visit, depart


def setup(app: Sphinx) -> None:
    """Register the two nodes, the transforms and the button."""
    app.add_node(fold, html=written_as("details"))
    app.add_node(fold_line, html=written_as("summary"))
    app.add_post_transform(FoldBoxes)
    app.add_post_transform(NameFolds)
    app.connect("html-page-context", offer_all, priority=600)
