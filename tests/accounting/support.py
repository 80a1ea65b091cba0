"""The receptive field that a network has, measured: where the gradient of one unit is not zero.

Weights are positive and add up to one for each output, so nothing cancels and activations stay near
one; max-poolings become average-poolings, whose gradient reaches all they read.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from cnnref.accounting import summarize


def positive(model):
    """A copy of a model without cancellations, in double precision."""
    model = copy.deepcopy(model).double().eval()
    for module in list(model.modules()):
        for child_name, child in list(module.named_children()):
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(module, child_name, pool)
            elif isinstance(child, nn.LocalResponseNorm | nn.ReLU6 | nn.LayerNorm):
                setattr(module, child_name, nn.Identity())
    with torch.no_grad():
        for module in model.modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, torch.Tensor) and weight.dim() > 1:
                weight.fill_(1 / weight[0].numel())
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d | nn.BatchNorm3d):
                module.running_mean.zero_(), module.running_var.fill_(1)
            if getattr(module, "bias", None) is not None and isinstance(module.bias, torch.Tensor):
                module.bias.fill_(0)
            if isinstance(weight, torch.Tensor) and weight.dim() == 1:
                weight.fill_(1)
    return model


def outputs(model, x):
    """What each module of a model gave last, by name."""
    kept = {}
    handles = [
        module.register_forward_hook(lambda _, __, out, name=name: kept.__setitem__(name, out))
        for name, module in model.named_modules()
    ]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return kept


def slope(total, x):
    """The gradient of one number in the input; zeros where it does not depend on it."""
    (found,) = torch.autograd.grad(total, x, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x) if found is None else found


def sets(values, x, units, axis=0, negligible=0.0):
    """Positions along one axis of the input that each unit along that axis depends on.

    The unit's channels, and its positions along the other axes, are added up.

    Args:
        values: `(N, C, ...)`: a result that was computed from `x`; without positions, one number
            for each of `units`.
        x: the input.
        units: places along the axis.
        axis: of the input.
        negligible: the share of the greatest derivative that counts as none. An interpolation's
            place is a float: a weight that should be 0 may be 1e-10 of the others.
    """
    found = []
    for unit in units:
        total = (values.select(2 + axis, unit) if values.dim() > 2 else values[:, unit]).sum()
        along = slope(total, x).abs().movedim(2 + axis, 0).flatten(1).sum(1)
        found.append(set((along > negligible * along.max()).nonzero().flatten().tolist()))
    return found


def support(model, layer, size, units, axis=0):
    """Positions along one axis of the input that each unit of a layer depends on.

    Returns:
        One set of positions for each of `units`.
    """
    x = torch.ones(1, *size, dtype=torch.float64, requires_grad=True)
    return sets(outputs(model, x)[layer], x, units, axis)


class Does(nn.Module):
    """A layer that is a function."""

    def __init__(self, run):
        super().__init__()
        self.run = run

    def forward(self, x):
        return self.run(x)


def row(run, *size):
    """The row of a network that is one function, on an input of one example."""
    return summarize(nn.Sequential(Does(run)), inputs=torch.zeros(1, *size)).layers[-1]
