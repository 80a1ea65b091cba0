"""Convolutional neural networks, computed.

Four floors; imports only go down.

1. mathematics: `cnnref.windows` (pure Python) and `cnnref.convolution` (tensors)
2. networks and data: `cnnref.models`, `cnnref.data`, `cnnref.accounting`
3. training: `cnnref.training`
4. experiments: `cnnref.experiments`, `cnnref.figures`, `cnnref.notebook`, `cnnref.cli`

`import cnnref` loads none of them: each loads on first use, so that reading about windows costs no
import of torch, and training costs no import of matplotlib.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

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


def __getattr__(name: str) -> ModuleType:
    if name in _MODULES:
        return import_module(f"cnnref.{name}")
    raise AttributeError(f"module 'cnnref' has no attribute {name!r}; it has {', '.join(_MODULES)}")


def __dir__() -> list[str]:
    return ["__version__", *_MODULES]
