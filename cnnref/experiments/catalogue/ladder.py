"""CIFAR-10 from 60 to 94 per cent, one ingredient a rung."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cnnref.experiments.catalogue.entry import Expectation, Experiment, short
from cnnref.training import Recipe, Sprint

__all__ = ["LADDER", "ladder"]

LADDER = (
    "cifar10-cnn",
    "ladder-batch-norm",
    "ladder-one-cycle",
    "ladder-smoothing",
    "ladder-mirror",
    "ladder-width",
    "ladder-flips-crops",
    "ladder-sprint",
    "ladder-94",
)
"""The rungs from below: each has one thing that the one before it has not."""

_TRIED = {"constant": (1e-2, 3e-2, 1e-1, 3e-1), "one-cycle": (1e-1, 3e-1, 1.0, 3.0)}
_PICKED = {"constant": 1e-1, "one-cycle": 1.0}


def ladder() -> Iterator[Experiment]:
    """Every rung above the network that reads digits, and the search for two of their rates."""
    start = Recipe(
        "momentum",
        _PICKED["constant"],
        epochs=6,
        batch_size=250,
        loss="cross-entropy",
        weight_decay=5e-4,
        precision="bfloat16",
    )
    narrow: dict[str, Any] = {"widths": (24, 48, 48), "prepared": False}
    wide: dict[str, Any] = {"widths": (48, 96, 96), "prepared": False}
    for schedule, rates in _TRIED.items():
        for rate in rates:
            yield Experiment(
                name=f"ladder-tune-{schedule}-{short(rate)}",
                title=f"The ladder: {schedule}, learning rate {rate:g}",
                dataset="cifar10-tuning",
                model="FastCNN",
                recipe=replace(start, schedule=schedule, learning_rate=rate),
                seeds=(0,),
                arguments=narrow,
            )
    cycle = replace(start, schedule="one-cycle", learning_rate=_PICKED["one-cycle"])
    smooth = replace(cycle, label_smoothing=0.2)
    asked_twice = replace(smooth, views="mirror")
    moved = replace(asked_twice, augmentation="flip-crop")
    for name, title, recipe, arguments in (
        ("batch-norm", "six convolutions, batch norm", start, narrow),
        ("one-cycle", "the rate in one cycle", cycle, narrow),
        ("smoothing", "labels smoothed", smooth, narrow),
        ("mirror", "asked twice, once mirrored", asked_twice, narrow),
        ("width", "twice as wide", asked_twice, wide),
        ("flips-crops", "flips and crops", moved, wide),
    ):
        yield Experiment(
            name=f"ladder-{name}",
            title=f"The ladder: {title}",
            dataset="cifar10",
            model="FastCNN",
            recipe=recipe,
            seeds=(0, 1, 2),
            arguments=arguments,
        )
    yield Experiment(
        name="ladder-sprint",
        title="The ladder: Jordan's recipe, as wide and as long as before",
        dataset="cifar10",
        model="FastCNN",
        recipe=Sprint(epochs=6),
        seeds=(0, 1, 2),
        arguments={"widths": (48, 96, 96)},
    )
    yield Experiment(
        name="ladder-94",
        title="The ladder: full width, and nearly twice as long",
        dataset="cifar10",
        model="FastCNN",
        recipe=Sprint(epochs=11),
        seeds=(0, 1, 2),
        expected=Expectation(
            0.937,
            0.943,
            "Jordan 2024: 0.9401 in 9.9 epochs, on another processor",
        ),
    )
