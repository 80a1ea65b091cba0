"""Every image has an alternative text and a size, and one that shows data has words from the data.

A cell gives its figure an alternative text when it runs: it displays the image with
`metadata={"image/svg+xml": {"alt": "..."}}`. MyST-NB drops that metadata, so a small plugin puts it
on the image. An image whose text is missing, or is a file name, is a warning.

A figure that was drawn from records says below its caption which, and where and when they were
trained; `cnnref.figures.Picture.drawn_from` has noted them.

An image says its size, so that its page does not jump when it arrives; and all but the first of a
page arrive when a reader comes near.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.images import get_image_size
from sphinx.writers.html5 import HTML5Translator

from ..around import around
from ..templates import filled

logger = logging.getLogger(__name__)

FILE_NAME = re.compile(r"\S*[\w-]\.(svg|png|jpe?g|gif|webp|pdf)|\S*_images/\S*", re.IGNORECASE)


class ImageWithAlt:
    """Draws an image output as MyST-NB does, with the alternative text of its metadata."""

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Handle images that carry a text; leave all else to the other renderers."""
        metadata = data.output_metadata
        mine = metadata.get(data.mime_type, {})
        alt = mine.get("alt") or metadata.get("alt")
        if not alt or not data.mime_type.startswith("image/"):
            return None
        draw = renderer.render_image_inline if inline else renderer.render_image
        images: list[nodes.Element] = draw(data)
        for image in images:
            image["alt"] = alt
            image["trained"] = mine.get("trained", [])
            image["classes"] += ["shades"] * bool(mine.get("shades"))
        return images


def trained_html(entries: list[dict[str, Any]]) -> str:
    """Where the records behind a figure come from: one line, and under a fold the records."""
    return filled(
        "look/trained.html",
        entries=entries,
        counts=sorted({len(entry["seeds"]) for entry in entries}),
        devices=sorted({device for entry in entries for device in entry["devices"]}),
        dates=sorted({date for entry in entries for date in entry["dates"]}),
    )


def tell_trained(_: Sphinx, doctree: nodes.document) -> None:
    """Put the line under each figure that was drawn from records."""
    for image in [image for image in doctree.findall(nodes.image) if image.get("trained")]:
        # MyST-NB keeps the image in boxes, one for each kind of output, until it writes the page.
        figures = (node for node in around(image) if isinstance(node, nodes.figure))
        figure = next(figures, image)
        place = figure.parent.index(figure) + 1
        figure.parent.insert(place, nodes.raw("", trained_html(image["trained"]), format="html"))


def has_good_alt(image: nodes.image) -> bool:
    """Whether an image has a text that is more than a file name."""
    alt = image.get("alt", "").strip()
    return bool(alt) and not FILE_NAME.fullmatch(alt)


def check_images(_: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Warn about each image that a reader who cannot see it would miss."""
    for image in doctree.findall(nodes.image):
        if not has_good_alt(image):
            logger.warning("image without an alternative text: %s", image["uri"], location=image)


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    """Write an image as the theme does, with its size and when to load it."""
    path = Path(self.builder.srcdir, node["uri"].lstrip("/"))
    shaded = (image for image in self.document.findall(nodes.image) if "shades" in image["classes"])
    if next(shaded, None) is node:
        # Outside all that may be folded or wait.
        self.body.insert(0, filled("look/light-words.html"))
    type(self).visit_image(self, node)
    # As attributes: the style sheet may still shrink what is wider than the page.
    if not node.attributes.keys() & {"width", "height", "scale"} and path.is_file():
        place = next(i for i in reversed(range(len(self.body))) if "<img " in self.body[i])
        width, height = get_image_size(str(path)) or (0, 0)
        first = self.document.next_node(nodes.image) is node
        said = f'width="{width}" height="{height}" decoding="async"'
        said += "" if first else ' loading="lazy"'
        self.body[place] = self.body[place].replace("<img ", f"<img {said} ")


def depart_image(self: HTML5Translator, node: nodes.image) -> None:
    """Finish it as the theme does."""
    type(self).depart_image(self, node)


def setup(app: Sphinx) -> None:
    """Register the plugin, the check and the writer."""
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    # MyST-NB finds plugins among the entry points of installed packages. This one belongs to the
    # book and not to any package, so it joins the list that MyST-NB keeps once it has looked.
    if ImageWithAlt not in load_mime_renders():
        load_mime_renders().insert(0, ImageWithAlt)
    app.connect("doctree-read", tell_trained)
    app.connect("doctree-resolved", check_images)  # by then, images from other pages are in place
