"""What a training recipe can name, and the recipe itself: a frozen, validated value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from cnnref.errors import unknown

__all__ = ["LOSSES", "OPTIMIZERS", "PRECISIONS", "SCHEDULES", "Recipe"]


def _binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), labels.to(logits.dtype))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary-cross-entropy": _binary_cross_entropy,
    "cross-entropy": F.cross_entropy,
}
"""Losses in nats per image, from logits `(N, 1)` for the binary one, else `(N, classes)`."""

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
"""Optimizers, with torch's own defaults apart from the learning rate and the weight decay; the two
with momentum use 0.9."""

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
}
"""Factor on the learning rate, from the share of the training's steps already done."""

PRECISIONS: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
}
"""Arithmetic of the forward pass; `bfloat16` keeps float32 weights (autocast)."""


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Args:
        optimizer: a key of `OPTIMIZERS`.
        learning_rate: at the start; positive.
        epochs: passes over the training set; at least 1.
        batch_size: images in a mini-batch; at least 1.
        loss: a key of `LOSSES`.
        weight_decay: as the optimizer defines it; not negative.
        schedule: a key of `SCHEDULES`.
        precision: a key of `PRECISIONS`.
        seed: fixes the order of the batches and the dropout (and, in an experiment, the initial
            weights).

    Raises:
        ValueError: the message names the field and the value.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epochs: int = 20
    batch_size: int = 100
    loss: str = "binary-cross-entropy"
    weight_decay: float = 0.0
    schedule: str = "constant"
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Validate every field."""
        tables: dict[str, dict[str, Any]] = {
            "optimizer": OPTIMIZERS,
            "loss": LOSSES,
            "schedule": SCHEDULES,
            "precision": PRECISIONS,
        }
        for name, table in tables.items():
            chosen = getattr(self, name)
            if not isinstance(chosen, str) or chosen not in table:
                raise ValueError(unknown(name, chosen, table))
        for name, minimum in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
                raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")
        if self.seed >= 2**32:
            raise ValueError(f"seed must be below 2**32, got {self.seed}")
        if not (_is_number(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate!r}")
        if not (_is_number(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"weight_decay must not be negative, got {self.weight_decay!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
