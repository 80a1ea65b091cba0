"""Rules for operators that combine all positions of a dimension: means, softmax, norms."""

from __future__ import annotations

import torch

from cnnref.accounting.operation import Operator, numbers
from cnnref.accounting.receptive_fields.followed import Followed, Rule
from cnnref.accounting.receptive_fields.tensor import TensorField

__all__ = ["REDUCING"]

aten = torch.ops.aten

_STATISTICS = "the statistics of a normalisation"


def _reduction(place: int = 1) -> Rule:
    """A reduction over the dimensions at argument `place` (all, if there are none)."""

    def rule(call: Followed) -> TensorField:
        dims = call.arg(place)
        if dims is None or dims == [] or isinstance(dims, bool):
            dims = list(range(call.x.dim()))
        keep = call.result.dim() == call.x.dim()
        reason = "a mean, sum or maximum over all positions"
        return call.field.reduced(numbers(dims, 1), keep, reason)

    return rule


def _along(call: Followed) -> TensorField:
    """All positions of one dimension meet, and the shape stays (softmax, sorting)."""
    if not call.x.dim():
        return call.field
    dim = int(call.arg(1, -1)) % call.x.dim()
    axes = call.field.axes_of(dim)
    return call.field.collapsed(axes, "all positions are combined").merged({dim})


def _so_far(call: Followed) -> TensorField:
    """Each position of one dimension meets those before it."""
    if not call.x.dim():
        return call.field
    dim, reason = int(call.arg(1, -1)) % call.x.dim(), "sums over all positions so far"
    field = call.field
    axes = field.axes_of(dim)
    if len(field.dims[dim]) > 1 or not axes:
        return field.loosened(dim, call.out.shape[dim], reason)
    return field.mapped(
        lambda each: {a: r.so_far(reason) if a in axes else r for a, r in each.items()},
        field.dims,
    )


def _over_last(call: Followed) -> TensorField:
    """Layer norm and RMS norm: over the last dimensions, as many as the second argument names."""
    dims = range(call.x.dim() - len(call.args[1]), call.x.dim())
    axes = set().union(*(call.field.axes_of(d) for d in dims))
    return call.field.collapsed(axes, _STATISTICS).merged({*dims})


def _over_positions(call: Followed) -> TensorField:
    """Batch norm and instance norm, where they take the statistics of what they are given."""
    dims = {*range(call.x.dim())} - {1}
    axes = set().union(*(call.field.axes_of(d) for d in dims))
    over = dims if call.packet is not aten.instance_norm else dims - {0}
    return call.field.collapsed(axes, _STATISTICS).merged(over)


def _group_norm(call: Followed) -> TensorField:
    groups = int(call.args[6 if call.packet is aten.native_group_norm else 1])
    dims = {*range(2, call.x.dim())}
    axes = set().union(*(call.field.axes_of(d) for d in {*dims, 1}))
    field = call.field.collapsed(axes, _STATISTICS).merged(dims)
    return field.grouped(groups, call.x.shape[1], 1)


def _batch_norm(call: Followed) -> TensorField:
    # Argument 5: whether to use the batch's statistics, for batch norm and instance norm alike.
    return call.field if call.arg(5) is False else _over_positions(call)


def _stored_norm(call: Followed) -> TensorField:
    return call.field


REDUCING: dict[Operator, Rule] = {
    **dict.fromkeys(
        (aten.mean, aten.sum, aten.amax, aten.amin, aten.max, aten.min, aten.var, aten.std,
         aten.var_mean, aten.prod, aten.logsumexp, aten.argmax, aten.argmin, aten.any, aten.all),
        _reduction(),
    ),
    aten.linalg_vector_norm: _reduction(2),
    aten.norm: _reduction(2),
    **dict.fromkeys(
        (aten.softmax, aten._softmax, aten.log_softmax, aten._log_softmax, aten.sort),
        _along,
    ),
    aten.cumsum: _so_far,
    aten.layer_norm: _over_last, aten.native_layer_norm: _over_last, aten.rms_norm: _over_last,
    aten.group_norm: _group_norm, aten.native_group_norm: _group_norm,
    aten.batch_norm: _batch_norm, aten.native_batch_norm: _batch_norm,
    aten._native_batch_norm_legit: _batch_norm, aten.cudnn_batch_norm: _batch_norm,
    aten.instance_norm: _batch_norm, aten._native_batch_norm_legit_no_training: _stored_norm,
}  # fmt: skip
"""The rule of each that computes with its first argument alone."""
