"""A fingerprint of what an experiment *does*, cheap enough to replay anywhere.

A record can outlive the code that made it. Its probe cannot: the experiment's own model, loss,
optimizer, schedule, batches, normalisation and evaluation run a few steps on a small synthetic
set (on some of its own data where these are no images or have no classes), in float64 on one CPU
thread, and the losses are kept. Refactoring leaves them as they were; a change of behaviour moves
them. Dropout is the one thing torch draws differently on different processors; here its masks come
from `torch.rand`, which is the same everywhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from cnnref.data import DATASETS, Examples, ImageSet, synthetic
from cnnref.experiments.catalogue import Experiment
from cnnref.training import History, Sprint, fit, seeded, sprint

__all__ = ["differences", "probe"]

TRAIN, TEST, BATCH, EPOCHS = 20, 12, 8, 2
"""Sizes of the probe: three batches an epoch, the last of them smaller."""

TOLERANCE = 1e-6
"""Relative. Float64 sums in another order differ by 1e-12; a changed constant by far more."""


def probe(experiment: Experiment) -> dict[str, list[float]]:
    """Run the experiment's probe.

    Returns:
        `"steps"`: the loss of every training step; `"evaluations"`: test loss and accuracy before
        training and after each epoch; the loss alone where targets are no classes.
    """
    train, test = _sets(experiment)
    asked = experiment.recipe
    shorter: dict[str, Any] = {
        "epochs": EPOCHS,
        "batch_size": min(BATCH, asked.batch_size),
        "precision": "float64",
        "seed": 0,
    }
    if isinstance(asked, Sprint):
        # Slow weights are met every five steps, and at the end they are the network.
        shorter |= {"epochs": 3 * EPOCHS, "whitening_epochs": min(3, asked.whitening_epochs)}
    else:
        # The probe's last batch is always short. Where the experiment's never is, nothing that
        # becomes of it may show here, and it counts as a full one.
        shorter["remainder"] = asked.remainder if experiment.ragged else "full"
    recipe = replace(asked, **shorter)
    train_model: Callable[..., History] = sprint if isinstance(recipe, Sprint) else fit
    with _one_thread(), seeded(recipe.seed), _SameDropoutEverywhere():
        model = experiment.build()
        model.register_forward_pre_hook(_require_mode)
        history = train_model(
            model, train, test, recipe, device="cpu", record_steps=True, progress=False
        )
    evaluations = [
        history.untrained,
        *zip(history.test_loss, history.test_accuracy, strict=True),
    ]
    return {
        "steps": history.step_loss or [],
        "evaluations": [
            value for pair in evaluations for value in pair[: 1 + (experiment.metric != "loss")]
        ],
    }


def _sets(experiment: Experiment) -> tuple[ImageSet | Examples, ImageSet | Examples]:
    """Small sets like the experiment's: synthetic images; else some of its own."""
    if isinstance(experiment.dataset, str):
        info = DATASETS[experiment.dataset]
        shape, classes = info.shape, len(info.class_names)
    else:
        train, test = experiment.dataset
        if isinstance(train, Examples) and not (train.are_bytes and train.class_names):
            return _some(train, TRAIN), _some(test, TEST)
        images = train.images if isinstance(train, ImageSet) else train.inputs
        shape, classes = tuple(images.shape[1:]), len(train.class_names)
    first, second = (
        synthetic(shape, classes, count, seed=seed) for seed, count in enumerate((TRAIN, TEST))
    )
    return first, second


def _some(data: Examples, count: int) -> Examples:
    return data.select(torch.linspace(0, len(data) - 1, count).long())


def differences(recorded: dict[str, Any], replayed: dict[str, Any]) -> list[str]:
    """What a replayed probe does otherwise than the recorded one, one line per kind of value."""
    lines = []
    for kind in sorted(recorded.keys() | replayed.keys()):
        old, new = recorded.get(kind, []), replayed.get(kind, [])
        if len(old) != len(new):
            lines.append(f"behaviour: the probe had {len(old)} {kind}, now it has {len(new)}")
            continue
        moved = [i for i, pair in enumerate(zip(old, new, strict=True)) if not _close(*pair)]
        if moved:
            i = moved[0]
            lines.append(
                f"behaviour: {len(moved)} of {len(old)} {kind} of the probe differ, the first at "
                f"{i + 1}: recorded {old[i]:.9g}, now {new[i]:.9g}"
            )
    return lines


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1e-3)


class _SameDropoutEverywhere(TorchFunctionMode):
    """Draw the masks of dropout by `torch.rand`: one entry, or one channel of one image, each."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in (F.dropout, F.dropout2d):
            return _dropout(func is F.dropout2d, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _dropout(
    whole_channels: bool, x: Tensor, p: float = 0.5, training: bool = True, **_: object
) -> Tensor:
    if not training:
        return x
    shape = (*x.shape[:2], *[1] * (x.dim() - 2)) if whole_channels else x.shape
    return x * (torch.rand(shape, dtype=torch.float64) >= p).to(x.dtype) / (1 - p)


def _require_mode(model: nn.Module, _: Any) -> None:
    """Gradients are on when the loop trains and off when it evaluates; so must the mode be."""
    if model.training != torch.is_grad_enabled():
        doing, mode = (
            ("trains", "evaluation") if torch.is_grad_enabled() else ("evaluates", "training")
        )
        raise RuntimeError(f"the loop {doing} with the model in {mode} mode")


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
