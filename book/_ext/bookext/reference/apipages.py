"""The API reference: autodoc2's pages, fitted to this book.

A thing is described on the page of the module that defines it. Prose and annotations may call it
by its public name, under which a package exports it: such a name leads to the same place.
"""

from __future__ import annotations

import json
import pydoc
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, cast

from astroid.manager import AstroidManager
from autodoc2.render.myst_ import MystRenderer
from sphinx.domains.python import PythonDomain
from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from autodoc2.utils import ARGS_TYPE, ItemData
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

# Reading these to the bottom, to learn what a base class inherits, takes far longer than all
# the rest and changes nothing on the pages.
OPAQUE = {
    "torch", "torch.nn", "torchvision", "matplotlib", "matplotlib.figure", "numpy", "scipy",
}  # fmt: skip

# autodoc2's headings, one level less deep and in this book's words.
HEADINGS = {
    "## Module Contents": "",
    "## Package Contents": "",
    "### Classes": "## Classes",
    "### Functions": "## Functions",
    "### Data": "## Data",
    "### External": "## External",
    "### API": "## In detail",
}
LONGEST_VALUE = 100


class Renderer(MystRenderer):
    """Pages without tables of contents: the book's own `_toc.yml` places them."""

    def render_package(self, item: ItemData) -> Iterator[str]:
        """Render a module, with a list of links where autodoc2 puts a toctree."""
        in_toctree = False
        for line in super().render_package(item):
            if line == "```{toctree}":
                in_toctree = True
            elif in_toctree and line == "```":
                in_toctree = False
            elif not in_toctree:
                yield HEADINGS.get(line, line)
            elif line and not line.startswith(":"):
                yield f"- {{py:mod}}`{line}`"

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
        lines = iter(super().render_data(item))
        for line in lines:
            if not line.startswith(":value:"):
                yield line
                continue
            if line == ":value: >":
                next(lines)  # the value itself, in a notation that MyST takes for the description
            value = item.get("value")
            shown = repr(value) if isinstance(value, str) else str(value)
            if value is not None and len(shown) <= LONGEST_VALUE:
                yield f":value: {json.dumps(shown)}"


def defining_name(name: str, documented: list[str]) -> str | None:
    """The documented name of what a package exports as `name`, where there is exactly one.

    `cnnref.data.ImageSet` is `cnnref.data.images.ImageSet`; the two are the same object.
    """
    parts = name.split(".")
    for split in range(len(parts) - 1, 0, -1):
        package, rest = ".".join(parts[:split]), ".".join(parts[split:])
        found = [
            candidate
            for candidate in documented
            if candidate.startswith(f"{package}.")
            and candidate.endswith(f".{rest}")
            and pydoc.locate(candidate) is pydoc.locate(name) is not None
        ]
        if len(found) == 1:
            return found[0]
    return None


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a public name to the page of the module that defines it."""
    target: str = node["reftarget"]
    if node.get("refdomain") != "py" or not target.startswith("cnnref."):
        return None
    objects = cast(PythonDomain, env.get_domain("py")).objects
    name = defining_name(target, list(objects))
    if name is None:
        return None
    entry = objects[name]
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
