"""Two networks side by side."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from cnnref.accounting import AccountingError, compare, summarize
from cnnref.accounting.summary.comparing import Comparison

SIZE = (3, 224, 224)


@pytest.fixture(scope="module")
def resnets():
    with torch.device("meta"):
        return compare(models.resnet18(), models.resnet34(), SIZE)


def test_differences_are_those_of_the_totals(resnets):
    small, large = resnets.a, resnets.b
    assert resnets.difference("macs") == large.total_macs - small.total_macs
    assert resnets.difference("parameters") == large.total_parameters - small.total_parameters
    assert sum(
        (other.parameters if other else 0) - (one.parameters if one else 0)
        for _, one, other in resnets
    ) == resnets.difference("parameters")


def test_layers_are_aligned_by_name(resnets):
    pairs = {name: (one, other) for name, one, other in resnets}
    one, other = pairs["layer3.1.conv2"]
    assert one.name == other.name == "layer3.1.conv2"
    assert pairs["layer3.5.conv2"][0] is None
    assert "conv1" not in resnets.changed
    assert "layer3.5.conv2" in resnets.changed
    names = [name for name, _, _ in resnets.pairs(depth=2)]
    assert names.index("layer3.1") < names.index("layer3.2") < names.index("layer4.0")


def test_a_table_tells_both_and_their_difference(resnets):
    lines = resnets.text().splitlines()
    assert lines[0] == "A: ResNet on input 1x3x224x224"
    assert lines[3].split() == ["layer", "A", "parameters", "B", "parameters", "B", "-", "A", "A",
                                "MACs", "B", "MACs", "B", "-", "A", "A", "receptive", "field",
                                "B", "receptive", "field"]  # fmt: skip
    assert len(lines) < 50
    total = lines[-1].split()
    assert total[:4] == ["total", "11,689,512", "21,797,672", "+10,108,160"]
    only = resnets.text(depth=1, changed=True)
    assert "layer3" in only
    assert "bn1" not in only
    assert "| total |" in resnets.to_markdown(columns=["output_shape", "macs"])
    assert '<th style="white-space:nowrap;text-align:left">layer</th>' in resnets._repr_html_()


def test_everything_as_json(resnets):
    told = json.loads(json.dumps(resnets.to_dict()))
    assert told["differences"]["macs"] == resnets.difference("macs")
    assert repr(resnets).startswith("<Comparison of ResNet and ResNet: ")


def test_with_a_summary_and_with_itself():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1))
    same = compare(summarize(net, (3, 8, 8)), net, (3, 8, 8))
    assert same.changed == []
    assert same.difference("macs") == 0


def test_a_layer_that_is_called_twice_is_two():
    class Twice(nn.Module):
        def __init__(self, times):
            super().__init__()
            self.conv, self.times = nn.Conv2d(3, 3, 1), times

        def forward(self, x):
            for _ in range(self.times):
                x = self.conv(x)
            return x

    both = compare(Twice(1), Twice(3), (3, 4, 4))
    assert [(one is not None, other is not None) for _, one, other in both] == [
        (True, True), (False, True), (False, True),
    ]  # fmt: skip
    assert both.difference("macs") == 2 * 144


def test_a_bound_has_no_difference():
    class Solves(nn.Module):
        def forward(self, x):
            return torch.linalg.solve(x, x)

    both = compare(nn.Linear(3, 3), Solves(), (3, 3))
    assert both.difference("macs") is None
    assert both.difference("parameters") == -12


def test_what_is_wrong_is_told():
    net = nn.Linear(3, 4)
    counted = summarize(net, (3,))
    with pytest.raises(AccountingError, match="counted before: compare them without a size"):
        compare(counted, counted, (3,))
    both = compare(counted, counted)
    with pytest.raises(ValueError, match="'kind' is no count"):
        both.difference("kind")
    with pytest.raises(ValueError, match="unknown column 'mac'"):
        both.text(columns=["mac"])


widths = st.lists(st.integers(1, 5), max_size=4)


@given(widths, widths)
def test_every_row_of_both_stands_once(first, second):
    def chain(wide):
        sizes = [3, *wide]
        return summarize(
            nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, wide, strict=False)), nn.ReLU()),
            (3,),
        )

    both = Comparison(chain(first), chain(second))
    assert [one for _, one, _ in both if one] == [*both.a]
    assert [other for _, _, other in both if other] == [*both.b]
    assert Comparison(both.a, both.a).changed == []
    assert both.difference("macs") == -(Comparison(both.b, both.a).difference("macs") or 0)
