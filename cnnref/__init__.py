"""Convolutional neural networks, computed.

Four floors; imports only go down.

1. mathematics: `cnnref.windows` (pure Python) and `cnnref.convolution` (tensors)
2. networks and data: `cnnref.models`, `cnnref.data`, `cnnref.accounting`
3. training: `cnnref.training`
4. experiments: `cnnref.experiments`, `cnnref.figures`, `cnnref.notebook`, `cnnref.cli`

`import cnnref` loads none of them: each loads on first use, so that reading about windows costs no
import of torch, and training costs no import of matplotlib. What is asked for most has a name here:
`from cnnref import Window, summarize`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnref.accounting import summarize
    from cnnref.windows import Window

__all__ = ["Window", "summarize"]

__version__ = "0.2.0"

_MODULES = (
    "accounting",
    "cli",
    "convolution",
    "data",
    "disk",
    "errors",
    "experiments",
    "figures",
    "models",
    "notebook",
    "training",
    "windows",
)


_HOMES = {"Window": "windows", "summarize": "accounting"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"cnnref.{name}")
    if name in _HOMES:
        return getattr(import_module(f"cnnref.{_HOMES[name]}"), name)
    known = ", ".join((*_HOMES, *_MODULES))
    raise AttributeError(f"module 'cnnref' has no attribute {name!r}; it has {known}")


def __dir__() -> list[str]:
    return ["__version__", *_HOMES, *_MODULES]
