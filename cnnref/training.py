"""One training loop, for two classes or many, on any device.

    model = PlainCNN()
    history = fit(model, load("cats-dogs", "train"), load("cats-dogs", "test"), Recipe())

The loop itself is `_train_epoch`; `fit` repeats it and writes the `History`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from tqdm import tqdm

from cnnref.data import Batches, ImageSet
from cnnref.errors import CnnrefError, unknown

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "DeviceError",
    "Evaluation",
    "History",
    "NonFiniteLossError",
    "Recipe",
    "choose_device",
    "evaluate",
    "fit",
    "predict",
    "probabilities",
    "seeded",
]


class DeviceError(CnnrefError, ValueError):
    """The device is unknown, or this machine does not have it."""


class NonFiniteLossError(CnnrefError, ArithmeticError):
    """The training loss became infinite or not a number."""


# -- what a recipe can name ------------------------------------------------------------------------


def _binary_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.squeeze(1), labels.to(logits.dtype))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "binary-cross-entropy": _binary_cross_entropy,
    "cross-entropy": F.cross_entropy,
}
"""Losses in nats per image, from logits `(N, 1)` for the binary one, else `(N, classes)`."""

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
"""Optimizers, with torch's own defaults apart from the learning rate and the weight decay."""

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


# -- devices and seeds -----------------------------------------------------------------------------


def choose_device(name: str | None = None) -> torch.device:
    """The device called `name`, or the best there is: CUDA, then MPS, then the CPU.

    Raises:
        DeviceError: `name` is no device, or this machine does not have it.
    """
    available = {
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
        "cpu": 1,
    }
    if name is None:
        return torch.device(next(kind for kind, count in available.items() if count))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(unknown("device", name, available)) from error
    if device.type not in available:
        raise DeviceError(unknown("device", name, available))
    if (device.index or 0) >= available[device.type]:
        here = ", ".join(kind for kind, count in available.items() if count)
        raise DeviceError(f"device {name!r} is not on this machine; it has: {here}")
    return device


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw random numbers from `seed` inside the block; leave torch's generators as they were."""
    cuda = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(cuda):
        torch.manual_seed(seed)
        yield


# -- evaluation ------------------------------------------------------------------------------------


class Evaluation(NamedTuple):
    """How well a model does on a set of images."""

    loss: float
    """Mean loss over the images, in nats."""
    accuracy: float
    """Share of images whose most probable class is right."""


def predict(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Logits and labels of every image, in evaluation mode and without gradients.

    Args:
        model: returns logits `(B, classes)`, or `(B, 1)` for two classes; its mode is restored.
        batches: `Batches`, or any iterable of normalised images and labels on the model's device,
            a `DataLoader` for instance.

    Returns:
        Logits `(N, classes or 1)` and labels `(N,)`, in the order of `batches`.

    Raises:
        ValueError: there is no batch.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            pairs = [(model(images), labels) for images, labels in batches]
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
) -> Evaluation:
    """Loss and accuracy over all images, as the test function of question UT-P2.3.

    Every image weighs the same, also where the last batch is smaller.

    Args:
        model: see `predict`.
        batches: see `predict`.
        loss: a key of `LOSSES`.

    Raises:
        ValueError: no such loss, or no batch.
    """
    if loss not in LOSSES:
        raise ValueError(unknown("loss", loss, LOSSES))
    logits, labels = predict(model, batches)
    # In float64, so that the mean over thousands of images does not depend on their grouping.
    logits = logits.cpu().double()
    labels = labels.cpu()
    right = probabilities(logits).argmax(1) == labels
    return Evaluation(LOSSES[loss](logits, labels).item(), right.double().mean().item())


# -- training --------------------------------------------------------------------------------------


