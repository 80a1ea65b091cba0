"""Question UT-P2.6: cats and dogs, twenty epochs."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.catalogue.entry import Expectation, Experiment
from cnnref.training import Recipe

__all__ = ["cats_dogs"]


def cats_dogs() -> Iterator[Experiment]:
    """The plain network."""
    yield Experiment(
        name="cats-dogs-plain",
        title="Cats and dogs: the plain CNN",
        dataset="cats-dogs",
        model="PlainCNN",
        recipe=Recipe(
            optimizer="adam",
            learning_rate=1e-3,
            epochs=20,
            batch_size=100,
            loss="binary-cross-entropy",
        ),
        seeds=(0, 1, 2, 3, 4),
        keep_weights=True,
        expected=Expectation(
            0.74,
            0.86,
            "far above chance; but ten thousand images and no augmentation leave a small "
            "network short of the nine in ten that large ones reach on this hardest pair",
        ),
    )
