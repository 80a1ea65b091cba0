"""What `fit` is given to learn from, as the batches that it iterates."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader

from cnnref.data import Batches, Examples, ImageSet, LoadedBatches, are_bytes, collected, paired
from cnnref.training.recipes import Recipe

__all__ = ["Material", "prepared"]

_EVALUATED = 1000
"""Examples that are evaluated at a time."""


class Material(NamedTuple):
    """The batches of a training run."""

    train: Batches | LoadedBatches
    """An epoch's batches, in a new order each time."""
    test: Batches | LoadedBatches
    """Those of the evaluation, in one order."""
    classes: int | None
    """How many classes there are, where that is known."""


def prepared(
    train: Any,
    test: Any,
    recipe: Recipe,
    place: torch.device,
    dtype: torch.dtype,
    share: tuple[int, int] = (0, 1),
) -> Material:
    """Sets, tensors, datasets and loaders as batches on a device.

    Args:
        train: see `cnnref.training.fit`.
        test: see there.
        recipe: how they are batched and normalised.
        place: the device.
        dtype: of inputs that are not whole numbers.
        share: number of this process and of all.

    Raises:
        TypeError: one is nothing that can be trained on.
        ValueError: the two do not go together, or the recipe asks for what cannot be done to them.
    """
    if isinstance(train, DataLoader) or isinstance(test, DataLoader):
        return _loaded(train, test, recipe, place, dtype, share)
    first, second = paired(train, test)
    normalization = recipe.normalization(first)
    _refuse_pictures_of_others(first, recipe)
    return Material(
        Batches(
            first,
            recipe.batch_size,
            normalization,
            shuffle_seed=recipe.seed,
            device=place,
            dtype=dtype,
            share=share,
        ),
        Batches(second, _EVALUATED, normalization, device=place, dtype=dtype, share=share),
        len(first.class_names or ()) or None,
    )


def _loaded(
    train: Any,
    test: Any,
    recipe: Recipe,
    place: torch.device,
    dtype: torch.dtype,
    share: tuple[int, int],
) -> Material:
    """At least one of the two is a loader, so neither is normalised."""
    if share[1] > 1:
        raise ValueError(
            f"a DataLoader is not shared out over {share[1]} processes; give fit its dataset"
        )
    ready: list[Batches | LoadedBatches] = []
    for data, what in ((train, "the training set"), (test, "the test set")):
        if isinstance(data, DataLoader):
            loaded = LoadedBatches(data, device=place, dtype=dtype)
            if not loaded.sizes:
                empty = not len(data.sampler)  # type: ignore[arg-type]
                why = "is empty" if empty else "drops the only, small one"
                raise ValueError(f"{what} has no batch: its DataLoader {why}")
            ready.append(loaded)
            continue
        kept = collected(data, what)
        if are_bytes(kept):
            raise ValueError(
                f"{what} is of bytes, which would be normalised, and the other a DataLoader, which "
                "is not; give fit two loaders or two datasets"
            )
        seed = None if ready else recipe.seed
        size = _EVALUATED if ready else recipe.batch_size
        ready.append(Batches(kept, size, None, shuffle_seed=seed, device=place, dtype=dtype))
    return Material(ready[0], ready[1], None)


def _refuse_pictures_of_others(data: ImageSet | Examples, recipe: Recipe) -> None:
    """What a recipe does to images needs images; what it does to bytes needs bytes."""
    if isinstance(data, ImageSet):
        return
    if data.inputs.dim() != 4 and (recipe.augmentation, recipe.views) != ("none", "one"):
        raise ValueError(
            f"augmentation {recipe.augmentation!r} and views {recipe.views!r} are for images "
            f"(N, C, H, W), got inputs {tuple(data.inputs.shape)}"
        )
    if not data.are_bytes and recipe.pixels != "standardised":
        raise ValueError(
            f"pixels {recipe.pixels!r} scales bytes, and inputs of {data.inputs.dtype} are taken "
            "as they are; leave pixels out"
        )
