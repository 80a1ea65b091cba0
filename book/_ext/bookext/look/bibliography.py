"""Links in the bibliography: `arXiv:1603.07285` leads to the paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}(?:v\d+)?)\b")


def linked(text: str) -> list[nodes.Node]:
    """A text with its arXiv numbers as links."""
    parts: list[nodes.Node] = []
    at = 0
    for found in ARXIV.finditer(text):
        address = f"https://arxiv.org/abs/{found[1]}"
        parts += [
            nodes.Text(text[at : found.start()]),
            nodes.reference("", found[0], refuri=address),
        ]
        at = found.end()
    return [part for part in (*parts, nodes.Text(text[at:])) if part.astext()]


class LinkNumbers(SphinxPostTransform):
    """Links the numbers of one page's bibliography."""

    default_priority = 20  # once sphinxcontrib-bibtex has written it

    def run(self, **_: Any) -> None:
        """Find them in the entries, but for those that are links."""
        for entry in self.document.findall(nodes.citation):
            for text in list(entry.findall(nodes.Text)):
                if ARXIV.search(text) and not isinstance(text.parent, nodes.reference):
                    text.parent.replace(text, linked(text))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the transform."""
    app.add_post_transform(LinkNumbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
