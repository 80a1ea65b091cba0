"""A recipe refuses what it cannot do, and says what training minimises and is given."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.training import SCHEDULES
from tests.training.small import BINARY, MANY, TRAIN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "adm"}, "did you mean 'adam'"),
        ({"loss": "mse"}, "unknown loss 'mse'.* or a function, such as torch.nn.functional.mse_l"),
        ({"loss": torch.nn.MSELoss}, r"the class MSELoss, not a function: make one, MSELoss\(\)"),
        ({"loss": 3}, "unknown loss 3"),
        ({"loss": nn.MSELoss(reduction="sum")}, r"MSELoss\(reduction='sum'\).*needs the mean"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"precision": "float16"}, "unknown precision 'float16'"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, got 0.0"),
        ({"learning_rate": math.nan}, "got nan"),
        ({"learning_rate": "0.1"}, "got '0.1'"),
        ({"optimizer": ["adam"]}, "unknown optimizer"),
        ({"seed": 2**40}, "below 2\\*\\*32"),
        ({"weight_decay": -1.0}, "weight_decay must be a number, not negative, got -1.0"),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"epochs": True}, "got True"),
        ({"batch_size": 2.5}, "batch_size must be an integer of at least 1, got 2.5"),
        ({"remainder": "drop"}, "unknown remainder 'drop'"),
        ({"pixels": "units"}, "did you mean 'unit'"),
        ({"augmentation": "flips"}, "did you mean 'flip'"),
        ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1, got 1.0"),
        ({"label_smoothing": 0.1}, "needs the loss 'cross-entropy', got 'binary-cross-entropy'"),
        ({"views": "mirrors"}, "did you mean 'mirror'"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
    ],
)
def test_a_bad_recipe_names_the_field_and_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        replace(BINARY, **change)


def test_a_smoothed_target_is_a_mixture_of_the_true_class_and_all_classes():
    logits, labels = torch.randn(7, 4, dtype=torch.float64), torch.arange(7) % 4
    target = 0.8 * F.one_hot(labels, 4).double() + 0.2 / 4
    by_hand = -(target * logits.log_softmax(1)).sum(1).mean()
    smoothed = replace(MANY, label_smoothing=0.2).criterion(logits, labels)
    assert smoothed.item() == pytest.approx(by_hand.item(), rel=1e-12)
    assert MANY.criterion(logits, labels).item() == F.cross_entropy(logits, labels).item()


def test_pixels_are_standardised_or_run_from_0_to_1():
    for recipe, mean, top in ((BINARY, 0, None), (replace(BINARY, pixels="unit"), None, 1)):
        images = recipe.normalization(TRAIN)(TRAIN.images, torch.float64)
        if mean is not None:
            assert images.mean().item() == pytest.approx(0, abs=1e-12)
            assert images.std(correction=0).item() == pytest.approx(1, abs=1e-12)
        if top is not None:
            assert torch.equal(images, TRAIN.images.double() / 255)


def test_one_cycle_rises_for_a_quarter_and_falls_to_zero():
    factor = SCHEDULES["one-cycle"]
    assert [factor(p) for p in (0, 0.125, 0.25, 0.625, 1)] == pytest.approx([0, 0.5, 1, 0.5, 0])
