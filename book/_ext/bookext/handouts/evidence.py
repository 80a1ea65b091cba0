"""What counts as evidence in a section of the book: cells that ran and that assert."""

from __future__ import annotations

import re

from docutils import nodes

from ..around import around

EVIDENCE = re.compile(r"^\s*assert\b|(?<![\w.])(?:run|claim)\(", re.MULTILINE)
"""An assertion, or a call that means "this comes from stored records", or "they show this"."""


def section_around(node: nodes.Element) -> nodes.Element:
    """The innermost section that holds a node; the whole document where there is none."""
    *_, whole = parents = list(around(node))
    return next((part for part in parents if isinstance(part, nodes.section)), whole)


def has_evidence(section: nodes.Element) -> bool:
    """Whether a section shows an executed cell that asserts, or that asks records."""
    return any(
        "cell_input" in part["classes"] and EVIDENCE.search(part.astext())
        for cell in section.findall(nodes.container)
        if cell.get("nb_element") == "cell_code" and cell.get("exec_count")
        for part in cell.findall(nodes.container)
    )
