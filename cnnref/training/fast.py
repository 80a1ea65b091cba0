"""A short, fast training on CIFAR-10: what Jordan 2024 adds to the textbook loop, in one place.

    model = FastCNN()
    history = sprint(model, load("cifar10", "train"), load("cifar10", "test"), Sprint())

Where `cnnref.training.loop` is for any network and any data, this is one recipe, and every line of
it saves steps: images that are mirrored in every other epoch and moved by up to two pixels; a
learning rate that rises and falls in straight lines, and is 64 times as high for biases; and a slow
copy of the weights that is brought back into the network every five steps.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from cnnref.data import Batches, ImageSet
from cnnref.data.augmentation import crop
from cnnref.models import FastCNN
from cnnref.training.checkpoints import Checkpoint
from cnnref.training.devices import choose_device, seeded
from cnnref.training.evaluation import evaluate
from cnnref.training.history import History
from cnnref.training.processes import TeamError, team
from cnnref.training.recipes import Recipe

__all__ = ["Sprint", "sprint"]

LOOKAHEAD, MEET_EVERY = 0.95**5, 5
"""Most that the slow weights keep of themselves, and the steps between two meetings."""


@dataclass(frozen=True)
class Sprint(Recipe):
    """A `Recipe` with Jordan's values for defaults, and with what else he sets.

    Optimizer, schedule, augmentation and what becomes of a remainder are the sprint's own, and
    cannot be chosen.

    Args:
        momentum: of Nesterov's kind.
        bias_rate: factor on the learning rate of biases.
        whitening_epochs: epochs in which the bias of the whitening layer is trained.
        translation: largest shift of a training image to each side, in pixels.

    Raises:
        ValueError: the message names the field and the value.
    """

    optimizer: str = "nesterov"
    learning_rate: float = 1.465
    epochs: int = 10
    batch_size: int = 1000
    loss: str = "cross-entropy"
    weight_decay: float = 1.33e-3
    schedule: str = "one-cycle"
    precision: str = "bfloat16"
    label_smoothing: float = 0.2
    views: str = "six"
    momentum: float = 0.85
    bias_rate: float = 64.0
    whitening_epochs: int = 3
    translation: int = 2

    def __post_init__(self) -> None:
        """Refuse what the sprint would not do."""
        super().__post_init__()
        for name in ("optimizer", "schedule", "augmentation", "remainder"):
            own, asked = type(self).__dataclass_fields__[name].default, getattr(self, name)
            if asked != own:
                raise ValueError(
                    f"{name} of a sprint is always {own!r}, got {asked!r}; `fit` with a `Recipe` "
                    "has the choice"
                )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be from 0 to below 1, got {self.momentum!r}")
        if not self.bias_rate > 0:
            raise ValueError(f"bias_rate must be positive, got {self.bias_rate!r}")
        if min(self.whitening_epochs, self.translation) < 0:
            raise ValueError(
                "whitening_epochs and translation must not be negative, got "
                f"{self.whitening_epochs!r} and {self.translation!r}"
            )


def sprint(
    model: FastCNN,
    train: ImageSet,
    test: ImageSet,
    recipe: Sprint,
    *,
    device: str | None = None,
    record_steps: bool = False,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train `model` in place and test it after every epoch, by `recipe.views` after the last.

    A batch that would be smaller than the others is left out of its epoch.

    Args:
        model: the network; its whitening layer is set from the training images.
        train: the training set.
        test: the test set, or a validation set; it chooses nothing.
        recipe: how to train.
        device: `"cuda"`, `"mps"` or `"cpu"`; the best there is where none is given.
        record_steps: also keep the loss and the error of every step.
        progress: show a progress bar; where not said, on a terminal only.
        on_epoch: called after every epoch with its number, from 1, and the history so far.
        checkpoint: where to keep the state after every epoch, and to go on from.

    Raises:
        DeviceError: the device is not there.
        NonFiniteLossError: the loss stopped being finite; the message names epoch and step.
        TeamError: several processes would share one sprint.
        TypeError: the images are in no `ImageSet`.
        ValueError: there are fewer training images than a batch holds.
    """
    for data in (train, test):
        if not isinstance(data, ImageSet):
            raise TypeError(f"a sprint needs an ImageSet, got a {type(data).__name__}; see `fit`")
    if team().size > 1:
        raise TeamError(f"a sprint is one process's work, got {team().size}; start one")
    if len(train) < recipe.batch_size:
        raise ValueError(
            f"a batch of {recipe.batch_size} needs as many training images, got {len(train)}"
        )
    place = choose_device(device)
    wide = torch.float64 if recipe.precision == "float64" else torch.float32
    half = recipe.precision == "bfloat16"
    model.to(place, wide).to(memory_format=torch.channels_last)
    normalization = recipe.normalization(train)
    images = normalization(train.images.to(place), wide)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = train.labels.to(place)
    tests = Batches(test, 1000, normalization, device=place, dtype=wide)
    model.whiten(images[:5000])
    per_epoch = len(images) // recipe.batch_size
    sizes, steps = [recipe.batch_size] * per_epoch, recipe.epochs * per_epoch
    optimizer = _optimizer(model, recipe)
    scheduler = LambdaLR(optimizer, lambda step: _rate(step / steps))
    history = History(evaluate(model, tests, recipe.loss))
    history.step_loss, history.step_error = ([], []) if record_steps else (None, None)
    slow = [value.clone() for value in _averaged(model)]
    if place.type == "cuda":
        _warm_up(model, images[: recipe.batch_size], recipe)
    stateful: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    silent = None if progress is None else not progress
    with seeded(recipe.seed), tqdm(total=steps, unit="step", disable=silent) as bar:
        mirrored = torch.rand(len(images)) < 0.5
        kept = checkpoint.load() if checkpoint else None
        if kept:
            history = History.from_dict(kept["history"])
            for name, part in stateful.items():
                part.load_state_dict(kept[name])
            slow = [value.to(place) for value in kept["slow"]]
            torch.set_rng_state(kept["random"])
            bar.update(len(history.seconds) * per_epoch)
        for epoch in range(len(history.seconds), recipe.epochs):
            start, processor_start = time.perf_counter(), time.process_time()
            # Mirrored in every other epoch, an image is seen both ways in each two.
            batches = _batches(images, labels, mirrored ^ bool(epoch % 2), recipe)
            model.get_parameter("whitening.bias").requires_grad_(epoch < recipe.whitening_epochs)
            model.train()
            losses, right = [], []
            for batch, truth in batches:
                with torch.autocast(place.type, torch.bfloat16, enabled=half):
                    logits = model(batch).to(wide)
                loss = recipe.criterion(logits, truth)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                _meet(model, slow, scheduler.last_epoch, steps)
                losses.append(loss.detach())
                right.append((logits.detach().argmax(1) == truth).sum())
                bar.update()
            of_step, right_of_step = (torch.stack(each).cpu().double() for each in (losses, right))
            seconds = time.perf_counter() - start
            processor_seconds = time.process_time() - processor_start
            last = epoch + 1 == recipe.epochs
            after = evaluate(model, tests, recipe.loss, views=recipe.views if last else "one")
            history.require_finite(of_step, after, recipe)
            history.add(of_step, right_of_step, sizes, after, seconds, processor_seconds)
            bar.set_postfix(epoch=epoch + 1, test_accuracy=f"{after.accuracy:.4f}")
            if checkpoint:
                state = {name: part.state_dict() for name, part in stateful.items()}
                state |= {"slow": slow, "random": torch.get_rng_state()}
                checkpoint.save({**state, "history": history.to_dict()})
            if on_epoch:
                on_epoch(epoch + 1, history)
    return history


