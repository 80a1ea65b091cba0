"""How well a model does on a set of images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnnref.errors import unknown
from cnnref.training.processes import team
from cnnref.training.recipes import LOSSES, VIEWS

__all__ = ["Evaluation", "evaluate", "predict", "probabilities"]


class Evaluation(NamedTuple):
    """How well a model does on a set of images."""

    loss: float
    """Mean loss over the images, in nats."""
    accuracy: float
    """Share of images whose most probable class is right."""


def predict(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], *, views: str = "one"
) -> tuple[Tensor, Tensor]:
    """Logits and labels of every image, in evaluation mode and without gradients.

    Args:
        model: returns logits `(B, classes)`, or `(B, 1)` for two classes; its mode is restored.
        batches: `Batches`, or any iterable of normalised images and labels on the model's device,
            a `DataLoader` for instance.
        views: a key of `VIEWS`; the logits are the weighted mean over the views of an image.

    Returns:
        Logits `(N, classes or 1)` and labels `(N,)`, in the order of `batches`.

    Raises:
        ValueError: there is no batch, or no such views.
    """
    if views not in VIEWS:
        raise ValueError(unknown("views", views, VIEWS))
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            pairs = [
                (sum(weight * model(view) for weight, view in VIEWS[views](images)), labels)
                for images, labels in batches
            ]
    finally:
        model.train(training)
    if not pairs:
        raise ValueError("there is no batch to predict")
    return torch.cat([logits for logits, _ in pairs]), torch.cat([labels for _, labels in pairs])


def probabilities(logits: Tensor) -> Tensor:
    """Class probabilities `(N, classes)`: softmax, or sigmoid and complement."""
    if logits.shape[1] == 1:
        p = logits.sigmoid()
        return torch.cat([1 - p, p], dim=1)
    return logits.softmax(dim=1)


def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: str = "binary-cross-entropy",
    *,
    views: str = "one",
) -> Evaluation:
    """Loss and accuracy over all images, as the test function of question UT-P2.3.

    Every image weighs the same, also where the last batch is smaller, and where several processes
    hold a share of the images each.

    Args:
        model: see `predict`.
        batches: see `predict`.
        loss: a key of `LOSSES`.
        views: see `predict`.

    Raises:
        ValueError: no such loss or views, or no batch.
    """
    if loss not in LOSSES:
        raise ValueError(unknown("loss", loss, LOSSES))
    logits, labels = predict(model, batches, views=views)
    # In float64, so that the mean over thousands of images does not depend on their grouping.
    logits = logits.cpu().double()
    labels = labels.cpu()
    right = probabilities(logits).argmax(1) == labels
    means = torch.stack([LOSSES[loss](logits, labels), right.double().mean()])
    return Evaluation(*team().mean(means, len(labels)).tolist())
