"""The loop against a plain one, and every way to stop it."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from cnnref.data import Batches
from cnnref.training import (
    NonFiniteLossError,
    fit,
)
from tests.training.small import BINARY, MANY, TEST, TEST3, TRAIN, TRAIN3, binary, small


def textbook(model, train, test, recipe, loss_of, optimizer):
    """The loop of any tutorial, on the batches that the seed gives.

    A batch's loss is the sum over its images, over the size of a full batch: so says the recipe's
    `remainder` by default. What is kept of it is the mean.
    """
    normalization = train.normalization()
    batches = Batches(train, 16, normalization, shuffle_seed=recipe.seed, dtype=torch.float64)
    steps, test_losses = [], []
    for epoch in range(recipe.epochs):
        model.train()
        for images, labels in batches.epoch(epoch):
            optimizer.zero_grad()
            loss = loss_of(model(images), labels)
            share = len(labels) / 16 if recipe.remainder == "scaled" else 1
            (loss * share).backward()
            optimizer.step()
            steps.append(loss.item())
        model.eval()
        images = normalization(test.images, torch.float64)
        test_losses.append(loss_of(model(images), test.labels).item())
    return steps, test_losses


@pytest.mark.parametrize(
    ("recipe", "optimizer"),
    [
        (BINARY, torch.optim.Adam),
        (replace(BINARY, optimizer="sgd", learning_rate=0.1, weight_decay=0.01), torch.optim.SGD),
        (replace(BINARY, optimizer="adamw", weight_decay=0.1, seed=5), torch.optim.AdamW),
        (MANY, torch.optim.Adam),
        (replace(BINARY, remainder="full", optimizer="sgd"), torch.optim.SGD),
    ],
)
def test_fit_is_the_textbook_loop(recipe, optimizer):
    many = recipe.loss == "cross-entropy"
    train, test = (TRAIN3, TEST3) if many else (TRAIN, TEST)
    model = small(3 if many else 1)
    twin = copy.deepcopy(model).double()
    history = fit(model, train, test, recipe, device="cpu", record_steps=True)
    steps, test_losses = textbook(
        twin, train, test, recipe, F.cross_entropy if many else binary,
        optimizer(twin.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay),
    )  # fmt: skip
    assert history.step_loss == pytest.approx(steps, rel=1e-9)
    assert history.test_loss == pytest.approx(test_losses, rel=1e-9)
    weighted = [sum(16 * a + 16 * b + 8 * c for a, b, c in [steps[i : i + 3]]) / 40
                for i in (0, 3, 6)]  # fmt: skip
    assert history.train_loss == pytest.approx(weighted, rel=1e-9)


def test_every_image_weighs_the_same_in_an_epoch_or_those_of_a_small_last_batch_more():
    """At a rate so small that the weights stand still, an epoch moves them by a weighted sum."""
    gradients = []
    for images, labels in Batches(TRAIN, 1, TRAIN.normalization(), dtype=torch.float64).epoch(0):
        model = small().double()
        binary(model(images), labels).backward()
        gradients.append(model[1].weight.grad)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    for remainder, last in (("scaled", 1.0), ("full", 2.0)):
        rate = 1e-7
        recipe = replace(BINARY, optimizer="sgd", learning_rate=rate, epochs=1, remainder=remainder)
        model = small()
        fit(model, TRAIN, TEST, recipe, device="cpu")
        moved = (small().double()[1].weight - model[1].weight).detach() / rate
        weighed = sum(
            gradients[i] / 16 * (last if place >= 32 else 1.0)
            for place, i in enumerate(order.tolist())
        )
        torch.testing.assert_close(moved, weighed, rtol=1e-5, atol=1e-7)


def test_a_training_set_smaller_than_a_batch_takes_full_steps():
    recipe = replace(BINARY, optimizer="sgd", batch_size=64, epochs=2)
    weights = []
    for remainder in ("scaled", "full"):
        model = small()
        fit(model, TRAIN, TEST, replace(recipe, remainder=remainder), device="cpu")
        weights.append(model[1].weight)
    assert torch.equal(*weights)


def test_steps_can_be_watched():
    seen = []
    fit(small(), TRAIN, TEST, BINARY, device="cpu", on_step=seen.append)
    assert seen == list(range(1, 10))


def test_augmentation_changes_what_is_trained_on_and_not_what_is_tested_on():
    plain, augmented = (
        fit(small(), TRAIN, TEST, replace(BINARY, augmentation=name), device="cpu")
        for name in ("none", "flip-crop")
    )
    assert augmented.untrained == plain.untrained
    assert augmented.train_loss != plain.train_loss


def test_history_has_an_entry_for_every_epoch_and_learns():
    seen = []
    history = fit(
        small(), TRAIN, TEST, replace(BINARY, epochs=40, learning_rate=0.01), device="cpu",
        on_epoch=lambda epoch, so_far: seen.append((epoch, len(so_far.test_loss))),
    )  # fmt: skip
    assert seen == [(i, i) for i in range(1, 41)]
    for series in (history.train_loss, history.train_accuracy, history.test_loss,
                   history.test_accuracy, history.seconds, history.images_per_second,
                   history.processor_seconds):  # fmt: skip
        assert len(series) == 40
    assert history.step_loss is None
    assert history.untrained.loss == pytest.approx(math.log(2), abs=0.2)
    assert history.test_accuracy[-1] > 0.9
    assert history.train_loss[-1] < history.train_loss[0]
    assert history.images_per_second[0] == pytest.approx(40 / history.seconds[0])


def test_cosine_schedule_ends_at_zero_and_constant_does_not():
    rates = {}
    for schedule in ("constant", "cosine"):
        model, moved = small(), []
        recipe = replace(BINARY, optimizer="sgd", schedule=schedule, epochs=2)

        def remember(_epoch, _history, model=model, moved=moved):
            moved.append(copy.deepcopy(model[1].weight.detach()))

        fit(model, TRAIN, TEST, recipe, device="cpu", on_epoch=remember)
        rates[schedule] = (moved[1] - moved[0]).norm() / (moved[0] - small()[1].weight).norm()
    # Of six cosine steps the first three sum to 2.68 learning rates, the last three to 0.82.
    assert rates["constant"] > 0.7
    assert rates["cosine"] < 0.5


def test_same_seed_same_history_and_another_seed_another():
    def losses(seed):
        model = nn.Sequential(small(), nn.Identity())
        model.insert(0, nn.Dropout(0.3))
        return fit(model, TRAIN, TEST, replace(BINARY, seed=seed), device="cpu").train_loss

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    fit(nn.Sequential(nn.Dropout(0.5), small()), TRAIN, TEST, BINARY, device="cpu")
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_precisions(precision):
    seen = []
    model = small()
    model[1].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    history = fit(model, TRAIN, TEST, replace(BINARY, precision=precision), device="cpu")
    # Evaluation is never in half precision, training is where it was asked for.
    assert {"bfloat16": torch.bfloat16}.get(precision, seen[0]) in seen
    assert seen[0] == (torch.float64 if precision == "float64" else torch.float32)
    assert model[1].weight.dtype == seen[0]
    assert math.isfinite(history.test_loss[-1])


def test_a_diverging_run_stops_and_names_the_step():
    class Bomb(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small()
            self.steps = 0

        def forward(self, x):
            self.steps += self.training
            return self.inner(x) * (math.nan if self.steps == 5 else 1)

    with pytest.raises(
        NonFiniteLossError, match=r"nan at step 2 of epoch 2 .*learning rate 0\.001"
    ):
        fit(Bomb(), TRAIN, TEST, BINARY, device="cpu")


def test_a_run_whose_last_step_diverges_stops_too():
    recipe = replace(BINARY, optimizer="sgd", learning_rate=1e300, epochs=1, batch_size=40)
    with pytest.raises(NonFiniteLossError, match="test loss is (nan|inf) after epoch 1"):
        fit(small(), TRAIN, TEST, recipe, device="cpu")


def test_the_learning_rate_is_not_to_blame_for_what_is_not_finite_before_the_first_step():
    x, y = torch.rand(8, 36), torch.tensor([0, 1] * 4)
    whole, holed = (
        DataLoader(TensorDataset(inputs, y), batch_size=4)
        for inputs in (x, x.masked_fill(x > 0.9, math.nan))
    )
    recipe = replace(BINARY, loss="cross-entropy")
    for train, test in ((holed, whole), (whole, holed)):
        with pytest.raises(NonFiniteLossError, match="before the weights took any step: look at"):
            fit(nn.Linear(36, 2), train, test, recipe, device="cpu")


def test_the_binary_loss_refuses_more_than_two_classes():
    with pytest.raises(ValueError, match="needs two classes, the training set has 3"):
        fit(small(), TRAIN3, TEST3, BINARY, device="cpu")
