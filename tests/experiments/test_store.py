"""Records are found, read and written, whole or not at all."""

import json
from pathlib import Path

import pytest

import cnnref
from cnnref.experiments import store
from cnnref.experiments.record import DamagedRecordError, NewerRecordError

from .records import WEIGHTS, bare, edit


def test_what_is_written_is_read(record):
    again = store.read(record.path)
    assert again.content == json.loads(json.dumps(record.content))
    assert again.seed == 1
    history = again["history"]
    rates = [200 / seconds for seconds in history["seconds"]]
    assert again.seconds == pytest.approx(sum(history["seconds"]))
    assert min(rates) <= again.images_per_second <= max(rates)
    assert record.path.stat().st_mode & 0o777 == 0o644


def test_a_record_from_a_newer_schema_is_neither_read_nor_replaced(record):
    edit(record, "schema", value=3)
    newer = record.path.read_bytes()
    for refused in (lambda: store.read(record.path), lambda: store.write(bare(record), WEIGHTS)):
        with pytest.raises(NewerRecordError, match="has schema 3.*upgrade cnnref") as caught:
            refused()
        assert str(record.path) in str(caught.value)
    assert record.path.read_bytes() == newer
    assert [path.name for path in record.path.parent.iterdir()] == ["seed-1.json"]


def test_writing_an_invalid_record_writes_nothing(record, results):
    before = record.path.read_bytes()
    content = bare(record)
    content["final"] = {"loss": 0.1, "accuracy": 0.123}
    with pytest.raises(DamagedRecordError, match="not valid"):
        store.write(content)
    assert record.path.read_bytes() == before
    assert [path.name for path in record.path.parent.iterdir()] == ["seed-1.json"]


def test_partial_files_are_not_records(record):
    (record.path.parent / ".seed-2.json.abc.partial").write_text("{")
    assert ("tiny", 2) not in store.stored()
    assert store.find("tiny", 2) is None


def test_where_records_are_read_and_written(monkeypatch, tmp_path):
    package = Path(cnnref.__file__).parent / "results"
    assert store.folders() == [package]
    assert store.writing_folder() == package
    monkeypatch.setenv("CNNREF_RESULTS", str(tmp_path))
    assert store.folders() == [tmp_path, package]
    assert store.writing_folder() == tmp_path
    monkeypatch.delenv("CNNREF_RESULTS")
    installed = tmp_path / "site-packages" / "cnnref" / "results"
    monkeypatch.setattr(store, "_package_folder", lambda: installed)
    monkeypatch.chdir(tmp_path)
    assert store.folders() == [store._user_folder(), installed]
    assert tmp_path not in store.writing_folder().parents


def test_own_records_come_before_packaged_ones(record, results):
    other = results / "cats-dogs-plain" / "seed-0.json"
    other.parent.mkdir()
    other.write_text("{}")
    assert store.find("cats-dogs-plain", 0) == other
    assert store.stored()["cats-dogs-plain", 0] == other
