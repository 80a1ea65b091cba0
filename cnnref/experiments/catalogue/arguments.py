"""Beyond the handouts: experiments that settle an argument of the book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cnnref.experiments.catalogue.entry import Expectation, Experiment
from cnnref.training import Recipe

__all__ = ["arguments"]

_SEEDS = (0, 1, 2)


def arguments() -> Iterator[Experiment]:
    """Sharing weights, several reaches side by side, and a wide field."""
    yield from _sharing()
    yield from _inception()
    yield from _wide_field()


def _sharing() -> Iterator[Experiment]:
    recipe = Recipe(epochs=5, batch_size=128, loss="cross-entropy")
    one_layer = Expectation(
        0.94, 0.99, "LeCun et al. 1998: from 0.953 for 300 hidden units to 0.983 for LeNet-1"
    )
    for name, title, model, values in (
        ("dense", "52 units that see everything", "MLP", {"hidden": [52]}),
        ("local", "8 features, weights not shared", "OneLayer", {"shared": False}),
        ("shared", "8 features, weights shared", "OneLayer", {}),
        ("shared-wide", "28 features, weights shared", "OneLayer", {"features": 28}),
    ):
        yield Experiment(
            name=f"sharing-{name}",
            title=f"MNIST, one hidden layer: {title}",
            dataset="mnist",
            model=model,
            recipe=recipe,
            seeds=_SEEDS,
            arguments=values,
            keep_weights=model == "OneLayer",
            expected=one_layer,
        )


def _inception() -> Iterator[Experiment]:
    recipe = Recipe(
        learning_rate=2e-3, epochs=6, batch_size=128, loss="cross-entropy", schedule="cosine"
    )
    for name, plain in (("block", False), ("plain", True)):
        yield Experiment(
            name=f"inception-{name}",
            title="Fashion-MNIST: " + ("plain convolutions" if plain else "Inception modules"),
            dataset="fashion-mnist",
            model="InceptionNet",
            recipe=recipe,
            seeds=_SEEDS,
            arguments={"plain": plain},
            expected=Expectation(
                0.876,
                0.916,
                "Fashion-MNIST's own list, for two or three convolutions",
                explanation="the network is small and trains for six epochs",
            ),
        )


def _wide_field() -> Iterator[Experiment]:
    recipe = Recipe(learning_rate=3e-3, epochs=6, batch_size=50, schedule="cosine")
    chance = Expectation(
        0.47, 0.53, "chance: no window holds both marks; a comparison of windows is hard to find"
    )
    seen = Expectation(0.90, 1.0, "the field holds both marks, and nothing else varies but noise")
    deep = replace(
        seen,
        explanation="its field suffices, but torch's start leaves each layer a sixth of its signal",
    )
    for name, dilations, expected, he in (
        ("standard", [1, 1, 1, 1], chance, {}),
        ("dilated", [1, 2, 4, 8], seen, {}),
        ("deep", [1] * 8, deep, {}),
        ("deep-he", [1] * 8, None, {"he": True}),
    ):
        yield Experiment(
            name=f"wide-field-{name}",
            title=f"Far pairs: dilations {', '.join(map(str, dilations))}"
            + ", He's start" * len(he),
            dataset="far-pairs",
            model="DilatedStack",
            recipe=recipe,
            seeds=(0, 1, 2, 3, 4) if he else _SEEDS,
            arguments={"dilations": dilations, **he},
            expected=expected,
        )
