"""What counts as evidence in a section of the book: cells that ran and that assert."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from docutils import nodes

from ..around import around

# The names whose call in a cell means "this comes from stored records", or "they show this".
RECORD_CALLS = frozenset({"run", "experiments.run", "cnnref.experiments.run", "claim"})


def section_around(node: nodes.Element) -> nodes.Element:
    """The innermost section that holds a node; the whole document where there is none."""
    *_, whole = parents = list(around(node))
    return next((part for part in parents if isinstance(part, nodes.section)), whole)


def title_of(section: nodes.Element, default: str) -> str:
    """The heading of a section."""
    title = section.next_node(nodes.title) if isinstance(section, nodes.section) else None
    return title.astext() if title else default


def has_evidence(section: nodes.Element) -> bool:
    """Whether a section holds an executed cell that asserts, or that asks records."""
    return any(is_evidence(source) for source in executed_cells(section))


def executed_cells(section: nodes.Element) -> Iterator[str]:
    """The visible source of every code cell that was run."""
    for cell in section.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and cell.get("exec_count"):
            for part in cell.children:
                if isinstance(part, nodes.Element) and "cell_input" in part["classes"]:
                    yield part.astext()


def is_evidence(source: str) -> bool:
    """Whether a cell's source, its IPython magic apart, asserts something or calls one of those."""
    try:
        tree = ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE))
    except SyntaxError:  # its execution has failed, and said so
        return False
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in RECORD_CALLS)
        for node in ast.walk(tree)
    )
