"""Explorers: pictures with controls, in plain JavaScript, on the pages that ask for one.

A page places an explorer, sets its controls and says what to try::

    :::{explorer} convolution
    :name: explorer-stride
    :n: 8
    :s: 2

    Text for readers without JavaScript: what the figure above it shows.

    1. {try}`Why does the last input count for nothing? <?at=3>`
    2. {try}`And with an input of 9? <?n=9>`
    :::

A list at the end is a tour: settings that each ask a question. The explorer opens on the first,
which is that of the options, at a stop of its own if it names one; `links` has the links to
settings.

Its scripts and style sheet are in `book/_static`, and only pages with an explorer load them:
classic scripts, since browsers refuse modules to a page that is opened from a disk. Where they do
not run, the page has a figure of the first setting, which the library draws from the same options,
and the directive's text. Data that a script needs stand in the page, as JSON. The kinds that there
are, and their figures, are in `catalogue`.
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from sphinx.domains.std import StandardDomain
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .box import depart_explorer, explorer_node, visit_explorer
from .catalogue import EXPLORERS
from .links import CheckLinks, TryRole, tour_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

    from cnnref.figures.style import Picture

logger = logging.getLogger(__name__)

OPTIONS = sorted({option for explorer in EXPLORERS.values() for option in explorer.preset})


def ids_of(env: BuildEnvironment) -> set[str]:
    """The explorers of the page that is being read."""
    return cast(set[str], env.temp_data.setdefault("cnnref_explorers", set()))


class ExplorerDirective(SphinxDirective):
    """Places an explorer; see the module's docstring."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = dict.fromkeys(("name", *OPTIONS), str)

    def run(self) -> list[nodes.Node]:
        """Build the box; a mistake is a warning, and no box."""
        try:
            return [self.box(self.arguments[0])]
        except ValueError as error:
            logger.warning("%s", error, location=self.get_location())
            return []

    def box(self, kind: str) -> explorer_node:
        """The box, with the figure and the text of the page that runs no script.

        Raises:
            ValueError: the directive is mistaken.
        """
        name = self.options.pop("name", f"explorer-{kind}")
        preset = self.preset(kind)
        explorer = EXPLORERS[kind]
        data, picture = explorer.data(preset), explorer.draw(preset)
        if name in ids_of(self.env):
            raise ValueError(f"the page has an explorer {name} already; name this one")
        if not "".join(self.content).strip():
            raise ValueError("an explorer needs a text for readers without JavaScript")
        ids_of(self.env).add(name)
        for file in data.files:
            self.env.note_dependency(str(file))
        for script, text in data.late.items():
            keep(kept(self.env) / script, text)
        box = explorer_node(ids=[name], kind=kind, preset=preset, rows=explorer.rows(preset))
        box["data"], box["late"] = data.content, list(data.late)
        self.set_source_info(box)
        box += keep_picture(self.env, picture)
        self.state.nested_parse(self.content, self.content_offset, box)
        box["tour"] = tour_of(box)
        domain = cast(StandardDomain, self.env.get_domain("std"))
        domain.anonlabels[name] = self.env.docname, name
        domain.labels[name] = self.env.docname, name, f"explorer: {explorer.title}"
        return box

    def preset(self, kind: str) -> dict[str, Any]:
        """What the controls are set to.

        Raises:
            ValueError: there is no such explorer, it has no such control, or a number is none.
        """
        if kind not in EXPLORERS:
            raise ValueError(f"there is no explorer {kind!r}; there are: {', '.join(EXPLORERS)}")
        defaults = EXPLORERS[kind].preset
        if unknown := self.options.keys() - defaults.keys():
            raise ValueError(f"the explorer {kind!r} has no option {', '.join(sorted(unknown))}")
        return {
            option: type(default)(self.options[option]) if option in self.options else default
            for option, default in defaults.items()
        }


def kept(env: BuildEnvironment) -> Path:
    """The folder, beside the build's notes, of what explorers bring along."""
    return Path(env.doctreedir) / "explorers"


def keep(path: Path, text: str) -> None:
    """Write a file, unless it is written already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two pages may show the same; were it written again, the first would count as out of date.
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def keep_picture(env: BuildEnvironment, picture: Picture) -> nodes.image:
    """Write a picture beside the build's notes, and place the image of it."""
    bundle, _ = picture._repr_mimebundle_()
    drawing = bundle["image/svg+xml"]
    path = kept(env) / f"{sha256(drawing.encode()).hexdigest()[:16]}.svg"
    keep(path, drawing)
    # A figure of the chapter may show the same; their texts should differ all the same.
    alt = f"The explorer's first setting. {picture.alt}"
    # The address from the source folder, as for any image.
    uri = "/" + Path(os.path.relpath(path, env.srcdir)).as_posix()
    return nodes.image(uri=uri, alt=alt)


def load_scripts(
    app: Sphinx, _page: str, _template: str, _context: dict[str, Any], doctree: nodes.document
) -> None:
    """Have a page load what its explorers need; during this event, Sphinx adds to one page only."""
    explorers = list(doctree.findall(explorer_node)) if doctree else []
    for script in {name for node in explorers for name in node["late"]}:
        shutil.copy(kept(app.env) / script, Path(app.outdir) / "_static")
    # Each file once, in the order of the list.
    for name in dict.fromkeys(name for node in explorers for name in EXPLORERS[node["kind"]].files):
        if name.endswith(".css"):
            app.add_css_file(name)
        else:
            app.add_js_file(name, defer="defer")


def setup(app: Sphinx) -> None:
    """Register the directive, its box, its links, and the loading of its scripts."""
    app.add_node(explorer_node, html=(visit_explorer, depart_explorer))
    app.add_directive("explorer", ExplorerDirective)
    app.add_role("try", TryRole())
    app.add_transform(CheckLinks)
    app.connect("html-page-context", load_scripts)
