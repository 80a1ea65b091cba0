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
        """Build the box, with the figure and the text of the page that runs no script."""
        kind, name = self.arguments[0], self.options.pop("name", f"explorer-{self.arguments[0]}")
        try:
            preset = self.preset(kind)
            data = EXPLORERS[kind].data(preset)
            picture = EXPLORERS[kind].draw(preset)
            if name in ids_of(self.env):
                raise ValueError(f"the page has an explorer {name} already; name this one")
            if not "".join(self.content).strip():
                raise ValueError("an explorer needs a text for readers without JavaScript")
        except ValueError as error:
            logger.warning("%s", error, location=self.get_location())
            return []
        ids_of(self.env).add(name)
        rows = EXPLORERS[kind].rows(preset)
        content = data.content if data else None
        for file in data.files if data else ():
            self.env.note_dependency(str(file))
        late = dict(data.late) if data else {}
        for script, text in late.items():
            keep_latest(kept(self.env) / script, text)
        box = explorer_node(ids=[name], kind=kind, preset=preset, rows=rows, data=content, tour=[])
        box["late"] = list(late)
        self.set_source_info(box)
        box += keep_picture(self.env, picture)
        self.state.nested_parse(self.content, self.content_offset, box)
        try:
            box["tour"] = tour_of(box)
        except ValueError as error:
            logger.warning("%s", error, location=self.get_location())
            return []
        domain = cast(StandardDomain, self.env.get_domain("std"))
        domain.anonlabels[name] = self.env.docname, name
        domain.labels[name] = self.env.docname, name, f"explorer: {EXPLORERS[kind].title}"
        return [box]

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
    """Write a file whose name is made from its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two pages may show the same; were it written again, the first would count as out of date.
    if not path.is_file():
        path.write_text(text, encoding="utf-8")


def keep_latest(path: Path, text: str) -> None:
    """The same of a name that ends in a digest of the content; what older contents left goes."""
    family = path.stem.rpartition("-")[0]
    for old in path.parent.glob(f"{family}-*{path.suffix}"):
        if old != path:
            old.unlink(missing_ok=True)
    keep(path, text)


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
    kinds = [node["kind"] for node in explorers]
    for script in {name for node in explorers for name in node["late"]}:
        keep_latest(
            Path(app.outdir) / "_static" / script, (kept(app.env) / script).read_text("utf-8")
        )
    sheets = [sheet for kind in kinds for sheet in ("explorers.css", *EXPLORERS[kind].styles)]
    for sheet in dict.fromkeys(sheets):
        app.add_css_file(sheet)
    # Each script once, in the order of the list.
    for script in dict.fromkeys(script for kind in kinds for script in EXPLORERS[kind].scripts):
        app.add_js_file(script, defer="defer")


def setup(app: Sphinx) -> None:
    """Register the directive, its box, its links, and the loading of its scripts."""
    app.add_node(explorer_node, html=(visit_explorer, depart_explorer))
    app.add_directive("explorer", ExplorerDirective)
    app.add_role("try", TryRole())
    app.add_transform(CheckLinks)
    app.connect("html-page-context", load_scripts)
