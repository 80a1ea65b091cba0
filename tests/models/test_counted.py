import re

import pytest
import torch
from torch import nn

from cnnref.accounting import summarize
from cnnref.models import CountedCNN
from tests.models.tables import documented


def on_meta() -> nn.Module:
    """Its 46 million parameters need no memory here."""
    with torch.device("meta"):
        return CountedCNN()


def test_the_layer_table_in_the_docstring_is_what_the_model_does():
    counted = summarize(on_meta(), (3, 256, 256))
    table = documented(CountedCNN)
    assert [row["layer"] for row in table] == [name for name, _ in on_meta().named_children()]
    rows = [layer for layer in counted.layers if ":" not in layer.name]
    assert len(rows) == len(table) == 17
    for layer, row in zip(rows, table, strict=True):
        assert layer.output_shape is not None
        field = "all" if layer.receptive_field is None else f"{layer.receptive_field[0]}"
        assert row == {
            "layer": layer.name,
            "kind": row["kind"],
            "output": " x ".join(map(str, layer.output_shape[1:])),
            "parameters": f"{layer.parameters}",
            "MACs": f"{layer.macs}",
            "field": field,
        }
    assert counted.total_parameters == sum(int(row["parameters"]) for row in table)
    assert counted.total_macs == sum(int(row["MACs"]) for row in table)


def test_the_kinds_in_the_docstring_are_the_modules():
    """Kernel, stride, dilation and the kind of each layer, read off the words."""
    for row in documented(CountedCNN):
        module, words = getattr(on_meta(), row["layer"]), row["kind"]
        expected = {
            nn.Conv2d: "convolution", nn.BatchNorm2d: "batch normalisation",
            nn.AvgPool2d: "average pooling", nn.Linear: "linear", nn.Dropout: "dropout",
        }[type(module)]  # fmt: skip
        assert expected in words
        told = {name: int(n) for name, n in re.findall(r"(stride|dilation) (\d)", words)}
        if isinstance(module, nn.Conv2d):
            kernel = int(words[0])
            assert module.kernel_size == (kernel,) * 2
            assert module.stride == (told.get("stride", 1),) * 2
            assert module.dilation == (told.get("dilation", 1),) * 2
            assert module.padding == ("same" if "same" in words else "valid")


def handouts_chain() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 32, (7, 7), 1, "same"), nn.BatchNorm2d(32),
        nn.Conv2d(32, 64, (5, 5), 2, "valid"), nn.BatchNorm2d(64), nn.AvgPool2d((2, 2), 2),
        nn.Conv2d(64, 128, (3, 3), 1, "valid", 2), nn.BatchNorm2d(128),
        nn.Conv2d(128, 128, (3, 3), 1, "valid", 1), nn.BatchNorm2d(128), nn.AvgPool2d((2, 2), 2),
        nn.Conv2d(128, 256, (3, 3), 1, "valid"), nn.BatchNorm2d(256), nn.AvgPool2d((2, 2), 2),
        nn.Flatten(), nn.Linear(43264, 1024), nn.Linear(1024, 1024), nn.Dropout(0.5),
        nn.Linear(1024, 10),
    )  # fmt: skip


def test_it_is_the_handouts_chain():
    torch.manual_seed(0)
    ours = CountedCNN()
    for name, values in ours.named_parameters():
        if name.startswith("bn"):
            nn.init.normal_(values)  # else scale 1 and shift 0 could be left out
    with torch.device("meta"):
        chain = handouts_chain()
    state = dict(zip(chain.state_dict(), ours.state_dict().values(), strict=True))
    chain.load_state_dict(state, assign=True)
    x = torch.randn(1, 3, 256, 256)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), chain.eval()(x), rtol=0, atol=0)


@pytest.mark.parametrize(("size", "fits"), [(250, False), (251, True), (266, True), (267, False)])
def test_the_sizes_that_its_first_linear_layer_takes(size, fits):
    x = torch.empty(2, 3, size, size, device="meta")
    if fits:
        assert on_meta()(x).shape == (2, 10)
    else:
        with pytest.raises(RuntimeError, match="43264"):
            on_meta()(x)
