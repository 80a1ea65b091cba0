"""The Sphinx extension of this book: a folder for each purpose, which says what Sphinx lacks.

`handouts` has the questions and their answers, `running` decides when and how cells run,
`reference` documents the library, `chapters` ties chapters together, `folding` decides what a page
shows unasked, `look` how it looks and how soon, `explorers` are pictures with controls, `teaching`
gathers what a teacher takes along, and `elsewhere` writes notebooks and paper.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

MODULES = {
    "handouts": ("answers", "errata"),
    "running": ("ahead", "execution"),
    "reference": ("apipages", "external"),
    "chapters": ("chaptermap", "terms"),
    "folding": ("checks", "names", "shares"),
    "look": (
        "assets", "bibliography", "highlighting", "images", "lost", "mathrender", "pages", "spaces",
    ),
    "explorers": ("directive",),
    "teaching": ("exercises", "figures"),
    "elsewhere": ("notebooks", "wheel"),
}  # fmt: skip


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register every part of the extension; an edit to any of them has all pages read again."""
    sources = sorted(p for p in Path(__file__).parent.rglob("*") if p.suffix in {".py", ".js"})
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    app.add_config_value("bookext_digest", digest, "env", str)
    for folder, modules in MODULES.items():
        for module in modules:
            app.setup_extension(f"{__name__}.{folder}.{module}")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
