"""Every experiment of the book, one entry each, in a file for each group of questions.

`entry` says what an experiment is. Entries are data: nothing here trains or reads a result.
"""

from __future__ import annotations

from collections.abc import Mapping

from cnnref.errors import CnnrefError, shown, unknown
from cnnref.experiments.catalogue.arguments import arguments
from cnnref.experiments.catalogue.cats_dogs import cats_dogs
from cnnref.experiments.catalogue.digits import digits, learning_rates
from cnnref.experiments.catalogue.entry import Expectation, Experiment
from cnnref.experiments.catalogue.fashion import fashion
from cnnref.experiments.catalogue.kats_cat import kats_cat
from cnnref.experiments.catalogue.ladder import LADDER, ladder

__all__ = [
    "CATALOGUE",
    "LADDER",
    "Expectation",
    "Experiment",
    "UnknownExperimentError",
    "experiment",
    "named",
]


class UnknownExperimentError(CnnrefError, LookupError):
    """The catalogue has no experiment of that name."""


CATALOGUE: Mapping[str, Experiment] = {
    entry.name: entry
    for group in (
        cats_dogs(),
        digits(),
        learning_rates(),
        fashion(),
        kats_cat(),
        arguments(),
        ladder(),
    )
    for entry in group
}
"""Every experiment by name."""


def experiment(name: str) -> Experiment:
    """The catalogue's entry of that name.

    Raises:
        UnknownExperimentError: there is none; the message suggests the nearest.
    """
    if name not in CATALOGUE:
        raise UnknownExperimentError(
            f"{unknown('experiment', name, CATALOGUE)}; one of your own is given as the Experiment "
            "itself"
        )
    return CATALOGUE[name]


def named(value: str | Experiment) -> Experiment:
    """An experiment, given as one or by its name in the catalogue.

    Raises:
        TypeError: it is neither.
        UnknownExperimentError: the catalogue has no such name.
    """
    if isinstance(value, str):
        return experiment(value)
    if not isinstance(value, Experiment):
        raise TypeError(f"an Experiment, or the name of one, is needed, got {shown(value)}")
    return value
