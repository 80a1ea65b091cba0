"""Folds of code that say of what: "Show the code of Fig. 3.7".

MyST-NB calls each of a page's hundred folds "Show code cell source".
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


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(NameFolds)
