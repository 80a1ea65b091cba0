"""What `fit` learns from, in each of its forms, and losses of one's own."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from cnnref.data import Examples
from cnnref.training import Recipe, Sprint, evaluate, fit, sprint
from tests.training.small import BINARY, MANY, TEST, TEST3, TRAIN, TRAIN3, binary, small


def pair(images):
    return images.images, images.labels


def floats(images):
    return TRAIN.normalization()(images.images, torch.float64), images.labels


def losses(train, test, recipe=BINARY, outputs=1):
    history = fit(small(outputs), train, test, recipe, device="cpu", record_steps=True)
    return history.step_loss, history.test_loss, history.test_accuracy


def same(found, expected):
    for mine, theirs in zip(found, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-12)


def test_bytes_are_normalised_and_floats_are_not():
    expected = losses(TRAIN, TEST)
    for form in (
        pair,
        floats,
        lambda images: TensorDataset(*pair(images)),
        lambda images: images.as_dataset(),
        lambda images: tuple(part.numpy() for part in pair(images)),
    ):
        same(losses(form(TRAIN), form(TEST)), expected)


def test_a_loader_has_batches_and_an_order_of_its_own():
    """With its order drawn as the loop draws, it gives the same losses."""

    class Order:
        epoch = 0

        def __len__(self):
            return 40

        def __iter__(self):
            drawn = torch.Generator().manual_seed(BINARY.seed * 1_000_003 + self.epoch)
            self.epoch += 1
            return iter(torch.randperm(40, generator=drawn).tolist())

    train = DataLoader(TensorDataset(*floats(TRAIN)), batch_size=16, sampler=Order())
    test = DataLoader(TensorDataset(*floats(TEST)), batch_size=7)
    same(losses(train, test, replace(BINARY, batch_size=1000)), losses(TRAIN, TEST))
    again = DataLoader(TensorDataset(*floats(TRAIN)), batch_size=16, shuffle=True)
    once, twice = (losses(again, floats(TEST)) for _ in range(2))
    same(once, twice)
    short = DataLoader(TensorDataset(*floats(TRAIN)), batch_size=16, drop_last=True)
    assert len(losses(short, test)[0]) == 2 * BINARY.epochs


def test_a_loss_of_ones_own_is_minimised_as_the_named_one_is():
    for loss in (F.cross_entropy, nn.CrossEntropyLoss(), nn.CrossEntropyLoss(torch.ones(3))):
        same(losses(TRAIN3, TEST3, replace(MANY, loss=loss), 3), losses(TRAIN3, TEST3, MANY, 3))
    same(losses(TRAIN, TEST, replace(BINARY, loss=binary)), losses(TRAIN, TEST))


def test_regression_learns_a_line_and_has_no_accuracy():
    x = torch.linspace(-1, 1, 64)[:, None]
    y = 3 * x - 1
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, epochs=60, batch_size=16, loss=F.mse_loss)
    model = nn.Linear(1, 1)
    history = fit(model, (x, y), (x, y), recipe, device="cpu", record_steps=True)
    assert model.weight.item() == pytest.approx(3, abs=1e-3)
    assert model.bias.item() == pytest.approx(-1, abs=1e-3)
    assert history.test_loss[-1] < 1e-5 < history.untrained.loss
    for series in (history.train_accuracy, history.test_accuracy, history.step_error):
        assert all(math.isnan(value) for value in series)


def test_whole_numbers_go_to_an_embedding_as_they_are():
    x = torch.tensor([[0, 1], [2, 3]] * 8)
    y = torch.tensor([0, 1] * 8)
    model = nn.Sequential(nn.Embedding(4, 3), nn.Flatten(), nn.Linear(6, 2))
    recipe = Recipe(loss="cross-entropy", learning_rate=0.1, epochs=20, batch_size=8)
    assert fit(model, (x, y), (x, y), recipe, device="cpu").test_accuracy[-1] == 1


def test_bytes_with_targets_that_are_no_classes_are_normalised_too():
    brightness = TRAIN.images.double().mean((1, 2, 3))[:, None] / 255
    recipe = replace(BINARY, loss=F.mse_loss)
    by_bytes, by_hand = Examples(TRAIN.images, brightness), (floats(TRAIN)[0], brightness)
    found, expected = (losses(data, data, recipe)[:2] for data in (by_bytes, by_hand))
    same(found, expected)


X, Y = torch.rand(8, 36), torch.tensor([0, 1] * 4)
SHORT = DataLoader(TensorDataset(X, Y), batch_size=9, drop_last=True)


@pytest.mark.parametrize(
    ("train", "test", "recipe", "outputs", "told"),
    [
        (TRAIN, TEST3, BINARY, 1, "same classes, got 2 .* and 3"),
        (TRAIN3, TEST3, BINARY, 1, "needs two classes, the training set has 3"),
        (TRAIN3, TEST3, MANY, 2, r"3 classes, and the network returns \(30, 2\)"),
        (TRAIN, TEST, BINARY, 2, r"needs one logit, \(N, 1\), the network returns \(30, 2\)"),
        (TRAIN, TEST, MANY, 1, "needs a logit for each class.*loss='binary-cross-entropy'"),
        ((X, Y.float()), (X, Y.float()), MANY, 2, r"needs classes, .*8,\); .*y\.long\(\)"),
        ((X, X[:, 0]), (X, X[:, 0]), MANY, 2, "needs classes, int64 .*; for other targets"),
        ((X, Y[:, None]), (X, Y[:, None]), MANY, 2, r"int64 \(8, 1\); y\.squeeze\(1\)"),
        ((X, F.one_hot(Y)), (X, F.one_hot(Y)), MANY, 2, r"one-hot: y\.argmax\(1\)"),
        ((X, Y[:, None, None]), (X, Y[:, None, None]), MANY, 2, "class at each position: Recipe"),
        ((X, Y + 1), (X, Y + 1), MANY, 2, "the labels begin with 1: take 1 away"),
        ((X, Y - 1), (X, Y - 1), MANY, 2, "classes from 0 on, got -1"),
        ((X, Y), (X, Y), replace(MANY, augmentation="flip"), 2, "are for images"),
        ((X, Y), (X, Y), replace(MANY, pixels="unit"), 2, "'unit' scales bytes"),
        ((X, Y), (X, Y), replace(MANY, loss=nn.CrossEntropyLoss(reduction="none")), 2,
         r"one number, the mean over the examples, got \(8,\)"),
        (TRAIN, DataLoader(TensorDataset(X, Y)), MANY, 2, "is of bytes, which would be normalised"),
        (SHORT, (X, Y), MANY, 2, "the training set has no batch"),
        (DataLoader(TensorDataset(X[:0], Y[:0])), (X, Y), MANY, 2, "its DataLoader is empty"),
        (DataLoader(TensorDataset(X, Y), batch_size=None), (X, Y), MANY, 2, "have a batch_size"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(train, test, recipe, outputs, told):
    model = small(outputs)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=told):
        fit(model, train, test, recipe, device="cpu")
    assert all(torch.equal(before[key], value.float()) for key, value in model.state_dict().items())


def test_loaders_of_something_else_are_refused():
    data = DataLoader(TensorDataset(*pair(TRAIN)), batch_size=8)
    with pytest.raises(TypeError, match="the DataLoader gives bytes"):
        fit(small(), data, data, BINARY, device="cpu")
    single = DataLoader([*X], batch_size=4)
    named = DataLoader([{"x": x, "y": 0} for x in X], batch_size=4)
    with pytest.raises(TypeError, match="a batch must be two tensors, got dict of x, y"):
        fit(small(), named, named, BINARY, device="cpu")
    endless = DataLoader(Stream(), batch_size=4)
    with pytest.raises(TypeError, match=r"an iterable dataset \(Stream\), whose batches nobody"):
        fit(small(), endless, endless, BINARY, device="cpu")
    with pytest.raises(TypeError, match="a batch must be two tensors, got Tensor"):
        fit(small(), single, single, BINARY, device="cpu")
    with pytest.raises(TypeError, match="a sprint needs an ImageSet, got a tuple"):
        sprint(small(), (X, Y), (X, Y), Sprint())


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (4, "ended after 1 of 2 batches: its sampler says that it has 8 examples"),
        (7, "batch 2 of the DataLoader has 3 inputs and 3 targets, where 4 of each were due"),
        (9, "batch 3 of the DataLoader has 1 inputs and 1 targets, where 0 of each were due"),
    ],
)
def test_a_loader_that_does_not_keep_its_word_is_named(given, told):
    class Liar:
        def __len__(self):
            return 8

        def __iter__(self):
            return iter([i % 8 for i in range(given)])

    loader = DataLoader(TensorDataset(X, Y), batch_size=4, sampler=Liar())
    with pytest.raises(ValueError, match=told):
        fit(small(2), loader, (X, Y), replace(MANY, epochs=1), device="cpu")


@pytest.mark.parametrize(
    ("model", "error", "told"),
    [
        (None, TypeError, "a torch.nn.Module, is needed, got None"),
        (nn.Flatten, TypeError, r"Flatten is a class, not a network: make one, Flatten\("),
        (small, TypeError, "call it, and give what it makes"),
        (nn.Sequential(nn.LazyLinear(2)), ValueError, "lazy layers without weights"),
        (nn.Linear(36, 2, device="meta"), ValueError, "on the meta device"),
        (nn.Flatten(), ValueError, r"nothing to train: no parameter of the network \(0 in all\)"),
        (nn.Linear(36, 2).requires_grad_(False), ValueError, r"\(2 in all\) asks for a gradient"),
    ],
)
def test_what_is_no_network_to_train(model, error, told):
    with pytest.raises(error, match=told):
        fit(model, (X, Y), (X, Y), MANY, device="cpu")


class Named(nn.Linear):
    def forward(self, x):
        return {"logits": super().forward(x)}


@pytest.mark.parametrize(
    ("model", "loss", "error", "told"),
    [
        (Named(36, 2), "cross-entropy", TypeError, "one tensor, got a dict of logits; give one"),
        (nn.Linear(36, 2), lambda x, y: x.mean().item(), TypeError, "one number in a tensor"),
        (nn.Linear(36, 2), lambda x, y: x.detach().mean(), ValueError, "the loss has no gradient"),
    ],
)
def test_what_gives_no_loss_is_refused(model, loss, error, told):
    with pytest.raises(error, match=told):
        fit(model, (X, Y), (X, Y), replace(MANY, loss=loss), device="cpu")


def test_an_error_of_the_network_or_the_loss_says_what_they_were_given():
    for model, recipe, told in (
        (nn.Linear(35, 2), MANY, "the network was given (8, 36) of torch.float64"),
        (nn.Linear(36, 1), replace(MANY, loss=nn.BCEWithLogitsLoss()),
         "the loss was given outputs (8, 1) of torch.float64, targets (8,) of torch.int64"),
    ):  # fmt: skip
        with pytest.raises((RuntimeError, ValueError)) as caught:
            fit(model, (X, Y), (X, Y), recipe, device="cpu")
        assert caught.value.__notes__ == [told]


def test_labels_beyond_the_outputs_of_a_loss_of_ones_own_have_no_accuracy():
    found = evaluate(
        small(), [(X, Y + 5)], lambda outputs, targets: (outputs[:, 0] - targets).mean()
    )
    assert math.isnan(found.accuracy)
    assert math.isfinite(found.loss)
