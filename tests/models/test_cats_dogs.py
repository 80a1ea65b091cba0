import re

import pytest
import torch
from torch import nn

from cnnref.models import MODELS, PlainCNN, UnknownModelError, build
from cnnref.windows import Window


def measured_table(model: nn.Module, x: torch.Tensor) -> dict[str, tuple[list[int], int]]:
    """Output shape (batch aside) and parameters of every module with parameters, by hooks."""
    rows = {}
    for name, module in model.named_children():
        count = sum(p.numel() for p in module.parameters())
        module.register_forward_hook(
            lambda _, __, out, name=name, count=count: rows.update(
                {name: ([*out.shape[1:]], count)}
            )
        )
    model.eval()(x)
    return rows


def test_the_layer_table_in_the_docstring_is_what_the_model_does():
    rows = measured_table(PlainCNN(), torch.zeros(1, 3, 32, 32))
    table = re.findall(r"\| (\w+\d) \| [^|]* \| ([\dx ]+) \| (\d+) \|", PlainCNN.__doc__ or "")
    assert len(table) == 8
    for name, shape, parameters in table:
        if name.startswith("pool"):
            assert parameters == "0"
        else:
            assert rows[name] == ([int(size) for size in shape.split("x")], int(parameters))
    sizes = {name: int(shape.split("x")[-1]) for name, shape, _ in table}
    pool = Window(2, stride=2)
    assert sizes["pool3"] == pool.output_size(sizes["conv2"])
    assert sizes["pool6"] == pool.output_size(sizes["conv5"])


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


def test_plain_cnn_returns_logits_that_are_not_squashed():
    model = PlainCNN()
    nn.init.constant_(model.fc8.bias, 7.0)
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 1)
    assert model(torch.zeros(2, 3, 32, 32)).min() > 1


def test_dropout_must_be_a_probability():
    with pytest.raises(ValueError, match="1.5"):
        PlainCNN(dropout=1.5)


def test_build_by_name():
    assert isinstance(build("PlainCNN", {"batch_norm": True}), PlainCNN)
    with pytest.raises(UnknownModelError, match="did you mean 'PlainCNN'"):
        build("PlainCnn")
    assert all(name == MODELS[name].__name__ for name in MODELS)
