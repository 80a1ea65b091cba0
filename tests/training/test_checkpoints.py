"""A run that is interrupted and resumed is the run that was not."""

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from cnnref.data import synthetic
from cnnref.experiments import run, store
from cnnref.training import Checkpoint, Recipe, fit, seeded

TRAIN, TEST = synthetic((1, 6, 6), 2, 40), synthetic((1, 6, 6), 2, 30, seed=1)
MOMENTUM = Recipe("momentum", 0.05, epochs=4, batch_size=16, schedule="cosine")
WALL_TIMES = ("seconds", "images_per_second", "processor_seconds")


def network(seed: int) -> nn.Module:
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.4),
            nn.Flatten(), nn.Linear(64, 1),
        )  # fmt: skip


class InterruptionError(Exception):
    pass


def interrupt_after(epoch: int):
    def on_epoch(number, _):
        if number == epoch:
            raise InterruptionError

    return on_epoch


@pytest.fixture
def checkpoint(tmp_path) -> Checkpoint:
    return Checkpoint(tmp_path / "run" / ".checkpoint", {"experiment": "this one", "seed": 0})


def interrupted(checkpoint, recipe, epoch):
    with pytest.raises(InterruptionError):
        fit(
            network(0), TRAIN, TEST, recipe, device="cpu", record_steps=True,
            checkpoint=checkpoint, on_epoch=interrupt_after(epoch),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("recipe", "epoch"),
    [
        (MOMENTUM, 1),
        (MOMENTUM, 3),
        (MOMENTUM, 4),
        (replace(MOMENTUM, optimizer="adamw", weight_decay=0.1, precision="float64"), 2),
    ],
)
def test_a_resumed_run_has_the_history_and_the_weights_of_an_uninterrupted_one(
    checkpoint, recipe, epoch
):
    whole = network(0)
    expected = fit(whole, TRAIN, TEST, recipe, device="cpu", record_steps=True).to_dict()
    interrupted(checkpoint, recipe, epoch)
    # Its own weights are others: what it ends with can only come from the checkpoint.
    resumed, epochs = network(1), []
    history = fit(
        resumed, TRAIN, TEST, recipe, device="cpu", record_steps=True, checkpoint=checkpoint,
        on_epoch=lambda number, _: epochs.append(number),
    ).to_dict()  # fmt: skip
    assert epochs == list(range(epoch + 1, 5))
    for key in expected.keys() - WALL_TIMES:
        assert history[key] == expected[key], key
    assert all(len(history[key]) == 4 for key in WALL_TIMES)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_the_state_of_another_run_is_not_continued(checkpoint):
    interrupted(checkpoint, MOMENTUM, 2)
    other = Checkpoint(checkpoint.path, {"experiment": "this one", "seed": 1})
    assert other.load() is None
    epochs = []
    fit(
        network(0), TRAIN, TEST, MOMENTUM, device="cpu", checkpoint=other,
        on_epoch=lambda number, _: epochs.append(number),
    )  # fmt: skip
    assert epochs == [1, 2, 3, 4]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_named_and_training_starts_over(checkpoint, share):
    interrupted(checkpoint, MOMENTUM, 2)
    data = checkpoint.path.read_bytes()
    checkpoint.path.write_bytes(data[: int(share * len(data))])
    with pytest.warns(UserWarning, match=rf"{checkpoint.path} .*training starts over"):
        assert checkpoint.load() is None


def test_a_state_is_kept_until_it_is_deleted_and_the_one_before_until_the_next_is_whole(
    checkpoint, monkeypatch
):
    assert checkpoint.load() is None
    checkpoint.save({"epoch": 1})
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            checkpoint.save({"epoch": 2})
    assert checkpoint.load() == {"epoch": 1}
    checkpoint.delete()
    checkpoint.delete()
    assert checkpoint.load() is None


def first_epoch(entry, **settings) -> int:
    """The number of the first epoch that a run of seed 0 trains."""
    epochs = []
    run(entry, seeds=[0], on_epoch=lambda number, _: epochs.append(number), **settings)
    return epochs[0]


def test_an_experiment_continues_and_a_changed_one_starts_over(results, tiny):
    for changed in (replace(tiny, recipe=replace(tiny.recipe, epochs=3)), tiny):
        with pytest.raises(InterruptionError):
            run(tiny, seeds=[0], mode="force", on_epoch=interrupt_after(1), device="cpu")
        assert store.checkpoint_path("tiny", 0).is_file()
        expected = 2 if changed is tiny else 1
        assert first_epoch(changed, mode="force", device="cpu") == expected
        assert not store.checkpoint_path("tiny", 0).exists()


KILLED = """
import sys, time
from cnnref import cli
from cnnref.cli import experiments
from cnnref.experiments import catalogue
from dataclasses import replace
plain = catalogue.CATALOGUE["cats-dogs-plain"]
recipe = replace(plain.recipe, epochs=3, batch_size=64)
tiny = replace(plain, name="tiny", dataset="synthetic", recipe=recipe)
catalogue.CATALOGUE = {"tiny": tiny}
report = experiments._report
def report_and_wait(epoch, history):
    report(epoch, history)
    if epoch == 2:
        time.sleep(600)
experiments._report = report_and_wait
sys.exit(cli.main(["run", "tiny", "--seeds", "0", "--device", "cpu"]))
"""


def test_a_killed_command_continues_at_its_last_finished_epoch(results, tiny, monkeypatch):
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", KILLED], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process.stderr:
        try:
            while "epoch 2:" not in process.stderr.readline():
                assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert store.find("tiny", 0) is None
    assert store.checkpoint_path("tiny", 0).is_file()
    three = replace(tiny, recipe=replace(tiny.recipe, epochs=3))
    assert first_epoch(three, device="cpu") == 3
    assert not store.checkpoint_path("tiny", 0).exists()
    resumed = run(three, seeds=[0], mode="stored")
    whole = run(three, seeds=[0], mode="force", device="cpu")
    for metric, final in itertools.product(("loss", "accuracy"), (resumed, whole)):
        assert len(final.history(f"test_{metric}")[0]) == 3
        assert final.history(f"test_{metric}") == pytest.approx(
            whole.history(f"test_{metric}"), rel=1e-5
        )
