"""What a training recipe can name, and the recipe itself: a frozen, validated value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from cnnref.data import AUGMENTATIONS, Examples
from cnnref.data.augmentation import shift
from cnnref.data.images import ImageSet, Normalization
from cnnref.errors import unknown

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "PIXELS",
    "PRECISIONS",
    "REMAINDERS",
    "SCHEDULES",
    "VIEWS",
    "Loss",
    "Recipe",
    "loss_of",
]


def _binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), labels.to(logits.dtype))


Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs and targets, one number: the mean over the examples."""

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
    "one-cycle": lambda progress: min(progress / 0.25, (1 - progress) / 0.75),
}
"""Factor on the learning rate, from the share of the training's steps already done. One cycle is
Smith and Topin 2018's, in straight lines: up for a quarter of the steps, then down to zero."""

PIXELS: dict[str, Callable[[ImageSet], Normalization]] = {
    "standardised": ImageSet.normalization,
    "unit": lambda data: Normalization.unit(data.images.shape[1]),
}
"""Scale of the pixels that the network is given, from the training set: `standardised` to mean 0
and standard deviation 1 in each channel, or `unit`, from 0 to 1."""

VIEWS: dict[str, Callable[[Tensor], list[tuple[float, Tensor]]]] = {
    "one": lambda x: [(1.0, x)],
    "mirror": lambda x: [(0.5, x), (0.5, x.flip(3))],
    "six": lambda x: [
        (weight / 2, view)
        for weight, shifted in ((0.5, x), (0.25, shift(x, -1)), (0.25, shift(x, 1)))
        for view in (shifted, shifted.flip(3))
    ],
}
"""What of an image `(N, C, H, W)` is evaluated: views of it and the weights that average their
logits. `mirror` adds the mirror image; `six` also both of them one pixel up and left, and one down
and right, at half the weight."""

REMAINDERS = ("scaled", "full")
"""What the last batch of an epoch does where the batch size does not divide the training set."""

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
        loss: a key of `LOSSES`; or a function of one's own, or a module, from outputs and targets
            to their mean loss: `torch.nn.functional.mse_loss`, for instance.
        weight_decay: as the optimizer defines it; not negative.
        schedule: a key of `SCHEDULES`.
        precision: a key of `PRECISIONS`.
        seed: fixes the order of the batches, the dropout and the augmentation (and, in an
            experiment, the initial weights).
        remainder: `"scaled"`: the gradient of a last batch that is smaller is multiplied by its
            share of a full one, so that every image weighs the same in an epoch. `"full"`: it is
            the mean over its few images, as most training loops have it: sixteen images then move
            the weights as far as 64 do, by a gradient with twice the scatter, and the evaluation
            follows at once.
        pixels: a key of `PIXELS`.
        augmentation: a key of `cnnref.data.AUGMENTATIONS`; of the training images alone.
        label_smoothing: share of the target that is spread evenly over the classes (Szegedy et al.
            2016, Section 7), from 0 to below 1, in training; cross-entropy alone.
        views: a key of `VIEWS`: what of each image is evaluated.

    Raises:
        ValueError: the message names the field and the value.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epochs: int = 20
    batch_size: int = 100
    loss: str | Loss = "binary-cross-entropy"
    weight_decay: float = 0.0
    schedule: str = "constant"
    precision: str = "float32"
    seed: int = 0
    remainder: str = "scaled"
    pixels: str = "standardised"
    augmentation: str = "none"
    label_smoothing: float = 0.0
    views: str = "one"

    def __post_init__(self) -> None:
        """Validate every field."""
        tables: dict[str, dict[str, Any]] = {
            "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES,
            "precision": PRECISIONS,
            "remainder": dict.fromkeys(REMAINDERS),
            "pixels": PIXELS,
            "augmentation": AUGMENTATIONS,
            "views": VIEWS,
        }
        loss_of(self.loss)
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
            raise ValueError(f"learning_rate must be a positive number, got {self.learning_rate!r}")
        if not (_is_number(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(
                f"weight_decay must be a number, not negative, got {self.weight_decay!r}"
            )
        if not (_is_number(self.label_smoothing) and 0 <= self.label_smoothing < 1):
            raise ValueError(
                f"label_smoothing must be from 0 to below 1, got {self.label_smoothing!r}"
            )
        if self.label_smoothing and self.loss != "cross-entropy":
            raise ValueError(
                f"label_smoothing needs the loss 'cross-entropy', got {self.loss!r} with "
                f"label_smoothing {self.label_smoothing}"
            )

    def criterion(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss that training minimises; one of `LOSSES` is in nats per image.

        Args:
            logits: as `LOSSES` takes them, or a loss of one's own.
            labels: `(N,)`, or what that loss takes.
        """
        if self.label_smoothing:
            return F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        return loss_of(self.loss)(logits, labels)

    @overload
    def normalization(self, train: ImageSet) -> Normalization: ...
    @overload
    def normalization(self, train: Examples) -> Normalization | None: ...
    @overload
    def normalization(self, train: ImageSet | Examples) -> Normalization | None: ...
    def normalization(self, train: ImageSet | Examples) -> Normalization | None:
        """What all images are normalised with: training and test images alike.

        Args:
            train: the training set.

        Returns:
            The normalisation; `None` for inputs that are no bytes, which are taken as they are.
        """
        if isinstance(train, ImageSet):
            return PIXELS[self.pixels](train)
        if not train.are_bytes:
            return None
        unlabelled = torch.zeros(len(train), dtype=torch.int64)
        return PIXELS[self.pixels](ImageSet(train.inputs, unlabelled, ("any",), train.source))


def loss_of(loss: str | Loss) -> Loss:
    """The loss function that a recipe names or is.

    Raises:
        ValueError: no such loss.
    """
    if isinstance(loss, type):
        name = loss.__name__
        raise ValueError(f"loss is the class {name}, not a function: make one, {name}()")
    if callable(loss):
        # Of torch's own; a class of one's own may take the mean of its sum.
        torchs = type(loss).__module__ == nn.CrossEntropyLoss.__module__
        if torchs and getattr(loss, "reduction", "mean") == "sum":
            raise ValueError(
                f"loss is {type(loss).__name__}(reduction='sum'), and training needs the mean over "
                "the examples: leave reduction at 'mean'"
            )
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(
            f"{unknown('loss', loss, LOSSES)}; or a function, such as torch.nn.functional.mse_loss"
        )
    return LOSSES[loss]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
