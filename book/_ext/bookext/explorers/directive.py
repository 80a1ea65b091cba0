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
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import FileAvoidWrite

from cnnref.errors import CnnrefError

from .box import depart_explorer, explorer_node, visit_explorer
from .links import CheckLinks, TryRole, tour_of, typed

if TYPE_CHECKING:
    from cnnref.figures.style import Picture

logger = logging.getLogger(__name__)


class ExplorerDirective(SphinxDirective):
    """Places an explorer; see the module's docstring."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = defaultdict(lambda: str, name=str)
    """Any besides the name: each kind has its own."""

    def run(self) -> list[nodes.Node]:
        """Build the box; a mistake is a warning, and no box."""
        try:
            return [self.box(self.arguments[0])]
        except (ValueError, CnnrefError) as error:
            logger.warning("%s", error, location=self.get_location())
            return []

    def box(self, kind: str) -> explorer_node:
        """The box, with the figure and the text of the page that runs no script.

        Raises:
            ValueError: the directive is mistaken.
            CnnrefError: there is no record to draw.
        """
        from .catalogue import EXPLORERS

        if kind not in EXPLORERS:
            raise ValueError(f"there is no explorer {kind!r}; there are: {', '.join(EXPLORERS)}")
        explorer = EXPLORERS[kind]
        name = self.options.pop("name", f"explorer-{kind}")
        preset = {**explorer.preset, **typed(kind, explorer.preset, self.options)}
        data, picture = explorer.data(preset), explorer.draw(preset)
        domain, page = cast(StandardDomain, self.env.get_domain("std")), self.env.docname
        if (page, name) == domain.anonlabels.get(name):
            raise ValueError(f"the page has an explorer {name} already; name this one")
        if not "".join(self.content).strip():
            raise ValueError("an explorer needs a text for readers without JavaScript")
        for file in data.files:
            self.env.note_dependency(str(file))
        for script, text in data.late.items():
            keep(kept(self.env) / script, text)
        box = explorer_node(
            ids=[name], kind=kind, title=explorer.title, preset=preset, rows=explorer.rows(preset),
            controls={"at": 0, **preset, **explorer.controls(preset)},
            data=data.content, late=list(data.late), files=explorer.files,
        )  # fmt: skip
        self.set_source_info(box)
        box += keep_picture(self.env, picture)
        self.state.nested_parse(self.content, self.content_offset, box)
        box["tour"] = tour_of(box)
        domain.anonlabels[name] = page, name
        domain.labels[name] = page, name, f"explorer: {explorer.title}"
        return box


def kept(env: BuildEnvironment) -> Path:
    """The folder, beside the build's notes, of what explorers bring along."""
    return Path(env.doctreedir) / "explorers"


def keep(path: Path, text: str) -> None:
    """Write a file, unless it is written: were it again, another page with it would be outdated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileAvoidWrite(str(path)) as file:
        file.write(text)


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
    for name in dict.fromkeys(name for node in explorers for name in node["files"]):
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