def _warm_up(model: FastCNN, images: Tensor, recipe: Sprint) -> None:
    """Let a GPU choose its kernels before the clock starts, on a copy of the network."""
    with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        copy.deepcopy(model)(images).float().sum().backward()
    torch.cuda.synchronize()


def _optimizer(model: FastCNN, recipe: Sprint) -> SGD:
    """Gradient descent with Nesterov's momentum, and a higher rate for the biases.

    The decay of a weight at a step is its rate times `weight_decay`, and shall be one for all.
    """
    rate, decay = recipe.learning_rate, recipe.weight_decay
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    others = [p for name, p in model.named_parameters() if not name.endswith("bias")]
    groups = [
        {
            "params": biases,
            "lr": rate * recipe.bias_rate,
            "weight_decay": decay / recipe.bias_rate,
        },
        {"params": [p for p in others if p.requires_grad], "lr": rate, "weight_decay": decay},
    ]
    return SGD(groups, momentum=recipe.momentum, nesterov=True)


def _rate(progress: float) -> float:
    """Factor on the rates: from 0.2 up to 1 at 23 % of the steps, then down to 0.07."""
    up, down = 0.2 + 0.8 * progress / 0.23, 1 - 0.93 * (progress - 0.23) / 0.77
    return min(up, down)


def _batches(
    images: Tensor, labels: Tensor, mirrored: Tensor, recipe: Sprint
) -> Iterator[tuple[Tensor, Tensor]]:
    """The whole batches of one epoch."""
    whole = len(images) // recipe.batch_size
    for chosen in torch.randperm(len(images)).split(recipe.batch_size)[:whole]:
        at, mirror = chosen.to(images.device), mirrored[chosen].to(images.device)
        yield _moved(images[at], mirror, recipe.translation), labels[at]


def _moved(images: Tensor, mirror: Tensor, translation: int) -> Tensor:
    """Images, some of them mirrored, each moved by up to `translation` pixels."""
    turned = torch.where(mirror[:, None, None, None], images.flip(3), images)
    return crop(turned, translation, mode="reflect")


def _averaged(model: FastCNN) -> list[Tensor]:
    return [value for value in model.state_dict().values() if value.is_floating_point()]


@torch.no_grad()
def _meet(model: FastCNN, slow: list[Tensor], step: int, steps: int) -> None:
    """Lookahead (Zhang et al. 2019): every few steps the slow weights move, the fast ones there.

    The slow ones keep more and more of themselves, and at the very end the network becomes them.
    """
    if step % MEET_EVERY and step < steps:
        return
    keep = LOOKAHEAD * (step / steps) ** 3 if step < steps else 1.0
    for slowly, fast in zip(slow, _averaged(model), strict=True):
        slowly.lerp_(fast, 1 - keep)
        fast.copy_(slowly)
