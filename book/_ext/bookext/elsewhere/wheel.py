"""Where the published library lies: said once, for notebooks and for pages.

`{install}` on a page is the command that installs it::

    ```{install}
    ```

The workflow that publishes the book puts the library's wheel into its folder `_static`, so that
book and library are of one version.
"""

from __future__ import annotations

from importlib.metadata import version
from urllib.parse import urljoin

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def requirement(site: str) -> str:
    """What pip is asked for: the wheel of the site at this address, and all that its parts need."""
    wheel = f"_static/cnnref-{version('cnnref')}-py3-none-any.whl"
    return f"cnnref[all] @ {urljoin(site, wheel)}"


class InstallDirective(SphinxDirective):
    """The command that installs the library; see the module's docstring."""

    def run(self) -> list[nodes.Node]:
        """Build the block, to be copied like any code."""
        command = f"pip install '{requirement(self.config.html_baseurl)}'"
        return [nodes.literal_block(command, command, language="sh", classes=["install"])]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("install", InstallDirective)
