"""The effective field of stored networks, before and after training, on noise."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from cnnref.accounting import effective_receptive_field
from cnnref.experiments.catalogue import experiment as by_name
from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import load_model
from cnnref.training import seeded

__all__ = ["receptive_field"]

_LAYERS = {
    "cats-dogs-plain": "conv5",
    "cats-dogs-plain-bn-dropout": "conv5",
    "cats-dogs-skip": "conv5",
    "cifar10-cnn-regularised": "conv3",
}
"""Of each network that reads photographs its last convolution."""


def receptive_field() -> Iterator[Claim]:
    """Training does not widen the effective field where the task does not ask for it."""
    yield Claim(
        "trained-field", "receptive-field",
        "In four stored networks that read photographs, training widens the effective receptive "
        "field by less than a tenth.",
        _trained_field,
    )  # fmt: skip


def _width(model: nn.Module, layer: str) -> float:
    return sum(effective_receptive_field(model, layer, (3, 32, 32)).width) / 2


def _trained_field() -> Finding:
    changes = []
    for name, layer in _LAYERS.items():
        entry = by_name(name)
        with seeded(entry.seeds[0]):
            fresh = entry.build()
        changes.append(_width(load_model(name), layer) / _width(fresh, layer) - 1)
    shown = ", ".join(f"{100 * change:+.1f} %" for change in changes)
    return Finding(max(changes) < 0.1, f"on noise, changes of the width by {shown}")
