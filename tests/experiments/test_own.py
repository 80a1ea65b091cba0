"""Experiments with data, models and losses of one's own: kept, read and verified."""

import math
import pickle
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from cnnref import data
from cnnref.experiments import (
    Experiment,
    NoRecordError,
    compare,
    disagreement,
    experiment,
    load_model,
    run,
    store,
    verify,
)
from cnnref.training import Recipe, predict

TRAIN, TEST = (data.synthetic((1, 4, 4), 3, count, seed=seed) for seed, count in ((0, 40), (1, 30)))
RECIPE = Recipe(epochs=2, batch_size=16, loss="cross-entropy", learning_rate=0.01)


def network(hidden=4, bias=True):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, hidden), nn.ReLU(), nn.Linear(hidden, 3, bias))


def focal(outputs, targets):
    """Lin et al. 2017, with the exponent 2."""
    sure = outputs.log_softmax(1).gather(1, targets[:, None])
    return (-((1 - sure.exp()) ** 2) * sure).mean()


def pair(images):
    return images.images, images.labels


def floats(images):
    return TRAIN.normalization()(images.images).flatten(1), images.labels


@pytest.fixture
def mine():
    return Experiment(
        name="mine",
        title="An experiment of my own",
        dataset=(pair(TRAIN), pair(TEST)),
        model=network,
        recipe=RECIPE,
        seeds=(0, 1),
        arguments={"hidden": 5},
        keep_weights=True,
    )


def test_it_is_kept_apart_read_again_and_verified(results, mine, monkeypatch):
    first = run(mine, device="cpu")
    assert sorted(path.name for path in results.iterdir()) == ["own"]
    assert first.records[0].path == results / "own" / "mine" / "seed-0.json"
    monkeypatch.setattr("cnnref.experiments.runner.train_seed", None)
    again = run(pickle.loads(pickle.dumps(mine)))
    assert [r.content for r in again.records] == [r.content for r in first.records]
    assert verify([mine]) == []
    assert not any(name == "mine" for name, _ in store.stored())
    assert compare(first, again).verdict == "too close to call"
    assert disagreement(*first.records).images == 30


def test_what_changed_is_told(results, mine, monkeypatch):
    run(mine, device="cpu")
    other = (pair(TRAIN.select(range(39))), pair(TEST))
    for changed, told in (
        (replace(mine, dataset=other), "field dataset: recorded 'own, SHA-256 "),
        (replace(mine, arguments={"hidden": 6}), "field arguments.hidden: recorded 5, now 6"),
        (replace(mine, model=nn.Linear, arguments={}), "field model: recorded 'tests"),
        (
            replace(mine, recipe=replace(RECIPE, loss=focal)),
            "field recipe.loss: recorded 'cross-en",
        ),
    ):
        assert any(told in fault for fault in verify([changed])), told
        with pytest.raises(NoRecordError, match=r"with other fields; without mode 'stored', run"):
            run(changed, mode="stored")
    # The function has its name still, and does something else.
    monkeypatch.setattr(network, "__code__", (lambda hidden, bias=True: nn.Sequential(
        nn.Flatten(), nn.Linear(16, hidden), nn.Tanh(), nn.Linear(hidden, 3, bias)
    )).__code__)  # fmt: skip
    assert all("behaviour: " in fault for fault in verify([mine]))
    assert len(verify([mine])) >= 2


@pytest.mark.parametrize("sets", [(TRAIN, TEST), (pair(TRAIN), TensorDataset(*pair(TEST)))])
def test_every_form_of_bytes_is_one_experiment_on_images(results, mine, sets):
    """An `ImageSet` has another digest, for it has another type; what is learnt is the same."""
    found = run(replace(mine, dataset=sets), seeds=[0], device="cpu").final("loss")
    assert found == pytest.approx(run(mine, seeds=[0], device="cpu", mode="force").final("loss"))


def test_floats_and_a_loss_of_ones_own(results, mine):
    flat = replace(
        mine, dataset=(floats(TRAIN), floats(TEST)), recipe=replace(RECIPE, loss=focal), name="flat"
    )
    record = run(flat, seeds=[0], device="cpu").records[0]
    assert record["experiment"]["recipe"]["loss"].endswith("test_own:focal")
    assert "normalization" not in record.content
    assert record["dataset"]["name"] == "own"
    assert verify([replace(flat, seeds=(0,))]) == []
    model = load_model(flat)
    assert model(floats(TEST)[0] * 1e3).isfinite().all()


