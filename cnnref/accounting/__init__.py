"""What a network is, layer by layer: shapes, parameters, MACs and receptive fields.

`summarize` runs a network once without values and tells all of it; `effective_receptive_field`
measures what a unit really uses of what it could see.

The parts, from the bottom: `reaches` (what the units along one axis see), `dims` (what a tensor's
dimensions move along) and `sights` (what the entries of a tensor see); `operators` (what torch's
operators do to them: `moving`, `arranging`, `mixing`) and `macs` (what operators cost); `tracing`
(one watched forward pass, with `shapes` for speed); `summary`, with its `inputs` and `tables`;
`diagnosis` (what went wrong); `effective` and, for the command line, `targets`.
"""

from cnnref.accounting.diagnosis import AccountingError
from cnnref.accounting.effective import EffectiveField, effective_receptive_field
from cnnref.accounting.macs import Extras
from cnnref.accounting.summary import Layer, Summary, summarize

__all__ = [
    "AccountingError",
    "EffectiveField",
    "Extras",
    "Layer",
    "Summary",
    "effective_receptive_field",
    "summarize",
]
