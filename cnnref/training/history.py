"""What a training run did, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from cnnref.errors import CnnrefError
from cnnref.training.evaluation import Evaluation
from cnnref.training.recipes import Recipe

__all__ = ["History", "NonFiniteLossError"]


class NonFiniteLossError(CnnrefError, ArithmeticError):
    """The training loss became infinite or not a number."""


@dataclass(repr=False)
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
        processor_seconds: processor time of the epoch's training in seconds, of this process and
            all its threads: on a CPU, what the epoch cost, whatever else the machine was doing.
        step_loss: loss of every mini-batch, where it was asked for.
        step_error: share of every mini-batch that was wrong, where it was asked for.
    """

    untrained: Evaluation
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    images_per_second: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    step_loss: list[float] | None = None
    step_error: list[float] | None = None

    def __repr__(self) -> str:
        """What it is, in one line."""
        if not self.test_loss:
            return f"<History before the first epoch: test loss {self.untrained.loss:.4g}>"
        told = f"test loss {self.test_loss[-1]:.4g}"
        if not math.isnan(self.test_accuracy[-1]):
            told += f", test accuracy {self.test_accuracy[-1]:.4g}"
        epochs = len(self.test_loss)
        return f"<History of {epochs} epoch{'' if epochs == 1 else 's'}: {told}>"

    def add(
        self,
        losses: Tensor,
        right: Tensor,
        sizes: Sequence[int],
        after: Evaluation,
        seconds: float,
        processor_seconds: float,
    ) -> None:
        """Add an epoch.

        Args:
            losses: of every step, the mean over its images, in double precision.
            right: how many of its images were right.
            sizes: how many images it had.
            after: the evaluation after the epoch.
            seconds: of training, by the clock.
            processor_seconds: of training, of all threads.
        """
        images, of_each = sum(sizes), torch.tensor(sizes, dtype=torch.float64)
        self.train_loss.append((losses * of_each).sum().item() / images)
        self.train_accuracy.append(right.sum().item() / images)
        self.test_loss.append(after.loss)
        self.test_accuracy.append(after.accuracy)
        self.seconds.append(seconds)
        self.images_per_second.append(images / seconds)
        self.processor_seconds.append(processor_seconds)
        if self.step_loss is not None and self.step_error is not None:
            self.step_loss.extend(losses.tolist())
            self.step_error.extend((1 - right / of_each).tolist())

    def require_finite(self, losses: Tensor, after: Evaluation, recipe: Recipe) -> None:
        """Refuse an epoch, the next to be added, whose training or test loss is not finite.

        Where the loss was not finite before the first step, the learning rate is not to blame.

        Args:
            losses: of every step of the epoch, on the CPU.
            after: the evaluation after it.
            recipe: how it was trained, for the message.

        Raises:
            NonFiniteLossError: the message names epoch and step.
        """
        epoch = len(self.train_loss)
        bad = (~losses.isfinite()).nonzero().flatten()
        at_once = not math.isfinite(self.untrained.loss)
        if len(bad):
            at_once |= epoch == 0 and int(bad[0]) == 0
            step = int(bad[0])
            found = f"training loss is {losses[step].item()} at step {step + 1} of"
        elif not math.isfinite(after.loss):
            found = f"test loss is {after.loss} after"
        else:
            return
        raise NonFiniteLossError(
            f"the {found} epoch {epoch + 1} (optimizer {recipe.optimizer}, learning rate "
            f"{recipe.learning_rate}); "
            + (
                "so it was before the weights took any step: look at the inputs, the targets and "
                "what the network returns"
                if at_once
                else "try a smaller learning rate"
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """The history as plain lists and numbers, for JSON."""
        return {**asdict(self), "untrained": self.untrained._asdict()}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> History:
        """The history that `to_dict` made plain."""
        return cls(**{**plain, "untrained": Evaluation(**plain["untrained"])})
