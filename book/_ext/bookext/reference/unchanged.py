"""Pages of the library that are right as they are.

autodoc2 remembers what it has analysed, and yet writes the page of each module at every build;
`apipages` imports the library for that, and torch with it. Here both are left out where nothing has
changed: such a build takes 4.0 seconds of processor time, and 7.7 without.
"""

from __future__ import annotations

from pathlib import Path

from autodoc2.sphinx.extension import run_autodoc
from sphinx.application import Sphinx
from sphinx.environment import CONFIG_OK


def document(app: Sphinx) -> None:
    """Have autodoc2 write its pages, unless the last build has read the same ones.

    All that they are made of is part of the configuration: autodoc2's settings, this extension
    (`bookext_digest`), and the library, by the name of its cache (`nb_execution_cache_path`).
    """
    pages = Path(app.srcdir, app.config.autodoc2_output_dir)
    if app.env.config_status != CONFIG_OK or not pages.is_dir():
        run_autodoc(app)


def setup(app: Sphinx) -> None:
    """Stand in for autodoc2, which has hooked in already."""
    for listener in [*app.events.listeners["builder-inited"]]:
        if listener.handler is run_autodoc:
            app.disconnect(listener.id)
    app.connect("builder-inited", document)
