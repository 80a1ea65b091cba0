"""What each of torch's operators does to fields.

Every operator has a rule: torch itself marks most as point by point, `moving`, `arranging` and
`mixing` hold the others. One without a rule makes the field unknown, with its name as the reason.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cnnref.accounting.arranging import ARRANGING, JOINING
from cnnref.accounting.mixing import COMBINING, REDUCING, pointwise
from cnnref.accounting.moving import MOVING
from cnnref.accounting.operation import Operation, Operator, Rule
from cnnref.accounting.sights import Sight, combined

__all__ = ["JOINS", "result_sight"]

aten = torch.ops.aten

JOINS = {aten.add, aten.add_, aten.cat, aten.stack, aten.mul, aten.mul_, aten.sub, aten.div}
"""Operators that join paths."""

_OF_FIRST: dict[Operator, Rule] = {**MOVING, **ARRANGING, **REDUCING}
_OF_ANY: dict[Operator, Rule] = {**COMBINING, **JOINING}
_CONSTANT = {aten.fill_, aten.zero_, aten.zeros_like, aten.ones_like, aten.full_like,
             aten.empty_like, aten.rand_like, aten.randn_like, aten.new_zeros, aten.new_ones,
             aten.new_empty, aten.new_full}  # fmt: skip


def result_sight(call: Operation) -> Sight | list[Sight] | None:
    """What an operator's result sees, or each of several; `None` if it depends on no input."""
    packet = call.packet
    seen = call.sights()
    if not seen or packet in _CONSTANT:
        return None
    if torch.Tag.pointwise in call.func.tags or call.func._overloadname == "other":
        return pointwise(call)
    sight: Sight | list[Sight] | None = None
    if rule := _OF_FIRST.get(packet):
        if call.sees(call.x) is not None:
            sight = rule(call)
            if isinstance(sight, list):
                sight = [each.steered(seen[1:]) for each in sight]
            elif sight is not None:
                sight = sight.steered(seen[1:])
    elif rule := _OF_ANY.get(packet):
        sight = rule(call)
        if sight is None and packet is aten.copy_:
            return None
    return _unknown(call, seen) if sight is None else sight


def _unknown(call: Operation, seen: list[Sight]) -> Sight | list[Sight] | None:
    results = call.out if isinstance(call.out, list | tuple) else [call.out]
    reason = f"no rule for {call.packet.__name__}"
    together = combined([sight.unknown(reason, ()) for sight in seen], ())
    sights = [together.unknown(reason, t.shape) for t in results if isinstance(t, Tensor)]
    if not sights:
        return None
    return sights if isinstance(call.out, list | tuple) else sights[0]
