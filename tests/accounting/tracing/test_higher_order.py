"""Operators that run functions of their own."""

import pytest
import torch
from torch import nn

from cnnref.accounting import AccountingError, register, summarize
from cnnref.accounting.tracing.higher_order import run_higher_order


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


def test_a_training_step_through_a_choice_is_refused_with_the_reason():
    counted = summarize(Chooses(), inputs=torch.ones(1, 3))
    with pytest.raises(AccountingError, match=r"cond runs .* compiler.*Python's own `if`"):
        counted.with_backward()
    with pytest.raises(AccountingError, match="torch's compiler"):
        counted.memory()
