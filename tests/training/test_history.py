"""What a run did, as both loops write it down."""

import math
import re

import pytest
import torch

from cnnref.training import Evaluation, History, NonFiniteLossError, Recipe, fit
from tests.training.small import BINARY, TEST, TRAIN, small


def test_a_history_is_told_in_a_line():
    told = repr(fit(small(), TRAIN, TEST, BINARY, device="cpu"))
    assert re.fullmatch(r"<History of 3 epochs: test loss [\d.]+, test accuracy [\d.]+>", told)
    assert repr(History(Evaluation(0.5, math.nan))) == (
        "<History before the first epoch: test loss 0.5>"
    )
    no_classes = History(Evaluation(0.5, math.nan), test_loss=[0.25], test_accuracy=[math.nan])
    assert repr(no_classes) == "<History of 1 epoch: test loss 0.25>"


def test_an_epoch_counts_each_image_once():
    history = History(Evaluation(0.7, 0.5), step_loss=[], step_error=[])
    losses, right = torch.tensor([0.5, 0.2]).double(), torch.tensor([3.0, 1.0]).double()
    history.add(losses, right, [4, 1], Evaluation(0.4, 0.8), seconds=2.0, processor_seconds=3.0)
    assert history.train_loss == pytest.approx([(4 * 0.5 + 0.2) / 5])
    assert history.train_accuracy == [4 / 5]
    assert (history.test_loss, history.test_accuracy) == ([0.4], [0.8])
    assert (history.seconds, history.processor_seconds) == ([2.0], [3.0])
    assert history.images_per_second == [5 / 2]
    assert history.step_loss == pytest.approx([0.5, 0.2])
    assert history.step_error == [1 / 4, 0]
    assert History.from_dict(history.to_dict()) == history


def test_steps_are_kept_where_they_were_asked_for():
    history = History(Evaluation(0.7, 0.5))
    one = torch.ones(1).double()
    history.add(one, one, [1], Evaluation(0.4, 0.8), seconds=1.0, processor_seconds=1.0)
    assert (history.step_loss, history.step_error) == (None, None)


def test_an_epoch_that_is_not_finite_is_refused_by_its_number():
    history, fine = History(Evaluation(0.7, 0.5)), Evaluation(0.4, 0.8)
    losses = torch.tensor([0.5, math.inf]).double()
    with pytest.raises(NonFiniteLossError, match=r"inf at step 2 of epoch 1 .*smaller learning"):
        history.require_finite(losses, fine, Recipe())
    with pytest.raises(NonFiniteLossError, match="at step 1 of epoch 1 .*before the weights took"):
        history.require_finite(losses.flip(0), fine, Recipe())
    history.add(torch.ones(2), torch.ones(2), [1, 1], fine, seconds=1.0, processor_seconds=1.0)
    with pytest.raises(NonFiniteLossError, match="test loss is nan after epoch 2 .*smaller"):
        history.require_finite(torch.ones(2), Evaluation(math.nan, 0.8), Recipe())
    history.require_finite(torch.ones(2), fine, Recipe())
