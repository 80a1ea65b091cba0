"""Links to the documentation of Python, PyTorch and friends, without asking the network.

Sphinx's own way, intersphinx, downloads four inventories at each build, or reads copies that
somebody must renew; sphobjinv reads and writes such copies, and no package brings them along. The
book must build offline, and the 60 names that it mentions follow rules, so rules make the links. A
name that no rule knows, or that the installed package does not have, stays Sphinx's warning about a
missing reference.
"""

from __future__ import annotations

import pydoc
import re
import sys

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PYTHON = "https://docs.python.org/3/library"
TORCH = "https://docs.pytorch.org/docs/stable"
NUMPY = "https://numpy.org/doc/stable/reference"
MATPLOTLIB = "https://matplotlib.org/stable/api"

# Names, as regular expressions of which the first that fits counts, and the page of each.
RULES = {
    r"None": rf"{PYTHON}/constants.html#\g<0>",
    r"\w+(Error|Exception|Warning)|Exception": rf"{PYTHON}/exceptions.html#\g<0>",
    r"bytes|dict|list|range|set|str|tuple": rf"{PYTHON}/stdtypes.html#\g<0>",
    r"\w+": rf"{PYTHON}/functions.html#\g<0>",
    r".*\._.*": "",  # private: documented nowhere
    r"torch\.Tensor": rf"{TORCH}/tensors.html#\g<0>",
    r"torch\.Size": rf"{TORCH}/size.html#\g<0>",
    r"torch\.(device|dtype)": rf"{TORCH}/tensor_attributes.html#\g<0>",
    r"torch\.utils\.data\..*": rf"{TORCH}/data.html#\g<0>",
    r"torch\.optim\.Optimizer": rf"{TORCH}/optim.html#\g<0>",
    r"torch\..*": rf"{TORCH}/generated/\g<0>.html",
    r"numpy\.typing\..*": rf"{NUMPY}/typing.html#\g<0>",
    r"numpy\.(dtype|ndarray)": rf"{NUMPY}/generated/\g<0>.html",
    r"numpy\.\w+": rf"{NUMPY}/arrays.scalars.html#\g<0>",
    r"matplotlib\.(\w+)\..*": rf"{MATPLOTLIB}/\g<1>_api.html#\g<0>",
    r"multiprocessing\..*": rf"{PYTHON}/multiprocessing.html#\g<0>",
    rf"((?:{'|'.join(sys.stdlib_module_names)})(?:\.[a-z]+)*)\..*": rf"{PYTHON}/\g<1>.html#\g<0>",
}


def documentation_url(name: str) -> str | None:
    """The address that documents a full name, or `None` where no rule knows it."""
    if name != "None" and pydoc.locate(name) is None:
        return None
    matches = ((re.fullmatch(pattern, name), page) for pattern, page in RULES.items())
    return next((match.expand(page) for match, page in matches if match), None)


def resolve(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    """Link a Python name that the book itself does not document."""
    if node.get("refdomain") != "py":
        return None
    url = documentation_url(node["reftarget"])
    if not url:
        return None if url is None else content
    return nodes.reference("", "", content, internal=False, refuri=url, classes=["external"])


def setup(app: Sphinx) -> None:
    """Answer for names that Sphinx cannot find."""
    app.connect("missing-reference", resolve)
