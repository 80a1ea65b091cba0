"""Docstrings in Google's style, read as MyST.

autodoc2 hands each docstring to a parser. This one turns the sections of a Google docstring
(`Args:`, `Returns:`, `Raises:`, ...) into the field lists that Sphinx knows, and leaves the rest,
with its `$formulas$` and `` {eq}`references` ``, to MyST.

Napoleon, which Sphinx has for this, finds the sections and takes them apart. Two things here are
otherwise: of a heading it makes a directive that MyST reads as text, and of a description with a
colon, such as `The kernel: two taps`, a type. So does griffe, whose parser is 1.7 MB more to
install and leaves as many lines to write here.
"""

from __future__ import annotations

import re
from inspect import cleandoc

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

CONFIG = Config(napoleon_use_ivar=True, napoleon_custom_sections=["Shape"])

SESSION = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
"""A session of an example, up to the next empty line."""


class Docstring(GoogleDocstring):
    """A docstring in Google's style, written as MyST."""

    def _consume_returns_section(
        self,
        preprocess_types: bool = False,  # noqa: ARG002
    ) -> list[tuple[str, str, list[str]]]:
        return [("", "", self._dedent(self._consume_to_next_section()))]

    def _parse_generic_section(
        self,
        section: str,
        use_admonition: bool,  # noqa: ARG002
    ) -> list[str]:
        text = "\n".join(self._dedent(self._consume_to_next_section()))
        fenced = SESSION.sub("```{code-block} pycon\n\\g<0>\n```", text)
        return [f"```{{rubric}} {section}", "```", "", *fenced.split("\n")]


def to_myst(docstring: str) -> str:
    """Rewrite the sections of a docstring; everything else stays as it is."""
    return str(Docstring(cleandoc(docstring), CONFIG))  # type: ignore[arg-type]  # napoleon's own


class Parser(MystParser):
    """The docstring parser named in `_config.yml`."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse a docstring."""
        super().parse(to_myst(inputstring), document)
