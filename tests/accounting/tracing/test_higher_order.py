"""Operators that run functions of their own."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnnref.accounting import AccountingError, register, summarize
from cnnref.accounting.tracing.higher_order import run_higher_order
from tests.accounting.tracing.test_steps import kept


class Chooses(nn.Module):
    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 4))

    def forward(self, x):
        return torch.cond(x.sum() > 0, self.large, self.small, (x,))


class Loops(nn.Module):
    def __init__(self):
        super().__init__()
        self.step = nn.Linear(3, 3)

    def forward(self, x):
        from torch._higher_order_ops import while_loop

        start = torch.zeros((), dtype=torch.long)
        return while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, self.step(y)), (start, x))[1]


def test_the_branch_that_is_taken_is_counted():
    zeros, ones = (summarize(Chooses(), inputs=make(1, 3)) for make in (torch.zeros, torch.ones))
    assert (zeros.total_macs, zeros["small"].macs) == (12, 12)
    assert (ones.total_macs, ones["large"].macs) == (56, 56)
    assert "reads values" in zeros.notes[0]


def test_a_loop_is_counted_as_often_as_it_runs():
    counted = summarize(Loops(), (3,))
    assert counted.total_macs == 5 * 9
    assert [layer.name for layer in counted if layer.macs] == ["step"] * 5


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_attention_that_is_compiled_elsewhere():
    from torch.nn.attention.flex_attention import flex_attention

    class Attends(nn.Module):
        def forward(self, q):
            return flex_attention(q, q, q)

    counted = summarize(Attends(), (2, 8, 16))
    assert counted.total_macs == 2 * 2 * 8 * 8 * 16
    register(torch.ops.higher_order.flex_attention, lambda args, out: args[0].numel())
    try:
        assert summarize(Attends(), (2, 8, 16)).total_macs == 256
    finally:
        register(torch.ops.higher_order.flex_attention, None)


def test_what_is_compiled_is_seen_as_it_was_written():
    inner = torch.compile(nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    assert summarize(nn.Sequential(inner), (3,)).total_macs == 12


def test_one_that_cannot_be_taken_apart_is_named():
    with pytest.raises(NotImplementedError, match="HOP .* and mode"):
        run_higher_order(torch.ops.higher_order.run_const_graph, (), {})


class Scans(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.step, self.way = nn.Linear(3, 3), way

    def forward(self, x):
        from torch._higher_order_ops import associative_scan, map, scan

        if self.way == "map":
            return map(self.step, x)
        if self.way == "scan":
            return scan(lambda c, y: (self.step(c) + y, y * 2), torch.zeros_like(x[0]), x)[0]
        product = self.step(x)
        return associative_scan(lambda a, b: a * b, product, 0, combine_mode="generic")


@pytest.mark.parametrize(("way", "macs"), [("scan", 36), ("map", 36), ("associative", 36)])
def test_what_goes_along_a_dimension_is_counted_step_by_step(way, macs):
    assert summarize(Scans(way), inputs=torch.ones(4, 3)).total_macs == macs


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Chooses(), r"cond runs .* compiler.*put Python's own `if` in"),
        (Loops(), r"while_loop runs .* compiler.*put Python's own `while` in"),
        (Scans("scan"), r"scan runs .* compiler.*put Python's own `for` over the first dimension"),
        (Scans("map"), r"map_impl runs .* compiler.*put Python's own `for`"),
    ],
)
def test_a_training_step_through_what_torch_compiles_is_refused_with_the_reason(model, told):
    counted = summarize(model, inputs=torch.ones(4, 3))
    with pytest.raises(AccountingError, match=told):
        counted.with_backward()
    with pytest.raises(AccountingError, match=told):
        counted.memory()


def test_a_training_step_through_an_associative_scan():
    model, x = Scans("associative"), torch.ones(4, 3)
    counted = summarize(model, inputs=x)
    with FlopCounterMode(display=False) as flops:
        model(x).sum().backward()
    assert counted.training_flops == flops.get_total_flops()
    assert counted.memory().saved == kept(model, x)


@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_a_training_step_through_flex_attention_is_refused_in_torchs_own_words():
    from torch.nn.attention.flex_attention import flex_attention

    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.project = nn.Linear(16, 16)

        def forward(self, x):
            q = self.project(x)
            return flex_attention(q, q, q)

    with pytest.raises(AccountingError, match=r"no backward|not support backward on CPU"):
        summarize(Attends(), (2, 8, 16)).with_backward()


IN_A_FRESH_PROCESS = """
import sys, warnings
import torch
from cnnref import summarize

class Net(torch.nn.Linear):
    def forward(self, x):
        return self.what(super().forward(x))

warnings.simplefilter("error")
net = Net(3, 4)
net.what = torch.relu
step = summarize(net, (3,)).with_backward()
assert step.total_macs == step.total_backward_macs == 12
assert "torch._dynamo" not in sys.modules, "torch's compiler was loaded for nothing"
compiled = []

def refuses(module, inputs):
    compiled.append(module)
    return module.forward

net.what = lambda x: torch.compile(torch.relu, backend=refuses)(x)
original = torch.compile
step = summarize(net, (3,)).with_backward()
assert step.total_macs == step.total_backward_macs == 12
assert not compiled and torch.compile is original
warnings.simplefilter("ignore")
net(torch.ones(1, 3))
assert compiled, "nothing is compiled any more"
"""


def test_torchs_compiler_is_loaded_and_held_back_only_where_a_network_asks_for_it():
    subprocess.run([sys.executable, "-c", IN_A_FRESH_PROCESS], check=True)
