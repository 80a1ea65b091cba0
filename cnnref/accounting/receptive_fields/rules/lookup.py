"""What each of torch's operators does to fields.

Every operator has a rule. Torch itself marks most as elementwise; the modules beside this one hold
the others. An operator without a rule makes the field unknown, with its name as the reason.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cnnref.accounting.operation import Operator
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.joins import combined, steered
from cnnref.accounting.receptive_fields.rules.contractions import CONTRACTING
from cnnref.accounting.receptive_fields.rules.elementwise import ELEMENTWISE, elementwise
from cnnref.accounting.receptive_fields.rules.rearranging import JOINING, REARRANGING
from cnnref.accounting.receptive_fields.rules.reductions import REDUCING
from cnnref.accounting.receptive_fields.rules.sliding import SLIDING
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["JOINS", "result_field"]

aten = torch.ops.aten

JOINS = {aten.add, aten.add_, aten.cat, aten.stack, aten.mul, aten.mul_, aten.sub, aten.div}
"""Operators that join paths."""

_OF_FIRST: dict[Operator, Rule] = {**SLIDING, **REARRANGING, **REDUCING}
_OF_ANY: dict[Operator, Rule] = {**CONTRACTING, **ELEMENTWISE, **JOINING}
_CONSTANT = {aten.fill_, aten.zero_, aten.zeros_like, aten.ones_like, aten.full_like,
             aten.empty_like, aten.rand_like, aten.randn_like, aten.new_zeros, aten.new_ones,
             aten.new_empty, aten.new_full}  # fmt: skip


def result_field(call: Followed) -> TensorField | list[TensorField] | None:
    """What an operator's result sees, or each of several; `None` if it depends on no input, as a
    result without entries does."""
    if _empty(call.out):
        return None
    found = _found(call)
    if isinstance(found, list):
        whole = zip(found, call.out, strict=False)
        return [TensorField(field.dims, ({},)) if _empty(out) else field for field, out in whole]
    return found


def _empty(out: Any) -> bool:
    return isinstance(out, Tensor) and not out.numel()


def _found(call: Followed) -> TensorField | list[TensorField] | None:
    packet = call.packet
    seen = call.fields()
    if not seen or packet in _CONSTANT:
        return None
    if torch.Tag.pointwise in call.func.tags or call.func._overloadname == "other":
        return elementwise(call)
    field: TensorField | list[TensorField] | None = None
    if rule := _OF_FIRST.get(packet):
        if call.sees(call.x) is not None:
            field = rule(call)
            if isinstance(field, list):
                field = [steered(each, seen[1:]) for each in field]
            elif field is not None:
                field = steered(field, seen[1:])
    elif rule := _OF_ANY.get(packet):
        field = rule(call)
        if field is None and packet is aten.copy_:
            return None
    return _unknown(call, seen) if field is None else field


def _unknown(call: Followed, seen: list[TensorField]) -> TensorField | list[TensorField] | None:
    results = call.out if isinstance(call.out, list | tuple) else [call.out]
    reason = f"no rule for {call.packet.__name__}"
    together = combined([field.unknown(reason, ()) for field in seen], ())
    fields = [together.unknown(reason, t.shape) for t in results if isinstance(t, Tensor)]
    if not fields:
        return None
    return fields if isinstance(call.out, list | tuple) else fields[0]
