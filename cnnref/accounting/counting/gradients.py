"""What the backward pass multiplies, and the shapes of what it computes.

The gradient of a product with respect to one operand is a product of the same size: a convolution
costs as many multiply-accumulates again for its input, and again for its weight, where those need a
gradient. So the first layer of a network costs half of what the others do. This is what torch's own
`torch.utils.flop_counter.FlopCounterMode` counts, and a test compares; but for the weight of a
convolution in groups, where it has each channel meet those of the other groups, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from cnnref.accounting.counting.shapes import SHAPES, convolved, quick_result
from cnnref.accounting.operation import CONVOLUTIONS, Operator

__all__ = ["Result", "backward_macs", "is_quick", "macs_of_backward", "quick_step_result"]

aten = torch.ops.aten

_ADDED = dict.fromkeys(
    (aten.addmm, aten.addmm_, aten._addmm_activation, aten.baddbmm, aten.baddbmm_, aten.addmv,
     aten.addmv_, aten.addbmm, aten.addbmm_, aten.addr, aten.addr_),
    0,
)  # fmt: skip
_BIAS: dict[Operator, int] = {**dict.fromkeys(CONVOLUTIONS, 2), aten.linear: 2, **_ADDED}
"""Which argument is added, and so takes no product in either direction."""


def backward_macs(packet: Operator, args: Sequence[Any], macs: int) -> int:
    """Multiply-accumulates of the backward pass of one call of an operator.

    Args:
        packet: the operator.
        args: its arguments, as autograd sees them: `requires_grad` says which need a gradient.
        macs: those of the forward pass.
    """
    if not macs:
        return 0
    needs = [isinstance(arg, Tensor) and arg.requires_grad for arg in args]
    if "attention" in packet.__name__:
        query, key, value = needs[:3]
        # The gradient of the scores leads to both; then one product for each operand.
        wide, high = args[0].shape[-1], args[2].shape[-1]
        factors = wide * (query + key) + high * (value + (query or key))
        return int(macs * factors // (wide + high))
    if packet.__name__ == "deform_conv2d":  # input, weight, offset, mask, bias
        return macs * ((needs[0] or needs[2] or needs[3]) + needs[1])
    added = _BIAS.get(packet, -1)
    return macs * sum(need for place, need in enumerate(needs) if place != added)


def macs_of_backward(packet: Operator, args: Sequence[Any]) -> int:
    """Multiply-accumulates of an operator that computes gradients; 0 for any other."""
    if packet is aten.convolution_backward:
        grad, x, weight, transposed, wanted = *args[:3], args[7], args[10]
        side = x if transposed else grad
        return int(side.numel() * prod(weight.shape[1:]) * sum(wanted[:2]))
    if packet in _ATTENTION:
        query, key, value = args[1:4]
        return int(2 * prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1]))
    return 0


_ATTENTION = {
    getattr(aten, f"_scaled_dot_product_{kind}_backward")
    for kind in (
        "flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention",
        "fused_attention_overrideable",
    )
    if hasattr(aten, f"_scaled_dot_product_{kind}_backward")
}  # fmt: skip


Result = Tensor | tuple[Tensor | None, ...]
"""What an operator gives: a tensor, or several, of which some may not be asked for."""


def quick_step_result(packet: Operator, args: Sequence[Any]) -> Result | None:
    """As `quick_result`, for the operators that autograd asks for: those of a training step."""
    known = _STEPS.get(packet)
    if known is None:
        return quick_result(packet, args)
    first = [arg for arg in args[:3] if isinstance(arg, Tensor)]
    kind = first[0].dtype
    if not kind.is_floating_point or not all(
        t.is_meta and t.dtype is kind and t.is_contiguous() for t in first
    ):
        return None
    return known(args)


def is_quick(packet: Operator) -> bool:
    """Whether `quick_step_result` knows an operator at all."""
    return packet in _STEPS or packet in SHAPES


def _empty(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device="meta")


def _convolution(args: Sequence[Any]) -> Result | None:
    if args[6]:
        return None
    shape = convolved(args[0], (*args[:6], args[8]))
    return None if shape is None else _empty(shape, args[0])


def _batch_norm(args: Sequence[Any]) -> Result | None:
    x = args[0]
    if x.dtype is not torch.float32 or x.dim() < 2:  # halves keep their statistics in float32
        return None
    kept = x.shape[1] if args[5] else 0
    return _empty(x.shape, x), _empty((kept,), x), _empty((kept,), x)


def _batch_norm_backward(args: Sequence[Any]) -> Result | None:
    x, weight, mask = args[1], args[2], args[9]
    if x.dtype is not torch.float32 or weight is None:
        return None
    shapes = (x.shape, weight.shape, weight.shape)
    return tuple(_empty(s, x) if m else None for s, m in zip(shapes, mask, strict=True))


def _convolution_backward(args: Sequence[Any]) -> Result | None:
    grad, x, weight, mask = args[0], args[1], args[2], args[10]
    shapes = (x.shape, weight.shape, grad.shape[1:2])
    return tuple(_empty(s, grad) if m else None for s, m in zip(shapes, mask, strict=True))


def _like_first(args: Sequence[Any]) -> Result | None:
    return _empty(args[0].shape, args[0])


def _in_place(args: Sequence[Any]) -> Result | None:
    x, other = args[:2]
    return x if isinstance(other, Tensor) and other.shape == x.shape else None


_STEPS: dict[Operator, Callable[[Sequence[Any]], Result | None]] = {
    aten.convolution: _convolution, aten.convolution_backward: _convolution_backward,
    aten.native_batch_norm: _batch_norm, aten.native_batch_norm_backward: _batch_norm_backward,
    **dict.fromkeys(
        (aten.threshold_backward, aten.silu_backward, aten.hardswish_backward,
         aten.hardsigmoid_backward, aten.gelu_backward, aten.sigmoid_backward,
         aten.tanh_backward),
        _like_first,
    ),
    aten.add_: _in_place,
}  # fmt: skip
