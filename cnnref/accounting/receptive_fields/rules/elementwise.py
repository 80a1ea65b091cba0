"""Rules for operators that work elementwise: an entry is made of the entries at its own place."""

from __future__ import annotations

import torch

from cnnref.accounting.operation import Operator
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.joins import combined
from cnnref.accounting.receptive_fields.reading import sliced
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["ELEMENTWISE", "elementwise"]

aten = torch.ops.aten


def elementwise(call: Followed) -> TensorField:
    """Each entry of the result is made of the entries at its own place."""
    return combined(call.fields(), call.result.shape)


def _glu(call: Followed) -> TensorField:
    dim = int(call.arg(1, -1)) % call.out.dim()
    half = call.out.shape[dim]
    parts = [sliced(call.field, dim, start, half, 1) for start in (0, half)]
    return combined(parts, call.out.shape)


def _copy(call: Followed) -> TensorField | None:
    source = call.sees(call.args[1])
    return None if source is None else combined([source], call.out.shape)


ELEMENTWISE: dict[Operator, Rule] = {
    aten.glu: _glu,
    aten.copy_: _copy,
    **dict.fromkeys(
        # Torch does not mark these as elementwise.
        (aten.dropout, aten.dropout_, aten.alpha_dropout, aten.feature_dropout, aten.native_dropout,
         aten.clone, aten.contiguous, aten.detach, aten.alias, aten.lift_fresh, aten._to_copy,
         aten.relu6, aten.relu6_, aten.selu, aten.selu_, aten.prelu, aten._prelu_kernel,
         aten.masked_fill, aten.masked_fill_, aten.where, aten.bernoulli, aten.hardswish,
         aten.hardswish_, aten.rsub, aten.floor_divide, aten.log_sigmoid_forward,
         aten.rrelu_with_noise, aten.detach_, aten.detach_copy, aten.alias_copy, aten._lazy_clone,
         aten.lift, aten.lift_fresh_copy, aten.bernoulli_, aten.abs_, aten.gelu_, aten.mish_,
         aten.threshold_),
        elementwise,
    ),
}  # fmt: skip
"""The rule of each that torch does not mark as elementwise."""
