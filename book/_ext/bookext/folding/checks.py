"""Checks stand behind one line each.

A chapter marks a check by its words alone::

    **Checked: three ways, in 200 random cases**. What follows explains them.

and the cells that directly follow belong to it, up to the next paragraph. So does a cell tagged
`verify`, together with the paragraph before it. What a reader wants to see, a figure or a table,
ends a check and is never folded. The line repeats the words in bold and ends with what the cells
have printed of how close the results came; nobody types that number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from .folds import fold, line_of

MARK = "Checked:"
"""What the line of a check begins with."""

LONG = 90
"""A printed line of more characters is no part of the line of a check."""

CLOSE = re.compile(r"\b(?:error|differ\w*|gap|violation|worst|agree\w*|apart|deviation)\b", re.I)
SHOWN = (
    nodes.figure, nodes.image, nodes.table, nodes.paragraph, nodes.math_block, nodes.raw,
    nodes.Admonition,
)  # fmt: skip


class FoldChecks(SphinxPostTransform):
    """Puts each check of a page behind one line."""

    formats = ("html",)
    default_priority = 150  # once references and values are in place, before MyST-NB folds code

    def run(self, **_: Any) -> None:
        """Fold the checks of one page."""
        for paragraph in list(self.document.findall(nodes.paragraph)):
            said, parent = bold_opening(paragraph, MARK), paragraph.parent
            parts = check_of(paragraph) if said else []
            if said and len(parts) > 1:
                start = parent.index(paragraph)
                parent[start : start + len(parts)] = [folded(said, parts)]


def is_code(node: nodes.Node | None) -> TypeGuard[nodes.container]:
    """Whether a node is a cell that shows nothing but code and what it printed."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and not any(isinstance(part, SHOWN) for part in node.findall())
    )


def bold_opening(node: nodes.Node, words: str) -> nodes.strong | None:
    """The bold text that a paragraph opens with, if that begins with these words."""
    # MyST begins some with a text of no letters.
    first = next((child for child in node.children if child.astext()), None)
    if not (isinstance(node, nodes.paragraph) and isinstance(first, nodes.strong)):
        return None
    return first if first.astext().startswith(words) else None


def behind(node: nodes.Element) -> Iterator[nodes.Element]:
    """What follows a node, beside it."""
    return node.findall(nodes.Element, include_self=False, descend=False, siblings=True)


def check_of(paragraph: nodes.paragraph) -> list[nodes.Element]:
    """A check: its paragraph, the cells behind it, and what else joins them."""
    check: list[nodes.Element] = [paragraph]
    for node in behind(paragraph):
        cell = next(behind(node), None) if isinstance(node, nodes.paragraph) else node
        if not is_code(cell) or (cell is not node and "tag_verify" not in cell["classes"]):
            break
        check.append(node)
    return check


def folded(said: nodes.strong, parts: Sequence[nodes.Element]) -> fold:
    """The fold around the paragraphs and cells of a check; its line has the words in bold."""
    line = line_of(said.deepcopy().children)
    rest = parts[0].astext().strip().removeprefix(said.astext())
    if len(rest) <= 1 and parts[0].next_node(nodes.reference) is None:
        parts[0]["classes"].append("said")  # the line has it all
    if told := closeness(printed(parts)):
        line += nodes.Text(f"; {told}")
    for part in parts:
        part.attributes.pop("hide_mode", None)  # one click is enough
    return fold("", line, *parts, classes=["check"])


def printed(parts: Sequence[nodes.Node]) -> list[str]:
    """The lines that cells have printed."""
    return [
        line.strip()
        for part in parts
        for block in part.findall(nodes.container)
        if block.get("nb_element") == "cell_code_output"
        for output in block.findall(nodes.literal_block)
        for line in output.astext().splitlines()
    ]


def closeness(lines: Sequence[str]) -> str:
    """The last line that says by how much results differ; else the last one with a number."""
    told = [line for line in lines if len(line) <= LONG and re.search(r"\d", line)]
    return ([line for line in told if CLOSE.search(line)] or told or [""])[-1]


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.setup_extension("bookext.folding.folds")
    app.add_post_transform(FoldChecks)
