"""Folds that say what is in them: the code of Fig. 3.7, the solution of exercise 2.1.

MyST-NB calls each of a page's hundred folds "Show code cell source". And the title of a solution
is a link to its exercise, which stands right above it: who clicks the title, to open the solution,
is taken away. As plain words it does what a title of a fold should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STOCK = "code cell {type}"
"""What MyST-NB's own names end in; an author's name for a fold stays."""


class NameFolds(SphinxPostTransform):
    """Names the folds of code, after the figures if the code draws one."""

    default_priority = 190  # before MyST-NB folds them
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Name those of one page."""
        numbers = self.env.toc_fignumbers.get(self.env.docname, {}).get("figure", {})
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code" or "prompt_show" not in cell:
                continue
            names = [name for figure in cell.findall(nodes.figure) for name in figure["ids"]]
            number = next((numbers[name] for name in names if name in numbers), None)
            of = f" of Fig. {'.'.join(map(str, number))}" if number else ""
            what = f"the code{of}" if cell.get("hide_mode") == "input" else "the {type}"
            for prompt, word in (("prompt_show", "Show"), ("prompt_hide", "Hide")):
                if cell[prompt].endswith(STOCK):
                    cell[prompt] = f"{word} {what}"


class UnlinkTitles(SphinxPostTransform):
    """Makes the titles of solutions plain words."""

    default_priority = 30  # once sphinx-exercise has written them

    def run(self, **_: Any) -> None:
        """Mend those of one page."""
        for title in self.document.findall(nodes.title):
            if type(title.parent).__name__ == "solution_node":
                for link in list(title.findall(nodes.reference)):
                    link.replace_self(link.children)


def setup(app: Sphinx) -> None:
    """Register both."""
    app.add_post_transform(NameFolds)
    app.add_post_transform(UnlinkTitles)
