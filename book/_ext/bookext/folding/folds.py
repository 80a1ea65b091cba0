"""Folds: one line, and behind it what proves and checks, a solution, a script.

HTML has `details` for this, which docutils does not know: it needs no script, the keyboard opens
it, and so does a browser that is sent into it. A box of class `dropdown`, as authors mark them for
sphinx-togglebutton, becomes one as well. That extension adds a button and hides the box by a
script, once the page has been shown; and there the title of a solution is a link to its exercise,
which stands right above it, so that who clicks the title is taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
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
                for link in list(title.findall(nodes.reference)):
                    link.replace_self(link.children)
                line = fold_line("", "", *title.children)
                box.replace_self(fold("", line, *content, ids=box["ids"], classes=box["classes"]))


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


def visit_fold(self: HTML5Translator, node: fold) -> None:
    """Open a fold, closed."""
    self.body.append(self.starttag(node, "details"))


def depart_fold(self: HTML5Translator, _node: fold) -> None:
    """End it."""
    self.body.append("</details>\n")


def visit_fold_line(self: HTML5Translator, node: fold_line) -> None:
    """Begin its line."""
    self.body.append(self.starttag(node, "summary", ""))


def depart_fold_line(self: HTML5Translator, _node: fold_line) -> None:
    """End its line."""
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> None:
    """Register the two nodes, the transform and the button."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(fold_line, html=(visit_fold_line, depart_fold_line))
    app.add_post_transform(FoldBoxes)
    app.connect("html-page-context", offer_all, priority=600)
