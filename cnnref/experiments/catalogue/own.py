"""What has no name in a registry: data, models and losses of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from cnnref.data import Examples, ImageSet, paired
from cnnref.errors import shown

__all__ = ["called", "own_data"]


def own_data(pair: Any) -> tuple[ImageSet | Examples, ImageSet | Examples]:
    """A training and a test set, in memory, for an experiment.

    Args:
        pair: the two, each as `cnnref.data.collected` takes it.

    Raises:
        TypeError: one of them is nothing that can be trained on.
        ValueError: there are not two, or they do not go together.
    """
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(
            "dataset must be a name or a pair (training set, test set), such as ((x, y), "
            f"(x_test, y_test)), got {shown(pair)}"
        )
    if all(isinstance(part, Tensor | np.ndarray) for part in pair):
        raise TypeError(
            "dataset must be two sets, ((x, y), (x_test, y_test)), got two "
            f"{type(pair[0]).__name__}s, as one set has: the test set is missing"
        )
    return paired(*pair)


def called(value: str | Callable[..., Any]) -> str:
    """What a record calls a model or a loss: its name, or where a function or class is from.

    Args:
        value: a name, a function, a class or a module.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, partial):
        given = [*map(repr, value.args), *(f"{k}={v!r}" for k, v in value.keywords.items())]
        return f"{called(value.func)}({', '.join(given)})"
    kind = value if hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}:{kind.__qualname__}"
