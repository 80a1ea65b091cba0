"""A chapter as a notebook that runs where this book is not.

The page as Sphinx has resolved it is written out in plain Markdown: numbers, citations and
references stand in the text, links lead to the published book. The cells are the chapter's own,
without outputs, and need nothing but the library; the first cell installs it where it is missing.

jupytext converts the source instead, in which a chapter has 66 roles and directives on average, and
each would stand in the notebook as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urljoin

from docutils import nodes
from sphinx.util.math import get_node_equation_number

from ..chapters.chaptermap import chapters_of
from .wheel import wheel_address, whole

if TYPE_CHECKING:
    from sphinx.addnodes import download_reference
    from sphinx.application import Sphinx

BRANCH = "gh-pages"
"""Where the workflow publishes the site, notebooks included; Colab opens them from there."""

SPECIAL = re.compile(r"([\\`*_\[\]<$|])")
UNSEEN = (nodes.comment, nodes.target, nodes.raw, nodes.image, nodes.substitution_definition)


class _Writer:
    """Writes one page as blocks of Markdown and the numbers of its code cells.

    Args:
        app: the application, for the numbers of figures and equations.
        page: the page's name.
        address: the page's published address, from which its links are resolved.
    """

    def __init__(self, app: Sphinx, page: str, address: str) -> None:
        self.app, self.page, self.address = app, page, address
        self.builder = app.builder  # as `get_node_equation_number` expects of a writer

    # --- what stands in a line ---

    def line(self, node: nodes.Node) -> str:
        """The text of a node, in one line of Markdown or several."""
        write = cast(
            "Callable[[Any], str] | None", getattr(self, f"line_{type(node).__name__}", None)
        )
        if write is not None:
            return write(node)
        return "" if isinstance(node, UNSEEN) else "".join(map(self.line, node.children))

    def line_Text(self, node: nodes.Text) -> str:  # noqa: N802 (docutils names its class so)
        return SPECIAL.sub(r"\\\1", node.astext())

    def line_emphasis(self, node: nodes.emphasis) -> str:
        return f"*{self.inner(node)}*"

    def line_strong(self, node: nodes.strong) -> str:
        return f"**{self.inner(node)}**"

    def line_literal(self, node: nodes.literal) -> str:
        text = node.astext()
        return f"`` {text} ``" if "`" in text else f"`{text}`"

    def line_math(self, node: nodes.math) -> str:
        return f"${node.astext()}$"

    def line_reference(self, node: nodes.reference) -> str:
        target = node.get("refuri") or f"#{node.get('refid', '')}"
        return f"[{self.inner(node)}]({urljoin(self.address, target)})"

    def line_download_reference(self, node: download_reference) -> str:
        if "filename" not in node:
            return self.inner(node)
        place = f"_downloads/{quote(node['filename'])}"  # as Sphinx lays it out
        return f"[{self.inner(node)}]({urljoin(self.app.config.html_baseurl, place)})"

    def inner(self, node: nodes.Element) -> str:
        return "".join(map(self.line, node.children))

    # --- blocks ---

    def blocks(self, node: nodes.Node, level: int = 0) -> Iterator[str | int]:
        """Blocks of Markdown, and the index of each code cell, in order."""
        if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            yield node["cell_index"]
            for figure in node.findall(nodes.figure):
                yield self.caption(figure)
            return
        write = getattr(self, f"blocks_{type(node).__name__}", None)
        if write is not None:
            yield from write(node, level)
        elif isinstance(node, nodes.Admonition):
            yield from quoted(self.children(node, level))
        elif isinstance(node, nodes.TextElement):
            yield self.inner(node)
        elif not isinstance(node, UNSEEN):
            yield from self.children(node, level + isinstance(node, nodes.section))

    def children(self, node: nodes.Node, level: int) -> Iterator[str | int]:
        for child in node.children:
            yield from self.blocks(child, level)

    def caption(self, figure: nodes.figure) -> str:
        numbers = self.app.env.toc_fignumbers.get(self.page, {}).get("figure", {})
        number = next((numbers[name] for name in figure["ids"] if name in numbers), ())
        words = "".join(self.inner(caption) for caption in figure.findall(nodes.caption))
        return f"*Fig. {'.'.join(map(str, number))}: {words}*"

    def blocks_title(self, node: nodes.title, level: int) -> Iterator[str]:
        section = isinstance(node.parent, nodes.section)
        yield f"{'#' * level} {self.inner(node)}" if section else f"**{self.inner(node)}**"

    def blocks_literal_block(self, node: nodes.literal_block, _: int) -> Iterator[str]:
        yield f"```{node.get('language', '')}\n{node.astext()}\n```"

    def blocks_math_block(self, node: nodes.math_block, _: int) -> Iterator[str]:
        number = ""
        if node["number"] is not None:
            writer: Any = self
            number = rf" \tag{{{get_node_equation_number(writer, node)}}}"
        tex = node.astext().strip()
        if number and not tex.startswith(r"\begin{"):
            tex = rf"\begin{{aligned}}{tex}\end{{aligned}}" if r"\\" in tex else tex
        yield f"$$\n{tex}{number}\n$$"

    def blocks_bullet_list(self, node: nodes.bullet_list, level: int) -> Iterator[str]:
        yield "\n".join(self.item(item, "- ", level) for item in node.children)

    def blocks_enumerated_list(self, node: nodes.enumerated_list, level: int) -> Iterator[str]:
        first = node.get("start", 1)
        items = enumerate(node.children, first)
        yield "\n".join(self.item(item, f"{number}. ", level) for number, item in items)

    def item(self, node: nodes.Node, mark: str, level: int) -> str:
        text = "\n\n".join(map(str, self.children(node, level)))
        return mark + text.replace("\n", "\n" + " " * len(mark))

    def blocks_definition_list_item(
        self, node: nodes.definition_list_item, level: int
    ) -> Iterator[str]:
        *terms, definition = node.children
        words = ", ".join(f"**{self.line(term)}**" for term in terms)
        yield f"{words}: " + "\n\n".join(map(str, self.children(definition, level)))

    def blocks_block_quote(self, node: nodes.block_quote, level: int) -> Iterator[str | int]:
        yield from quoted(self.children(node, level))

    def blocks_table(self, node: nodes.table, _: int) -> Iterator[str]:
        yield from (f"*{self.inner(title)}*" for title in node.findall(nodes.title))
        rows = [
            [" ".join(map(self.line, entry.children)).replace("\n", " ") for entry in row.children]
            for row in node.findall(nodes.row)
        ]
        rows.insert(1, ["---"] * len(rows[0]))
        yield "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def blocks_fold(self, node: nodes.Element, level: int) -> Iterator[str | int]:
        if "dropdown" in node["classes"]:
            yield from quoted(self.children(node, level))
            return
        # The line of a check repeats what its paragraph says.
        for child in node.children["check" in node["classes"] :]:
            yield from self.blocks(child, level)

    def blocks_fold_line(self, node: nodes.Element, _: int) -> Iterator[str]:
        title = "dropdown" in node.parent["classes"]
        yield f"**{self.inner(node)}**" if title else self.inner(node)

    def blocks_explorer_node(self, node: nodes.Element, _: int) -> Iterator[str]:
        place = urljoin(self.address, f"#{node['ids'][0]}")
        yield f"*Here the page has [an explorer to play with]({place}).*"


def quoted(blocks: Iterator[str | int]) -> Iterator[str | int]:
    """The text blocks of a box, marked as one quotation; a cell in it ends the quotation."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, str):
            lines += [*([">"] if lines else []), *(f"> {line}" for line in block.split("\n"))]
            continue
        if lines:
            yield "\n".join(lines)
        lines = []
        yield block
    if lines:
        yield "\n".join(lines)


