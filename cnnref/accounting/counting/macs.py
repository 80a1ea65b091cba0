"""How many multiply-accumulates an operator makes, from the shapes that go in and come out.

What counts as one, and what is counted apart, is said in `extras`; `operators` says which operator
is of which kind. One that is of none is told, never counted as nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch

from cnnref.accounting.counting.extras import Cost, Extras
from cnnref.accounting.counting.gradients import macs_of_backward
from cnnref.accounting.counting.operators import OPERATORS
from cnnref.accounting.counting.registered import own_macs
from cnnref.accounting.counting.uncounted import why_uncounted
from cnnref.accounting.operation import CONVOLUTIONS, Operation, Operator, numbers

__all__ = ["COSTS", "cost", "standing"]

aten = torch.ops.aten


def _convolution(call: Operation) -> Cost:
    transposed = CONVOLUTIONS[call.packet] and call.args[6]
    # The weight is (in, out / groups, kernel) when transposed and (out, in / groups, kernel) else:
    # each entry of one side meets all of the weight but its first dimension.
    side = call.x if transposed else call.out
    macs = side.numel() * prod(call.args[1].shape[1:])
    return Cost(macs, Extras(bias=call.out.numel() if call.arg(2) is not None else 0))


def _linear(call: Operation) -> Cost:
    macs = call.out.numel() * call.args[1].shape[-1]
    return Cost(macs, Extras(bias=call.out.numel() if call.arg(2) is not None else 0))


def _product(call: Operation) -> Cost:
    return Cost(call.out.numel() * call.x.shape[-1])


def _product_and_sum(call: Operation) -> Cost:
    return Cost(call.out.numel() * call.args[1].shape[-1], Extras(bias=call.out.numel()))


def _batched_sum(call: Operation) -> Cost:
    terms = call.args[1].shape[0] * call.args[1].shape[2]
    return Cost(call.out.numel() * terms, Extras(bias=call.out.numel()))


def _grouped_product(call: Operation) -> Cost:
    """Products of a group each: rows with the matrix of their group, or shares of one long sum.

    Taken as if the groups held every row, as they do where experts share out all tokens: how many
    rows each has is a value.
    """
    left, right = call.args[:2]
    outputs = call.out.numel()
    if left.dim() == right.dim() == 2:  # the sum is what is shared out
        outputs //= max(len(call.out), 1)
    return Cost(outputs * left.shape[-1])


def _bilinear(call: Operation) -> Cost:
    # For each output: the weight's matrix times one input, then a product with the other.
    _, left, right = call.args[2].shape
    macs = call.out.numel() * (left * right + right)
    return Cost(macs, Extras(bias=call.out.numel() if call.arg(3) is not None else 0))


def _attention(call: Operation) -> Cost:
    query, key, value = call.args[:3]
    scores = prod(query.shape[:-1]) * key.shape[-2]
    return Cost(scores * (query.shape[-1] + value.shape[-1]), Extras(elementwise=scores))


def _deformable(call: Operation) -> Cost:
    macs = call.out.numel() * prod(call.args[1].shape[1:])
    return Cost(macs, Extras(bias=call.out.numel()))


def _pooling(call: Operation) -> Cost:
    kernel = numbers(call.args[1], int(call.packet.__name__.split("pool")[1][0]))
    return Cost(extras=Extras(pooling=call.result.numel() * prod(kernel)))


def _read(call: Operation) -> Cost:
    return Cost(extras=Extras(pooling=call.x.numel()))


def _normalisation(call: Operation) -> Cost:
    return Cost(extras=Extras(normalisation=call.result.numel()))


def _elementwise(call: Operation) -> Cost:
    return Cost(extras=Extras(elementwise=call.result.numel()))


def _reduction(call: Operation) -> Cost:
    return Cost(extras=Extras(elementwise=call.x.numel()))


def _nothing(_: Operation) -> Cost:
    return Cost()


def _added(call: Operation) -> Cost:
    """Sums at given places, of one term for each entry that goes there."""
    return Cost(extras=Extras(elementwise=call.args[3].numel()))


def _distances(call: Operation) -> Cost:
    return Cost(extras=Extras(elementwise=call.out.numel() * call.x.shape[-1]))


def _outer(call: Operation) -> Cost:
    return Cost(call.out.numel())


def _bag(call: Operation) -> Cost:
    """Sums of rows of a table, with weights or without."""
    terms = call.args[1].numel() * call.x.shape[-1]
    weighted = call.arg(6) is not None
    return Cost(terms) if weighted else Cost(extras=Extras(elementwise=terms))


def _gradient(call: Operation) -> Cost:
    """Of a network whose forward pass takes gradients."""
    return Cost(macs_of_backward(call.packet, call.args))


def _over_time(call: Operation) -> Cost:
    macs = call.out.numel() * prod(call.args[1].shape[:2])
    return Cost(macs, Extras(bias=call.out.numel()))


_FORMULAS: dict[str, Callable[[Operation], Cost]] = {
    "pooling": _pooling, "read": _read, "normalisation": _normalisation, "reduction": _reduction,
    "elementwise": _elementwise, "nothing": _nothing, "added": _added, "distances": _distances,
    "product": _product, "product and sum": _product_and_sum, "outer": _outer, "bag": _bag,
    "attention": _attention,
}  # fmt: skip

COSTS: dict[Operator, Callable[[Operation], Cost]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    aten.linear: _linear, aten.bilinear: _bilinear, aten.conv_tbc: _over_time,
    aten.addbmm: _batched_sum, aten.addbmm_: _batched_sum,
    aten._grouped_mm: _grouped_product, aten.convolution_backward: _gradient,
    **{
        getattr(aten, name): _FORMULAS[kind]
        for kind, names in OPERATORS.items()
        for name in names.split()
        if hasattr(aten, name)
    },
}  # fmt: skip


_OF_TORCHVISION: dict[str, Callable[[Operation], Cost]] = {
    "deform_conv2d": _deformable, "nms": _read, "roi_pool": _read, "ps_roi_pool": _read,
    "roi_align": _elementwise, "ps_roi_align": _elementwise,
}  # fmt: skip


_BESIDE = ("profiler", "c10d", "_c10d_functional")
"""Operators of these mark what happens, or send tensors to other processes; none multiplies."""


def cost(call: Operation) -> Cost:
    """What a call of an operator costs."""
    own = own_macs(call.packet, call.args, call.out)
    if own is not None:
        return Cost(own)
    count = COSTS.get(call.packet) or _by_nature(call.func)
    if count is None:
        return Cost(unknown=str(call.packet).removeprefix("aten."))
    return count(call)


def _by_nature(func: Any) -> Callable[[Operation], Cost] | None:
    """The formula of an operator that is in no table, from what torch says of it."""
    space, _, name = func._schema.name.partition("::")
    if space == "torchvision":
        return _OF_TORCHVISION.get(name)
    if torch.Tag.pointwise in func.tags:
        return _elementwise
    if func.is_view or space in _BESIDE:
        return _nothing
    return None


def standing(func: Any) -> str:
    """How an operator is treated: "charged", "taken apart" into others, or "unknown"; empty if
    nobody has thought of it."""
    if func.overloadpacket in COSTS or _by_nature(func) is not None:
        return "charged"
    if func._can_decompose():
        return "taken apart"
    name = func._schema.name.removeprefix("aten::")
    return "unknown" if why_uncounted(name) else ""
