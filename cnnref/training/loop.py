"""The training loop: `_train_epoch` is one pass over the data, `fit` repeats it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from tqdm import tqdm

from cnnref.data import AUGMENTATIONS
from cnnref.errors import shown
from cnnref.training.checkpoints import Checkpoint
from cnnref.training.devices import choose_device, seeded
from cnnref.training.evaluation import evaluate, one_number, probabilities
from cnnref.training.history import History
from cnnref.training.material import prepared
from cnnref.training.processes import TeamError, team
from cnnref.training.recipes import OPTIMIZERS, SCHEDULES, Recipe

__all__ = ["fit"]


def fit(
    model: nn.Module,
    train: Any,
    test: Any,
    recipe: Recipe,
    *,
    device: str | None = None,
    record_steps: bool = False,
    progress: bool | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
    on_step: Callable[[int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train `model` in place and test it after every epoch.

    What is learnt from, and what becomes of it:

    - Images as bytes, uint8 `(N, C, H, W)`, an `ImageSet` or a pair `(x, y)` of tensors or arrays:
      kept on the device, and normalised as `recipe.pixels` says, training and test images alike.
    - Inputs of any other type and shape, a pair `(x, y)` or a `TensorDataset`: kept on the device,
      and taken as they are.
    - A dataset with a length, of PIL images or tensors: each item is read once, then as above.
    - A `DataLoader` of floats: iterated once an epoch. Batch size, order, workers and random
      transforms are its own, and `recipe.batch_size` says nothing. Its dataset has a length.

    The weights become float32, or float64 if `recipe.precision` says so.

    Labels are whole numbers from 0; for other targets `recipe.loss` is a function of one's own, and
    accuracies are not numbers. Torch's global random state is left as it was. Under `torchrun`
    every process calls this with the same arguments, and each takes its share of every batch.

    Args:
        model: returns logits, or what the loss takes; it ends on the device it was trained on.
        train: the training set, in one of the forms above.
        test: the test set, or a validation set; it is looked at, never trained on, and chooses
            nothing.
        recipe: how to train.
        device: `"cuda"`, `"mps"` or `"cpu"`; the best there is where none is given.
        record_steps: also keep the loss and the error of every step.
        progress: show a progress bar; where none is given, on a terminal only.
        on_epoch: called after every epoch with its number, from 1, and the history so far.
        on_step: called after every step with its number, from 1 in the first epoch; for looking
            closely, since whatever it evaluates makes training wait.
        checkpoint: where to keep the state after every epoch, and to go on from.

    Raises:
        DeviceError: the device is not there.
        NonFiniteLossError: the loss stopped being finite; the message names epoch and step.
        TeamError: the work cannot be shared out over the processes of this run.
        TypeError: the model is no network; the recipe is of another loop, a `Sprint` for instance;
            or the data are nothing to be trained on.
        ValueError: the model has nothing to train, or no weights yet; training and test set have
            other classes or another scale; the outputs do not go with the labels or the loss; or
            the recipe asks for what these data do not allow.
    """
    if type(recipe) is not Recipe:
        name = type(recipe).__name__
        raise TypeError(f"fit trains by a Recipe, got a {name}; `sprint` trains by a Sprint")
    _require_network(model)
    us = team()
    place = us.place(choose_device(device))
    wide = torch.float64 if recipe.precision == "float64" else torch.float32
    share = (us.rank, us.size)
    batches, test_batches, classes = prepared(train, test, recipe, place, wide, share)
    if recipe.loss == "binary-cross-entropy" and classes not in (None, 2):
        raise ValueError(
            f"binary cross-entropy needs two classes, the training set has {classes}; extract two "
            "of them, or use the loss 'cross-entropy'"
        )
    # Channels last is the layout that convolutions on CPUs and tensor cores are fastest in.
    model.to(place, wide).to(memory_format=torch.channels_last)
    network = us.network(model, place)
    if isinstance(recipe.loss, nn.Module):
        recipe.loss.to(place, wide)  # class weights, for instance
    if min(batches.sizes[-1], test_batches.sizes[-1]) < us.size:
        raise TeamError(
            f"the last batches have {batches.sizes[-1]} training and {test_batches.sizes[-1]} "
            f"test images, too few for {us.size} processes; start fewer"
        )
    optimizer = OPTIMIZERS[recipe.optimizer](
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = recipe.epochs * len(batches)
    scheduler = LambdaLR(optimizer, lambda step: SCHEDULES[recipe.schedule](step / steps))
    stateful: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}

    measure = partial(
        evaluate, model, test_batches, recipe.loss, views=recipe.views, classes=classes
    )
    kept = us.from_leader(checkpoint.load) if checkpoint else None
    if kept:
        history = History.from_dict(kept["history"])
        for name, part in stateful.items():
            part.load_state_dict(kept[name])
    else:
        history = History(measure())
        history.step_loss, history.step_error = ([], []) if record_steps else (None, None)
    done = len(history.train_loss)
    silent = True if not us.leads else None if progress is None else not progress
    bar = tqdm(total=steps, initial=done * len(batches), unit="step", disable=silent)
    with seeded(recipe.seed), bar:
        for epoch in range(done, recipe.epochs):
            # Dropout, too, can go on at any epoch, and differs from process to process: in the low
            # 32 bits, since the CPU's generator looks at no others.
            torch.manual_seed(recipe.seed * 1_000_003 + epoch + us.rank * 2_654_435_761)
            start, processor_start = time.perf_counter(), time.process_time()
            losses, right = _train_epoch(
                network,
                batches.epoch(epoch),
                batches.sizes,
                optimizer,
                scheduler,
                recipe,
                bar,
                on_step,
                classes=not math.isnan(history.untrained.accuracy),
            )
            seconds = time.perf_counter() - start
            processor_seconds = time.process_time() - processor_start
            after = measure()
            history.require_finite(losses, after, recipe)
            history.add(losses, right, batches.sizes, after, seconds, processor_seconds)
            bar.set_postfix(
                epoch=epoch + 1,
                test_loss=f"{after.loss:.3f}",
                test_accuracy=f"{after.accuracy:.3f}",
            )
            if checkpoint:
                state = {name: part.state_dict() for name, part in stateful.items()}
                us.from_leader(partial(checkpoint.save, {**state, "history": history.to_dict()}))
            if on_epoch and us.leads:
                on_epoch(epoch + 1, history)
    return history


