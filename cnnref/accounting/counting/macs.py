"""How many multiply-accumulates an operator makes, from the shapes that go in and come out.

What counts as one, and what is counted apart, is said in `extras`. An operator that is in none of
the tables below is told, never counted as nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch

from cnnref.accounting.counting.extras import Cost, Extras
from cnnref.accounting.operation import CONVOLUTIONS, Operation, Operator, numbers

__all__ = ["COSTS", "cost"]

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


_NAMES = {
    _pooling: "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d "
    "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices",
    _read: "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d "
    "_adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
    _normalisation: "batch_norm native_batch_norm _native_batch_norm_legit cudnn_batch_norm "
    "_native_batch_norm_legit_no_training instance_norm layer_norm native_layer_norm "
    "rms_norm group_norm native_group_norm",
    _reduction: "mean sum amax amin max min var std var_mean prod logsumexp norm "
    "linalg_vector_norm softmax _softmax log_softmax _log_softmax cumsum any all argmax argmin "
    "topk sort",
    _elementwise: "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d "
    "upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d "
    "_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d "
    "grid_sampler_2d grid_sampler_3d relu6 relu6_ hardswish hardswish_ selu selu_ prelu "
    "_prelu_kernel glu bucketize rsub floor_divide log_sigmoid_forward rrelu_with_noise "
    "where masked_fill masked_fill_ _upsample_bilinear2d_aa",
    _nothing: "cat stack constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d "
    "replication_pad1d replication_pad2d replication_pad3d clone contiguous detach "
    "lift_fresh _to_copy copy_ fill_ zero_ index index_select gather roll flip repeat "
    "embedding masked_select dropout dropout_ alpha_dropout feature_dropout "
    "native_dropout bernoulli bernoulli_ uniform_ normal_ view reshape _unsafe_view "
    "flatten unflatten squeeze unsqueeze expand permute transpose t slice select split "
    "split_with_sizes chunk unbind unfold im2col col2im pixel_shuffle pixel_unshuffle "
    "channel_shuffle native_channel_shuffle arange zeros ones full empty empty_like "
    "zeros_like ones_like full_like new_zeros new_ones new_empty new_full scalar_tensor "
    "rand randn rand_like randn_like eye linspace tril triu scatter index_put_ index_put "
    "_local_scalar_dense nonzero diagonal as_strided alias resize_ set_ _reshape_alias "
    "view_as _assert_tensor_metadata new_empty_strided empty_strided randint randperm",
}

COSTS: dict[Operator, Callable[[Operation], Cost]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    aten.linear: _linear,
    aten.mm: _product, aten.bmm: _product, aten.mv: _product, aten.dot: _product,
    aten.addmm: _product_and_sum, aten.baddbmm: _product_and_sum, aten.addbmm: _batched_sum,
    aten.addmv: _product_and_sum, aten.vdot: _product, aten._int_mm: _product,
    aten.bilinear: _bilinear,
    aten.scaled_dot_product_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    **{
        getattr(aten, name): count
        for count, names in _NAMES.items()
        for name in names.split()
        if hasattr(aten, name)
    },
}  # fmt: skip


def cost(call: Operation) -> Cost:
    """What a call of an operator costs."""
    func = call.func
    count = COSTS.get(call.packet)
    if count is None:
        name = str(call.packet)
        if name == "torchvision.deform_conv2d":
            count = _deformable
        elif torch.Tag.pointwise in func.tags:
            count = _elementwise
        elif func.is_view or not func._schema.returns:
            count = _nothing
        else:
            return Cost(unknown=name.removeprefix("aten."))
    return count(call)
