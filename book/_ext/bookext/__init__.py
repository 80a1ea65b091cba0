"""The Sphinx extension of this book: each module does one thing and says why.

`google` and `apipages` make the API reference, `external` links to other projects' documentation
without a network, `answers` ties chapters to the handouts' questions and to tests, `errata`
collects what is wrong with the handouts, `evidence` says what counts as proof, `execution` decides
when pages run again, `ahead` runs several at a time, `kernels` forks what runs them, `highlighting`
colours code, `chaptermap` draws which chapter builds on which, `terms` links the words of the
glossary, `explorers` places pictures with controls, `mathrender` draws formulas at build time,
`images` insists on alternative texts, `spaces` keeps numbers with their units, `notebooks` writes
chapters that run elsewhere, and `assets`, `icons` and `pages` make what the theme produces lighter
and more accessible.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

MODULES = (
    "ahead",
    "apipages",
    "answers",
    "assets",
    "chaptermap",
    "errata",
    "execution",
    "explorers",
    "external",
    "highlighting",
    "images",
    "mathrender",
    "notebooks",
    "pages",
    "spaces",
    "terms",
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register every part of the extension; an edit to any of them has all pages read again."""
    sources = sorted(p for p in Path(__file__).parent.iterdir() if p.suffix in {".py", ".js"})
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    app.add_config_value("bookext_digest", digest, "env", str)
    for module in MODULES:
        app.setup_extension(f"{__name__}.{module}")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
