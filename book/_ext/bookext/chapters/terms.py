"""The first use of each glossary term in a chapter is a link to the glossary.

Authors write plain words. On every numbered page, the first time a term of the glossary stands in
the running text, in the singular or the plural, it becomes a link; titles, links, code, formulas
and what cells print stay as they are. Where a chapter uses a term in another sense only, its front
matter says so::

    other_sense: [group]
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from ..around import around
from .chaptermap import chapters_of

logger = logging.getLogger(__name__)

UNTOUCHED = (
    nodes.title, nodes.reference, pending_xref, nodes.literal, nodes.literal_block, nodes.math,
    nodes.math_block, nodes.raw, nodes.term, nodes.label, nodes.image, nodes.emphasis,
)  # fmt: skip


def terms_of(env: BuildEnvironment) -> dict[str, str]:
    """The page of each term of the glossary."""
    domain = cast(StandardDomain, env.get_domain("std"))
    return {name: page for (kind, name), (page, _) in domain.objects.items() if kind == "term"}


def pattern_of(term: str) -> re.Pattern[str]:
    """Finds a term as a whole word, also in the plural; only an abbreviation keeps its case."""
    stem, ending = (term[:-1], "(?:y|ies)") if re.search("[^aeiou]y$", term) else (term, "(?:e?s)?")
    words = r"\s+".join(map(re.escape, stem.split()))
    flags = re.NOFLAG if term.isupper() else re.IGNORECASE
    return re.compile(rf"(?<![\w-]){words}{ending}(?![\w-])", flags)


class LinkTerms(SphinxPostTransform):
    """Links the first use of each term; before Sphinx resolves references."""

    default_priority = 6

    def run(self, **_: Any) -> None:
        """Link the terms of one page."""
        page = self.env.docname
        # Longer terms first: a transposed convolution is not the first use of convolution.
        terms = sorted(terms_of(self.env), key=lambda term: (-len(term), term))
        if page in chapters_of(self.env):
            other = json.loads(self.env.metadata[page].get("other_sense", "[]"))
            for term in set(other) - set(terms):
                logger.warning("other_sense: %s is no term of the glossary", term, location=page)
            waiting = {term: pattern_of(term) for term in terms if term not in other}
            for text in list(self.document.findall(nodes.Text)):
                if running(text):
                    parts = self.linked(text.astext(), waiting)
                    if len(parts) > 1:
                        text.parent.replace(text, parts)

    def linked(self, text: str, waiting: dict[str, re.Pattern[str]]) -> list[nodes.Node]:
        """A text in parts, with a link for each term in it that had none yet."""
        for term, pattern in waiting.items():
            if found := pattern.search(text):
                del waiting[term]
                before = self.linked(text[: found.start()], waiting)
                return [
                    *before,
                    self.link(term, found[0]),
                    *self.linked(text[found.end() :], waiting),
                ]
        return [nodes.Text(text)] if text else []

    def link(self, term: str, words: str) -> pending_xref:
        """A link to a term."""
        return pending_xref(
            "", nodes.inline("", words, classes=["std", "std-term"]),
            refdomain="std", reftype="term", reftarget=term, refdoc=self.env.docname,
            refexplicit=True, refwarn=True,
        )  # fmt: skip


def running(text: nodes.Text) -> bool:
    """Whether a text is part of a paragraph, and of nothing that must stay as it is."""
    parents = list(around(text))
    apart = (isinstance(n, UNTOUCHED) or n.get("nb_element") == "cell_code" for n in parents)
    return not any(apart) and any(isinstance(node, nodes.paragraph) for node in parents)


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(LinkTerms)
