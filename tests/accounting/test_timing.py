"""Latency: what is told, never how long it was."""

import pytest
import torch
from torch import nn

from cnnref.accounting import AccountingError, latency, summarize
from cnnref.models import ResNet


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.many = nn.Conv2d(3, 3, 1), nn.ModuleList([nn.ReLU(), nn.ReLU()])

    def forward(self, x):
        for layer in self.many:
            x = layer(self.conv(x))
        return x


def network():
    return nn.Sequential(Block(), nn.BatchNorm2d(3))


def timed(**more):
    return latency(network(), (3, 8, 8), **({"repeats": 3, "warmup": 1} | more))


def test_rows_are_the_layers_of_the_summary():
    told, counted = timed(), summarize(network(), (3, 8, 8))
    assert [row.name for row in told.rows()] == [layer.name for layer in counted]
    assert [row.kind for row in told.rows()] == [layer.kind for layer in counted]
    assert [row.name for row in told.rows(1)] == ["0", "1"]
    # A list of modules is never called itself.
    assert [row.name for row in told.rows(2)] == [row.name for row in told.rows()]


def test_each_has_a_time_for_each_repeat():
    told = timed()
    for row in (told.whole, *told.calls):
        assert len(row.seconds) == 3
        low, high = row.quartiles
        assert 0 < low <= row.median <= high
    assert told["0"].median >= told["0.conv"].median
    assert set(told) == {"", "0", "0.conv", "0.many.0", "0.many.1", "1"}
    assert len(told) == 6
    with pytest.raises(AccountingError, match="unknown layer '2'"):
        told["2"]


def test_the_network_is_left_as_it_was():
    model = ResNet(8)
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()
    latency(model, (3, 32, 32), repeats=1, warmup=0, training=True)
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert model.training


def test_inputs_of_ones_own():
    x = torch.zeros(2, 3, 8, 8)
    assert latency(network(), inputs=x, repeats=1).inputs == ((2, 3, 8, 8),)
    assert not x.any()


def test_a_layer_that_works_in_place_leaves_the_input():
    x = -torch.ones(1, 3)
    latency(nn.ReLU(inplace=True), inputs=x, repeats=1)
    assert (x == -1).all()


def test_tokens_by_size():
    told = latency(nn.Embedding(5, 2), (7,), dtypes=torch.long, repeats=1)
    assert told.inputs == ((1, 7),)
    assert told.rows() == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"repeats": 0}, "repeats must be a whole number of at least 1, got 0"),
        ({"warmup": -1}, "warmup must be a whole number of at least 0, got -1"),
        ({"device": "nowhere"}, "'nowhere' is not a device"),
        ({"device": "meta"}, "is on cpu, and was to be timed on meta"),
    ],
)
def test_what_makes_no_sense_is_told(more, told):
    with pytest.raises(AccountingError, match=told):
        timed(**more)


def test_a_network_by_name():
    told = latency("cnnref:PlainCNN", (3, 32, 32), repeats=1)
    assert (told.model, told.device) == ("PlainCNN", "cpu")


def test_networks_that_cannot_be_timed():
    with pytest.raises(AccountingError, match="nothing is computed"):
        latency(network().to("meta"), (3, 8, 8))
    with pytest.raises(AccountingError, match="forward pass of Sequential failed"):
        latency(network(), (4, 8, 8))


class Flips(nn.Module):
    """Calls one layer more each second time."""

    def __init__(self):
        super().__init__()
        self.layer, self.odd = nn.ReLU(), []

    def forward(self, x):
        self.odd.append(1)
        return self.layer(x) if len(self.odd) % 4 else x


def test_layers_that_change_have_no_median():
    with pytest.raises(AccountingError, match="not call the same layers"):
        latency(Flips(), (3,), repeats=4, warmup=0)


def test_what_comes_by_and_by_takes_its_time():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            for _ in range(3):
                yield self.layer(x)

    assert latency(Steps(), (4,), device="cpu", repeats=2)["layer"].kind == "Linear"
