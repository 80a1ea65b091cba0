"""Rules for operators that compute: entry by entry, or by sums over whole dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cnnref.accounting.dims import plain
from cnnref.accounting.operation import Operation, Operator, Rule, numbers
from cnnref.accounting.sights import Sight, combined, contracted

__all__ = ["COMBINING", "REDUCING", "pointwise"]

aten = torch.ops.aten

_STATISTICS = "the statistics of a normalisation"


def pointwise(call: Operation) -> Sight:
    """Each entry of the result is made of the entries at its own place."""
    return combined(call.sights(), call.result.shape)


def _linear(call: Operation) -> Sight | None:
    if call.sees(call.x) is None:  # the weight depends on the input: no rule
        return None
    left = call.sight.reduced([-1], keep=False, reason="a linear layer reads all positions")
    labels = None if left.labels is None else left.labels[..., None]
    sight = Sight((*left.dims, plain(call.out.shape[-1])), left.fields, labels)
    return sight.steered(call.sights()[1:])


def _product(left: Sequence[int | None], right: Sequence[int | None], first: int = 0) -> Rule:
    """A matrix product whose operands begin at argument `first`; what is added comes before."""

    def rule(call: Operation) -> Sight:
        pairs = ((call.sees(call.args[first]), left), (call.sees(call.args[first + 1]), right))
        operands = [(sight, places) for sight, places in pairs if sight is not None]
        reason = "a matrix product sums over all positions"
        parts = [contracted(operands, call.out.shape, reason)] if operands else []
        added = call.sees(call.x) if first else None
        return combined([*parts, added] if added is not None else parts, call.out.shape)

    return rule


def _attention(call: Operation) -> Sight:
    reason = "attention: every position meets every other"
    sights = []
    for sight in filter(None, map(call.sees, call.args[:3])):
        tokens = len(sight.dims) - 2
        met = sight.collapsed(sight.axes_of(tokens) | sight.axes_of(tokens + 1), reason)
        sights.append(met.resized(tokens, 1).resized(tokens + 1, 1))
    shape = call.result.shape
    together = combined(sights, (*shape[:-2], 1, 1))
    return together.resized(len(shape) - 2, shape[-2]).resized(len(shape) - 1, shape[-1])


def _reduction(place: int = 1) -> Rule:
    """A reduction over the dimensions at argument `place` (all, if there are none)."""

    def rule(call: Operation) -> Sight:
        dims = call.arg(place)
        if dims is None or dims == [] or isinstance(dims, bool):
            dims = list(range(call.x.dim()))
        keep = call.result.dim() == call.x.dim()
        reason = "a mean, sum or maximum over all positions"
        return call.sight.reduced(numbers(dims, 1), keep, reason)

    return rule


def _along(call: Operation) -> Sight:
    """All positions of one dimension meet, and the shape stays (softmax, sorting)."""
    if not call.x.dim():
        return call.sight
    axes = call.sight.axes_of(int(call.arg(1, -1)))
    return call.sight.collapsed(axes, "all positions are combined").mixed()


def _so_far(call: Operation) -> Sight:
    """Each position of one dimension meets those before it."""
    if not call.x.dim():
        return call.sight
    dim, reason = int(call.arg(1, -1)) % call.x.dim(), "sums over all positions so far"
    sight = call.sight
    axes = sight.axes_of(dim)
    if len(sight.dims[dim]) > 1:
        return sight.loosened(dim, call.out.shape[dim], reason)
    if not axes:
        return sight.mixed()
    return sight.mapped(
        lambda field: {a: r.so_far(reason) if a in axes else r for a, r in field.items()},
        sight.dims,
    )


def _over_last(call: Operation) -> Sight:
    """Layer norm and RMS norm: over the last dimensions, as many as the second argument names."""
    dims = range(-len(call.args[1]), 0)
    axes = set().union(*(call.sight.axes_of(d) for d in dims))
    return call.sight.collapsed(axes, _STATISTICS).mixed()


def _over_positions(call: Operation) -> Sight:
    """Group norm, and the others where they take the statistics of what they are given."""
    axes = set().union(*(call.sight.axes_of(d) for d in range(2, call.x.dim())))
    return call.sight.collapsed(axes, _STATISTICS).mixed()


def _batch_norm(call: Operation) -> Sight:
    # Argument 5: whether to use the batch's statistics, for batch norm and instance norm alike.
    return call.sight if call.arg(5) is False else _over_positions(call)


def _stored_norm(call: Operation) -> Sight:
    return call.sight


def _glu(call: Operation) -> Sight:
    dim = int(call.arg(1, -1)) % call.out.dim()
    half = call.out.shape[dim]
    parts = [call.sight.sliced(dim, start, half, 1) for start in (0, half)]
    return combined(parts, call.out.shape)


def _copy(call: Operation) -> Sight | None:
    source = call.sees(call.args[1])
    return None if source is None else combined([source], call.out.shape)


COMBINING: dict[Operator, Rule] = {
    aten.linear: _linear,
    aten.mm: _product((0, None), (None, 1)),
    aten.addmm: _product((0, None), (None, 1), 1),
    aten.bmm: _product((0, 1, None), (0, None, 2)),
    aten.baddbmm: _product((0, 1, None), (0, None, 2), 1),
    aten.mv: _product((0, None), (None,)),
    aten.dot: _product((None,), (None,)),
    aten.scaled_dot_product_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    aten.copy_: _copy,
    **dict.fromkeys(
        # Point by point, though torch does not mark them so.
        (aten.dropout, aten.dropout_, aten.alpha_dropout, aten.feature_dropout, aten.native_dropout,
         aten.clone, aten.contiguous, aten.detach, aten.alias, aten.lift_fresh, aten._to_copy,
         aten.relu6, aten.relu6_, aten.selu, aten.selu_, aten.prelu, aten._prelu_kernel,
         aten.masked_fill, aten.masked_fill_, aten.where, aten.bernoulli, aten.hardswish,
         aten.hardswish_, aten.rsub, aten.floor_divide, aten.log_sigmoid_forward,
         aten.rrelu_with_noise),
        pointwise,
    ),
}  # fmt: skip
"""The rule of each that may combine several operands."""

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
    aten.group_norm: _over_positions, aten.native_group_norm: _over_positions,
    aten.batch_norm: _batch_norm, aten.native_batch_norm: _batch_norm,
    aten._native_batch_norm_legit: _batch_norm, aten.cudnn_batch_norm: _batch_norm,
    aten.instance_norm: _batch_norm, aten._native_batch_norm_legit_no_training: _stored_norm,
    aten.glu: _glu,
}  # fmt: skip
"""The rule of each that computes with its first argument alone."""
