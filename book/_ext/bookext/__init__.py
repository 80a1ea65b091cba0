"""The Sphinx extension of this book: a folder for each purpose, which says what Sphinx lacks.

`handouts` has the questions and their answers, `running` decides when and how cells run,
`reference` documents the library, `chapters` ties chapters together, `folding` decides what a page
shows unasked, `look` how it looks and how soon, `explorers` are pictures with controls, `teaching`
gathers what a teacher takes along, and `elsewhere` writes notebooks and paper. `writing` says which
pages a build writes, and `templates` fills in the HTML that lies beside these modules.
"""

from __future__ import annotations

import gc
from hashlib import sha256
from pathlib import Path

from sphinx.application import Sphinx

MODULES = {
    "handouts": ("boxes", "lists"),
    "running": ("ahead", "execution"),
    "reference": ("apipages", "external", "unchanged"),
    "chapters": ("chaptermap", "terms"),
    "folding": ("folds", "checks"),
    "look": ("assets", "highlighting", "images", "mathrender", "pages", "sidebar", "spaces"),
    "explorers": ("directive",),
    "teaching": ("exercises", "figures"),
    "elsewhere": ("notebooks", "wheel"),
}


def collect_less(_: Sphinx) -> None:
    """Look for unused circles of objects less often, and not among what has been imported.

    The nodes of a page refer to one another, and Python's collector walks through torch and all
    else for every few thousand of them: reading and copying pages takes several times as long.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def setup(app: Sphinx) -> None:
    """Register every part of the extension; an edit to any of them has all pages read again."""
    sources = sorted(
        p for p in Path(__file__).parent.rglob("*") if p.suffix in {".py", ".js", ".html"}
    )
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    app.add_config_value("bookext_digest", digest, "env", str)
    app.connect("builder-inited", collect_less)
    app.setup_extension(f"{__name__}.writing")
    for folder, modules in MODULES.items():
        for module in modules:
            app.setup_extension(f"{__name__}.{folder}.{module}")
