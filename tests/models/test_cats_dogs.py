import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import summarize
from cnnref.models import MODELS, PlainCNN, SkipCNN, UnknownModelError, build
from tests.models.tables import assert_documented


def test_the_layer_table_in_the_docstring_is_what_the_model_does():
    assert_documented(PlainCNN, summarize(PlainCNN(), (3, 32, 32)))


def reference_plain(batch_norm: bool, dropout: float) -> nn.Module:
    """The handout's layers, written as a plain chain."""

    def norm(layer: nn.Module) -> list[nn.Module]:
        return [layer] if batch_norm else []

    def drop(layer: nn.Module) -> list[nn.Module]:
        return [layer] if dropout else []

    return nn.Sequential(
        *drop(nn.Dropout2d(dropout)), nn.Conv2d(3, 32, 3), nn.ReLU(), *norm(nn.BatchNorm2d(32)),
        nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2, 2),
        *drop(nn.Dropout2d(dropout)), nn.Conv2d(32, 64, 3), nn.ReLU(), *norm(nn.BatchNorm2d(64)),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten(),
        *drop(nn.Dropout(dropout)), nn.Linear(1600, 128), nn.ReLU(), *norm(nn.BatchNorm1d(128)),
        nn.Linear(128, 1),
    )  # fmt: skip


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_plain_cnn_is_the_handouts_chain(batch_norm, dropout):
    torch.manual_seed(0)
    ours, chain = PlainCNN(batch_norm, dropout), reference_plain(batch_norm, dropout)
    chain.load_state_dict(dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(5, 3, 32, 32)
    for training in (True, False):
        outputs = []
        for model in (ours.train(training), chain.train(training)):
            torch.manual_seed(1)  # the same units drop
            outputs.append(model(x))
        torch.testing.assert_close(*outputs)


def test_the_layer_table_of_the_skip_cnn_is_what_it_does():
    assert_documented(SkipCNN, summarize(SkipCNN(), (3, 32, 32)))


def reference_skip(
    model: nn.Module, x: torch.Tensor, batch_norm: bool, dropout: float, training: bool
) -> torch.Tensor:
    """The handout's layers as functions, with the weights of `model`."""
    state = model.state_dict()

    def linear(layer: int, x: torch.Tensor, padding: int = 0) -> torch.Tensor:
        if layer < 7:
            weight, bias = state[f"conv{layer}.weight"], state[f"conv{layer}.bias"]
            return F.conv2d(x, weight, bias, padding=padding)
        return F.linear(x, state[f"fc{layer}.weight"], state[f"fc{layer}.bias"])

    def norm(layer: int, x: torch.Tensor) -> torch.Tensor:
        if not batch_norm:
            return x
        mean, variance, weight, bias = (
            state[f"norm{layer}.{name}"].clone()
            for name in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias, training)

    first = norm(1, F.relu(linear(1, F.dropout2d(x, dropout, training))))
    second = norm(2, F.relu(linear(2, first, padding=1)))
    third = norm(3, F.relu(first + linear(3, second, padding=1)))
    pooled = F.max_pool2d(third, 2, 2)
    fifth = norm(5, F.relu(linear(5, F.dropout2d(pooled, dropout, training))))
    flat = F.max_pool2d(fifth, 2, 2).flatten(1)
    seventh = norm(7, F.relu(linear(7, F.dropout(flat, dropout, training))))
    return linear(8, seventh)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_skip_cnn_is_the_handouts_chain(batch_norm, dropout):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SkipCNN(batch_norm, dropout).double()
        for name, parameter in model.named_parameters():
            if "norm" in name:
                nn.init.normal_(parameter)  # else scale 1 and shift 0 could be left out
        x = torch.randn(5, 3, 32, 32, dtype=torch.float64)
        for training in (True, False):
            with torch.no_grad():
                torch.manual_seed(1)  # the same units drop
                expected = reference_skip(model, x, batch_norm, dropout, training)
                torch.manual_seed(1)
                found = model.train(training)(x)
            torch.testing.assert_close(found, expected)


def test_skip_cnn_adds_before_the_activation():
    """A branch that is very negative takes everything away; added after a ReLU, it could not."""
    model = SkipCNN()
    seen = []
    model.conv5.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    nn.init.zeros_(model.conv3.weight)
    for bias in (0.0, -1e6):
        nn.init.constant_(model.conv3.bias, bias)
        model(torch.ones(1, 3, 32, 32))
    with_skip_alone, taken_away = seen
    assert with_skip_alone.abs().max() > 0
    assert taken_away.abs().max() == 0


def test_without_its_skip_the_cnn_is_a_plain_chain_of_the_same_layers():
    torch.manual_seed(0)
    chain, skipping = SkipCNN(skip=False).double(), SkipCNN().double()
    skipping.load_state_dict(chain.state_dict())
    x = torch.randn(3, 3, 32, 32, dtype=torch.float64)
    y = x
    for layer in (chain.conv1, chain.conv2, chain.conv3):
        y = F.relu(layer(y))
    y = F.max_pool2d(F.relu(chain.conv5(F.max_pool2d(y, 2))), 2).flatten(1)
    torch.testing.assert_close(chain(x), chain.fc8(F.relu(chain.fc7(y))))
    assert not torch.allclose(chain(x), skipping(x))


def test_plain_cnn_may_normalise_before_the_activation():
    torch.manual_seed(0)
    model = PlainCNN(batch_norm=True, norm_first=True)
    seen = {}
    for name in ("conv2", "conv5", "fc8"):
        getattr(model, name).register_forward_hook(
            lambda _, inputs, __, name=name: seen.update({name: inputs[0]})
        )
    model(torch.randn(50, 3, 32, 32))
    # What follows the activation is not negative only where nothing normalises it again.
    assert all(x.min() == 0 for x in seen.values())
    late = PlainCNN(batch_norm=True)
    late.conv2.register_forward_hook(lambda _, inputs, __: seen.update(late=inputs[0]))
    late(torch.randn(50, 3, 32, 32))
    assert seen["late"].min() < 0


def test_plain_cnn_may_keep_the_colours_of_the_image():
    x = torch.ones(100, 3, 32, 32)
    for drop_input in (True, False):
        model = PlainCNN(dropout=0.4, drop_input=drop_input)
        seen = []
        model.conv1.register_forward_hook(lambda _, inputs, __, seen=seen: seen.append(inputs[0]))
        model(x)
        assert bool((seen[0] == 0).any()) == drop_input
        assert model.drop4.p == model.drop7.p == 0.4


def test_plain_cnn_returns_logits_that_are_not_squashed():
    model = PlainCNN()
    nn.init.constant_(model.fc8.bias, 7.0)
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 1)
    assert model(torch.zeros(2, 3, 32, 32)).min() > 1


@pytest.mark.parametrize("network", [PlainCNN, SkipCNN])
def test_dropout_must_be_a_probability(network):
    with pytest.raises(ValueError, match="1.5"):
        network(dropout=1.5)


def test_build_by_name():
    assert isinstance(build("PlainCNN", {"batch_norm": True}), PlainCNN)
    with pytest.raises(UnknownModelError, match="did you mean 'PlainCNN'"):
        build("PlainCnn")
    assert all(name == MODELS[name].__name__ for name in MODELS)
