"""A chapter as a notebook that runs where this book is not.

The page as Sphinx has resolved it is written out in plain Markdown: numbers, citations and
references stand in the text, links lead to the published book. The cells are the chapter's own,
without outputs, and need nothing but the library; the first cell installs it where it is missing.

Others were tried on all chapters. jupytext converts the source, in which a chapter has 66 roles and
directives on average, and each would stand in the notebook as it is written.
sphinx-markdown-builder's translator needs 114 lines for what a book of ours has, as many as stand
here, twice the time, and lays tables out by tabulate, which makes 7.1 of 7.10. markdownify, on the
page's HTML, takes 9 s for what takes half a second here, and does not find the TeX of a formula.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import nbformat
from docutils import nodes
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number

from ..chapters.chaptermap import chapters_of
from ..explorers.box import explorer_node
from ..folding.folds import fold, fold_line
from ..look.mathrender import multiline
from .wheel import requirement

BRANCH = "gh-pages"
"""Where the workflow publishes the site, notebooks included; Colab opens them from there."""

SPECIAL = re.compile(r"([\\`*_\[\]<$|])")

BREAK = "\f"
"""Between two cells. A cell of code is the bare number that it has among the chapter's."""


class Writer:
    """Writes one page in Markdown, its cells of code as their numbers.

    Args:
        app: the application, for the numbers of figures, exercises and equations.
        page: the page's name.
    """

    def __init__(self, app: Sphinx, page: str) -> None:
        self.site: str = app.config.html_baseurl
        self.address: str = urljoin(self.site, f"{page}.html")
        self.builder = app.builder  # as `get_node_equation_number` expects of a writer
        self.numbers = app.env.toc_fignumbers.get(page, {})
        self.kind_of = app.env.get_domain("std").get_enumerable_node_type
        self.formats: dict[str, str] = app.config.numfig_format

    def markdown(self, node: nodes.Node) -> str:
        """A node with all that stands in it."""
        match node:
            case nodes.Text():
                return SPECIAL.sub(r"\\\1", node)
            case nodes.emphasis():
                return f"*{self.line(node)}*"
            case nodes.strong():
                return f"**{self.line(node)}**"
            case nodes.literal():
                text = node.astext()
                return f"`` {text} ``" if "`" in text else f"`{text}`"
            case nodes.math():
                return f"${node.astext()}$"
            case nodes.reference():
                return f"[{self.line(node)}]({self.target(node)})"
            case nodes.title() if isinstance(node.parent, nodes.section):
                return f"{BREAK}{'#' * depth(node)} {self.line(node)}"
            case nodes.title():
                return f"**{self.label(node.parent)}{self.line(node)}**"
            case nodes.caption():
                return f"*{self.label(node.parent)}: {self.line(node)}*"
            case nodes.literal_block():
                return f"```{node.get('language', '')}\n{node.astext()}\n```"
            case nodes.math_block():
                return f"$$\n{multiline(node)}{self.tag(node)}\n$$"
            case nodes.list_item():
                ordered = isinstance(node.parent, nodes.enumerated_list)
                number = node.parent.get("start", 1) + node.parent.index(node)
                mark = f"{number}. " if ordered else "- "
                return mark + self.blocks(node).replace("\n", "\n" + " " * len(mark))
            case nodes.bullet_list() | nodes.enumerated_list():
                return "\n".join(map(self.markdown, node.children))
            case nodes.row():
                cells = (self.line(cell).replace("\n", " ") for cell in node.children)
                return f"| {' | '.join(cells)} |"
            case nodes.table():
                head, *rows = node.findall(nodes.row)
                rule = "| --- " * len(head) + "|"
                return "\n".join([self.markdown(head), rule, *map(self.markdown, rows)])
            case nodes.container(attributes={"nb_element": "cell_code", "cell_index": index}):
                captions = map(self.markdown, node.findall(nodes.caption))
                return "\n\n".join([f"{BREAK}{index}{BREAK}", *captions])
            case explorer_node():
                place = urljoin(self.address, f"#{node['ids'][0]}")
                return f"*Here the page has [an explorer to play with]({place}).*"
            case fold_line() if "check" in node.parent["classes"]:
                return ""  # repeats what the paragraph below it says
            case fold_line() if "dropdown" in node.parent["classes"]:
                return f"**{self.line(node)}**"
            case fold() if "dropdown" not in node["classes"]:
                return self.blocks(node)
            case fold() | nodes.Admonition() | nodes.block_quote():
                return quoted(self.blocks(node))
            case nodes.Invisible() | nodes.raw() | nodes.image():
                return ""
            case nodes.TextElement():
                return self.line(node)
        return self.blocks(node)

    def line(self, node: nodes.Node) -> str:
        """What stands in a node, one behind the other."""
        return "".join(map(self.markdown, node.children))

    def blocks(self, node: nodes.Node) -> str:
        """What stands in a node, one below the other."""
        return "\n\n".join(filter(None, map(self.markdown, node.children)))

    def target(self, node: nodes.reference) -> str:
        """Where a link leads, in the published book."""
        if "filename" in node:  # of a file to download, as Sphinx lays it out
            return urljoin(self.site, f"_downloads/{quote(node['filename'])}")
        place: str = node.get("refuri") or f"#{node.get('refid', '')}"
        return urljoin(self.address, place)

    def label(self, node: nodes.Element) -> str:
        """The number of a figure or exercise, such as Fig. 2.3; nothing where it has none."""
        kind = self.kind_of(node)
        number = self.numbers.get(kind, {}).get(node["ids"][0]) if kind else None
        return self.formats[kind] % ".".join(map(str, number)) if kind and number else ""

    def tag(self, node: nodes.math_block) -> str:
        """The number of an equation, as TeX has it; nothing where it has none."""
        writer: Any = self
        number = node["number"] is not None and get_node_equation_number(writer, node)
        return rf" \tag{{{number}}}" if number else ""


