from dataclasses import replace

import numpy as np
import pytest

from cnnref import data
from cnnref.data import MissingDataError
from cnnref.experiments import (
    DamagedRecordError,
    ModeError,
    NewerRecordError,
    NoRecordError,
    UnknownExperimentError,
    catalogue,
    load_model,
    run,
    trainer,
)
from cnnref.training import DeviceError, evaluate


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("this must not train")

    monkeypatch.setattr(trainer, "fit", refuse)


def test_training_makes_records_and_the_next_call_reads_them(results, tiny, monkeypatch):
    first = run(tiny)
    assert first.seeds == (0, 1)
    assert first.history("test_accuracy").shape == (2, 2)
    monkeypatch.setattr(trainer, "fit", None)
    again = run(tiny)
    assert [r.content for r in again.records] == [r.content for r in first.records]
    assert np.array_equal(first.final(), again.history("test_accuracy")[:, -1])
    assert first.confusion.sum() == 200
    assert first.interval().runs == 2
    assert str(first).startswith("tiny: test accuracy ")
    assert first.untrained().shape == (2,)


def test_the_same_seed_gives_the_same_numbers(trained, tiny):
    """What a stranger checks by training one seed again."""
    first = run(tiny, seeds=[0], mode="stored").records[0]
    again = run(tiny, seeds=[0], device="cpu", mode="force").records[0]
    for metric in ("train_loss", "test_loss", "test_accuracy"):
        assert first["history"][metric] == pytest.approx(again["history"][metric], rel=1e-5)


def test_force_trains_and_stored_never_does(results, tiny, no_training):
    with pytest.raises(NoRecordError, match=r"no record of tiny seed 0.*`cnnref run tiny`"):
        run(tiny, mode="stored")
    with pytest.raises(AssertionError, match="must not train"):
        run(tiny, mode="force")


def test_the_mode_comes_from_the_environment(tiny, monkeypatch, no_training, results):
    monkeypatch.setenv("CNNREF_EXPERIMENTS", "stored")
    with pytest.raises(NoRecordError):
        run(tiny)
    monkeypatch.setenv("CNNREF_EXPERIMENTS", "forced")
    with pytest.raises(ModeError, match="did you mean 'force'"):
        run(tiny)


def test_a_mode_that_is_given_is_the_one_blamed(tiny, monkeypatch):
    monkeypatch.setenv("CNNREF_EXPERIMENTS", "stored")
    with pytest.raises(ModeError, match="^unknown mode 'x'"):
        run(tiny, mode="x")
    with pytest.raises(ModeError, match="^unknown mode ''"):
        run(tiny, mode="")


@pytest.mark.parametrize("seeds", [[], [0, 0], [-1], [0.5], [True], "12"])
def test_seeds_that_are_none_are_refused(tiny, seeds, no_training):
    with pytest.raises(ValueError, match="seed"):
        run(tiny, seeds=seeds)


def test_a_changed_experiment_is_trained_again(trained, tiny):
    changed = replace(tiny, recipe=replace(tiny.recipe, learning_rate=0.01))
    with pytest.raises(NoRecordError, match="with other fields"):
        run(changed, seeds=[0], mode="stored")
    with pytest.warns(UserWarning, match="other fields; training again"):
        record = run(changed, seeds=[0]).records[0]
    assert record["experiment"]["recipe"]["learning_rate"] == 0.01


def test_a_damaged_record_is_told_and_trained_again(trained, tiny):
    path = trained / "tiny" / "seed-0.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(NoRecordError, match=f"{path} is not whole JSON"):
        run(tiny, seeds=[0], mode="stored")
    with pytest.warns(UserWarning, match="not whole JSON"):
        run(tiny, seeds=[0])
    assert run(tiny, seeds=[0], mode="stored").seeds == (0,)


def test_a_newer_record_is_never_overwritten(results, tiny, no_training):
    path = results / "tiny" / "seed-0.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"schema": 3}')
    for mode in ("auto", "stored"):
        with pytest.raises(NewerRecordError):
            run(tiny, seeds=[0], mode=mode)
    assert path.read_text() == '{"schema": 3}'


def test_mistakes_in_the_call(results, tiny, monkeypatch, tmp_path):
    with pytest.raises(UnknownExperimentError, match="did you mean 'cats-dogs-plain'"):
        run("cats-dogs-plan")
    with pytest.raises(DeviceError, match="'cuda:7' is not on this machine"):
        run(tiny, device="cuda:7")
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDataError, match="cnnref data fetch cifar10"):
        run("cats-dogs-plain", mode="force")


def test_weights_of_the_first_seed_are_kept_and_loaded(trained, tiny, monkeypatch):
    result = run(tiny, mode="stored")
    assert [bool(r["weights"]) for r in result.records] == [True, False]
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tiny": tiny})
    model = load_model("tiny")
    assert not model.training
    train, test = data.load("synthetic", "train"), data.load("synthetic", "test")
    found = evaluate(model, data.Batches(test, 50, train.normalization()))
    assert found.accuracy == pytest.approx(result.records[0]["final"]["accuracy"], abs=0.02)
    with pytest.raises(ValueError, match="no weights of step 3; of steps none"):
        load_model("tiny", 3)
    lean = replace(tiny, keep_weights=False)
    run(lean, seeds=[0], mode="force")
    with pytest.raises(DamagedRecordError, match="keeps no weights"):
        load_model("tiny")
