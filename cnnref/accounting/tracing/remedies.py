"""Remedies for the mistakes that users make, each found by looking at what it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.operation import CONVOLUTIONS, channels_taken, convolution_arguments
from cnnref.accounting.tracing.calls import ForwardError

__all__ = ["remedy"]

aten = torch.ops.aten

_PRODUCTS = {aten.linear, aten.addmm, aten.mm, aten.bmm, aten.baddbmm, aten.mv}


_TOO_SMALL = ("too small", "smaller than kernel", "Invalid computed output size: 0")
"""What torch says of a pooling whose window is larger than its input."""


def remedy(failure: ForwardError) -> str:
    """What was found to be wrong, and what to do; empty if nothing was found."""
    args, func, module = failure.operands, failure.func, failure.stack[-1].module
    packet = None if func is None else func.overloadpacket
    first = not any(c.done and c.leaf for c in failure.calls)
    given = [a for a in args if isinstance(a, Tensor)]
    if not given:
        return _no_batch(str(failure.error))
    if packet is aten.embedding and len(given) > 1:
        return _embedding(given[1])
    if packet in CONVOLUTIONS and len(given) > 1:
        return _convolution(packet, args, module, first) or _precision(given)
    if packet in _PRODUCTS and len(given) > 1:
        return _product(packet, args) or _precision(given)
    name = getattr(packet, "__name__", "")
    if "norm" in name and args[0].dim() > 1:
        width = getattr(module, "num_features", getattr(module, "num_channels", None))
        if width is not None and args[0].shape[1] != width:
            return f"it normalises {width} channels and got {args[0].shape[1]}"
    told = str(failure.error)
    if "pool" in name and any(words in told for words in _TOO_SMALL):
        return (
            f"its window does not fit into an input of shape {tuple(args[0].shape)}: "
            "the input of the network is too small"
        )
    return ""


def _no_batch(told: str) -> str:
    """For layers that, unlike a convolution, take no example without a batch."""
    if told.startswith("Expected more than 1 value per channel when training"):
        return (
            "in training it normalises over the batch, and there is one example: give two, as "
            "memory(batch=2), or by a size with its batch and batch_dim=False"
        )
    ranks = re.fullmatch(r"expected (.*)D input \(got (\d)D input\)", told)
    if ranks is None or int(ranks[2]) >= int(ranks[1][-1]):
        return ""
    return (
        f"it takes {ranks[1].replace('D', '')} dimensions, batch and channels first, and got "
        f"{ranks[2]}: if the channels were left out of the size, give them: (1, height, width)"
    )


def _embedding(indices: Tensor) -> str:
    if indices.dtype in (torch.int32, torch.int64):
        return ""
    shape = tuple(indices.shape)
    return (
        f"it looks up rows by whole numbers and got {_named(indices)}, in a tensor of shape "
        f"{shape}: give dtypes=torch.long beside the size (in a list or a mapping, one for each of "
        "several inputs), or convert the input with .long()"
    )


def _precision(given: Sequence[Tensor]) -> str:
    x, weight = given[:2]
    if x.dtype == weight.dtype:
        return ""
    return (
        f"it has weights of {_named(weight)} and got an input of {_named(x)}, of shape "
        f"{tuple(x.shape)}: convert the input with .to(torch.{_named(weight)}), give "
        f"dtypes=torch.{_named(weight)} beside its size, or convert the network"
    )


def _product(packet: Any, args: Sequence[Any]) -> str:
    x, weight = args[1:3] if packet in (aten.addmm, aten.baddbmm) else args[:2]
    takes = (
        weight.shape[-1] if packet is aten.linear else weight.shape[-2 if weight.dim() > 1 else 0]
    )
    if not x.dim() or x.shape[-1] == takes:
        return ""
    return (
        f"it takes {takes:,} features and got {x.shape[-1]:,}, in a tensor of shape "
        f"{tuple(x.shape)}: set in_features={x.shape[-1]}, or change the size of the input"
        if packet is aten.linear
        else f"a product of {tuple(x.shape)} with {tuple(weight.shape)}: {x.shape[-1]:,} columns "
        f"meet {takes:,} rows"
    )


def _convolution(packet: Any, args: Sequence[Any], module: nn.Module | None, first: bool) -> str:
    x, weight = args[0], args[1]
    axes, shape = weight.dim() - 2, tuple(x.shape)
    if x.dim() not in (axes + 1, axes + 2):
        extra = (
            "; a batch was put before the input size: leave the batch out of the size, or pass "
            "batch_dim=False"
            if first and x.dim() > axes + 2
            else ""
        )
        if first and x.dim() < axes + 1:
            some = ("length",) if axes == 1 else ("depth", "height", "width")[-axes:]
            extra = f"; the size of one example is (channels, {', '.join(some)})"
        return (
            f"it convolves over {axes} {'axis' if axes == 1 else 'axes'} and takes {axes + 2} "
            f"dimensions (batch, channels, {'length' if axes == 1 else 'height, width'}), and got "
            f"{x.dim()}: shape {shape}{extra}"
        )
    takes = getattr(module, "in_channels", None) or channels_taken(packet, args)
    got = x.shape[-axes - 1]
    if got != takes:
        channels = f"{takes} channel{'s' * (takes != 1)}"
        change = (
            f"give an input of {channels}, first: ({takes}, height, width)"
            if first
            else f"set in_channels={got}, or let the layer before give {takes}"
        )
        return f"it takes {channels} and got {got}, in a tensor of shape {shape}: {change}"
    told = convolution_arguments(packet, args) if not isinstance(_padding(args), str) else None
    if told is None or told["transposed"]:
        return ""
    for i, size in enumerate(shape[-axes:]):
        room, kernel = size + 2 * told["padding"][i], weight.shape[2 + i]
        if told["dilation"][i] * (kernel - 1) + 1 > room:
            return (
                f"its kernel {tuple(weight.shape[2:])} does not fit into an input of shape "
                f"{shape}"
                + (f" with padding {told['padding']}" if any(told["padding"]) else "")
                + (f" at dilation {told['dilation']}" if max(told["dilation"]) > 1 else "")
                + ": the input of the network is too small"
            )
    return ""


def _padding(args: Sequence[Any]) -> Any:
    return args[4] if len(args) > 4 else 0


def _named(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
