"""Results made up for the pictures: their numbers are round, and known."""

import pytest

from tests.made_results import CLOTHES, PLAIN, TUNING, made_result


@pytest.fixture
def two():
    """Two results: means 0.9 and 0.8, three seeds and two, four epochs."""
    return {
        "first": made_result(CLOTHES, [0.89, 0.9, 0.91]),
        "second": made_result(PLAIN, [0.78, 0.82]),
    }


@pytest.fixture
def validated():
    """A result of tuning, two epochs."""
    return made_result(TUNING, [0.9, 0.95])
