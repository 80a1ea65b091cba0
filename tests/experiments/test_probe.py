"""The probe keeps still when behaviour does, and moves when anything of it changes."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref import models, training
from cnnref.data import Batches, Normalization
from cnnref.experiments import CATALOGUE
from cnnref.experiments.probe import differences, probe
from cnnref.models import PlainCNN

ENTRY = CATALOGUE["cats-dogs-plain"]


@pytest.fixture(scope="module")
def still() -> dict[str, list[float]]:
    return probe(ENTRY)


def test_a_probe_replays_exactly_enough(still):
    torch.manual_seed(123)
    threads = torch.get_num_threads()
    assert differences(still, probe(ENTRY)) == []
    assert torch.get_num_threads() == threads
    assert len(still["steps"]) == 6
    assert len(still["evaluations"]) == 6


def test_renaming_and_rounding_do_not_count(still, monkeypatch):
    class Renamed(PlainCNN):
        def forward(self, x):
            return super().forward(x)

    monkeypatch.setattr(models, "MODELS", {"PlainCNN": Renamed})
    assert differences(still, probe(ENTRY)) == []
    rounded = {kind: [v * (1 + 1e-10) for v in values] for kind, values in still.items()}
    assert differences(still, rounded) == []


def layer(monkeypatch):
    class Other(PlainCNN):
        def forward(self, x):
            return super().forward(F.relu(x))

    monkeypatch.setattr(models, "MODELS", {"PlainCNN": Other})


def initialisation(monkeypatch):
    class Other(PlainCNN):
        def __init__(self):
            super().__init__()
            nn.init.xavier_uniform_(self.fc7.weight)

    monkeypatch.setattr(models, "MODELS", {"PlainCNN": Other})


def loss(monkeypatch):
    monkeypatch.setitem(
        training.LOSSES,
        "binary-cross-entropy",
        lambda logits, labels: F.soft_margin_loss(logits[:, 0], 1.0 - 2 * labels),
    )


def optimizer_setting(monkeypatch):
    monkeypatch.setitem(
        training.OPTIMIZERS, "adam", lambda p, **o: torch.optim.Adam(p, betas=(0.8, 0.999), **o)
    )


def schedule(monkeypatch):
    monkeypatch.setitem(training.SCHEDULES, "constant", lambda done: 1 - 0.1 * done)


def batch_order(monkeypatch):
    epoch = Batches.epoch
    monkeypatch.setattr(Batches, "epoch", lambda self, number: epoch(self, number + 1))


def reversed_batches(monkeypatch):
    epoch = Batches.epoch
    monkeypatch.setattr(Batches, "epoch", lambda self, number: iter([*epoch(self, number)][::-1]))


def normalisation(monkeypatch):
    call = Normalization.__call__
    monkeypatch.setattr(
        Normalization, "__call__", lambda self, x, dtype=torch.float32: call(self, x, dtype) * 1.01
    )


def evaluation(monkeypatch):
    monkeypatch.setattr(training, "evaluate", lambda *_: training.Evaluation(0.69, 0.5))


@pytest.mark.parametrize(
    "mutate",
    [
        layer, initialisation, loss, optimizer_setting, schedule, batch_order, reversed_batches,
        normalisation, evaluation,
    ],
)  # fmt: skip
def test_every_kind_of_change_is_seen(still, monkeypatch, mutate):
    mutate(monkeypatch)
    found = differences(still, probe(ENTRY))
    assert found
    assert all(line.startswith("behaviour: ") for line in found)


def test_evaluation_mode_is_seen_where_it_matters(monkeypatch):
    entry = replace(ENTRY, arguments={"batch_norm": True, "dropout": 0.4})
    before = probe(entry)
    monkeypatch.setattr(nn.Module, "eval", lambda self: self)
    assert differences(before, probe(entry))


def test_differences_name_the_first_and_count():
    old = {"steps": [1.0, 2.0, 3.0], "evaluations": [0.5]}
    new = {"steps": [1.0, 2.1, 3.1], "evaluations": [0.5]}
    assert differences(old, new) == [
        "behaviour: 2 of 3 steps of the probe differ, the first at 2: recorded 2, now 2.1"
    ]
    shorter = {"steps": [1.0], "evaluations": [0.5]}
    assert differences(old, shorter) == ["behaviour: the probe had 3 steps, now it has 1"]
