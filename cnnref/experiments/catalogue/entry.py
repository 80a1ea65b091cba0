"""An experiment is a value.

What changes its outcome is in `Experiment.fields`, and a stored record holds the same fields, so
that the two can be compared. A model, a loss or data of one's own are told there by the function's
name and by digests; that a function still does what it did is told by the probe.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

from torch import nn

from cnnref.data import DATASETS, Examples, ImageSet, Normalization, load, normalization_of
from cnnref.errors import require_flags, shown, unknown
from cnnref.experiments.catalogue.own import called, own_data
from cnnref.models import MODELS, build
from cnnref.training import Recipe, Sprint

__all__ = ["TAIL", "Expectation", "Experiment", "short"]

TAIL = 12
"""Steps at the end of training that `keep_tail` evaluates after."""

_LATER = ("remainder", "pixels", "augmentation", "label_smoothing", "views")
"""Fields of a recipe that the first records do not have."""


@dataclass(frozen=True)
class Expectation:
    """The accuracy that the literature or a simple argument lets one expect.

    Args:
        low: least mean accuracy over the seeds, on the evaluation set.
        high: greatest.
        reason: where the range comes from.
        explanation: why the outcome may lie outside, where it does.
        afterwards: the range was set when the first results were known, so that these prove little
            by lying inside.

    Raises:
        ValueError: the two are not shares in order.
    """

    low: float
    high: float
    reason: str
    explanation: str = ""
    afterwards: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(f"expected accuracy must be 0 <= low <= high <= 1, got {self}")

    def __contains__(self, accuracy: float) -> bool:
        return self.low <= accuracy <= self.high


@dataclass(frozen=True, repr=False)
class Experiment:
    """Which model, on which data, by which recipe, with which seeds.

    Args:
        name: lower-case words joined by hyphens; also the folder of its records.
        title: one line for people.
        dataset: a key of `cnnref.data.DATASETS`; or a training and a test set of one's own, each as
            `cnnref.data.collected` takes it. Where targets are no classes, the loss is one's own.
        model: a key of `cnnref.models.MODELS`; or a function, such as a class, that makes a new
            network for each seed; or a network, of which each seed trains a copy, from the weights
            that it has.
        recipe: how to train; its own seed is replaced by each of `seeds`.
        seeds: one training run each.
        arguments: keyword arguments of the model, or of the function that makes it.
        keep_weights: also store the first seed's weights, in half precision.
        keep_steps: also store the loss and the error of every mini-batch.
        keep_tail: also evaluate after each of the last `TAIL` steps, and store that.
        keep_moments: also evaluate after these steps, in rising order, and store that; 0 is before
            the first. Where weights are kept, keep those of these moments, too.
        expected: the range of the outcome, where something sets one that the outcome can miss.

    Raises:
        TypeError: a dataset that is none; see `cnnref.data.collected`.
        ValueError: the message names the field and the value.
    """

    name: str
    title: str
    dataset: str | tuple[Any, Any]
    model: str | Callable[..., nn.Module]
    recipe: Recipe
    seeds: tuple[int, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    keep_weights: bool = False
    keep_steps: bool = False
    keep_tail: bool = False
    keep_moments: tuple[int, ...] = ()
    expected: Expectation | None = None

    def __post_init__(self) -> None:
        """Validate, and freeze the arguments."""
        named = isinstance(self.name, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name)
        if not named:
            raise ValueError(
                "name must be lower-case words joined by hyphens, such as 'my-net', got "
                f"{self.name!r}"
            )
        if not isinstance(self.title, str):
            raise ValueError(f"title must be a line for people, got {self.title!r}")
        if not isinstance(self.recipe, Recipe):
            raise ValueError(f"recipe must be a Recipe, got {shown(self.recipe)}")
        if not isinstance(self.dataset, str):
            object.__setattr__(self, "dataset", own_data(self.dataset))
        elif self.dataset not in DATASETS:
            raise ValueError(unknown("dataset", self.dataset, DATASETS))
        if isinstance(self.model, nn.Module):
            if self.arguments:
                raise ValueError(
                    f"a network takes no arguments, got {dict(self.arguments)}; give the function "
                    "that makes it"
                )
            # What is done to the network from here on is no part of the experiment.
            object.__setattr__(self, "model", copy.deepcopy(self.model))
        elif not callable(self.model) and self.model not in MODELS:
            raise ValueError(
                f"{unknown('model', self.model, MODELS)}; one of your own is given as a function, "
                "a class or a network"
            )
        several = isinstance(self.seeds, Collection) and len(self.seeds) > 0
        if not several or len(set(self.seeds)) != len(self.seeds):
            raise ValueError(
                "seeds must be several numbers, different and at least one, such as (0, 1, 2), got "
                f"{self.seeds}"
            )
        require_flags(
            keep_weights=self.keep_weights, keep_steps=self.keep_steps, keep_tail=self.keep_tail
        )
        if self.keep_tail and isinstance(self.recipe, Sprint):
            raise ValueError(f"keep_tail of {self.name}: a sprint keeps no tail")
        if self.keep_moments:
            self._require_moments()
        if self.metric == "loss":
            self._require_no_classes()
        for seed in self.seeds:
            replace(self.recipe, seed=seed)  # refuses what is no seed
        # As JSON gives them back, or they would not equal those of their own record.
        try:
            plain = json.loads(json.dumps(dict(self.arguments)))
        except (TypeError, ValueError) as error:
            raise ValueError(
                "arguments must be a mapping of values that JSON knows, so that a record can hold "
                f"them, got {shown(self.arguments)}; functools.partial gives a model any others"
            ) from error
        object.__setattr__(self, "arguments", MappingProxyType(plain))

    def _require_moments(self) -> None:
        if isinstance(self.recipe, Sprint):
            raise ValueError(f"keep_moments of {self.name}: a sprint keeps no moments")
        moments, last = self.keep_moments, self.steps
        if list(moments) != sorted({*moments}) or not 0 <= moments[0] <= moments[-1] <= last:
            raise ValueError(
                f"keep_moments of {self.name} must rise within 0 to {last}, its steps, "
                f"got {moments}"
            )

    def _require_no_classes(self) -> None:
        targets = self.dataset[0].targets  # type: ignore[union-attr]
        told = f"the targets of {self.name} are no classes, int64 (N,) from 0 on, but "
        told += f"{targets.dtype} {tuple(targets.shape)}"
        if isinstance(self.recipe.loss, str):
            raise ValueError(
                f"{told}; {self.recipe.loss} needs classes: give the recipe a loss of your own, "
                "such as torch.nn.functional.mse_loss"
            )
        if self.expected is not None:
            raise ValueError(f"{told}: leave out the accuracy that is expected")

    def __repr__(self) -> str:
        """What it is, in one line."""
        seeds = f"{len(self.seeds)} seed{'' if len(self.seeds) == 1 else 's'}"
        return (
            f"<Experiment {self.name}: {called(self.model)} on {self._data}, "
            f"{self.recipe.epochs} epochs, {seeds}>"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it, for other processes, as its own arguments: the frozen ones cannot be."""
        values = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return partial(Experiment, **{**values, "arguments": dict(self.arguments)}), ()

    @property
    def split(self) -> str:
        """What the model is evaluated on: `"test"`, or `"validation"` in tuning."""
        return DATASETS[self.dataset].splits[1] if isinstance(self.dataset, str) else "test"

    @property
    def own(self) -> bool:
        """Whether its data, its model or its loss has no name in a registry."""
        return not all(isinstance(x, str) for x in (self.dataset, self.model, self.recipe.loss))

    @property
    def metric(self) -> str:
        """What tells how well it did: `"accuracy"`, or `"loss"` where targets are no classes."""
        named = isinstance(self.dataset, str) or self.dataset[0].class_names
        return "accuracy" if named else "loss"

    @property
    def train_size(self) -> int:
        """Number of training examples."""
        if isinstance(self.dataset, str):
            return DATASETS[self.dataset].train_size
        return len(self.dataset[0])

    @property
    def steps(self) -> int:
        """Steps of a training run."""
        return self.recipe.epochs * -(-self.train_size // self.recipe.batch_size)

    @property
    def ragged(self) -> bool:
        """Whether the last batch of an epoch is smaller than the others."""
        images, batch = self.train_size, self.recipe.batch_size
        return images > batch and images % batch > 0

    def sets(self) -> tuple[ImageSet | Examples, ImageSet | Examples]:
        """The training set and the one to evaluate on.

        Raises:
            MissingDataError: the dataset is not in the data folder.
            DamagedDataError: a file of it is truncated or altered.
        """
        if isinstance(self.dataset, str):
            return load(self.dataset, "train"), load(self.dataset, self.split)
        return self.dataset

    def build(self) -> nn.Module:
        """The network before training, initialised from torch's global generator.

        Raises:
            ValueError: the function of one's own made none.
        """
        if isinstance(self.model, str):
            return build(self.model, self.arguments)
        if isinstance(self.model, nn.Module):
            return copy.deepcopy(self.model)
        made = self.model(**self.arguments)
        if not isinstance(made, nn.Module):
            raise ValueError(f"the model of {self.name} made {type(made).__name__}, no network")
        return made

    def normalization(self) -> Normalization | None:
        """What its images are normalised with, without the data where they come from files.

        `None` where inputs are taken as they are.
        """
        if not isinstance(self.dataset, str):
            train: ImageSet | Examples = self.dataset[0]
            return self.recipe.normalization(train)
        if self.recipe.pixels == "unit":
            return Normalization.unit(DATASETS[self.dataset].shape[0])
        return normalization_of(self.dataset)

    @cached_property
    def _data(self) -> str:
        """What its fields call the data."""
        if isinstance(self.dataset, str):
            return self.dataset
        return f"own, SHA-256 {' and '.join(part.sha256[:16] for part in self.dataset)}"

    @property
    def fields(self) -> dict[str, Any]:
        """All that decides the outcome of a run, apart from its seed, as JSON values.

        What recipes did not have from the first is left out where it is at its default, so that
        the records from before still fit; that they did as the default does is told by their probe.
        """
        recipe = {f.name: getattr(self.recipe, f.name) for f in fields(self.recipe)}
        recipe["loss"] = called(self.recipe.loss)
        del recipe["seed"]
        defaults = {f.name: f.default for f in fields(Recipe)}
        for name in _LATER:
            if recipe[name] == defaults[name]:
                del recipe[name]
        return {
            "dataset": self._data,
            "model": called(self.model),
            "arguments": dict(self.arguments),
            "recipe": recipe,
        }


def short(rate: float) -> str:
    """A learning rate as names of experiments spell it: 0.003 is `3e-3`.

    Args:
        rate: positive, of one significant digit.
    """
    return f"{rate:.0e}".replace("e-0", "e-").replace("e+00", "e0")
