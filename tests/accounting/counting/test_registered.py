"""Formulas of one's own."""

import pytest
import torch
from torch import nn

from cnnref.accounting import RegistrationError, register, summarize
from cnnref.accounting.counting.registered import has_formula


@torch.library.custom_op("cnnref_tests::mixed", mutates_args=())
def mixed(x: torch.Tensor, times: int) -> torch.Tensor:
    return x * times


@mixed.register_fake
def _(x: torch.Tensor, times: int) -> torch.Tensor:
    return torch.empty_like(x)


class Mixes(nn.Module):
    def forward(self, x):
        return mixed(x, 3)


class Butterfly(nn.Module):
    """Made of layers that it does not want counted."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.fixture
def own():
    """`register`, undone afterwards."""
    targets = []

    def registered(target, macs):
        targets.append(target)
        register(target, macs)

    yield registered
    for target in targets:
        register(target, None)
        assert summarize(Mixes(), (4,)).macs_status == "partial"


OPERATORS = [
    mixed, torch.ops.cnnref_tests.mixed, torch.ops.cnnref_tests.mixed.default,
    "cnnref_tests::mixed",
]  # fmt: skip


@pytest.mark.parametrize("target", OPERATORS, ids=["custom", "packet", "overload", "name"])
def test_an_operator(own, target):
    own(target, lambda args, out: args[0].numel() * args[1] + out.numel())
    counted = summarize(Mixes(), (4,))
    assert (counted.total_macs, counted.macs_status) == (16, "complete")
    assert counted[":mixed"].macs == 16
    assert summarize(Mixes(), (4,), receptive_fields=False, strict=True).total_macs == 16


def test_an_operator_of_torchs_own(own):
    own(torch.ops.aten.linear, lambda args, out: 7)
    assert summarize(nn.Linear(3, 4), (3,)).total_macs == 7


def test_a_class_of_modules_is_one_layer(own):
    own(Butterfly, lambda module, args, out: 2 * args[0].numel() + out.numel())
    net = nn.Sequential(Butterfly(), nn.Linear(8, 2))
    counted = summarize(net, (8,))
    assert [layer.name for layer in counted] == ["0", "1"]
    assert (counted["0"].macs, counted["0"].parameters) == (24, 144)
    assert counted.total_macs == 24 + 16
    assert counted.total_parameters == sum(p.numel() for p in net.parameters())


def test_a_network_that_is_one(own):
    own(Butterfly, lambda module, args, out: 5)
    counted = summarize(Butterfly(), (8,))
    assert (len(counted), counted.total_macs, counted.total_parameters) == (1, 5, 144)


def test_a_class_within_another(own):
    class Wraps(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Butterfly()

        def forward(self, x):
            return self.inner(x) + x

    own(Butterfly, lambda module, args, out: 1)
    own(Wraps, lambda module, args, out: 5)
    assert summarize(nn.Sequential(Wraps()), (8,)).total_macs == 5


def test_what_is_wrong_is_told(own):
    for target in (3, nn.Linear(3, 4), int, "mixed"):
        with pytest.raises(RegistrationError, match="a formula is for an operator"):
            register(target, lambda args, out: 1)
    with pytest.raises(RegistrationError, match="torch has no operator 'cnnref_tests::no'"):
        register("cnnref_tests::no", lambda args, out: 1)
    with pytest.raises(RegistrationError, match="a formula is a function that gives MACs, got 3"):
        register(Butterfly, 3)
    assert not has_formula(Butterfly)
    own(Butterfly, lambda module, args, out: -1)
    with pytest.raises(ValueError, match="registered for Butterfly must give a whole number"):
        summarize(Butterfly(), (8,))
