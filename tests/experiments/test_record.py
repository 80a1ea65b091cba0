"""A record is refused where anything about it is off; its weights come back."""

import json
import math
import random
import re

import pytest
import torch

from cnnref.experiments import store
from cnnref.experiments.record import DamagedRecordError, NewerRecordError, weight_name

from .records import WEIGHTS, bare, edit, sign


def test_a_record_cut_anywhere_is_refused(record):
    text = record.path.read_text()
    last = text.rindex("}")
    for length in range(0, last + 1, last // 50):
        record.path.write_text(text[:length])
        with pytest.raises(DamagedRecordError, match="not whole JSON.*`cnnref run tiny`") as caught:
            store.read(record.path)
        assert str(record.path) in str(caught.value)


def numbers(inner, path=()):
    """Every number in a record, with the way to it."""
    if isinstance(inner, dict | list):
        for key, value in inner.items() if isinstance(inner, dict) else enumerate(inner):
            yield from numbers(value, (*path, key))
    elif isinstance(inner, int | float):
        yield path, inner


def test_any_number_edited_by_as_little_as_can_be_is_refused(record):
    whole = record.path.read_text()
    edited = list(numbers(json.loads(whole)))
    assert len(edited) > 100
    for path, value in edited:
        edit(record, *path, value=value + 1 if isinstance(value, int) else math.nextafter(value, 2))
        with pytest.raises((DamagedRecordError, NewerRecordError)) as caught:
            store.read(record.path)
        assert str(record.path) in str(caught.value)
        assert re.search("`cnnref run tiny` trains it again|upgrade cnnref", str(caught.value))
        record.path.write_text(whole)


def test_a_flipped_bit_is_refused_or_changes_nothing(record):
    """It may turn 1e-05 into 1E-05."""
    whole = record.path.read_bytes()
    chance = random.Random(0)
    refused = 0
    for _ in range(200):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        record.path.write_bytes(changed)
        try:
            assert store.read(record.path).content == record.content
        except DamagedRecordError:
            refused += 1
    assert refused > 190


@pytest.mark.parametrize("content", ["[]", "null", "{}", '"x"', "\x00", '{"schema": 0}'])
def test_another_file_in_its_place(record, content):
    record.path.write_text(content)
    with pytest.raises(DamagedRecordError):
        store.read(record.path)


def test_bytes_that_are_not_text_and_json_that_is_too_much_for_python(record):
    for content in (b"\xff\xfe\x00", b"[" * 99999, b"9" * 9999):
        record.path.write_bytes(content)
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
        (("answers",), "." * 100, r"\$.answers: 100 of 100 are right, the confusion counts say"),
        (("answers",), "?" * 100, r"\$.answers: '\?.* must match pattern"),
        (("final", "accuracy"), 1.7, r"\$.final.accuracy: 1.7 must be smaller"),
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


def test_weights_come_back_in_half_precision(record):
    kept = store.write(bare(record), WEIGHTS)
    found = store.read(kept.path).weights()
    assert torch.equal(found["a"], WEIGHTS["a"].half())
    assert found["count"].item() == 7
    with pytest.raises(DamagedRecordError, match="keeps no weights"):
        record.weights()


def test_weights_of_a_moment_are_told_apart_from_the_last(record):
    moments = {"step": [0, 8], "loss": [1.0, 0.5], "accuracy": [0.5, 0.6]}
    on_the_way = {weight_name("a", 8): torch.ones(3, 4)}
    kept = store.write(bare(record) | {"moments": moments}, WEIGHTS | on_the_way)
    assert torch.equal(kept.weights()["a"], WEIGHTS["a"].half())
    assert kept.weights().keys() == WEIGHTS.keys()
    assert torch.equal(kept.weights(8)["a"], torch.ones(3, 4).half())
    with pytest.raises(ValueError, match=r"no weights of step 0; of steps \[8\]"):
        kept.weights(0)


def test_moments_must_be_of_one_length(record):
    moments = {"step": [0, 8], "loss": [1.0], "accuracy": [0.5, 0.6]}
    with pytest.raises(DamagedRecordError, match=r"moments.loss: 1 values, .*moments.step has 2"):
        store.write(bare(record) | {"moments": moments})


def test_new_weights_replace_the_old_ones_and_altered_ones_are_refused(record):
    store.write(bare(record), WEIGHTS)
    kept = store.write(bare(record), {"a": torch.zeros(2)})
    files = sorted(kept.path.parent.glob("*.safetensors"))
    assert [path.name for path in files] == [kept["weights"]["file"]]
    whole = files[0].read_bytes()
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        files[0].write_bytes(changed)
        with pytest.raises(DamagedRecordError, match="altered.*`cnnref run tiny`") as caught:
            kept.weights()
        assert str(files[0]) in str(caught.value)
    files[0].unlink()
    with pytest.raises(DamagedRecordError, match="missing.*`cnnref run tiny`"):
        kept.weights()
