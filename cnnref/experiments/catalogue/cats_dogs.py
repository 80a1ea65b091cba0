"""Questions UT-P2 and UT-P3: cats and dogs, twenty epochs, five networks, one recipe; ablations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cnnref.experiments.catalogue.entry import Expectation, Experiment
from cnnref.training import Recipe

__all__ = ["cats_dogs"]


def cats_dogs() -> Iterator[Experiment]:
    """The plain network and the one with a skip connection, with and without regularisation."""
    recipe = Recipe(
        optimizer="adam",
        learning_rate=1e-3,
        epochs=20,
        batch_size=100,
        loss="binary-cross-entropy",
    )
    regularised = {"batch_norm": True, "dropout": 0.4}
    for name, title, model, arguments in (
        ("plain", "the plain CNN", "PlainCNN", {}),
        ("plain-bn-dropout", "plain, batch norm, dropout", "PlainCNN", regularised),
        ("skip", "with a skip connection", "SkipCNN", {}),
        ("skip-bn-dropout", "skip, batch norm, dropout", "SkipCNN", regularised),
        ("skip-bn", "skip, batch norm", "SkipCNN", {"batch_norm": True}),
    ):
        yield Experiment(
            name=f"cats-dogs-{name}",
            title=f"Cats and dogs: {title}",
            dataset="cats-dogs",
            model=model,
            recipe=recipe,
            seeds=(0, 1, 2, 3, 4),
            arguments=arguments,
            keep_weights=True,
            expected=Expectation(
                0.74,
                0.86,
                "far above chance; but ten thousand images and no augmentation leave a small "
                "network short of the nine in ten that large ones reach on this hardest pair",
                afterwards=True,
            ),
        )
    yield from _ablations(recipe)


def _ablations(recipe: Recipe) -> Iterator[Experiment]:
    """One thing changed at a time, and what else helps against over-fitting."""
    both = {"batch_norm": True, "dropout": 0.4}
    for name, title, model, arguments in (
        ("plain-dropout", "plain, dropout alone", "PlainCNN", {"dropout": 0.4}),
        ("plain-bn", "plain, batch norm alone", "PlainCNN", {"batch_norm": True}),
        (
            "plain-bn-dropout-inside",
            "plain, batch norm, dropout but of the colours",
            "PlainCNN",
            {**both, "drop_input": False},
        ),
        (
            "plain-bn-first-dropout",
            "plain, batch norm before the activation, dropout",
            "PlainCNN",
            {**both, "norm_first": True},
        ),
        ("skip-cut", "the same layers without the skip", "SkipCNN", {"skip": False}),
    ):
        yield Experiment(
            name=f"cats-dogs-{name}",
            title=f"Cats and dogs: {title}",
            dataset="cats-dogs",
            model=model,
            recipe=recipe,
            seeds=(0, 1, 2),
            arguments=arguments,
        )
    yield Experiment(
        name="cats-dogs-plain-augmented",
        title="Cats and dogs: plain, flips and crops",
        dataset="cats-dogs",
        model="PlainCNN",
        recipe=replace(recipe, augmentation="flip-crop"),
        seeds=(0, 1, 2),
    )
    yield Experiment(
        name="stopping-cats-dogs",
        title="Cats and dogs: the plain CNN, validated after every epoch",
        dataset="cats-dogs-tuning",
        model="PlainCNN",
        recipe=recipe,
        seeds=(0, 1, 2),
    )