def depth(node: nodes.Node | None) -> int:
    """How many sections a node stands in."""
    return depth(node.parent) + isinstance(node, nodes.section) if node else 0


def quoted(text: str) -> str:
    """A box, marked as a quotation; a cell in it ends the quotation, and another follows."""
    parts = text.split(BREAK)
    marked = (p if p.isdigit() else textwrap.indent(p.strip(), "> ", bool) for p in parts)
    return BREAK.join(marked).replace("> \n", ">\n")


def code_cell(cell: NotebookNode) -> NotebookNode:
    """A cell of code that has not run; folded where the page folds it."""
    folded = any(tag.startswith(("hide-", "remove-")) for tag in cell.metadata.get("tags", ()))
    fresh: NotebookNode = new_code_cell(cell.source)
    fresh.metadata = {"jupyter": {"source_hidden": True}} if folded else {}
    return fresh


def cells_of(text: str, executed: list[NotebookNode]) -> list[NotebookNode]:
    """The cells that a page in Markdown stands for, given those that the chapter has."""
    cells: list[NotebookNode] = []
    position = 0
    for part in text.split(BREAK):
        if part.isdigit():
            # What the page does not show at all, the notebook still needs.
            passed = executed[position : int(part)]
            unseen = [c for c in passed if "remove-cell" in c.metadata.get("tags", ())]
            cells += map(code_cell, [*unseen, executed[int(part)]])
            position = int(part) + 1
        elif part.strip():
            cells.append(new_markdown_cell(part.strip()))
    return cells


def notebook_of(writer: Writer, doctree: nodes.document, executed: NotebookNode) -> NotebookNode:
    """The notebook of a page.

    Args:
        writer: of this page.
        doctree: the page, resolved.
        executed: its notebook as MyST-NB ran it.
    """
    greeting = (
        f"*This notebook is [a chapter]({writer.address}) of the book, with its numbers and links"
        " as they are there. Run its cells from the first to the last.*"
    )
    asked = f'"{requirement(writer.site)}"'
    install = f"try:\n    import cnnref\nexcept ModuleNotFoundError:\n    %pip install -q {asked}"
    cells = [new_markdown_cell(greeting), new_code_cell(install)]
    cells += cells_of(writer.markdown(doctree), executed.cells)
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # else one of chance
    metadata = {"kernelspec": executed.metadata.kernelspec}
    notebook: NotebookNode = new_notebook(cells=cells, metadata=metadata)
    return notebook


def offer(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Write a chapter as a notebook; the theme then offers it for download."""
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    # Other pages with cells tell of the repository, and read it.
    if page not in chapters_of(app.env) or not executed.is_file():
        return
    target = Path(app.outdir) / "_sources" / f"{page}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    notebook = notebook_of(Writer(app, page), doctree, nbformat.read(executed, as_version=4))
    nbformat.write(notebook, target)
    context["ipynb_source"] = f"{page}.ipynb"


def offer_colab(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """A button that opens the published notebook on Colab."""
    options = app.config.html_theme_options
    if "ipynb_source" in context and "repository_url" in options:
        repository = options["repository_url"].rstrip("/").removeprefix("https://github.com/")
        path = f"{repository}/blob/{BRANCH}/_sources/{page}.ipynb"
        context["header_buttons"].insert(0, {
            "type": "link",
            "tooltip": "Run on Colab",
            "icon": "fas fa-rocket",
            "url": f"https://colab.research.google.com/github/{path}",
            "label": "colab-button",
        })  # fmt: skip


def setup(app: Sphinx) -> None:
    """Write the notebook before the theme adds its buttons, and one more button after it."""
    app.connect("html-page-context", offer, priority=400)
    app.connect("html-page-context", offer_colab, priority=600)
