import math

import pytest
import torch

from cnnref.data import Normalization
from cnnref.experiments.outcome import (
    answers_entry,
    evaluation_entry,
    normalization_entry,
    series_entry,
)
from cnnref.training import Evaluation


def test_mistakes_are_the_most_confident_wrong_ones():
    probability = torch.tensor([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1], [0.95, 0.05]])
    found = answers_entry(probability, torch.tensor([0, 1, 0, 1]), 2)
    assert found["confusion"] == [[1, 1], [2, 0]]
    assert [m["index"] for m in found["mistakes"]] == [3, 0, 1]
    assert found["answers"] == "10.0"
    assert found["mistakes"][1] == {
        "index": 0, "label": 0, "predicted": 1, "probability": pytest.approx(0.8)
    }  # fmt: skip


def test_a_class_beyond_the_digits_is_told_as_another():
    probability = torch.zeros(3, 40)
    probability[0, 35] = probability[1, 36] = probability[2, 2] = 1
    found = answers_entry(probability, torch.tensor([0, 0, 2]), 40)
    assert found["answers"] == "z-."


def test_what_was_not_measured_is_no_entry():
    assert evaluation_entry(Evaluation(0.5, math.nan)) == {"loss": 0.5}
    assert normalization_entry(None) == {}
    assert series_entry("tail", {}) == {}


def test_evaluations_by_step_are_columns():
    seen = {3: Evaluation(0.5, 0.75), 4: Evaluation(0.25, 1.0)}
    assert series_entry("moments", seen, step=[3, 4]) == {
        "moments": {"step": [3, 4], "loss": [0.5, 0.25], "accuracy": [0.75, 1.0]}
    }


def test_a_normalisation_is_lists():
    found = normalization_entry(Normalization((0.5,), (0.25,)))
    assert found == {"normalization": {"mean": [0.5], "std": [0.25]}}
