import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import cnnref
from cnnref.experiments import store
from cnnref.experiments.store import DamagedRecordError, NewerRecordError, Record


@pytest.fixture
def record(trained) -> Record:
    """The record of seed 1, which keeps no weights, alone in its folder."""
    for path in trained.glob("tiny/seed-0*"):
        path.unlink()
    return store.read(trained / "tiny" / "seed-1.json")


def bare(record: Record) -> dict:
    return {k: v for k, v in record.content.items() if k not in ("schema", "weights", "checksum")}


def edit(record: Record, *path, value) -> None:
    """Change one entry of the file, as an editor would."""
    content = json.loads(record.path.read_text())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    record.path.write_text(json.dumps(content))


def sign(record: Record) -> None:
    """Give an edited record a checksum that fits, as a forger would."""
    content = json.loads(record.path.read_text())
    content["checksum"] = store._checksum(content)
    record.path.write_text(json.dumps(content))


def test_what_is_written_is_read(record):
    again = store.read(record.path)
    assert again.content == json.loads(json.dumps(record.content))
    assert again.seed == 1
    history = again["history"]
    rates = [200 / seconds for seconds in history["seconds"]]
    assert again.seconds == pytest.approx(sum(history["seconds"]))
    assert min(rates) <= again.images_per_second <= max(rates)
    assert record.path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_record(record, share):
    text = record.path.read_text()
    record.path.write_text(text[: int(share * len(text))])
    with pytest.raises(DamagedRecordError, match="not whole JSON.*`cnnref run tiny`") as caught:
        store.read(record.path)
    assert str(record.path) in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '"x"', "\x00", '{"schema": 0}'])
def test_another_file_in_its_place(record, content):
    record.path.write_text(content)
    with pytest.raises(DamagedRecordError):
        store.read(record.path)


def test_bytes_that_are_not_text(record):
    record.path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedRecordError, match="not whole JSON"):
        store.read(record.path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("final", "accuracy"), 0.99),
        (("history", "test_accuracy", 0), 0.99),
        (("history", "train_loss", 1), 0.001),
        (("provenance", "device_name"), "a faster one"),
        (("probe", "steps", 0), 0.5),
    ],
)
def test_an_edit_by_hand_is_refused(record, path, value):
    edit(record, *path, value=value)
    with pytest.raises(DamagedRecordError, match="edited or cut"):
        store.read(record.path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("final", "accuracy"), 0.99, r"\$.final.accuracy: 0.99 does not agree"),
        (("history", "test_accuracy", 1), 0.99, r"\$.history.test_accuracy: 0.99 does not agree"),
        (("history", "seconds"), [1.0], r"\$.history.seconds: 1 epochs"),
        (("confusion",), [[1, 2]], r"\$.confusion: not square"),
        (("confusion", 0, 0), 10**6, r"\$.confusion: counts"),
        (("final", "accuracy"), 1.7, r"\$.final.accuracy: 1.7 is greater"),
        (("seed",), 3, "holds tiny seed 3"),
        (("name",), "other", "holds other seed 1"),
        (("schema",), "1", r"\$.schema"),
        (("provenance", "date"), "yesterday", r"\$.provenance.date"),
        (("dataset", "train_sha256"), "abc", r"\$.dataset.train_sha256"),
        (("surprise",), 1, "surprise"),
    ],
)
def test_a_signed_record_must_still_agree_with_itself(record, path, value, message):
    edit(record, *path, value=value)
    sign(record)
    with pytest.raises(DamagedRecordError, match=message):
        store.read(record.path)


def test_a_record_from_a_newer_schema(record):
    edit(record, "schema", value=2)
    with pytest.raises(NewerRecordError, match="has schema 2.*upgrade cnnref"):
        store.read(record.path)


def test_writing_an_invalid_record_writes_nothing(record, results):
    before = record.path.read_bytes()
    content = bare(record)
    content["final"] = {"loss": 0.1, "accuracy": 0.123}
    with pytest.raises(DamagedRecordError, match="not valid"):
        store.write(content)
    assert record.path.read_bytes() == before
    assert [path.name for path in record.path.parent.iterdir()] == ["seed-1.json"]


def test_a_full_disk_leaves_the_old_record(record, monkeypatch):
    before = record.path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write(bare(record))
    assert record.path.read_bytes() == before
    assert [path.name for path in record.path.parent.iterdir()] == ["seed-1.json"]


WEIGHTS = {"a": torch.randn(3, 4), "count": torch.tensor(7)}


def test_weights_come_back_in_half_precision(record):
    kept = store.write(bare(record), WEIGHTS)
    found = store.read(kept.path).weights()
    assert torch.equal(found["a"], WEIGHTS["a"].half())
    assert found["count"].item() == 7
    with pytest.raises(DamagedRecordError, match="keeps no weights"):
        record.weights()


def test_new_weights_replace_the_old_ones_and_altered_ones_are_refused(record):
    store.write(bare(record), WEIGHTS)
    kept = store.write(bare(record), {"a": torch.zeros(2)})
    files = sorted(kept.path.parent.glob("*.safetensors"))
    assert [path.name for path in files] == [kept["weights"]["file"]]
    files[0].write_bytes(files[0].read_bytes()[:-1] + b"\x01")
    with pytest.raises(DamagedRecordError, match="altered"):
        kept.weights()
    files[0].unlink()
    with pytest.raises(DamagedRecordError, match="missing"):
        kept.weights()


def test_a_kill_between_weights_and_record_leaves_the_old_pair(record, monkeypatch):
    kept = store.write(bare(record), WEIGHTS)
    write_whole = store._write_whole

    def killed(path, data):
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write_whole(path, data)

    monkeypatch.setattr(store, "_write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        store.write(bare(record), {"a": torch.zeros(2)})
    assert torch.equal(store.read(kept.path).weights()["a"], WEIGHTS["a"].half())


KILLED_WRITER = """
import json, sys
from cnnref.experiments import store
content = json.load(open(sys.argv[1]))
for key in ("schema", "weights", "checksum"):
    del content[key]
print("ready", flush=True)
while True:
    store.write(content)
"""


def test_a_killed_writer_leaves_a_whole_record(record, tmp_path):
    source = tmp_path / "source.json"
    source.write_text(record.path.read_text())
    for delay in (0.0, 0.003, 0.01, 0.03):
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(source)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        with writer.stdout:
            writer.stdout.readline()
            try:
                writer.wait(delay)
            except subprocess.TimeoutExpired:
                writer.kill()
            writer.wait()
        assert store.read(record.path).content == record.content


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
