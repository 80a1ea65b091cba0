"""The API reference: autodoc2's pages, fitted to this book.

A thing is described on the page of the module that defines it. Prose and annotations may call it
by its public name, under which a package exports it: such a name leads to the same place.
"""

from __future__ import annotations

import json
import pydoc
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import cast

from astroid.manager import AstroidManager
from autodoc2.render.myst_ import MystRenderer
from autodoc2.utils import ARGS_TYPE, ItemData
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

# Reading these to the bottom, to learn what a base class inherits, takes far longer than all
# the rest and changes nothing on the pages.
OPAQUE = {
    "torch", "torch.nn", "torchvision", "matplotlib", "matplotlib.figure", "numpy", "scipy",
}  # fmt: skip

# What autodoc2 writes of a module, as regular expressions, and what this book has instead: lists of
# links for tables of contents, since `_toc.yml` places the pages, and headings one level less deep.
REWRITES = {
    r"^```\{toctree\}\n(?::.*\n)*\n((?:.+\n)+)```$": r"\1",
    r"^(cnnref\.[\w.]+)$": r"- {py:mod}`\1`",
    r"^## \w+ Contents$": "",
    r"^### API$": "## In detail",
    r"^### ": "## ",
}
LONGEST_VALUE = 100


class Renderer(MystRenderer):
    """Pages of modules, with what autodoc2 does not show of a dataclass and of a constant."""

    def render_package(self, item: ItemData) -> Iterator[str]:
        """Render a module."""
        text = "\n".join(super().render_package(item))
        for theirs, ours in REWRITES.items():
            text = re.sub(theirs, ours, text, flags=re.MULTILINE)
        yield from text.split("\n")

    def render_class(self, item: ItemData) -> Iterator[str]:
        """Render a class; a dataclass, which writes no `__init__`, with its arguments too."""
        lines = iter(super().render_class(item))
        found = pydoc.locate(item["full_name"])
        arguments = ""
        if isinstance(found, type) and is_dataclass(found):
            arguments = f"({self.format_args(self.dataclass_arguments(item, found))})"
        yield next(lines) + arguments
        yield from lines

    def dataclass_arguments(self, item: ItemData, cls: type) -> ARGS_TYPE:
        """The arguments of a dataclass: prefix (none), name, annotation and default of each."""
        arguments: ARGS_TYPE = []
        for field in fields(cls):
            known = self.get_item(f"{item['full_name']}.{field.name}")
            annotation = known.get("annotation") if known else str(field.type)
            default = None if field.default is MISSING else repr(field.default)
            if isinstance(field.default_factory, type):
                default = f"{field.default_factory.__name__}()"
            if field.init:
                arguments.append((None, field.name, annotation, default))
        return arguments

    def render_data(self, item: ItemData) -> Iterator[str]:
        """Render a constant, with its value where that is a literal and short."""
        # autodoc2 cuts what is long, has `set(...)` for a call, and quotes in a way that MyST takes
        # for the description.
        value = item.get("value")
        shown = repr(value) if isinstance(value, str) else str(value)
        literal = value is not None and not shown.endswith("(...)'")
        ours = f":value: {json.dumps(shown)}\n" if literal and len(shown) <= LONGEST_VALUE else ""
        text = "\n".join(super().render_data(item))
        yield from re.sub(r":value: (>\n)?.*\n", lambda _: ours, text, count=1).split("\n")


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a public name, as of `cnnref.data.ImageSet`, to the module that defines the thing.

    And the alias of a type to itself: for Sphinx it is a constant, and found where a class is not.
    """
    target: str = node["reftarget"]
    if node.get("refdomain") != "py" or not target.startswith("cnnref."):
        return None
    found = pydoc.locate(target)
    name = f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"
    objects = cast(PythonDomain, env.get_domain("py")).objects
    entry = objects.get(target) or objects.get(name)
    if entry is None:
        return None
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, target)


def forget_inner_documents(_: Sphinx, doctree: nodes.document) -> None:
    """Have all nodes of a page belong to the page.

    autodoc2 reads each docstring as a document of its own, to which the nodes still belong. Such a
    document holds Sphinx's whole environment, and so would the page where it is kept: megabytes
    each, which took half of a build to write and read.
    """
    for node in doctree.findall():
        node.document = doctree


def setup(app: Sphinx) -> None:
    """Keep astroid out of the large packages, follow public names, and keep pages small."""
    AstroidManager().module_denylist |= OPAQUE
    app.connect("doctree-read", forget_inner_documents)
    app.connect("missing-reference", resolve)
