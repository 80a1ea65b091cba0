"""Fields of architectures of others, by gradients: which rows of the image a unit depends on.

Nothing is known of such a network but its modules. So it gets random weights, and while it runs
whatever stops a gradient is replaced by what does not: a ReLU by a softplus, a maximum by a mean.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cnnref.accounting import Layer, Summary

__all__ = ["disagreements"]


def _softplus(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return F.softplus(x)


def _average(d: int) -> Any:
    def pool(
        x: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        **_: Any,
    ) -> Tensor:
        if dilation not in (1, (1,) * d, [1] * d):
            raise NotImplementedError("a dilated pooling")
        return (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[d - 1](
            x, kernel_size, stride, padding, ceil_mode
        )

    return pool


_SMOOTH: dict[str, Any] = {
    **dict.fromkeys(("relu", "relu_", "relu6", "hardtanh", "hardtanh_", "leaky_relu"), _softplus),
    **dict.fromkeys(("leaky_relu_", "clamp", "clamp_", "threshold"), _softplus),
    **dict.fromkeys(("hardswish", "hardswish_"), lambda x, *_, **__: F.silu(x)),
    **dict.fromkeys(("hardsigmoid", "hardsigmoid_"), lambda x, *_, **__: torch.sigmoid(x)),
    "max_pool1d": _average(1), "max_pool2d": _average(2), "max_pool3d": _average(3),
    "adaptive_max_pool2d": lambda x, size, *_, **__: F.adaptive_avg_pool2d(x, size),
    "amax": lambda x, *args, **kwargs: torch.mean(x, *args, **kwargs),
}  # fmt: skip


class Smooth(TorchFunctionMode):
    """Runs smooth functions in the place of those that can have a slope of zero."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        smooth = _SMOOTH.get(getattr(func, "__name__", ""))
        if smooth is not None and args and args[0].is_floating_point():
            return smooth(*args, **kwargs)
        return func(*args, **kwargs)


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """A copy in double precision, none of whose weights is zero, of layers that neither blow up nor
    die away."""
    model = copy.deepcopy(model).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not weight.is_floating_point():
                continue
            drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            if weight.dim() > 1:
                weight.copy_(drawn / max(weight[0].numel(), 1) ** 0.5)
            else:
                weight.copy_(0.1 * drawn if name.endswith("bias") else 1 + 0.2 * drawn.tanh())
    return model


def _along(value: Tensor, units: int) -> Tensor | None:
    """A result with the image's height first; `None` where it is not plain which of its dimensions
    that is."""
    if units == 1:
        return value.reshape(1, -1)
    if value.dim() != 4:
        return None
    _, a, b, c = value.shape
    if b == units and a != b:
        return value.movedim(2, 0).flatten(1)
    if a == units and b != c:
        return value.movedim(1, 0).flatten(1)
    return None


def _chosen(rows: list[Layer], most: int) -> list[Layer]:
    """A few of different fields, from the first to the last."""
    different = [*{(row.clipped, row.receptive_field): row for row in rows}.values()]
    if len(different) <= most:
        return different
    return [different[i * (len(different) - 1) // (most - 1)] for i in range(most)]


def disagreements(
    model: nn.Module, summary: Summary, size: tuple[int, ...], most: int = 5
) -> tuple[int, tuple[str, ...]]:
    """How many rows were measured, and what gradients say otherwise of which.

    For each row that is looked at, the first, the middle and the last unit along the height. Of an
    exact field the positions must be the same, on the image and, in its middle, one by one; of a
    bound, none may lie outside.
    """
    model = randomised(model)
    modules = dict(model.named_modules())
    called: Counter[str] = Counter()
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_: nn.Module, __: Any, out: Any) -> Tensor | None:
            called[name] += 1
            if not isinstance(out, Tensor) or not out.requires_grad:
                return None
            kept[name] = out
            return out.clone()  # the network may go on to change its own in place

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    x = torch.randn(1, *size, dtype=torch.float64, requires_grad=True)
    try:
        with Smooth():
            model(x * 1.0)
    finally:
        for handle in handles:
            handle.remove()
    fit = [
        row
        for row in summary
        if called[row.name] == 1
        and row.name in kept
        and row.fields
        and tuple(kept[row.name].shape) == row.output_shape
        and _along(kept[row.name], row.fields[0].units) is not None
    ]
    exact = _chosen([row for row in fit if row.field_status == "complete"], most)
    bounds = _chosen([row for row in fit if row.field_status == "partial"], 2)
    wrong = []
    for row in [*exact, *bounds]:
        along = row.fields[0]
        value = _along(kept[row.name], along.units)
        assert value is not None
        for unit in sorted({0, along.units // 2, along.units - 1}):
            weights = torch.rand(value.shape[1], dtype=torch.float64) + 0.5
            (slope,) = torch.autograd.grad(
                (value[unit] * weights).sum(), x, retain_graph=True, allow_unused=True
            )
            found: list[int] = []
            if slope is not None:
                found = slope.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
            span = (found[0], found[-1]) if found else None
            told = along.seen(unit)
            if row.field_status == "partial":
                inside = span is None or (told and told[0] <= span[0] and span[1] <= told[1])
                if not inside:
                    wrong.append(f"{row.name}, unit {unit}: {span} outside of {told}")
            elif span != told:
                wrong.append(f"{row.name}, unit {unit}: {span} instead of {told}")
            elif unit == along.units // 2 and row.receptive_field:
                ideal = along.positions(unit)
                if ideal[0] >= 0 and ideal[-1] < size[1] and ideal != found:
                    wrong.append(f"{row.name}, unit {unit}: not the positions in between")
    return len(exact) + len(bounds), tuple(wrong)
