"""The measured field of linear chains against what the kernels say."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import AccountingError, effective_receptive_field


def chain(*layers):
    return nn.Sequential(*(layer.double() for layer in layers))


def test_a_linear_chain_has_the_energy_of_its_kernel():
    torch.manual_seed(0)
    net = chain(*(nn.Conv1d(1, 1, 3, padding=1, bias=False) for _ in range(3)))
    field = effective_receptive_field(net, "2", (1, 21), samples=2)
    kernel = net[0].weight
    for layer in net[1:]:
        kernel = F.conv1d(F.pad(kernel, (2, 2)), layer.weight.flip(2))
    expected = torch.zeros(21, dtype=torch.float64)
    expected[7:14] = kernel.flatten().square().detach()
    expected /= expected.sum()
    assert field.unit == (10,)
    torch.testing.assert_close(field.energy, expected)
    places = torch.arange(21, dtype=torch.float64)
    centre = (places * expected).sum()
    assert field.centre == pytest.approx([float(centre)])
    width = ((places - centre).square() * expected).sum().sqrt()
    assert field.width == pytest.approx([float(width)])


def test_signs_weight_channels_by_their_squares():
    """The expectation over signs is the sum over channels of squares."""
    torch.manual_seed(1)
    net = chain(nn.Conv2d(2, 3, 3, bias=False))
    field = effective_receptive_field(net, "0", (2, 7, 6), unit=(1, 2), samples=2000)
    expected = torch.zeros(7, 6, dtype=torch.float64)
    expected[1:4, 2:5] = net[0].weight.detach().square().sum((0, 1))
    torch.testing.assert_close(field.energy, expected / expected.sum(), atol=0.01, rtol=0)
    outside = field.energy.clone()
    outside[1:4, 2:5] = 0
    assert not outside.any()
    assert field.energy.sum() == pytest.approx(1)


def test_energy_lies_inside_the_theoretical_field():
    net = chain(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))
    field = effective_receptive_field(net, "3", (1, 33, 33), samples=4)
    for axis, along in enumerate(field.layer.fields):
        touched = field.energy.sum(1 - axis).nonzero().flatten()
        first, last = along.seen(field.unit[axis])
        assert first <= touched.min()
        assert touched.max() <= last


def test_share():
    net = chain(nn.AvgPool1d(4))
    field = effective_receptive_field(net, "0", (1, 40))
    assert field.share(1.0) == 4 / 40
    assert field.share(0.5) == 2 / 40
    for fraction in (0, -1, 1.1):
        with pytest.raises(ValueError, match="fraction must be above 0"):
            field.share(fraction)


def test_given_inputs_and_seeds():
    net = chain(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Conv1d(3, 3, 3))
    x = torch.randn(3, 2, 12, dtype=torch.float64)
    a, b = (effective_receptive_field(net, "2", (2, 12), inputs=x, seed=1) for _ in range(2))
    assert torch.equal(a.energy, b.energy)
    other = effective_receptive_field(net, "2", (2, 12), seed=2)
    assert not torch.equal(a.energy, other.energy)


def test_the_network_is_left_as_it_was():
    net = chain(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Dropout())
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    flags, random = [m.training for m in net.modules()], torch.get_rng_state()
    effective_receptive_field(net, "2", (1, 9), samples=2)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert [m.training for m in net.modules()] == flags
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())


def test_mistakes():
    net = chain(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(14, 3))
    with pytest.raises(AccountingError, match=r"by its name, and before the size, got \(1, 9, 9\)"):
        effective_receptive_field(net, (1, 9, 9), "0")
    with pytest.raises(AccountingError, match="unknown layer '7'"):
        effective_receptive_field(net, "7", (1, 9))
    with pytest.raises(AccountingError, match="no positions along the input's axes"):
        effective_receptive_field(net, "2", (1, 9))
    for unit in [(7,), (-1,), (1, 1)]:
        with pytest.raises(AccountingError, match="lies outside"):
            effective_receptive_field(net, "0", (1, 9), unit=unit)
    dead = chain(nn.Conv1d(1, 2, 3, bias=False))
    nn.init.zeros_(dead[0].weight)
    with pytest.raises(AccountingError, match="no input position moves unit"):
        effective_receptive_field(dead, "0", (1, 9))
