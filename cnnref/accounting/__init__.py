"""What a network is, layer by layer: shapes, parameters, MACs and receptive fields.

`summarize` runs a network once without values and tells all of it; `effective_receptive_field`
measures what a unit really uses of what it could see.

The parts, from the bottom: `reaches` (what the units along one axis see), `dims` (what a tensor's
dimensions move along) and `sights` (what the entries of a tensor see); `operators` (what torch's
operators do to them: `moving`, `arranging`, `mixing`) and `macs` (what operators cost); `tracing`
(one watched forward pass, with `shapes` for speed); `summary`, with its `inputs` and `tables`;
`diagnosis` (what went wrong); `effective` and, for the command line, `targets`.

As with `cnnref` itself, each part loads on first use, so that to import the package costs next to
nothing beyond torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnref.accounting.diagnosis import AccountingError
    from cnnref.accounting.effective import EffectiveField, effective_receptive_field
    from cnnref.accounting.layer import Layer
    from cnnref.accounting.macs import Extras
    from cnnref.accounting.summary import Summary, summarize

__all__ = [
    "AccountingError",
    "EffectiveField",
    "Extras",
    "Layer",
    "Summary",
    "effective_receptive_field",
    "summarize",
]

_HOMES = {
    "AccountingError": "diagnosis",
    "EffectiveField": "effective",
    "Extras": "macs",
    "Layer": "layer",
    "Summary": "summary",
    "effective_receptive_field": "effective",
    "summarize": "summary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        known = ", ".join(__all__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {known}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
