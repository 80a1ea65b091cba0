import itertools

import pytest
import torch
from torch import nn

from cnnref.models import MLP, build
from cnnref.models.sharing import LocalLayer, OneLayer

# channels, features, kernel, stride, side; a stride that leaves a remainder, and one that jumps
SHAPES = [(1, 3, 5, 2, 28), (2, 3, 3, 1, 6), (3, 2, 2, 3, 9), (1, 1, 4, 2, 7), (2, 2, 5, 1, 5)]


@pytest.mark.parametrize("shape", SHAPES)
def test_with_equal_kernels_it_is_a_convolution(shape):
    channels, features, kernel, stride, side = shape
    torch.manual_seed(0)
    local = LocalLayer(channels, features, kernel, stride, side).double()
    convolution = nn.Conv2d(channels, features, kernel, stride).double()
    with torch.no_grad():
        local.weight[:] = convolution.weight.flatten(1)
        local.bias[:] = convolution.bias
    x = torch.randn(4, channels, side, side, dtype=torch.float64)
    torch.testing.assert_close(local(x), convolution(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_with_other_kernels_it_is_what_loops_say(shape):
    channels, features, kernel, stride, side = shape
    torch.manual_seed(1)
    local = LocalLayer(channels, features, kernel, stride, side).double()
    x = torch.randn(2, channels, side, side, dtype=torch.float64)
    found = local(x)
    m = (side - kernel) // stride + 1
    assert found.shape == (2, features, m, m)
    weight = local.weight.detach().reshape(m, m, features, channels, kernel, kernel).tolist()
    bias = local.bias.detach().reshape(m, m, features).tolist()
    pixels = x.tolist()
    for n, f, i, j in itertools.product(range(2), range(features), range(m), range(m)):
        total = bias[i][j][f]
        for c, a, b in itertools.product(range(channels), range(kernel), range(kernel)):
            total += weight[i][j][f][c][a][b] * pixels[n][c][i * stride + a][j * stride + b]
        assert found[n, f, i, j].item() == pytest.approx(total, abs=1e-12)


def test_it_starts_as_convolutions_do():
    torch.manual_seed(0)
    local, convolution = LocalLayer(2, 8, 5, 2, 28), nn.Conv2d(2, 500, 5, 2)
    bound = 1 / (2 * 25) ** 0.5
    for parameters in (local, convolution):
        for values in parameters.parameters():
            assert values.abs().max() <= bound
            assert values.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    kernels = local.weight.flatten(0, 1)
    assert len(kernels.unique(dim=0)) == len(kernels)  # no two positions begin alike


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("features", [1, 8, 28])
def test_parameters_of_one_layer(shared, features):
    model = OneLayer(shared, features)
    counted = sum(p.numel() for p in model.parameters())
    kernels = 1 if shared else 12**2
    assert counted == kernels * features * (5 * 5 + 1) + 10 * (features * 12**2 + 1)
    assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_the_networks_of_the_experiment_are_of_one_size():
    sizes = [
        sum(p.numel() for p in model.parameters())
        for model in (MLP([52]), OneLayer(shared=False), OneLayer(features=28))
    ]
    assert max(sizes) / min(sizes) < 1.02
    assert isinstance(build("OneLayer", {"shared": False}).hidden, LocalLayer)
    assert isinstance(build("OneLayer").hidden, nn.Conv2d)


def test_one_layer_is_its_chain():
    torch.manual_seed(0)
    ours = OneLayer(features=4)
    chain = nn.Sequential(nn.Conv2d(1, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 144, 10))
    chain.load_state_dict(dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(5, 1, 28, 28)
    torch.testing.assert_close(ours(x), chain(x))


def test_a_gradient_reaches_each_kernel_from_its_own_window_alone():
    local = LocalLayer(1, 2, 3, 3, 9)
    x = torch.randn(1, 1, 9, 9)
    local(x)[0, 1, 0, 2].backward()
    touched = local.weight.grad.flatten(2).abs().sum(2) > 0
    assert touched.nonzero().tolist() == [[2, 1]]
    torch.testing.assert_close(local.weight.grad[2, 1], x[0, 0, :3, 6:9].flatten())
