"""Cells that begin with the book's magic are coloured as Python.

To the IPython lexer the body of an unknown cell magic is plain text. `%%needs cifar10` only decides
whether its cell runs, so the body is read as Python instead, and the page leaves the line out: who
copies the cell has no such magic. A notebook keeps it.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

MAGIC = "%%needs "


def colour_as_python(_: Sphinx, doctree: nodes.document) -> None:
    """Mend every cell that begins with the magic."""
    for block in doctree.findall(nodes.literal_block):
        line, *body = block.astext().splitlines(keepends=True)
        if line.startswith(MAGIC):
            block["language"] = "python"
            block.rawsource = "".join(body)
            block[:] = [nodes.Text(block.rawsource)]


def setup(app: Sphinx) -> None:
    """Hook in once a page has been read."""
    app.connect("doctree-read", colour_as_python)
