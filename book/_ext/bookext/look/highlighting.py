"""A cell that waits for data is coloured as Python.

To the IPython lexer the body of an unknown cell magic is plain text. `%%needs cifar10` only decides
whether its cell runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

MAGIC = "%%needs "


def colour_as_python(_: Sphinx, doctree: nodes.document) -> None:
    """Set the language of every cell that begins with the magic."""
    for block in doctree.findall(nodes.literal_block):
        if block.astext().startswith(MAGIC):
            block["language"] = "python"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Hook in once a page has been read."""
    app.connect("doctree-read", colour_as_python)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
