"""Experiments with data, models and losses of one's own: kept, read and verified."""

import math
import pickle
import re
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
    UnknownExperimentError,
    compare,
    disagreement,
    experiment,
    load_model,
    run,
    store,
    verify,
)
from cnnref.experiments.catalogue.entry import Expectation
from cnnref.experiments.record import DamagedRecordError
from cnnref.experiments.report import comparison_markdown, result_markdown
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


def means_of(images):
    """Pictures as bytes, and how bright each is on average."""
    return images.images, images.images.double().mean((1, 2, 3))[:, None] / 255


def brightness(scale=1.0):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 1))


def negative(outputs, targets):
    """A loss that may be below nought, as likelihoods of numbers are."""
    return F.mse_loss(outputs, targets) - 5


@pytest.fixture
def regression(mine):
    return replace(
        mine,
        dataset=(means_of(TRAIN), means_of(TEST)),
        model=brightness,
        arguments={},
        recipe=replace(RECIPE, loss=F.mse_loss),
        name="bright",
        keep_steps=True,
        keep_tail=True,
    )


def test_a_regression_is_kept_read_again_and_verified(results, regression, monkeypatch):
    assert regression.metric == "loss"
    first = run(regression, device="cpu")
    record = first.records[0].content
    assert record["schema"] == 2  # versions that know accuracies alone refuse it by name
    assert not {"confusion", "answers", "mistakes"} & record.keys()
    history = record["history"]
    assert not any("accuracy" in key or "error" in key for key in history)
    assert record["final"] == {"loss": history["test_loss"][-1]}
    assert record["tail"]["loss"][-1] == pytest.approx(record["final"]["loss"])
    assert len(history["step_loss"]) == 6
    assert record["probe"]["evaluations"].__len__() == 3
    network = load_model(regression)
    network.load_state_dict({k: v.float() for k, v in first.records[0].weights().items()})
    with torch.no_grad():  # the weights are kept in half precision
        again = F.mse_loss(network(TEST.images), means_of(TEST)[1].float())
    assert float(again) == pytest.approx(record["final"]["loss"], rel=0.02)

    monkeypatch.setattr("cnnref.experiments.runner.train_seed", None)
    read = run(pickle.loads(pickle.dumps(regression)))
    assert [r.content for r in read.records] == [r.content for r in first.records]
    assert verify([regression]) == []
    assert str(read).startswith("bright: test loss ")
    assert compare(first, read).verdict == "too close to call"
    assert compare(first, read).metric == "test loss"
    assert read.final() == pytest.approx(read.final("loss"))
    assert "test loss:" not in result_markdown(read)
    assert "**Test loss** " in result_markdown(read)
    assert "accuracy" not in result_markdown(read)
    for asked in (
        lambda: read.final("accuracy"), lambda: read.confusion, lambda: read.interval("accuracy"),
        lambda: comparison_markdown([read]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="bright has no accuracy, as its targets are no"):
            asked()


def test_what_changed_in_a_regression_is_told(results, regression, monkeypatch):
    run(regression, seeds=[0], device="cpu")
    alone = replace(regression, seeds=(0,))
    other = replace(alone, recipe=replace(alone.recipe, loss=negative))
    assert any("field recipe.loss" in fault for fault in verify([other]))
    monkeypatch.setattr(
        brightness, "__code__",
        (lambda scale=1.0: nn.Sequential(nn.Flatten(), nn.Linear(16, 1), nn.Tanh())).__code__,
    )  # fmt: skip
    told = verify([alone])
    assert any("steps of the probe differ" in fault for fault in told)
    assert any("evaluations of the probe differ" in fault for fault in told)


def test_a_loss_may_be_negative(results, regression):
    below = replace(regression, recipe=replace(regression.recipe, loss=negative), name="below")
    found = run(below, device="cpu")
    assert (found.final() < 0).all()
    assert found.interval().low < found.final().min()
    assert verify([below]) == []


@pytest.mark.parametrize("damage", ["confusion", "accuracy", "schema"])
def test_a_record_of_a_regression_that_says_too_much_is_damaged(results, regression, damage):
    content = run(regression, seeds=[0], device="cpu").records[0].content
    content = {k: v for k, v in content.items() if k not in ("weights", "checksum", "schema")}
    if damage == "confusion":  # such a record is one of classes, and has no accuracies
        content["confusion"] = [[30]]
    elif damage == "accuracy":
        content["final"] = {**content["final"], "accuracy": 2}
    else:
        content["answers"] = "." * 30
    with pytest.raises(DamagedRecordError, match="is not valid"):
        store.write(content, own=True)


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


def test_a_damaged_record_of_ones_own_is_not_for_the_command(results, mine):
    entry = replace(mine, seeds=(0,), keep_weights=True)
    record = run(entry, device="cpu").records[0]
    remedy = "run of the Experiment 'mine' trains it again"
    weights = record.path.with_name(record["weights"]["file"])
    content = weights.read_bytes()
    weights.write_bytes(b"")
    with pytest.raises(NoRecordError, match=f"missing; {remedy}$"):
        load_model(entry)
    weights.write_bytes(content)
    record.path.write_text(record.path.read_text()[:100])
    assert verify(entry)[0].endswith(remedy)


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
        ({"dataset": 7}, ValueError, r"a name or a pair \(training set, test set\), .*, got 7"),
        ({"dataset": (TRAIN, TEST.images)}, TypeError, "the test set must be an ImageSet"),
        ({"dataset": (DataLoader(TensorDataset(*pair(TRAIN))), pair(TEST))}, TypeError, "give its"),
        (
            {"dataset": ((torch.rand(4, 2), torch.rand(4)),) * 2}, ValueError,
            r"mine are no classes, .*float32 \(4,\); cross-entropy needs .*mse_loss",
        ),
        (
            {
                "dataset": ((torch.rand(4, 2), torch.rand(4)),) * 2,
                "recipe": replace(RECIPE, loss=F.mse_loss), "expected": Expectation(0, 1, "luck"),
            }, ValueError, "leave out the accuracy that is expected",
        ),
        ({"model": "nothing"}, ValueError, "unknown model 'nothing'.* one of your own is given as"),
        ({"dataset": pair(TRAIN)}, TypeError, "got two Tensors, as one set has: the test set is"),
        ({"dataset": (pair(TRAIN),)}, ValueError, r"as \(\(x, y\), \(x_test, y_test\)\), got \("),
        ({"name": None}, ValueError, "words joined by hyphens, such as 'my-net', got None"),
        ({"title": None}, ValueError, "title must be a line for people, got None"),
        ({"recipe": None}, ValueError, "recipe must be a Recipe, got None"),
        ({"seeds": 3}, ValueError, r"several numbers, .* such as \(0, 1, 2\), got 3"),
        ({"arguments": {"hidden": len}}, ValueError, "that JSON knows, .* functools.partial"),
        ({"model": network()}, ValueError, r"takes no arguments, got {'hidden': 5}"),
        ({"keep_weights": "yes"}, ValueError, "keep_weights must be True or False, got 'yes'"),
    ],
)  # fmt: skip
def test_what_is_no_experiment(mine, changes, error, told):
    with pytest.raises(error, match=told):
        replace(mine, **changes)


def test_what_is_shown_of_an_experiment_takes_a_line(results, mine):
    entry = replace(mine, seeds=(0,))
    found = run(entry, device="cpu")
    assert repr(entry).startswith(
        "<Experiment mine: tests.experiments.test_own:network on own, SHA-"
    )
    assert repr(entry).endswith(f"{mine.recipe.epochs} epochs, 1 seed>")
    assert repr(found) == f"<Result of {found}>"
    told = repr(found.records[0])
    assert re.match(r"<Record of mine seed 0: (loss|accuracy) [\d.]+, ", told)
    assert "\n" not in told + repr(found) + repr(entry)


def test_one_experiment_is_verified_alone(results, mine):
    run(replace(mine, seeds=(0,)), device="cpu")
    assert verify(replace(mine, seeds=(0,))) == []
    for call in (run, load_model, verify):
        with pytest.raises(UnknownExperimentError, match="of your own is given as the Experiment"):
            call("mine")
        with pytest.raises(TypeError, match="an Experiment, or the name of one, is needed, got 3"):
            call([3] if call is verify else 3)
    with pytest.raises(ValueError, match=r"compare\(run\(a\), run\(b\)\)"):
        compare(mine, mine)


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
