"""Memory as a reader asks for it."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.summary.memory import OPTIMIZERS, state_bytes
from cnnref.models import PlainCNN


def small():
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten())


def test_every_part_by_hand():
    told = summarize(small(), (3, 6, 6)).memory(batch=5, optimizer="adam")
    weights, outputs = 4 * 3 * 9 + 8, 5 * 4 * 4 * 4
    assert told.parameters == told.gradients == 4 * weights
    assert told.buffers == 4 * 8 + 8  # mean and variance; the batches, a whole number of 64 bits
    assert told.optimizer_state == 2 * 4 * weights + 3 * 4  # and for each tensor the steps
    assert told.input_bytes == 4 * 5 * 3 * 6 * 6
    assert told.saved == 4 * outputs + 2 * 4 * 4  # what is normalised, its mean and deviation
    held = told.parameters + told.buffers + told.input_bytes
    assert told.inference_peak == held + 2 * 4 * outputs
    # At the end of the forward pass: what is kept, the result, its gradient, that of what is kept.
    assert told.training_peak > held + told.optimizer_state + told.saved + 2 * 4 * outputs
    assert told.inputs == ((5, 3, 6, 6),)
    assert (told.model, told.dtype, told.optimizer) == ("Sequential", "float32", "adam")


def test_frozen_parameters_have_neither_gradients_nor_state():
    model = small()
    model[0].requires_grad_(False)
    told = summarize(model, (3, 6, 6)).memory(batch=2, optimizer="momentum")
    assert told.gradients == told.optimizer_state == 4 * 8


def test_half_precision_halves_all_but_the_statistics():
    network = summarize(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), (4,))
    whole, half = network.memory(batch=8), network.memory(batch=8, dtype=torch.bfloat16)
    for name in ("parameters", "gradients", "input_bytes", "saved", "inference_peak"):
        assert getattr(half, name) * 2 == getattr(whole, name), name
    assert half.dtype == "bfloat16"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_an_optimizer_is_what_it_keeps(name):
    model = PlainCNN()
    optimizer = OPTIMIZERS[name](model.parameters(), lr=1e-3)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    real = sum(
        value.nbytes
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    assert state_bytes(OPTIMIZERS[name], model.parameters()) == real


@pytest.mark.parametrize("kind", [torch.optim.Adafactor, torch.optim.RAdam, torch.optim.Adadelta])
def test_any_optimizer_of_torch(kind):
    model = nn.Linear(3, 5)
    model(torch.ones(3)).sum().backward()
    optimizer = kind(model.parameters())
    optimizer.step()
    real = sum(
        value.nbytes for state in optimizer.state.values() for value in state.values()
        if isinstance(value, torch.Tensor)
    )  # fmt: skip
    told = summarize(model, (3,)).memory(optimizer=kind)
    assert told.optimizer_state == real
    assert told.optimizer == kind.__name__


def test_a_table_in_megabytes():
    told = summarize(PlainCNN(), (3, 32, 32)).memory(batch=100)
    lines = str(told).splitlines()
    assert lines[0] == "PlainCNN on 100x3x32x32, float32"
    assert lines[2].split() == ["parameters", f"{told.parameters / 1e6:.1f}", "MB"]
    assert any(line.startswith("state of adam") for line in lines)
    assert len({len(line) for line in lines[2:-4]}) == 1
    assert lines[-1] == f"note: {told.notes[0]}"
    assert "work space of convolutions" in lines[-1]
    assert told.to_dict()["notes"] == [*told.notes]
    assert summarize(nn.Linear(3, 2), (3,)).memory().notes == ()
    assert str(told) in told._repr_html_()
    assert repr(told).startswith("Memory(model='PlainCNN'")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"batch": 0}, "at least 1, got 0"),
        ({"batch": True}, "at least 1, got True"),
        ({"optimizer": "adma"}, "did you mean 'adam'"),
        ({"dtype": "flot16"}, "unknown dtype 'flot16'; did you mean 'float16'"),
        ({"dtype": torch.int8}, "a floating-point precision, .* got torch.int8"),
        ({"optimizer": 3}, "such as torch.optim.Adam, got 3"),
        ({"optimizer": lambda _: 1 / 0}, "division by zero"),
    ],
)
def test_what_makes_no_sense_is_told(asked, told):
    with pytest.raises(AccountingError, match=told):
        summarize(small(), (3, 6, 6)).memory(**asked)


def test_a_batch_needs_a_size():
    by_name, by_torch = (
        summarize(small(), (3, 6, 6)).memory(dtype=d) for d in ("half", torch.half)
    )
    assert by_name == by_torch
    with pytest.raises(AccountingError, match="give the size of one example"):
        summarize(small(), inputs=torch.zeros(1, 3, 6, 6)).memory(batch=2)
    assert summarize(small(), inputs=torch.zeros(2, 3, 6, 6)).memory().inputs == ((2, 3, 6, 6),)


def test_a_step_that_fails_says_where():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3))
    with pytest.raises(AccountingError, match=r"2 \(BatchNorm1d\).*give two, as memory\(batch=2\)"):
        summarize(model, (4,)).memory(batch=1)
    assert summarize(model, (4,)).memory(batch=2).saved


@pytest.mark.parametrize("way", [copy.deepcopy, lambda told: pickle.loads(pickle.dumps(told))])
def test_a_copy_is_the_same_and_has_no_network(way):
    told = summarize(small(), (3, 6, 6))
    copied = way(told)
    assert copied == told
    with pytest.raises(AccountingError, match="no network to run again"):
        copied.memory()


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_mixed_precision(device):
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    without = summarize(model, (8,), device=device)
    asked = without.memory(batch=32, autocast=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = summarize(model, (8,), device=device).memory(batch=32)
    # In 16 bits: the input and the one output that is kept, and the second weight.
    assert mixed.saved == asked.saved == 2 * (32 * 8 + 32 * 16 + 16 * 4)
    assert without.memory(batch=32).saved == 4 * 32 * 16
    assert mixed == asked
    assert str(asked).startswith("Sequential on 32x8, float32, autocast to bfloat16\n")
    assert [note.split()[0] for note in asked.notes] == ["peaks", "cast"]


class Checkpointed(nn.Sequential):
    """Keeps the inputs of its layers alone."""

    def forward(self, x):
        for layer in self:
            x = checkpoint(layer, x, use_reentrant=False)
        return x


def test_checkpoints_keep_less():
    layers = [nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8)) for _ in range(3)]
    plain, less = (
        summarize(kind(*layers), (8,)).memory(batch=400) for kind in (nn.Sequential, Checkpointed)
    )
    assert plain.saved == 4 * 400 * 8 * 5  # three of tanh, two inputs of blocks
    assert less.saved == 4 * 400 * 8 * 2  # the input of the first is the network's
    assert less.training_peak < plain.training_peak


class Reads(nn.Module):
    """Needs values."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, x):
        return self.linear(x) if x.sum().item() >= 0 else x


def test_with_values_where_they_are_needed():
    told = summarize(Reads(), (3,))
    assert told.device == "cpu"
    assert told.memory(batch=7).parameters == 64
    assert told.total_backward_macs == 12
