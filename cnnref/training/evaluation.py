"""How well a model does on a set of images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnref.errors import shown, unknown
from cnnref.training.processes import team
from cnnref.training.recipes import VIEWS, Loss, loss_of

__all__ = ["Evaluation", "are_classes", "evaluate", "one_number", "predict", "probabilities"]


class Evaluation(NamedTuple):
    """How well a model does on a set of images."""

    loss: float
    """Mean loss over the images: in nats, if the loss is one of `LOSSES`."""
    accuracy: float
    """Share of images whose most probable class is right; not a number, where targets are no
    classes."""


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
        TypeError: there is no model, it returns no tensor, or a batch is no pair of tensors.
        ValueError: there is no batch, or no such views.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"a network, a torch.nn.Module, is needed, got {shown(model)}")
    if views not in VIEWS:
        raise ValueError(unknown("views", views, VIEWS))
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            pairs: list[tuple[Any, Tensor]] = [
                (sum(weight * _outputs(model, x) for weight, x in VIEWS[views](images)), labels)
                for images, labels in map(_pair, batches)
            ]
    finally:
        model.train(training)
    if not pairs:
        raise ValueError("there is no batch to predict")
    return torch.cat([logits for logits, _ in pairs]), torch.cat([labels for _, labels in pairs])


def _pair(batch: Any) -> tuple[Tensor, Tensor]:
    if not (isinstance(batch, tuple | list) and len(batch) == 2):
        raise TypeError(
            f"each batch must be a pair (inputs, labels), got {shown(batch)}; of tensors x and y "
            "the only batch is [(x, y)]"
        )
    return batch[0], batch[1]


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    """What a network makes of a batch; where it fails, the error says what it was given."""
    try:
        outputs = model(inputs)
    except Exception as error:
        error.add_note(f"the network was given {_kind(inputs)}")
        raise
    if not isinstance(outputs, Tensor):
        inside = f" of {', '.join(map(str, outputs))}" if isinstance(outputs, Mapping) else ""
        raise TypeError(
            f"the network must return one tensor, got a {type(outputs).__name__}{inside}; give one "
            "whose forward takes the tensor out of it"
        )
    return outputs


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {tensor.dtype}"


def probabilities(logits: Tensor) -> Tensor:
    """Class probabilities `(N, classes)`: softmax, or sigmoid and complement."""
    if logits.shape[1] == 1:
        p = logits.sigmoid()
        return torch.cat([1 - p, p], dim=1)
    return logits.softmax(dim=1)


def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: str | Loss = "binary-cross-entropy",
    *,
    views: str = "one",
    classes: int | None = None,
) -> Evaluation:
    """Loss and accuracy over all images, as the test function of question UT-P2.3.

    Every image weighs the same, also where the last batch is smaller, and where several processes
    hold a share of the images each.

    Args:
        model: see `predict`.
        batches: see `predict`.
        loss: a key of `LOSSES`, or a function of one's own; see `cnnref.training.Recipe`.
        views: see `predict`.
        classes: how many there are; as many as the labels show where it is not said.

    Raises:
        TypeError: the model, or a loss of one's own, returns no tensor.
        ValueError: no such loss or views, no batch, or outputs that do not go with the labels or
            the loss.
    """
    criterion = loss_of(loss)
    logits, labels = predict(model, batches, views=views)
    if isinstance(loss, str):
        _require_logits(logits, labels, loss, classes)
        # In float64, so that the mean over thousands of images does not depend on their grouping.
        logits, labels = logits.cpu().double(), labels.cpu()
    with torch.no_grad():
        try:
            mean = one_number(criterion(logits, labels)).double()
        except Exception as error:
            error.add_note(f"the loss was given outputs {_kind(logits)}, targets {_kind(labels)}")
            raise
    right = mean.new_tensor(math.nan)
    if isinstance(loss, str) or are_classes(logits, labels):
        right = (probabilities(logits).argmax(1) == labels).double().mean()
    means = torch.stack([mean, right]).cpu()
    return Evaluation(*team().mean(means, len(labels)).tolist())


def are_classes(outputs: Tensor, targets: Tensor) -> bool:
    """Whether outputs are logits of the classes that the targets are, so that some are right.

    Args:
        outputs: of a model.
        targets: what they should have been.
    """
    if targets.dtype != torch.int64 or targets.dim() != 1 or outputs.dim() != 2:
        return False
    return bool(targets.min() >= 0 and targets.max() < max(2, outputs.shape[1]))


def one_number(loss: Tensor) -> Tensor:
    """Refuse a loss that is no mean.

    Raises:
        TypeError: it is no tensor.
        ValueError: it is not one number.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"a loss must be one number in a tensor, computed from the outputs, got {loss!r}"
        )
    if loss.dim():
        raise ValueError(
            f"a loss must be one number, the mean over the examples, got {tuple(loss.shape)}; "
            "torch's losses give it with reduction='mean'"
        )
    return loss


def _require_logits(logits: Tensor, labels: Tensor, loss: str, classes: int | None) -> None:
    """What the losses of `LOSSES` need, before torch says it in other words, or not at all."""
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise ValueError(
            f"{loss} needs classes, int64 (N,), got targets of {labels.dtype} "
            f"{tuple(labels.shape)}; {_to_classes(labels)}"
        )
    least, most = int(labels.min()), max(int(labels.max()) + 1, classes or 0)
    if least < 0:
        raise ValueError(f"labels must be classes from 0 on, got {least}")
    binary = loss == "binary-cross-entropy"
    if logits.dim() != 2 or binary != (logits.shape[1] == 1):
        wanted = "one logit, (N, 1)" if binary else "a logit for each class, (N, classes)"
        other = "cross-entropy" if binary else "binary-cross-entropy"
        told = f", or the loss: Recipe(loss={other!r})" if logits.dim() == 2 else ""
        raise ValueError(
            f"{loss} needs {wanted}, the network returns {tuple(logits.shape)}; change its last "
            f"layer{told}"
        )
    if most > max(2, logits.shape[1]):
        from_1 = least == 1 and most == max(2, logits.shape[1]) + 1
        raise ValueError(
            f"there are {most} classes, and the network returns {tuple(logits.shape)}: "
            f"{loss} needs {'two classes' if logits.shape[1] == 1 else 'a logit for each'}"
            + ("; the labels begin with 1: take 1 away" if from_1 else "")
        )


def _to_classes(targets: Tensor) -> str:
    """What makes classes of targets, if they are classes in another form."""
    whole = bool((targets == targets.round()).all()) if targets.is_floating_point() else True
    if targets.dim() == 1 and whole:
        return "these are whole numbers: y.long() makes classes of them"
    if targets.dim() == 2 and whole and targets.shape[1] == 1:
        return "y.squeeze(1).long() makes classes of these"
    zeros_and_ones = bool(((targets == 0) | (targets == 1)).all())
    if targets.dim() == 2 and zeros_and_ones and bool((targets.sum(1) == 1).all()):
        return "these are one-hot: y.argmax(1) makes classes of them"
    if targets.dim() > 2 and targets.dtype == torch.int64:
        return "for a class at each position: Recipe(loss=torch.nn.CrossEntropyLoss())"
    return "for other targets give a loss of your own"
