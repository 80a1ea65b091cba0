"""Links to the documentation of Python, PyTorch and friends, without asking the network.

Sphinx's own way, intersphinx, downloads five inventories at each build, or reads copies that
somebody must renew. The book must build offline, and the few names that it mentions follow rules,
so rules make the links. A name that no rule knows, or that the installed package does not have,
stays Sphinx's warning about a missing reference.
"""

from __future__ import annotations

import builtins
import pydoc
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PYTHON = "https://docs.python.org/3/library"
TORCH = "https://docs.pytorch.org/docs/stable"
VISION = "https://docs.pytorch.org/vision/stable"
NUMPY = "https://numpy.org/doc/stable/reference"
MATPLOTLIB = "https://matplotlib.org/stable/api"

# The names that library code imports and writes bare in annotations.
SHORT_NAMES = {
    "Tensor": "torch.Tensor",
    "Path": "pathlib.Path",
    "Fraction": "fractions.Fraction",
    "Figure": "matplotlib.figure.Figure",
    "Axes": "matplotlib.axes.Axes",
    "np.ndarray": "numpy.ndarray",
    "npt.NDArray": "numpy.typing.NDArray",
    **{f"nn.{name}": f"torch.nn.{name}" for name in ("Module", "Sequential", "Parameter")},
}

CONSTANTS = {"None", "True", "False", "Ellipsis", "NotImplemented"}

# PyTorch gives most names a page each; these stand on a page with their siblings.
TORCH_PAGES = (
    (r"torch\.Tensor", "tensors"),
    (r"torch\.(device|dtype|layout|memory_format)", "tensor_attributes"),
    (r"torch\.utils\.data\.\w+", "data"),
    (r"torch\.optim\.Optimizer", "optim"),
)


def documentation_url(name: str) -> str | None:
    """The address that documents a full name, or `None` where no rule knows it."""
    name = SHORT_NAMES.get(name, name)
    if hasattr(builtins, name):
        return f"{PYTHON}/{_chapter_of(name)}.html#{name}"
    if pydoc.locate(name) is None:
        return None
    package, _, rest = name.partition(".")
    if package == "torch":
        pages = (page for pattern, page in TORCH_PAGES if re.fullmatch(pattern, name))
        page = next(pages, None)
        return f"{TORCH}/{page}.html#{name}" if page else f"{TORCH}/generated/{name}.html"
    if package == "torchvision":
        return f"{VISION}/generated/{name}.html"
    if package == "numpy":
        page = f"typing.html#{name}" if rest.startswith("typing") else f"generated/{name}.html"
        return f"{NUMPY}/{page}"
    if package == "matplotlib":
        return f"{MATPLOTLIB}/{rest.rpartition('.')[0] or rest}_api.html#{name}"
    if package in sys.stdlib_module_names:
        return _python_page(name)
    return None


def _chapter_of(name: str) -> str:
    """The chapter of Python's library that has a name which needs no import."""
    value = getattr(builtins, name)
    if isinstance(value, type) and issubclass(value, BaseException):
        return "exceptions"
    return "constants" if name in CONSTANTS else "functions"


def _python_page(name: str) -> str:
    module = name
    while not isinstance(pydoc.locate(module), ModuleType):
        module = module.rpartition(".")[0]
    return f"{PYTHON}/{module}.html#{'module-' * (module == name)}{name}"


def resolve(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a Python name that the book itself does not document."""
    if node.get("refdomain") != "py":
        return None
    url = documentation_url(node["reftarget"])
    if url is None:
        return None
    return nodes.reference("", "", content, internal=False, refuri=url, classes=["external"])


def setup(app: Sphinx) -> None:
    """Answer for names that Sphinx cannot find."""
    app.connect("missing-reference", resolve)