def preamble(address: str, wheel: str) -> list[dict[str, Any]]:
    """What a notebook says of itself, and how it gets the library."""
    text = (
        f"*This notebook is [a chapter]({address}) of the book, with its numbers and links as they"
        " are there. Run its cells from the first to the last.*"
    )
    asked = f'"{whole(wheel)}"'
    install = f"try:\n    import cnnref\nexcept ModuleNotFoundError:\n    %pip install -q {asked}"
    return [markdown_cell(text), code_cell(install, {})]


def markdown_cell(text: str) -> dict[str, Any]:
    """A cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code_cell(source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """A cell of code that has not run; folded where the page folds it."""
    folded = any(tag.startswith(("hide-", "remove-")) for tag in metadata.get("tags", ()))
    return {
        "cell_type": "code",
        "metadata": {"jupyter": {"source_hidden": True}} if folded else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def notebook_of(writer: _Writer, doctree: nodes.document, executed: Any, wheel: str) -> Any:
    """The notebook of a page.

    Args:
        writer: of this page.
        doctree: the page, resolved.
        executed: its notebook as MyST-NB ran it.
        wheel: the library's address.
    """
    cells = preamble(writer.address, wheel)
    sources = executed["cells"]
    # What the page does not show at all, the notebook still needs: before the next cell that is.
    unseen = [i for i, c in enumerate(sources) if "remove-cell" in c["metadata"].get("tags", ())]
    text: list[str] = []
    for block in writer.blocks(doctree):
        if isinstance(block, str) and not (text and block.startswith("#")):
            text += [block] if block.strip() else []
            continue
        cells += [markdown_cell("\n\n".join(text))] if text else []
        text = [block] if isinstance(block, str) else []
        if isinstance(block, int):
            for index in [*(i for i in unseen if i < block), block]:
                cell = sources[index]
                cells.append(code_cell("".join(cell["source"]), cell["metadata"]))
            unseen = [i for i in unseen if i > block]
    cells += [markdown_cell("\n\n".join(text))] if text else []
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": executed["metadata"]["kernelspec"]}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def offer(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Write a chapter as a notebook; the theme then offers it for download."""
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
    # Other pages with cells tell of the repository, and read it.
    if page not in chapters_of(app.env) or not executed.is_file():
        return
    base = app.config.html_baseurl
    writer = _Writer(app, page, urljoin(base, f"{page}.html"))
    content = json.loads(executed.read_text(encoding="utf-8"))
    notebook = notebook_of(writer, doctree, content, wheel_address(base))
    target = Path(app.outdir) / "_sources" / f"{page}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
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
