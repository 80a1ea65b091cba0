"""Results made up for the pictures: their numbers are round, and known."""

from dataclasses import replace

import pytest

from cnnref.experiments import CATALOGUE
from cnnref.training import Recipe
from tests.made_results import made_result


@pytest.fixture
def entry():
    """An experiment on clothes, four epochs."""
    return replace(CATALOGUE["fashion-cnn"], name="clothes", recipe=Recipe(epochs=4))


@pytest.fixture
def two(entry):
    """Two results: means 0.9 and 0.8, three seeds and two."""
    other = replace(entry, name="other")
    return {
        "first": made_result(entry, [0.89, 0.9, 0.91]),
        "second": made_result(other, [0.78, 0.82]),
    }


@pytest.fixture
def validated():
    """A result of tuning, two epochs."""
    rate = CATALOGUE["rate-1e-1"]
    return made_result(replace(rate, recipe=replace(rate.recipe, epochs=2)), [0.9, 0.95])