@dataclass
class History:
    """What a training run did. Lists hold one entry per epoch.

    Attributes:
        untrained: evaluation on the test set before the first step.
        train_loss: mean loss in nats over the epoch's images, each when it was trained on, so an
            average over the epoch's changing weights.
        train_accuracy: likewise, the share that was right.
        test_loss: mean loss in nats on the test set after the epoch.
        test_accuracy: accuracy on the test set after the epoch.
        seconds: wall time of the epoch's training in seconds, without the evaluation.
        images_per_second: training images over that time.
        step_loss: loss of every mini-batch, where it was asked for.
    """

    untrained: Evaluation
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    images_per_second: list[float] = field(default_factory=list)
    step_loss: list[float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The history as plain lists and numbers, for JSON."""
        return {**asdict(self), "untrained": self.untrained._asdict()}


def fit(
    model: nn.Module,
    train: ImageSet,
    test: ImageSet,
    recipe: Recipe,
    *,
    device: str | None = None,
    record_steps: bool = False,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
) -> History:
    """Train `model` in place and test it after every epoch.

    Both sets are normalised with the training set's statistics. Torch's global random state is
    left as it was.

    Args:
        model: returns logits; it ends on the device it was trained on.
        train: the training set.
        test: the test set; it is looked at, never trained on, and chooses nothing.
        recipe: how to train.
        device: `"cuda"`, `"mps"` or `"cpu"`; the best there is where none is given.
        record_steps: also keep the loss of every step.
        progress: show a progress bar; where none is given, on a terminal only.
        on_epoch: called after every epoch with its number, from 1, and the history so far.

    Raises:
        DeviceError: the device is not there.
        NonFiniteLossError: the loss stopped being finite; the message names epoch and step.
        ValueError: the binary loss was asked for with other than two classes.
    """
    if recipe.loss == "binary-cross-entropy" and len(train.class_names) != 2:
        raise ValueError(
            f"binary cross-entropy needs two classes, the training set has "
            f"{len(train.class_names)}; extract two of them, or use the loss 'cross-entropy'"
        )
    place = choose_device(device)
    wide = torch.float64 if recipe.precision == "float64" else torch.float32
    model.to(place, wide)
    normalization = train.normalization()
    batches = Batches(
        train,
        recipe.batch_size,
        normalization,
        shuffle_seed=recipe.seed,
        device=place,
        dtype=wide,
    )
    test_batches = Batches(test, 1000, normalization, device=place, dtype=wide)
    optimizer = OPTIMIZERS[recipe.optimizer](
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = recipe.epochs * len(batches)
    scheduler = LambdaLR(optimizer, lambda step: SCHEDULES[recipe.schedule](step / steps))

    history = History(evaluate(model, test_batches, recipe.loss))
    history.step_loss = [] if record_steps else None
    bar = tqdm(total=steps, unit="step", disable=None if progress is None else not progress)
    with seeded(recipe.seed), bar:
        for epoch in range(recipe.epochs):
            start = time.perf_counter()
            losses, right = _train_epoch(
                model, batches.epoch(epoch), optimizer, scheduler, recipe, bar
            )
            seconds = time.perf_counter() - start
            after = evaluate(model, test_batches, recipe.loss)
            _require_finite(losses, after, epoch, recipe)
            sizes = torch.full_like(losses, recipe.batch_size)
            sizes[-1] = len(train) - recipe.batch_size * (len(batches) - 1)
            history.train_loss.append((losses * sizes).sum().item() / len(train))
            history.train_accuracy.append(right / len(train))
            history.test_loss.append(after.loss)
            history.test_accuracy.append(after.accuracy)
            history.seconds.append(seconds)
            history.images_per_second.append(len(train) / seconds)
            if history.step_loss is not None:
                history.step_loss.extend(losses.tolist())
            bar.set_postfix(
                epoch=epoch + 1,
                test_loss=f"{after.loss:.3f}",
                test_accuracy=f"{after.accuracy:.3f}",
            )
            if on_epoch:
                on_epoch(epoch + 1, history)
    return history


def _train_epoch(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    optimizer: Optimizer,
    scheduler: LRScheduler,
    recipe: Recipe,
    bar: tqdm[Any],
) -> tuple[Tensor, int]:
    """One pass over the batches: the loss of each, and how many images were right."""
    half = recipe.precision == "bfloat16"
    losses, right = [], []
    model.train()
    for images, labels in batches:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
            logits = model(images).to(images.dtype)
        loss = LOSSES[recipe.loss](logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        # Kept on the device: reading a value here would make a GPU wait.
        losses.append(loss.detach())
        guesses = probabilities(logits.detach()).argmax(1)
        right.append((guesses == labels).sum())
        bar.update()
    return torch.stack(losses).cpu().double(), int(torch.stack(right).sum())


def _require_finite(losses: Tensor, after: Evaluation, epoch: int, recipe: Recipe) -> None:
    bad = (~losses.isfinite()).nonzero().flatten()
    if len(bad):
        step = int(bad[0])
        found = f"training loss is {losses[step].item()} at step {step + 1} of"
    elif not math.isfinite(after.loss):
        found = f"test loss is {after.loss} after"
    else:
        return
    raise NonFiniteLossError(
        f"the {found} epoch {epoch + 1} (optimizer {recipe.optimizer}, learning rate "
        f"{recipe.learning_rate}); try a smaller learning rate"
    )
