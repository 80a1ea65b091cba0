"""Code is coloured with as few elements as its colours need.

Pygments puts every name, bracket and space into an element of its own, though most have the colour
of plain text. On a page with much code they are most of its elements, and a browser must style and
lay out each. Here tokens that the theme's two styles do not tell apart become one: on the page with
the most code 12,200 elements instead of 19,200, and a quarter less work until it is loaded.

To the IPython lexer the body of an unknown cell magic is plain text. `%%needs cifar10` only decides
whether its cell runs, so the body is read as Python instead, and the page leaves the line out: who
copies the cell has no such magic. A notebook keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from docutils import nodes
from pygments.formatters import HtmlFormatter
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Generic, Operator, Text, _TokenType
from sphinx.highlighting import PygmentsBridge

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MAGIC = "%%needs "

STYLES = tuple(get_style_by_name(f"a11y-high-contrast-{theme}") for theme in ("light", "dark"))
"""What the theme draws code with, by day and by night."""


@cache
def plainest(kind: _TokenType) -> _TokenType:
    """The most general kind of token that looks the same: `Text`, or a kind that this one is of.

    Operators are made as quiet as brackets: no other kind would be coloured as often.
    """
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    if kind is Operator:
        return Text
    if kind in Generic:  # a copy button tells prompts and outputs from code by their names
        return kind
    return next(other for other in (Text, *kind.split()) if looks(other) == looks(kind))


def looks(kind: _TokenType) -> list[Any]:
    """How each style draws a kind of token."""
    return [style.style_for_token(kind) for style in STYLES]


class FewElements(HtmlFormatter[str]):  # type: ignore[misc]
    """Pygments' formatter, which joins neighbours of one kind by itself."""

    def format_unencoded(
        self, tokensource: Iterable[tuple[_TokenType, str]], outfile: IO[str]
    ) -> None:
        """Format tokens of as few kinds as there are looks."""
        tokens = ((plainest(kind), text) for kind, text in without_magic([*tokensource]))
        super().format_unencoded(tokens, outfile)


def without_magic(tokens: list[tuple[_TokenType, str]]) -> list[tuple[_TokenType, str]]:
    """Tokens of code without its first line, if that is the magic's."""
    if not "".join(text for _, text in tokens[:5]).startswith(MAGIC):
        return tokens
    return tokens[next(i for i, (_, text) in enumerate(tokens, 1) if "\n" in text) :]


def colour_as_python(_: Sphinx, doctree: nodes.document) -> None:
    """Set the language of every cell that begins with the magic."""
    for block in doctree.findall(nodes.literal_block):
        if block.astext().startswith(MAGIC):
            block["language"] = "python"


def setup(app: Sphinx) -> None:
    """Have Sphinx format code so, and hook in once a page has been read."""
    PygmentsBridge.html_formatter = FewElements
    app.connect("doctree-read", colour_as_python)
