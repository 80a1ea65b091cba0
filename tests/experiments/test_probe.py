"""The probe repeats itself, drops the same everywhere, and tells what differs.

That it sees every change of every experiment is in `test_mutations`.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from cnnref.experiments import CATALOGUE
from cnnref.experiments.probe import _dropout, differences, probe

PLAIN = CATALOGUE["cats-dogs-plain"]
DROPPING = replace(PLAIN, arguments={"dropout": 0.4})


@pytest.fixture(scope="module")
def plain() -> dict[str, list[float]]:
    return probe(PLAIN)


@pytest.fixture(scope="module")
def dropping() -> dict[str, list[float]]:
    return probe(DROPPING)


def test_a_probe_replays_exactly_enough_whatever_the_state_of_torch(plain):
    torch.manual_seed(123)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert differences(plain, probe(PLAIN)) == []
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    assert len(plain["steps"]) == 6
    assert len(plain["evaluations"]) == 6


def test_rounding_does_not_count(plain):
    rounded = {kind: [v * (1 + 1e-10) for v in values] for kind, values in plain.items()}
    assert differences(plain, rounded) == []


def test_dropout_replays_too(dropping):
    assert differences(dropping, probe(DROPPING)) == []


class Kernels(TorchDispatchMode):
    """The names of torch's own kernels that run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_torchs_own_dropout_which_depends_on_the_processor_is_never_used():
    theirs = {"bernoulli", "bernoulli_", "native_dropout"}
    for dropout in (F.dropout, F.dropout2d):
        with Kernels() as kernels:
            dropout(torch.ones(1, 2, 3, 4))
        assert kernels.names & theirs, "torch draws its masks by another kernel now"
    with Kernels() as kernels:
        probe(DROPPING)
    assert "rand" in kernels.names
    assert not kernels.names & theirs


def test_dropout_drops_entries_or_whole_channels_and_keeps_the_mean():
    x = torch.ones(50, 40, 4, 5)
    alike = {}
    for whole_channels in (False, True):
        y = _dropout(whole_channels, x, p=0.2)
        assert y.dtype == x.dtype
        assert y.unique().tolist() == pytest.approx([0, 1.25])
        assert y.mean().item() == pytest.approx(1, abs=0.05)
        alike[whole_channels] = torch.equal(y, y[..., :1, :1].expand_as(y))
        assert _dropout(whole_channels, x, 0.2, False) is x
    assert alike == {False: False, True: True}


def test_in_training_the_probability_matters_and_in_evaluation_nothing_is_dropped(plain, dropping):
    more = probe(replace(PLAIN, arguments={"dropout": 0.41}))
    for other in (plain, more):
        assert dropping["steps"][0] != pytest.approx(other["steps"][0], rel=1e-6)
        # Before the first step the weights are the same, and dropout has none.
        assert dropping["evaluations"][:2] == other["evaluations"][:2]


def test_dropping_channels_is_not_dropping_entries(dropping, monkeypatch):
    monkeypatch.setattr(nn.Dropout2d, "forward", nn.Dropout.forward)
    assert differences(dropping, probe(DROPPING))


def test_differences_name_the_first_and_count():
    old = {"steps": [1.0, 2.0, 3.0], "evaluations": [0.5]}
    new = {"steps": [1.0, 2.1, 3.1], "evaluations": [0.5]}
    assert differences(old, new) == [
        "behaviour: 2 of 3 steps of the probe differ, the first at 2: recorded 2, now 2.1"
    ]
    shorter = {"steps": [1.0], "evaluations": [0.5]}
    assert differences(old, shorter) == ["behaviour: the probe had 3 steps, now it has 1"]
    broken = {"steps": [1.0, float("nan"), 3.0], "evaluations": [0.5]}
    assert differences(old, broken) == [
        "behaviour: 1 of 3 steps of the probe differ, the first at 2: recorded 2, now nan"
    ]
