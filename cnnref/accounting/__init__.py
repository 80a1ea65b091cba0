"""What a network is, layer by layer: shapes, parameters, MACs and receptive fields.

`summarize` runs a network once without values and tells all of it; its `Summary` tells, when asked,
what a training step costs and how much memory it takes. `latency` measures how long each layer
takes, `effective_receptive_field` what a unit really uses of what it could see.

From the bottom, each floor importing those below it: `operation` (one call of an operator of
torch); what it costs (`counting`) and what its result sees (`receptive_fields`); the watched
forward pass that asks both (`tracing`); the rows it becomes (`summary`); and on top
`effective_field` and `timing`, which measure what such rows only bound.

As with `cnnref` itself, each part loads on first use, so that to import the package costs next to
nothing beyond torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnref.accounting.counting.extras import Extras
    from cnnref.accounting.counting.registered import RegistrationError, register
    from cnnref.accounting.effective_field import EffectiveField, effective_receptive_field
    from cnnref.accounting.summary.building import summarize
    from cnnref.accounting.summary.comparing import Comparison, compare
    from cnnref.accounting.summary.latencies import Latency
    from cnnref.accounting.summary.memory import Memory
    from cnnref.accounting.summary.network import Summary
    from cnnref.accounting.summary.rows import Layer
    from cnnref.accounting.timing import latency
    from cnnref.accounting.tracing.diagnosis import AccountingError, ValuesNeededError
    from cnnref.accounting.tracing.keeping import AccountingWarning

__all__ = [
    "AccountingError",
    "AccountingWarning",
    "Comparison",
    "EffectiveField",
    "Extras",
    "Latency",
    "Layer",
    "Memory",
    "RegistrationError",
    "Summary",
    "ValuesNeededError",
    "compare",
    "effective_receptive_field",
    "latency",
    "register",
    "summarize",
]

_HOMES = {
    "AccountingError": "tracing.diagnosis",
    "AccountingWarning": "tracing.keeping",
    "Comparison": "summary.comparing",
    "EffectiveField": "effective_field",
    "Extras": "counting.extras",
    "Latency": "summary.latencies",
    "Layer": "summary.rows",
    "Memory": "summary.memory",
    "RegistrationError": "counting.registered",
    "Summary": "summary.network",
    "ValuesNeededError": "tracing.diagnosis",
    "compare": "summary.comparing",
    "effective_receptive_field": "effective_field",
    "latency": "timing",
    "register": "counting.registered",
    "summarize": "summary.building",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        known = ", ".join(__all__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {known}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
