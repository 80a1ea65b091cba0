"""What a result sees if gates are taken for constants.

A gate scales many entries alike: a factor (or a divisor) of an elementwise product that is repeated
along an axis or along the channels, as in squeeze-and-excitation (Hu et al., 2018), global response
normalisation (Woo et al., 2023), CBAM (Woo et al., 2018) and attention gates (Oktay et al., 2018).
So do the statistics of a normalisation. From the first gate on that looks at all positions, every
unit sees the whole input. That is true and says little of where its features come from; without
gates, it sees what the other factor sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cnnref.accounting.receptive_fields.followed import Followed
from cnnref.accounting.receptive_fields.joins import combined
from cnnref.accounting.receptive_fields.labels import same
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["GATING", "differ", "without_gate"]

aten = torch.ops.aten

_PRODUCTS = {aten.mul, aten.mul_, aten.multiply, aten.multiply_}
_QUOTIENTS = {aten.div, aten.div_, aten.divide, aten.divide_, aten.true_divide}
_NORMALISATIONS = {
    aten.layer_norm, aten.native_layer_norm, aten.rms_norm, aten.group_norm, aten.native_group_norm,
    aten.batch_norm, aten.native_batch_norm, aten._native_batch_norm_legit, aten.cudnn_batch_norm,
    aten.instance_norm,
}  # fmt: skip

GATING = {*_PRODUCTS, *_QUOTIENTS, *_NORMALISATIONS}
"""Operators that may have a gate."""


def without_gate(call: Followed) -> TensorField | None:
    """What the result sees if the gate is a constant; `None` where there is no gate."""
    if call.packet in _NORMALISATIONS:
        return call.sees(call.x)
    if call.packet not in GATING or len(call.args) < 2:
        return None
    x, gate = call.args[:2]
    if not (isinstance(x, Tensor) and isinstance(gate, Tensor)):
        return None
    seen, steering = call.sees(x), call.sees(gate)
    if seen is None or steering is None:
        return None
    gates, gated = _scales(gate, steering, x, seen), _scales(x, seen, gate, steering)
    if gates == gated:  # neither, or both, as in an outer product
        return None
    if gated and call.packet in _QUOTIENTS:
        return None
    return combined([seen if gates else steering], call.out.shape)


def _scales(gate: Tensor, sees: TensorField, x: Tensor, seen: TensorField) -> bool:
    """Whether a factor is repeated along an axis or the channels of the other."""
    extra = x.dim() - gate.dim()
    for d, size in enumerate(x.shape):
        own = d - extra
        if size == 1:
            continue
        if own < 0 or gate.shape[own] == 1:
            return True
        if any(axis in sees.union for axis in seen.axes_of(d) - sees.axes_of(own)):
            return True
    return False


def differ(a: object, b: object) -> bool:
    """Whether two results of one operator see something else."""
    ones, others = (each if isinstance(each, Sequence) else [each] for each in (a, b))
    return not all(
        one is other
        or (
            isinstance(one, TensorField)
            and isinstance(other, TensorField)
            and same(one.union, other.union)
        )
        for one, other in zip(ones, others, strict=False)
    )
