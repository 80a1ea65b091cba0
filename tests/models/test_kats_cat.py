"""The four networks are the handout's lists of layers, and their docstrings say what they do."""

import re

import pytest
import torch
from torch import nn

from cnnref.models import MODELS, KatBlocks, KatFeatures, KatFilter, KitDense

HANDOUT = {
    KatFilter: lambda: nn.Sequential(
        nn.Conv2d(1, 1, kernel_size=(20, 20), stride=1, padding=10), nn.ReLU(),
        nn.MaxPool2d(kernel_size=(100, 100)), nn.Flatten(), nn.Linear(1, 1),
    ),
    KatFeatures: lambda: nn.Sequential(
        nn.Conv2d(1, 10, kernel_size=(3, 3), stride=1, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(100000, 1),
    ),
    KatBlocks: lambda: nn.Sequential(
        nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d((3, 3), stride=3),
        nn.Conv2d(10, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d((3, 3), stride=3),
        nn.Conv2d(10, 1, 3, padding=1), nn.ReLU(), nn.MaxPool2d((3, 3), stride=3),
        nn.Flatten(), nn.Linear(9, 1),
    ),
    KitDense: lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(10000, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HANDOUT)
def test_each_is_the_handouts_chain(kind):
    """The same logits and the same gradients, in double precision."""
    torch.manual_seed(0)
    ours, chain = kind().double(), HANDOUT[kind]().double()
    chain.load_state_dict(dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(3, 1, 100, 100, dtype=torch.float64)
    outputs = [model(x) for model in (ours, chain)]
    assert outputs[0].shape == (3, 1)
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for one, other in zip(ours.parameters(), chain.parameters(), strict=True):
        assert one.grad.abs().max() > 0
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("kind", HANDOUT)
def test_the_layer_tables(kind):
    chain = HANDOUT[kind]()
    shapes, counts = [], []
    x = torch.zeros(1, 1, 100, 100)
    for layer in chain:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.MaxPool2d):
            shapes.append(list(x.shape[1:]))
            counts.append(sum(p.numel() for p in layer.parameters()))
    table = re.findall(r"\| (\w+\d) \| [^|]* \| ([\dx ]+) \| (\d+) \|", kind.__doc__ or "")
    assert [[int(size) for size in shape.split("x")] for _, shape, _ in table] == shapes
    assert [int(count) for _, _, count in table] == counts
    named = [name for name, part in kind().named_children() if isinstance(part, nn.Module)]
    assert [name for name, _, _ in table if not name.startswith("pool")] == named


def test_they_can_be_named_by_an_experiment():
    assert {kind.__name__ for kind in HANDOUT} <= set(MODELS)


@pytest.mark.parametrize("bias", [True, False])
def test_the_large_convolution_takes_any_kernel_and_padding(bias):
    from cnnref.models.kats_cat import _LargeConv2d

    torch.manual_seed(0)
    for kernel, padding, size in (((3, 4), (1, 2), (9, 8)), ((5, 5), (0, 0), (5, 7))):
        ours = _LargeConv2d(1, 1, kernel, padding=padding, bias=bias).double()
        theirs = nn.Conv2d(1, 1, kernel, padding=padding, bias=bias).double()
        theirs.load_state_dict(ours.state_dict())
        x = torch.randn(2, 1, *size, dtype=torch.float64)
        torch.testing.assert_close(ours(x), theirs(x))
