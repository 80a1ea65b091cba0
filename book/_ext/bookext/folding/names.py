"""Folds of code that say of what: "Show the code of Fig. 3.7".

MyST-NB calls all folds of a page alike, by a name from the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class NameFolds(SphinxPostTransform):
    """Ends the name of a fold with the number of the figure that its code draws."""

    default_priority = 190  # before MyST-NB folds them
    formats = ("html",)

    def run(self, **_: Any) -> None:
        """Name those of one page."""
        numbers = self.env.toc_fignumbers.get(self.env.docname, {}).get("figure", {})
        for cell in self.document.findall(nodes.container):
            names = (name for figure in cell.findall(nodes.figure) for name in figure["ids"])
            number = next((numbers[name] for name in names if name in numbers), None)
            for prompt in ("prompt_show", "prompt_hide"):
                if number and prompt in cell:
                    cell[prompt] += f" of Fig. {'.'.join(map(str, number))}"


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_post_transform(NameFolds)
