"""Every experiment of the book, one entry each.

An experiment is a value. What changes its outcome is in `Experiment.fields`, and a stored record
holds the same fields, so that the two can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from cnnref.data import DATASETS
from cnnref.errors import CnnrefError, unknown
from cnnref.models import MODELS
from cnnref.training import Recipe

__all__ = ["CATALOGUE", "Experiment", "UnknownExperimentError", "experiment"]


class UnknownExperimentError(CnnrefError, LookupError):
    """The catalogue has no experiment of that name."""


@dataclass(frozen=True)
class Experiment:
    """Which model, on which data, by which recipe, with which seeds.

    Args:
        name: lower-case words joined by hyphens; also the folder of its records.
        title: one line for people.
        dataset: a key of `cnnref.data.DATASETS`.
        model: a key of `cnnref.models.MODELS`.
        recipe: how to train; its own seed is replaced by each of `seeds`.
        seeds: one training run each.
        arguments: keyword arguments of the model.
        keep_weights: also store the first seed's weights, in half precision.

    Raises:
        ValueError: the message names the field and the value.
    """

    name: str
    title: str
    dataset: str
    model: str
    recipe: Recipe
    seeds: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    keep_weights: bool = False

    def __post_init__(self) -> None:
        """Validate, and freeze the arguments."""
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"name must be lower-case words and hyphens, got {self.name!r}")
        for what, value, known in (
            ("dataset", self.dataset, DATASETS),
            ("model", self.model, MODELS),
        ):
            if value not in known:
                raise ValueError(unknown(what, value, known))
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must be different and at least one, got {self.seeds}")
        for seed in self.seeds:
            replace(self.recipe, seed=seed)  # refuses what is no seed
        # As JSON gives them back, or they would not equal those of their own record.
        object.__setattr__(
            self, "arguments", MappingProxyType(json.loads(json.dumps(dict(self.arguments))))
        )

    @property
    def fields(self) -> dict[str, Any]:
        """All that decides the outcome of a run, apart from its seed, as JSON values."""
        recipe = asdict(self.recipe)
        del recipe["seed"]
        return {
            "dataset": self.dataset,
            "model": self.model,
            "arguments": dict(self.arguments),
            "recipe": recipe,
        }


def _kats_networks() -> Iterator[Experiment]:
    """MIT-4.2: four networks, each tested where it was trained and with the cat moved elsewhere.

    Learning rate and epochs were chosen on the training accuracy alone.
    """
    filters = Recipe(learning_rate=0.03, epochs=40, batch_size=25, schedule="cosine")
    features = Recipe(learning_rate=0.001, epochs=8, batch_size=25)
    blocks = Recipe(learning_rate=0.002, epochs=28, batch_size=25)
    dense = Recipe(learning_rate=0.001, epochs=6, batch_size=25)
    for name, title, model, recipe, seeds, keep in (
        ("kat-filter", "one large filter", "KatFilter", filters, (0, 1, 2, 3, 4), True),
        ("kat-features", "ten small filters", "KatFeatures", features, (0, 1, 2, 3, 4), False),
        ("kat-blocks", "three blocks", "KatBlocks", blocks, (0, 1, 2, 3, 4), True),
        ("kit-dense", "Kit's dense network", "KitDense", dense, (0, 1, 2, 3, 4), False),
    ):
        yield Experiment(
            name, f"Kat's cat: {title}", "kats-cat", model, recipe, seeds, keep_weights=keep
        )
        yield Experiment(
            f"{name}-moved", f"Kat's cat moved: {title}", "kats-cat-moved", model, recipe, seeds
        )


CATALOGUE: Mapping[str, Experiment] = {
    entry.name: entry
    for entry in [
        Experiment(
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
        ),
        *_kats_networks(),
    ]
}
"""Every experiment by name."""


def experiment(name: str) -> Experiment:
    """The catalogue's entry of that name.

    Raises:
        UnknownExperimentError: there is none; the message suggests the nearest.
    """
    if name not in CATALOGUE:
        raise UnknownExperimentError(unknown("experiment", name, CATALOGUE))
    return CATALOGUE[name]
