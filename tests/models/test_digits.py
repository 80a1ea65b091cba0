import pytest
import torch
from torch import nn

from cnnref.accounting import summarize
from cnnref.models import MLP, DigitCNN
from tests.models.tables import assert_documented


def test_the_layer_table_in_the_docstring_is_what_the_model_does():
    assert_documented(DigitCNN, summarize(DigitCNN(dropout=0.5), (1, 28, 28)))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_digit_cnn_is_the_handouts_chain(dropout):
    torch.manual_seed(0)
    ours = DigitCNN(dropout=dropout)
    chain = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 10),
    )  # fmt: skip
    chain.load_state_dict(dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(5, 1, 28, 28)
    outputs = {}
    for training in (True, False):
        for name, model in (("ours", ours), ("chain", chain)):
            torch.manual_seed(1)  # the same units drop
            outputs[name, training] = model.train(training)(x)
        torch.testing.assert_close(outputs["ours", training], outputs["chain", training])
    same = torch.equal(outputs["ours", True], outputs["ours", False])
    assert same == (dropout == 0)


def test_digit_cnn_takes_other_images():
    assert DigitCNN(channels=3, side=32, classes=7, width=4)(torch.zeros(2, 3, 32, 32)).shape == (
        2,
        7,
    )
    assert DigitCNN(side=10, width=2)(torch.zeros(1, 1, 10, 10)).shape == (1, 10)
    for side in (9, 0):
        with pytest.raises(ValueError, match=f"at least 10 pixels, got {side}"):
            DigitCNN(side=side)
    with pytest.raises(ValueError, match="1.5"):
        DigitCNN(dropout=1.5)


@pytest.mark.parametrize("hidden", [(128,), (1024,), (512, 256)])
def test_mlp_is_the_handouts_chain(hidden):
    torch.manual_seed(0)
    ours = MLP(hidden)
    layers: list[nn.Module] = [nn.Flatten()]
    width = 784
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    chain = nn.Sequential(*layers, nn.Linear(width, 10))
    chain.load_state_dict(dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(5, 1, 28, 28)
    torch.testing.assert_close(ours(x), chain(x))
    assert ours(x).min() < 0  # no ReLU after the last layer
    parameters = sum(p.numel() for p in ours.parameters())
    widths = [784, *hidden, 10]
    assert parameters == sum(widths[i + 1] * (widths[i] + 1) for i in range(len(widths) - 1))


def test_without_hidden_layers_it_is_one_affine_map():
    torch.manual_seed(0)
    model = MLP(hidden=()).double()
    a, b = torch.randn(2, 3, 1, 28, 28, dtype=torch.float64)
    origin = model(torch.zeros_like(a))
    torch.testing.assert_close(model(a + 2 * b) - origin, model(a) + 2 * model(b) - 3 * origin)
    torch.testing.assert_close(origin[0], model.layers[0].bias)
    assert sum(p.numel() for p in model.parameters()) == 7850


@pytest.mark.parametrize(
    ("arguments", "told"),
    [({"hidden": (5, 0)}, r"\[784, 5, 0, 10\]"), ({"inputs": 0}, "0"), ({"classes": -1}, "-1")],
)
def test_a_layer_without_units_is_refused(arguments, told):
    with pytest.raises(ValueError, match=f"at least one unit, got .*{told}"):
        MLP(**arguments)


def test_a_list_from_a_record_is_as_good_as_a_tuple():
    assert [layer.out_features for layer in MLP(hidden=[7, 5], inputs=12, classes=3).layers] == [
        7,
        5,
        3,
    ]
