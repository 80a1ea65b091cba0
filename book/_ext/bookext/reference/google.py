"""Docstrings in Google's style, read as MyST.

autodoc2 hands each docstring to a parser. This one turns the sections of a Google docstring
(`Args:`, `Returns:`, `Raises:`, ...) into the field lists that Sphinx knows, and leaves the rest,
with its `$formulas$` and `` {eq}`references` ``, to MyST. Napoleon, which Sphinx has for this,
gives reStructuredText: of a heading it makes a directive that MyST reads as text, and of a
description with a colon, such as `The kernel: two taps`, a type.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from inspect import cleandoc
from typing import TYPE_CHECKING

from myst_parser.parsers.sphinx_ import MystParser

if TYPE_CHECKING:
    from docutils import nodes

# Sections that list items by name, and the field that each item becomes.
ITEM_FIELDS = {
    "Args": "param",
    "Keyword Args": "keyword",
    "Raises": "raises",
    "Attributes": "ivar",
}
# Sections that are one description.
TEXT_FIELDS = {"Returns": "returns", "Yields": "yields"}
# Sections that stay text, under a small heading of their own.
HEADED = ("Example", "Examples", "Note", "Notes", "References", "Shape", "Source", "Warning")

SECTION = re.compile(rf"({'|'.join([*ITEM_FIELDS, *TEXT_FIELDS, *HEADED])}):\s*")
ITEM = re.compile(r"(?P<name>\*{0,2}[\w.]+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)")


def to_myst(docstring: str) -> str:
    """Rewrite the sections of a docstring; everything else stays as it is."""
    return "\n".join(_rewritten(cleandoc(docstring).splitlines()))


def _rewritten(lines: list[str]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        section = SECTION.fullmatch(line)
        if not section:
            yield line
            continue
        start = position
        while position < len(lines) and (not lines[position] or lines[position][0] == " "):
            position += 1
        body = textwrap.dedent("\n".join(lines[start:position])).strip("\n").splitlines()
        yield ""
        yield from _section(section[1], body)
        yield ""


def _section(title: str, body: list[str]) -> Iterator[str]:
    if title in ITEM_FIELDS:
        for name, text in _items(body):
            escaped = name.replace("*", r"\*")
            yield f":{ITEM_FIELDS[title]} {escaped}: {_hanging(text)}"
    elif title in TEXT_FIELDS:
        yield f":{TEXT_FIELDS[title]}: {_hanging(body)}"
    else:
        yield from (f"```{{rubric}} {title}", "```", "")
        is_session = any(line.startswith(">>>") for line in body)
        yield from _python_sessions(body) if is_session else body


def _items(body: list[str]) -> list[tuple[str, list[str]]]:
    """Split `name: text` items; a deeper line continues the item before it."""
    items: list[tuple[str, list[str]]] = []
    for line in body:
        match = ITEM.fullmatch(line)
        if match and not line.startswith(" "):
            items.append((match["name"], [match["text"]]))
        elif items:
            items[-1][1].append(line)
    return items


def _hanging(lines: list[str]) -> str:
    """Indent continuation lines, as a field list asks for."""
    first, *rest = lines or [""]
    return "\n".join([first, textwrap.indent(textwrap.dedent("\n".join(rest)), "    ")]).rstrip()


def _python_sessions(body: list[str]) -> Iterator[str]:
    """Fence the sessions of an example, leaving the text between them as text."""
    inside = False
    for line in body:
        if line.startswith(">>>") and not inside:
            inside = True
            yield "```{code-block} pycon"
        elif not line and inside:
            inside = False
            yield "```"
        yield line
    if inside:
        yield "```"


class Parser(MystParser):
    """The docstring parser named in `_config.yml`."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse a docstring."""
        super().parse(to_myst(inputstring), document)
