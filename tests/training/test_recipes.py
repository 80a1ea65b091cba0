"""A recipe refuses what it cannot do."""

import math
from dataclasses import replace

import pytest

from tests.training.small import BINARY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"loss": "mse"}, "unknown loss 'mse'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"precision": "float16"}, "unknown precision 'float16'"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
        ({"learning_rate": math.nan}, "got nan"),
        ({"learning_rate": "0.1"}, "got '0.1'"),
        ({"optimizer": ["adam"]}, "unknown optimizer"),
        ({"seed": 2**40}, "below 2\\*\\*32"),
        ({"weight_decay": -1.0}, "weight_decay must not be negative, got -1.0"),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"epochs": True}, "got True"),
        ({"batch_size": 2.5}, "batch_size must be an integer of at least 1, got 2.5"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
    ],
)
def test_a_bad_recipe_names_the_field_and_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        replace(BINARY, **change)
