"""How much each input position matters to one unit: the effective receptive field, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnref.accounting.summary.building import summarize
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.tracing.diagnosis import AccountingError, checked_model
from cnnref.errors import shown, unknown

__all__ = ["EffectiveField", "effective_receptive_field"]


@dataclass(frozen=True)
class EffectiveField:
    """What one unit uses of the input.

    Args:
        layer: the row of the layer in the network's `Summary`.
        unit: the unit's position, one number for each axis.
        energy: for each input position the expected squared derivative of the unit with respect to
            it, summed over channels; all together 1. Shape: that of the input's axes.
    """

    layer: Layer
    unit: tuple[int, ...]
    energy: Tensor

    @property
    def centre(self) -> tuple[float, ...]:
        """Mean position of the energy along each axis."""
        return tuple(float((p * e).sum()) for p, e in self._along())

    @property
    def width(self) -> tuple[float, ...]:
        """Effective width along each axis: the standard deviation of the energy, in positions."""
        return tuple(
            float((e * (p - (p * e).sum()).square()).sum().sqrt()) for p, e in self._along()
        )

    def share(self, fraction: float = 0.95) -> float:
        """The smallest share of the input's positions that holds that fraction of the energy."""
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must be above 0 and at most 1, got {fraction}")
        ordered = self.energy.flatten().sort(descending=True).values.cumsum(0)
        count = int((ordered < fraction * ordered[-1]).sum()) + 1
        return min(count, ordered.numel()) / ordered.numel()

    def _along(self) -> list[tuple[Tensor, Tensor]]:
        axes = range(self.energy.dim())
        return [
            (
                torch.arange(self.energy.shape[axis], dtype=self.energy.dtype),
                self.energy.sum([a for a in axes if a != axis]) if len(axes) > 1 else self.energy,
            )
            for axis in axes
        ]


def _flat(place: Sequence[int], sizes: Sequence[int]) -> int:
    """The number of a position when all axes are flattened."""
    flat = 0
    for position, size in zip(place, sizes, strict=True):
        flat = flat * size + position
    return flat


def effective_receptive_field(
    model: nn.Module,
    layer: str,
    input_size: Sequence[int],
    *,
    unit: Sequence[int] | None = None,
    inputs: Tensor | None = None,
    samples: int = 16,
    seed: int = 0,
) -> EffectiveField:
    """Measure the effective receptive field of one unit by gradients.

    The unit's channels are weighted by random signs, a new draw for each example, so that the
    squared derivative has the expected sum over channels of squares. The model runs in evaluation
    mode, where it is, and is left as it was.

    Args:
        model: the network.
        layer: a module's name, as `named_modules` gives it.
        input_size: `(C, H, W)` or `(C, L)`: the size of one example.
        unit: the unit's position; the middle one by default.
        inputs: `(N, C, ...)`: examples to average over; standard normal noise by default.
        samples: how many, where none are given.
        seed: of the noise and of the signs.

    Returns:
        The `EffectiveField`.

    Raises:
        AccountingError: there is no such layer, its output has no positions, or the unit lies
            outside.

    Source: Luo, Li, Urtasun and Zemel, Understanding the effective receptive field (2016).
    """
    network = checked_model(model)
    modules = dict(network.named_modules())
    if not isinstance(layer, str):
        raise AccountingError(
            f"the layer is given by its name, and before the size, got {shown(layer)}"
        )
    if layer not in modules:
        raise AccountingError(unknown("layer", layer, [name for name in modules if name]))
    row = summarize(network, tuple(input_size))[layer]
    axes = len(input_size) - 1
    if row.output_shape is None or len(row.output_shape) != axes + 2:
        raise AccountingError(
            f"{layer} gives {row.output_shape}, which has no positions along the input's axes"
        )
    sizes = row.output_shape[2:]
    place = tuple(n // 2 for n in sizes) if unit is None else tuple(unit)
    if len(place) != axes or any(not 0 <= u < n for u, n in zip(place, sizes, strict=False)):
        raise AccountingError(f"unit {place} lies outside the {sizes} positions of {layer}")
    generator = torch.Generator().manual_seed(seed)
    example = next(network.parameters(), torch.zeros(()))
    if inputs is None:
        inputs = torch.randn(samples, *input_size, generator=generator)
    total = torch.zeros(tuple(input_size[1:]), dtype=torch.float64)
    kept: list[Tensor] = []
    handle = modules[layer].register_forward_hook(lambda _, __, out: kept.append(out))
    flags = [(module, module.training) for module in network.modules()]
    try:
        for module, _ in flags:
            module.training = False
        for one in inputs:
            kept.clear()
            x = one[None].to(example).detach().requires_grad_()
            with torch.enable_grad():
                network(x)
                values = kept[-1][0].flatten(1)[:, _flat(place, sizes)]
                signs = torch.randint(0, 2, values.shape, generator=generator) * 2 - 1
                (slope,) = torch.autograd.grad((values * signs.to(values)).sum(), x)
            total += slope[0].double().square().sum(0).cpu()
    finally:
        handle.remove()
        for module, flag in flags:
            module.training = flag
    if not total.any():
        raise AccountingError(f"no input position moves unit {place} of {layer}")
    return EffectiveField(row, place, total / total.sum())