def test_a_network_is_copied_and_each_seed_begins_with_its_weights(results, mine):
    torch.manual_seed(3)
    start = network()
    tuned = replace(mine, model=start, arguments={}, name="tuned")
    before = tuned.build()[1].weight.clone()
    nn.init.zeros_(start[1].weight)
    assert torch.equal(tuned.build()[1].weight, before)
    found = run(tuned, device="cpu")
    losses = found.untrained("loss")
    assert losses[0] == losses[1]
    assert torch.equal(tuned.build()[1].weight, before)
    other = replace(tuned, model=start)
    assert any("behaviour" in fault for fault in verify([other]))


def test_a_record_holds_the_normalization_and_its_network_takes_bytes(results, mine):
    record = run(mine, seeds=[0], device="cpu").records[0]
    assert record.normalization == TRAIN.normalization()
    model = load_model(mine)
    logits = model(TEST.images)
    assert torch.equal(model(TRAIN.normalization()(TEST.images)), logits)
    right = (logits.argmax(1) == TEST.labels).double().mean().item()
    assert right == pytest.approx(record["final"]["accuracy"], abs=0.1)
    with pytest.raises(ValueError, match="mine was .* give it the bytes"):
        model(TEST.images.float())
    assert torch.func.vmap(model)(TRAIN.normalization()(TEST.images)[:, None]).shape == (30, 1, 3)


def test_packaged_networks_take_bytes_too_without_their_data(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    model, entry = load_model("cats-dogs-plain"), experiment("cats-dogs-plain")
    images = data.synthetic((3, 32, 32), 2, 4).images
    normalized = entry.normalization()(images)
    assert torch.equal(model(images), model(normalized))
    logits, _ = predict(model, [(images, torch.zeros(4))])
    assert logits.shape == (4, 1)
    with pytest.raises(ValueError, match="values up to 2"):
        model(images.float())


def test_more_classes_than_digits(results, mine):
    many = data.synthetic((1, 4, 4), 40, 80)
    recipe = replace(RECIPE, epochs=1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 40))
    entry = replace(mine, dataset=(many, many), model=model, arguments={}, recipe=recipe)
    record = run(entry, seeds=[0], device="cpu").records[0]
    wrong = record["answers"].replace(".", "")
    assert len(wrong) == 80 - record.right.sum()
    assert math.isclose(record.right.mean(), record["final"]["accuracy"])


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"dataset": 7}, ValueError, r"a name or a pair \(training set, test set\), got int"),
        ({"dataset": (TRAIN, TEST.images)}, TypeError, "the test set must be an ImageSet"),
        ({"dataset": (DataLoader(TensorDataset(*pair(TRAIN))), pair(TEST))}, TypeError, "give its"),
        ({"dataset": ((torch.rand(4, 2), torch.rand(4)),) * 2}, ValueError, "by fit"),
        ({"model": "nothing"}, ValueError, "unknown model 'nothing'"),
        ({"model": network()}, ValueError, r"takes no arguments, got {'hidden': 5}"),
        ({"keep_weights": "yes"}, ValueError, "keep_weights must be True or False, got 'yes'"),
    ],
)  # fmt: skip
def test_what_is_no_experiment(mine, changes, error, told):
    with pytest.raises(error, match=told):
        replace(mine, **changes)


def test_a_model_that_cannot_answer_is_refused_before_training(results, mine):
    for model, told in (
        (lambda hidden: nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), "are 3 classes, and the"),
        (lambda hidden: F.relu, "the model of mine made function, no network"),
    ):
        with pytest.raises(ValueError, match=told):
            run(replace(mine, model=model), device="cpu")
    wide, by_mean = partial(nn.Conv2d, 1, 3, 4), replace(RECIPE, loss=lambda x, y: x.mean())
    with pytest.raises(ValueError, match=r"each of 3 classes, got \(1, 3, 1, 1\)"):
        run(replace(mine, model=wide, arguments={}, recipe=by_mean), device="cpu")
    assert not results.exists()


def test_the_readers_own_folder_is_used_where_none_is_set(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "_user_folder", lambda: tmp_path)
    assert store.writing_folder(own=True) == tmp_path / "own"
