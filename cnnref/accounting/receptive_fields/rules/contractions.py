"""Rules for contractions: linear layers, matrix products and attention, sums of products."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cnnref.accounting.operation import Operator
from cnnref.accounting.receptive_fields.dims import plain
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.joins import combined, contracted, steered
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["CONTRACTING"]

aten = torch.ops.aten


def _linear(call: Followed) -> TensorField | None:
    if call.sees(call.x) is None:  # the weight depends on the input: no rule
        return None
    left = call.field.reduced([-1], keep=False, reason="a linear layer reads all positions")
    labels = None if left.labels is None else left.labels[..., None]
    field = TensorField((*left.dims, plain(call.out.shape[-1])), left.fields, labels)
    return steered(field, call.fields()[1:])


def _product(left: Sequence[int | None], right: Sequence[int | None], first: int = 0) -> Rule:
    """A matrix product whose operands begin at argument `first`; what is added comes before."""

    def rule(call: Followed) -> TensorField:
        pairs = ((call.sees(call.args[first]), left), (call.sees(call.args[first + 1]), right))
        operands = [(field, places) for field, places in pairs if field is not None]
        reason = "a matrix product sums over all positions"
        parts = [contracted(operands, call.out.shape, reason)] if operands else []
        added = call.sees(call.x) if first else None
        return combined([*parts, added] if added is not None else parts, call.out.shape)

    return rule


def _grouped_product(call: Followed) -> TensorField | None:
    """Rows, each with the matrix of its group: which that is, the other arguments say."""
    if call.x.dim() != 2 or call.args[1].dim() != 3 or call.sees(call.x) is None:
        return None
    left = contracted([(call.field, (0, None))], call.out.shape, "a product sums over all channels")
    return steered(left, [field for field in map(call.sees, call.args[1:3]) if field is not None])


def _attention(call: Followed) -> TensorField:
    reason = "attention: every position meets every other"
    fields = []
    for field in filter(None, map(call.sees, call.args[:3])):
        tokens = len(field.dims) - 2
        met = field.collapsed(field.axes_of(tokens) | field.axes_of(tokens + 1), reason)
        fields.append(met.resized(tokens, 1).resized(tokens + 1, 1))
    shape = call.result.shape
    together = combined(fields, (*shape[:-2], 1, 1))
    return together.resized(len(shape) - 2, shape[-2]).resized(len(shape) - 1, shape[-1])


CONTRACTING: dict[Operator, Rule] = {
    aten.linear: _linear,
    aten.mm: _product((0, None), (None, 1)),
    aten.addmm: _product((0, None), (None, 1), 1),
    aten.bmm: _product((0, 1, None), (0, None, 2)),
    aten.baddbmm: _product((0, 1, None), (0, None, 2), 1),
    aten._grouped_mm: _grouped_product,
    aten.mv: _product((0, None), (None,)),
    aten.dot: _product((None,), (None,)),
    aten.scaled_dot_product_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
}  # fmt: skip
"""The rule of each of them."""
