"""What a node stands in: docutils goes down a tree by itself, and up by one step at a time."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes


def around(node: nodes.Node) -> Iterator[nodes.Element]:
    """All that a node is part of, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node
