"""Checks stand behind one line each.

A chapter marks a check by its words alone::

    **Check.** Three ways, 200 random cases. What follows explains them.

and the cells that directly follow belong to it, up to the next paragraph. So does a cell tagged
`verify`, together with the paragraph before it. What a reader wants to see, a figure or a table,
ends a check and is never folded. The line repeats the first sentence and ends with what the cells
have printed of how close the results came; nobody types that number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from .folds import fold, fold_line

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CHECK = "Check."
"""What the paragraph of a check begins with."""

LONG = 90
"""A first sentence of more characters ends at its first colon or semicolon."""

SENTENCE = re.compile(r"[.?!](?=\s|$)")
CLAUSE = re.compile(r"[.?!:;](?=\s|$)")
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
        cells = [node for node in self.document.findall(nodes.container) if is_code(node)]
        for parent in dict.fromkeys(cell.parent for cell in cells):
            start = 0
            while start < len(parent.children):
                end = end_of_check(parent.children, start)
                if end > start:
                    parent[start:end] = [folded(parent.children[start:end])]
                start += 1


def is_code(node: nodes.Node) -> bool:
    """Whether a node is a cell that shows nothing but code and what it printed."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and not any(isinstance(part, SHOWN) for part in node.findall())
    )


def opens_with(node: nodes.Node, bold: str) -> bool:
    """Whether a node is a paragraph that opens with these words in bold."""
    if not isinstance(node, nodes.paragraph):
        return False
    # MyST begins some with a text of no letters.
    first = next((child for child in node.children if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext() == bold


def end_of_check(siblings: Sequence[nodes.Node], start: int) -> int:
    """Where the check ends that begins at `start`; `start` itself where none does."""

    def after_cells(place: int, tag: str = "cell") -> int:
        while place < len(siblings) and is_code(siblings[place]) and tag in classes(place):
            place += 1
        return place

    def classes(place: int) -> list[str]:
        node = siblings[place]
        return node["classes"] if isinstance(node, nodes.Element) else []

    end = start
    if opens_with(siblings[start], CHECK):
        end = after_cells(start + 1)
        if end == start + 1:
            return start
    while end < len(siblings):
        cell = end + isinstance(siblings[end], nodes.paragraph)
        if after_cells(cell, "tag_verify") == cell:
            break
        end = after_cells(cell, "tag_verify")
    return end


def folded(parts: Sequence[nodes.Node]) -> fold:
    """The fold around the paragraphs and cells of a check."""
    box, line = fold(classes=["check"]), fold_line()
    line += nodes.Text("Checked")
    first = parts[0]
    if isinstance(first, nodes.paragraph):
        said = first_words(first)
        line += [nodes.Text(": "), *said]
        words = "".join(part.astext() for part in said)
        if len(words) >= len(first.astext()) - len("Check. .") and not has_link(first):
            first["classes"].append("said")  # the line has it all
    if told := closeness(printed(parts)):
        line += [nodes.Text("; "), nodes.inline(told, told, classes=["closeness"])]
    box += line
    for part in parts:
        if isinstance(part, nodes.container):
            part.attributes.pop("hide_mode", None)  # one click is enough
        box += part
    return box


def has_link(paragraph: nodes.paragraph) -> bool:
    """Whether something in a paragraph leads elsewhere."""
    return paragraph.next_node(nodes.reference) is not None


def first_words(paragraph: nodes.paragraph) -> list[nodes.Node]:
    """The first sentence of a paragraph, or its beginning where that is long; without links."""
    children = [child for child in paragraph.children if child.astext()][
        opens_with(paragraph, CHECK) :
    ]
    said = list(until(SENTENCE, children))
    if len("".join(part.astext() for part in said)) > LONG:
        said = list(until(CLAUSE, children))
    if said and isinstance(said[0], nodes.Text):
        text = re.sub(r"^\s*(?:First,?\s)?\s*", "", said[0].astext())
        # What has more capitals, or a number, is a name.
        small = re.match(r"[A-Z][a-z']*(?![-\w])", text)
        said[0] = nodes.Text(text[:1].lower() + text[1:] if small else text)
    return said


def until(end: re.Pattern[str], children: Sequence[nodes.Node]) -> Iterator[nodes.Node]:
    """Copies of nodes in a line, up to a mark in their text."""
    for child in children:
        if isinstance(child, nodes.Text):
            if mark := end.search(child.astext()):
                yield nodes.Text(child.astext()[: mark.start()])
                return
            yield nodes.Text(child.astext())
        elif isinstance(child, nodes.Element):
            yield from plain(child)


def plain(node: nodes.Element) -> list[nodes.Node]:
    """A copy that neither leads anywhere nor can be led to: it stands on a line to click."""
    box = nodes.inline("", "", node.deepcopy())
    for part in list(box.findall(nodes.Element)):
        part["ids"] = []
    for link in list(box.findall(nodes.reference)):
        link.parent[link.parent.index(link) : link.parent.index(link) + 1] = link.children
    return list(box.children)


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
