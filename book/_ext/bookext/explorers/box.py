"""The box of an explorer on a page, as HTML; `box.html` has what opens it."""

from __future__ import annotations

from docutils import nodes
from sphinx.writers.html5 import HTML5Translator

from ..templates import filled


class explorer_node(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """An explorer; its children are what a page shows without it."""


def visit_explorer(self: HTML5Translator, node: explorer_node) -> None:
    """Open the box, and in it the part that the script hides once the explorer runs."""
    self.body.append(filled("explorers/box.html", **node.attributes))


def depart_explorer(self: HTML5Translator, _node: explorer_node) -> None:
    """Close both."""
    self.body.append("</div></div>\n")