def _train_epoch(
    network: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    sizes: list[int],
    optimizer: Optimizer,
    scheduler: LRScheduler,
    recipe: Recipe,
    bar: tqdm[Any],
    on_step: Callable[[int], None] | None = None,
    *,
    classes: bool = True,
) -> tuple[Tensor, Tensor]:
    """One pass over the batches: the loss of each, and how many of its images were right."""
    half = recipe.precision == "bfloat16"
    augment = AUGMENTATIONS[recipe.augmentation]
    processes = team().size
    losses, right = [], []
    network.train()
    for (images, labels), size in zip(batches, sizes, strict=True):
        with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
            logits = network(augment(images))
        logits = logits.float() if half else logits
        # This process's share of the batch's mean loss: all of it, where there is one process.
        loss = one_number(recipe.criterion(logits, labels)) * (len(labels) / size)
        if not loss.requires_grad:
            raise ValueError(
                "the loss has no gradient: the network or the loss detaches what it computes, or "
                "turns it into plain numbers"
            )
        # A last batch that is smaller steps in proportion: each image weighs as in a full one.
        share = size / sizes[0] if recipe.remainder == "scaled" else 1.0
        optimizer.zero_grad()
        (loss * share * processes).backward()  # the gradients are averaged over the processes
        optimizer.step()
        scheduler.step()
        # Kept on the device: reading a value here would make a GPU wait.
        losses.append(loss.detach())
        right.append(_right(logits.detach(), labels) if classes else losses[-1] * math.nan)
        bar.update()
        if on_step:
            on_step(scheduler.last_epoch)  # torch's name for the number of steps so far
    loss_of_step = torch.stack(losses)
    both = torch.stack([loss_of_step, torch.stack(right).to(loss_of_step.dtype)])
    loss_of_step, right_of_step = team().add_up(both).cpu().double()
    return loss_of_step, right_of_step


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return (probabilities(logits).argmax(1) == labels).sum()


def _require_network(model: object) -> None:
    """Refuse what cannot be trained, before torch says so in other words."""
    if isinstance(model, type) and issubclass(model, nn.Module):
        name = model.__name__
        raise TypeError(f"{name} is a class, not a network: make one, {name}(...)")
    if not isinstance(model, nn.Module):
        made = ": call it, and give what it makes" if callable(model) else ""
        raise TypeError(f"a network, a torch.nn.Module, is needed, got {shown(model)}{made}")
    weights = [*model.parameters()]
    if any(isinstance(weight, nn.UninitializedParameter) for weight in weights):
        raise ValueError(
            "the network has lazy layers without weights: call it once on an example, then fit it"
        )
    if any(weight.is_meta for weight in weights):
        raise ValueError(
            "the network is on the meta device, and its weights have no values: make it on the CPU"
        )
    if not any(weight.requires_grad for weight in weights):
        raise ValueError(
            f"there is nothing to train: no parameter of the network ({len(weights)} in all) asks "
            "for a gradient; model.requires_grad_() has all of them ask"
        )
