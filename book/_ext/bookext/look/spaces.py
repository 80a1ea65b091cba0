"""A number and its unit stay on one line: `60.2 %` and `3 × 3` are not broken.

Authors and cells write plain spaces. Those between a number and a per cent or multiplication sign
become spaces that do not break, in the running text, tables and captions; code, formulas and what
cells print stay as they are. No style sheet can say this. The chapters have some 80 such places,
and cells fill in more.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

from ..around import around

BREAK = re.compile(r"(?<=\d) (?=[%×])|(?<=×) (?=\d)")
UNTOUCHED = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def keep_together(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Mend the spaces of one page."""
    for text in list(doctree.findall(nodes.Text)):
        mended = BREAK.sub("\N{NO-BREAK SPACE}", text.astext())
        if mended == text.astext():
            continue
        if not any(isinstance(node, UNTOUCHED) for node in around(text)):
            text.parent.replace(text, nodes.Text(mended))


def setup(app: Sphinx) -> None:
    """Register it, once all that is quoted stands in the text."""
    app.connect("doctree-resolved", keep_together, priority=900)
