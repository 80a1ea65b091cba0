"""The box of an explorer on a page, as HTML."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from docutils import nodes

from .catalogue import EXPLORERS

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator


class explorer_node(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """An explorer; its children are what a page shows without it."""


def visit_explorer(self: HTML5Translator, node: explorer_node) -> None:
    """Open the box, and in it the part that the script hides once the explorer runs."""
    name = node["ids"][0]
    data = {"data-explorer": node["kind"], "data-preset": json.dumps(node["preset"])}
    attributes = {"role": "group", "aria-labelledby": f"{name}-title"} | data
    if node["tour"]:
        attributes["data-tour"] = json.dumps(node["tour"])
    if node["rows"]:
        attributes["style"] = f"--explorer-rows: {node['rows']}"
    self.body.append(self.starttag(node, "div", CLASS="explorer", **attributes))
    # Without a script, a link to a setting leads here.
    linked: list[str] = node.get("linked", [])
    for query in linked:
        self.body.append(f'<span id="{escape(f"{name}?{query}")}"></span>')
    title = f"Explorer: {EXPLORERS[node['kind']].title}"
    self.body.append(f'<p class="explorer-title" id="{name}-title">{title}</p>\n')
    if node["data"]:
        # No end of a script may stand in a script.
        text = json.dumps(node["data"], separators=(",", ":")).replace("</", "<\\/")
        self.body.append(f'<script type="application/json">{text}</script>\n')
    self.body.append('<div class="explorer-fallback">')


def depart_explorer(self: HTML5Translator, _node: explorer_node) -> None:
    """Close both."""
    self.body.append("</div></div>\n")
