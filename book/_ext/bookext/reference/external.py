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

# Python's standard types are described in chapters of their own, not on a module's page.
PYTHON_CHAPTERS = {
    "functions": ("bool", "bytes", "dict", "float", "frozenset", "int", "list", "object",
                  "property", "range", "set", "slice", "str", "tuple", "type"),
    "constants": ("None", "True", "False", "Ellipsis", "NotImplemented"),
}  # fmt: skip

# PyTorch gives some names a page with its siblings, the others a page each.
TORCH_PAGES = (
    (r"torch\.Tensor", "tensors.html#torch.Tensor"),
    (r"torch\.Tensor\.(\w+)", r"generated/torch.Tensor.\1.html"),
    (r"torch\.(device|dtype|layout|memory_format)", r"tensor_attributes.html#torch.\1"),
    (r"torch\.(float|bfloat|int|uint)\d+|torch\.bool", "tensor_attributes.html"),
    (r"torch\.utils\.data\.(\w+)", r"data.html#torch.utils.data.\1"),
    (r"torch\.optim\.Optimizer", "optim.html#torch.optim.Optimizer"),
    (r"torch\.(nn|nn\.functional|optim|autograd|cuda|distributed)", None),
)


def documentation_url(name: str) -> str | None:
    """The address that documents a full name, or `None` where no rule knows it."""
    name = SHORT_NAMES.get(name, name)
    for chapter, names in PYTHON_CHAPTERS.items():
        if name in names:
            return f"{PYTHON}/{chapter}.html#{name}"
    if hasattr(builtins, name):
        chapter = "exceptions" if _is_exception(name) else "functions"
        return f"{PYTHON}/{chapter}.html#{name}"
    if pydoc.locate(name) is None:
        return None
    package = name.partition(".")[0]
    if package == "torch":
        return f"{TORCH}/{_torch_page(name)}"
    if package == "torchvision":
        return f"{VISION}/generated/{name}.html"
    if package == "numpy":
        return _numpy_page(name)
    if package == "matplotlib":
        return _matplotlib_page(name)
    if package in sys.stdlib_module_names:
        return _python_page(name)
    return None


def _is_exception(name: str) -> bool:
    value = getattr(builtins, name)
    return isinstance(value, type) and issubclass(value, BaseException)


def _torch_page(name: str) -> str:
    for pattern, page in TORCH_PAGES:
        if match := re.fullmatch(pattern, name):
            if page is None:
                return f"{name.removeprefix('torch.')}.html"
            return match.expand(page)
    return f"generated/{name}.html"


def _numpy_page(name: str) -> str:
    if name.startswith("numpy.typing"):
        return f"{NUMPY}/typing.html#{name}"
    return f"{NUMPY}/generated/{name}.html"


def _matplotlib_page(name: str) -> str:
    module = name.rpartition(".")[0] or name
    return f"{MATPLOTLIB}/{module.removeprefix('matplotlib.')}_api.html#{name}"


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
