"""Verification of the real records, and of every way a record can go stale."""

import json
import shutil
from dataclasses import replace

import pytest

from cnnref import data
from cnnref.data import Normalization
from cnnref.experiments import CATALOGUE, run, store, verify


def test_every_packaged_record_is_valid_and_none_is_stale():
    assert verify(jobs=2) == []


def test_every_seed_of_the_catalogue_has_a_packaged_record():
    for entry in CATALOGUE.values():
        assert run(entry, mode="stored").seeds == entry.seeds


@pytest.fixture
def checked(trained, results, tiny, monkeypatch):
    """`verify` of the tiny experiment alone, with two fresh records."""
    monkeypatch.setattr(store, "_package_folder", lambda: results / "none")

    def check(entry=tiny):
        return verify([entry])

    assert check() == []
    return check


def test_a_changed_field_is_named(checked, tiny):
    recipe = replace(tiny.recipe, learning_rate=0.002, epochs=3)
    faults = checked(replace(tiny, recipe=recipe))
    assert "tiny seed 0: field recipe.epochs: recorded 2, now 3" in faults
    assert any("field recipe.learning_rate: recorded 0.001, now 0.002" in f for f in faults)
    faults = checked(replace(tiny, arguments={"dropout": 0.4}))
    assert any("field arguments.dropout: recorded nothing, now 0.4" in f for f in faults)


def test_changed_behaviour_is_named(checked, monkeypatch):
    call = Normalization.__call__
    monkeypatch.setattr(Normalization, "__call__", lambda self, *a: 2 * call(self, *a))
    faults = checked()
    assert len(faults) == 4
    assert all("behaviour" in fault for fault in faults)


def test_a_probe_that_crashes_is_named(checked, monkeypatch):
    monkeypatch.setattr("cnnref.data.Batches.epoch", lambda *_: iter(()))
    faults = checked()
    assert len(faults) == 2
    assert all("behaviour: the probe fails: " in fault for fault in faults)


def test_changed_data_is_named(checked, monkeypatch):
    changed = data.synthetic((3, 32, 32), 2, 200, seed=9)
    monkeypatch.setattr("cnnref.experiments.verification.load", lambda *_: changed)
    faults = checked()
    assert len(faults) == 4
    assert all("data: synthetic t" in f and changed.sha256 in f for f in faults)


def test_missing_data_is_not_a_fault(checked, monkeypatch):
    def missing(*_):
        raise data.MissingDataError("not here")

    monkeypatch.setattr("cnnref.experiments.verification.load", missing)
    assert checked() == []


def test_a_dataset_is_loaded_once_for_all_who_trained_on_it(checked, monkeypatch):
    loaded = []

    def load(name, split):
        loaded.append((name, split))
        return data.load(name, split)

    monkeypatch.setattr("cnnref.experiments.verification.load", load)
    assert checked() == []
    assert loaded == [("synthetic", "train"), ("synthetic", "test")]


def test_several_processes_find_what_one_finds_in_the_same_order(checked, tiny):
    recipe = replace(tiny.recipe, learning_rate=0.002)
    entries = [
        replace(tiny, recipe=recipe),
        replace(tiny, name="other"),
        replace(tiny, name="more"),
    ]
    seen = []
    found = verify(entries, jobs=2, on_experiment=lambda entry: seen.append(entry.name))
    assert found == verify(entries)
    assert seen == ["tiny", "other", "more"]
    assert "behaviour: " in "".join(found)
    assert "other seed 1: there is no record" in found


def test_damaged_missing_and_unknown_records_are_named(checked, tiny, results):
    first, second = (results / "tiny" / f"seed-{seed}.json" for seed in (0, 1))
    first.write_text(first.read_text()[:-50])
    second.rename(results / "tiny" / "seed-7.json")
    shutil.copytree(results / "tiny", results / "other")
    faults = checked()
    assert any(f.startswith("tiny seed 0: ") and "not whole JSON" in f for f in faults)
    assert any(f.startswith("tiny seed 1: there is no record") for f in faults)
    assert any("other seed 0" in f and "no experiment in the catalogue" in f for f in faults)


def test_altered_weights_are_named(checked, results):
    (weights,) = (results / "tiny").glob("*.safetensors")
    weights.write_bytes(b"")
    assert any("missing" in fault for fault in checked())


def test_no_command_refreshes_a_probe_without_training(checked, tiny, results):
    """A hand-made fresh probe does not pass: the checksum is that of the trained record."""
    path = results / "tiny" / "seed-0.json"
    content = json.loads(path.read_text())
    content["probe"]["steps"][0] += 0.1
    path.write_text(json.dumps(content))
    assert any("edited or cut" in fault for fault in checked())
