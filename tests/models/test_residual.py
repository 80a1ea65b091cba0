import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.models import ResidualUnit, ResNet


def norm_by_hand(x, norm):
    """Batch normalisation of (N, C, H, W), written out; by its own statistics in training."""
    if norm.training:
        mean = x.mean((0, 2, 3))
        variance = x.var((0, 2, 3), correction=0)
    else:
        mean, variance = norm.running_mean, norm.running_var
    shape = (1, -1, 1, 1)
    x = (x - mean.view(shape)) / (variance.view(shape) + norm.eps).sqrt()
    return x * norm.weight.view(shape) + norm.bias.view(shape)


def shortcut_by_loops(x, outputs, stride):
    """Option A of He et al. 2016: every second pixel, and zeros for the new channels."""
    n, channels, height, width = x.shape
    rows, columns = range(0, height, stride), range(0, width, stride)
    out = torch.zeros(n, outputs, len(rows), len(columns), dtype=x.dtype)
    for c in range(channels):
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                out[:, c, i, j] = x[:, c, row, column]
    return out


def unit_by_hand(unit, x):
    y = F.conv2d(x, unit.conv1.weight, stride=unit.stride, padding=1)
    y = norm_by_hand(y, unit.norm1).clamp(min=0)
    y = norm_by_hand(F.conv2d(y, unit.conv2.weight, padding=1), unit.norm2)
    if unit.skip:
        y = y + shortcut_by_loops(x, y.shape[1], unit.stride)
    return y.clamp(min=0)


def random_unit(inputs, outputs, stride, skip=True):
    """With random scales, shifts and running statistics, in double precision."""
    torch.manual_seed(0)
    unit = ResidualUnit(inputs, outputs, stride, skip).double()
    for norm in (unit.norm1, unit.norm2):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return unit


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(3, 3, 1), (3, 6, 2), (2, 5, 1)])
def test_unit_is_the_functional_reference(inputs, outputs, stride, training, skip):
    unit = random_unit(inputs, outputs, stride, skip).train(training)
    x = torch.randn(4, inputs, 7, 8, dtype=torch.float64, requires_grad=True)
    expected = unit_by_hand(unit, x)
    g = torch.randn_like(expected)
    (expected_gradient,) = torch.autograd.grad(expected, x, g)
    found = unit(x)
    (gradient,) = torch.autograd.grad(found, x, g)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (7, 8), (28, 5)])
def test_the_shortcut_is_option_a(size):
    """With a branch of zero only the shortcut is left: no parameters, no averaging."""
    unit = random_unit(3, 6, stride=2)
    nn.init.zeros_(unit.norm2.weight)
    nn.init.zeros_(unit.norm2.bias)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    out = unit(x)
    assert out.shape[2:] == tuple(-(-side // 2) for side in size)
    assert torch.equal(out, shortcut_by_loops(x, 6, 2).clamp(min=0))
    assert not out[:, 3:].any()


def test_a_unit_without_branch_is_the_identity_where_it_need_be():
    unit = random_unit(3, 3, stride=1)
    nn.init.zeros_(unit.norm2.weight)
    nn.init.zeros_(unit.norm2.bias)
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64).relu()
    assert torch.equal(unit(x), x)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_twins_have_the_same_parameters(depth):
    """Same names, same shapes and, from one seed, the same initial values; another output."""
    twins = []
    for skip in (True, False):
        torch.manual_seed(3)
        twins.append(ResNet(depth, skip=skip))
    ours, theirs = (dict(twin.named_parameters()) for twin in twins)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    x = torch.randn(2, 3, 16, 16)
    assert not torch.allclose(twins[0](x), twins[1](x))


@pytest.mark.parametrize("depth", [8, 14, 20, 32, 56, 110])
def test_depth_counts_the_layers_with_weights(depth):
    network = ResNet(depth).to("meta")
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth
    assert len(network.units) == (depth - 2) // 2
    assert network(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, 10)


@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)]
)
def test_parameters_are_the_published_ones(depth, millions):
    """He et al. 2016, Table 6; by formula and, for ResNet-20, exactly."""
    n, w = (depth - 2) // 6, 16
    convolutions = [3 * w] + [w * w] * (2 * n)
    convolutions += [w * 2 * w] + [(2 * w) ** 2] * (2 * n - 1)
    convolutions += [2 * w * 4 * w] + [(4 * w) ** 2] * (2 * n - 1)
    norms = 2 * (w + 2 * n * (w + 2 * w + 4 * w))
    expected = 9 * sum(convolutions) + norms + 10 * (4 * w + 1)
    counted = sum(p.numel() for p in ResNet(depth).parameters())
    assert counted == expected
    assert round(counted / 1e6, 1 if millions > 1 else 2) == millions
    if depth == 20:
        assert counted == 269_722


@pytest.mark.parametrize(
    ("side", "stem", "sides"), [(32, 1, [32, 16, 8]), (28, 1, [28, 14, 7]), (28, 2, [14, 7, 4])]
)
def test_maps_of_the_three_stages(side, stem, sides):
    network = ResNet(20, channels=1, stem_stride=stem).to("meta")
    x = network.stem(torch.empty(1, 1, side, side, device="meta"))
    seen = []
    for i, unit in enumerate(network.units):
        x = unit(x)
        seen.append((tuple(x.shape[1:]), i // 3))
    assert seen == [((16 * 2**k, sides[k], sides[k]), k) for _, k in seen]


def test_the_network_is_its_parts_in_order():
    torch.manual_seed(0)
    network = ResNet(14, channels=2, classes=3, width=4, stem_stride=2).double()
    x = torch.randn(5, 2, 12, 10, dtype=torch.float64)
    y = F.conv2d(x, network.stem.weight, stride=2, padding=1)
    y = norm_by_hand(y, network.norm).clamp(min=0)
    for unit in network.units:
        y = unit_by_hand(unit, y)
    y = y.flatten(2).mean(2) @ network.fc.weight.T + network.fc.bias
    torch.testing.assert_close(network(x), y, rtol=0, atol=1e-12)


def test_weights_start_as_he_et_al_say():
    torch.manual_seed(0)
    for module in ResNet(20, width=32).modules():
        if isinstance(module, nn.Conv2d):
            variance = 2 / (9 * module.out_channels)
            assert module.weight.abs().max() <= (3 * variance) ** 0.5
            if module.weight.numel() > 5000:
                assert module.weight.var().item() == pytest.approx(variance, rel=0.06)


@pytest.mark.parametrize("depth", [-4, 0, 2, 7, 9, 19, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(ValueError, match=rf"depth must be .*, got {depth}$"):
        ResNet(depth)


def test_a_unit_that_would_lose_channels_is_refused():
    with pytest.raises(ValueError, match="fewer than 6 inputs, got 3"):
        ResidualUnit(6, 3)
