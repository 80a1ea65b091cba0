"""Every image has an alternative text, and one that shows data takes it from the data.

A cell gives its figure an alternative text when it runs: it displays the image with
`metadata={"image/svg+xml": {"alt": "..."}}`. MyST-NB drops that metadata, so a small plugin puts it
on the image. An image whose text is missing, or is a file name, is a warning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer, load_mime_renders
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

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
        alt = metadata.get(data.mime_type, {}).get("alt") or metadata.get("alt")
        if not alt or not data.mime_type.startswith("image/"):
            return None
        draw = renderer.render_image_inline if inline else renderer.render_image
        images: list[nodes.Element] = draw(data)
        for image in images:
            image["alt"] = alt
        return images


def has_good_alt(image: nodes.image) -> bool:
    """Whether an image has a text that is more than a file name."""
    alt = image.get("alt", "").strip()
    return bool(alt) and not FILE_NAME.fullmatch(alt)


def check_images(_: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Warn about each image that a reader who cannot see it would miss."""
    for image in doctree.findall(nodes.image):
        if not has_good_alt(image):
            logger.warning("image without an alternative text: %s", image["uri"], location=image)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the plugin and the check."""
    # MyST-NB finds plugins among the entry points of installed packages. This one belongs to the
    # book and not to any package, so it joins the list that MyST-NB keeps once it has looked.
    if ImageWithAlt not in load_mime_renders():
        load_mime_renders().insert(0, ImageWithAlt)
    app.connect("doctree-resolved", check_images)  # by then, images from other pages are in place
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
