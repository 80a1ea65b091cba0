"""`summarize` and what a `Summary` can be turned into."""

import csv
import io
import json
from fractions import Fraction

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import AccountingError, summarize

NET = nn.Sequential(
    nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
    nn.Sequential(nn.Conv2d(8, 8, 3, stride=2, dilation=2), nn.ReLU()),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(8, 10),
)


@pytest.fixture(scope="module")
def counted():
    return summarize(NET, (3, 32, 32))


def test_rows(counted):
    assert [layer.name for layer in counted.layers] == [
        "0.0", "0.1", "0.2", "1.0", "1.1", "2", "3", "4",
    ]  # fmt: skip
    row = counted["1.0"]
    assert row.kind == "Conv2d"
    assert row.output_shape == (1, 8, 14, 14)
    assert (row.parameters, row.trainable, row.buffers) == (8 * 8 * 9 + 8, 8 * 8 * 9 + 8, 0)
    assert row.macs == 8 * 14 * 14 * 8 * 9
    assert row.flops == 2 * row.macs
    assert (row.receptive_field, row.support, row.jump) == ((7, 7), (7, 7), (2, 2))
    assert row.start == (2, 2)
    assert row.clipped == (7, 7)
    assert row.seen == ((0, 31), (0, 31))  # 13 * 2 + 4, and one more for the first layer's
    assert counted["0.1"].buffers == 17
    pool = counted["2"]
    assert (pool.receptive_field, pool.reason) == (None, "global pooling")
    assert pool.clipped == (32, 32)
    assert counted["0"].output_shape == (1, 8, 32, 32)
    with pytest.raises(AccountingError, match="did you mean"):
        counted["1.00"]


def test_totals(counted):
    assert counted.total_parameters == sum(p.numel() for p in NET.parameters())
    assert counted.total_trainable == counted.total_parameters
    assert counted.total_buffers == 17
    assert counted.total_macs == 8 * 32 * 32 * 27 + 8 * 14 * 14 * 72 + 80
    assert counted.total_flops == 2 * counted.total_macs
    assert counted.macs_status == "complete"


def test_frozen_parameters():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5))
    net[0].weight.requires_grad_(False)
    counted = summarize(net, (3,))
    assert counted.total_trainable == counted.total_parameters - 12
    assert "of which 12 frozen" in str(counted)


def test_layers_that_are_not_called():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(3, 4), nn.Linear(5, 6)

        def forward(self, x):
            return self.used(x)

    counted = summarize(Net(), (3,))
    assert counted.total_parameters == 16 + 36
    assert counted["idle"].output_shape is None
    assert any("idle was not called" in note for note in counted.notes)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_two_and_three_axes(axes):
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    sizes = (11, 12, 13)[:axes]
    counted = summarize(conv(2, 3, (5, 3, 1)[:axes], dilation=2), (2, *sizes))
    row = counted.layers[0]
    assert row.receptive_field == (9, 5, 1)[:axes]
    assert row.support == (5, 3, 1)[:axes]
    assert row.output_shape == (1, 3, *((3, 8, 13)[:axes]))


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 4, 3, padding=1), nn.Conv1d(3, 4, 5, padding=2)

    def forward(self, left, right, scale=1.0):
        return self.a(left) * scale + self.b(right)


def test_several_inputs():
    expected = summarize(Two(), [(2, 9), (3, 9)])
    assert expected.inputs == {"0": (1, 2, 9), "1": (1, 3, 9)}
    assert expected["a"].macs == 9 * 4 * 2 * 3
    x, y = torch.zeros(1, 2, 9), torch.zeros(1, 3, 9)
    for counted in (
        summarize(Two(), {"right": (3, 9), "left": (2, 9)}),
        summarize(Two(), inputs=(x, y)),
        summarize(Two(), inputs={"left": x, "right": y, "scale": 2.0}),
        summarize(Two(), [x, y]),
        summarize(Two(), [(1, 2, 9), (1, 3, 9)], batch_dim=False),
    ):
        assert counted.total_macs == expected.total_macs
        assert counted["b"].receptive_field == (5,)
    # An output sees both inputs: one axis of each.
    total = summarize(nn.Sequential(Two())[0], inputs=(x, y))
    joined = total.blocks[""]
    assert joined.receptive_field == (3, 5)


class Dict(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3)

    def forward(self, batch):
        return {"out": self.conv(batch["x"])}


def test_inputs_inside_structures():
    counted = summarize(Dict(), inputs=({"x": torch.zeros(1, 2, 9)},))
    assert counted["conv"].macs == 7 * 4 * 6
    assert counted["conv"].receptive_field == (3,)


def test_a_batch_counts_as_it_is():
    one, five = summarize(NET, (3, 32, 32)), summarize(NET, inputs=torch.zeros(5, 3, 32, 32))
    assert five.total_macs == 5 * one.total_macs
    assert five["1.0"].receptive_field == one["1.0"].receptive_field
    assert summarize(NET, (5, 3, 32, 32), batch_dim=False).total_macs == five.total_macs


def test_layers_without_a_batch():
    counted = summarize(nn.Conv2d(3, 4, 3), (3, 9, 8), batch_dim=False)
    assert counted.layers[0].output_shape == (4, 7, 6)
    assert counted.total_macs == 4 * 42 * 27


def test_precision_of_the_network_is_that_of_its_input():
    assert summarize(nn.Linear(3, 4).half(), (3,)).total_macs == 12
    assert summarize(nn.Linear(3, 4).double(), (3,), device="cpu").total_macs == 12


def test_without_receptive_fields(counted):
    bare = summarize(NET, (3, 32, 32), receptive_fields=False)
    assert bare.total_macs == counted.total_macs
    assert all(row.receptive_field is None and not row.fields for row in bare.layers)
    # Rows are equal if all that they say is.
    assert all(a != b for a, b in zip(bare.layers, counted.layers, strict=True))
    assert list(map(hash, bare.layers)) == list(map(hash, counted.layers))


def test_a_compiled_network_is_counted_as_what_it_wraps():
    assert (
        summarize(torch.compile(NET), (3, 32, 32)).total_macs == 8 * 1024 * 27 + 8 * 196 * 72 + 80
    )


def test_collapsed(counted):
    short = counted.collapsed(1)
    assert [row.name for row in short.layers] == ["0", "1", "2", "3", "4"]
    for total in ("total_parameters", "total_macs", "total_buffers", "total_extras"):
        assert getattr(short, total) == getattr(counted, total)
    assert short["0"].output_shape == (1, 8, 32, 32)
    assert short["1"].receptive_field == counted["1.1"].receptive_field
    assert counted.collapsed(2).layers == counted.layers
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        counted.collapsed(0)


def test_text(counted):
    lines = str(counted).splitlines()
    assert lines[0] == "Sequential on input 1x3x32x32"
    assert lines[2].split()[:2] == ["layer", "kind"]
    (row,) = [line for line in lines if line.startswith("1.0 ")]
    assert row.split() == ["1.0", "Conv2d", "1x8x14x14", "584", "112,896", "7", "2"]
    assert any(line.split()[-2:] == ["all", "32"] for line in lines)
    assert f"MACs {counted.total_macs:,} (FLOPs {counted.total_flops:,})" in lines
    assert all(line == line.rstrip() for line in lines)


def test_a_field_larger_than_the_input_shows_both_numbers():
    net = nn.Sequential(*[nn.Conv1d(1, 1, 9, padding=4) for _ in range(3)])
    assert "25 (10 seen)" in str(summarize(net, (1, 10)))


def test_json(counted):
    told = json.loads(counted.to_json())
    assert told == json.loads(json.dumps(counted.to_dict()))
    assert told["total_macs"] == counted.total_macs
    assert told["inputs"] == {"input": [1, 3, 32, 32]}
    row = next(row for row in told["layers"] if row["name"] == "1.0")
    assert row["receptive_field"] == [7, 7]
    assert row["flops"] == 2 * row["macs"]
    up = summarize(nn.Sequential(nn.Conv1d(1, 1, 2), nn.Upsample(scale_factor=2)), (1, 9))
    assert up["1"].jump == (Fraction(1, 2),)
    assert json.loads(up.to_json())["layers"][1]["jump"] == [0.5]


def test_csv(counted):
    rows = list(csv.DictReader(io.StringIO(counted.to_csv())))
    assert len(rows) == len(counted.layers)
    row = next(row for row in rows if row["layer"] == "1.0")
    assert row == {
        "layer": "1.0", "kind": "Conv2d", "output": "1x8x14x14", "parameters": "584",
        "MACs": "112896", "receptive field": "7x7", "jump": "2x2",
    }  # fmt: skip


def test_markdown(counted):
    lines = counted.to_markdown().splitlines()
    assert lines[0].startswith("| layer | kind |")
    assert {line.count("|") for line in lines[: len(counted.layers) + 2]} == {8}
    assert "| 1.0 | Conv2d | 1x8x14x14 | 584 | 112,896 | 7 | 2 |" in lines


def test_html(counted):
    html = counted._repr_html_()
    assert html.count("<tr>") == len(counted.layers) + 1
    assert "<td>112,896</td>" in html

    class Odd(nn.Module):
        def forward(self, x):
            return F.relu(x)

    Odd.__name__ = "<b>Odd</b>"
    assert "<b>" not in summarize(nn.Sequential(Odd()), (3,))._repr_html_()


def test_frame(counted):
    frame = counted.to_frame()
    assert list(frame.index) == [layer.name for layer in counted.layers]
    assert frame["macs"].sum() == counted.total_macs
    assert frame.loc["1.0", "receptive_field"] == (7, 7)


def test_functions_between_the_layers_are_charged_too():
    """An activation called as a function has no row of its own; the module that calls it has."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, bias=False)

        def forward(self, x):
            return torch.relu(self.conv(x))

    by_function = summarize(nn.Sequential(Block()), (1, 8, 8))
    by_module = summarize(nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.ReLU()), (1, 8, 8))
    assert by_function.total_extras == by_module.total_extras
    assert by_function.total_extras.elementwise == 36


class Joined(nn.Module):
    """Two paths to the same positions, added."""

    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x):
        return self.one(x) + self.other(x)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (nn.Conv1d(1, 1, 3, padding=1), nn.Identity(), None),
        (nn.Conv1d(1, 1, 3, stride=2, padding=1), nn.Conv1d(1, 1, 1, stride=2), None),
        # Halved and doubled again, each pair stands over its own middle.
        (nn.Sequential(nn.AvgPool1d(2), nn.Upsample(scale_factor=2)), nn.Identity(), None),
        (nn.Sequential(nn.ZeroPad1d((0, 1)), nn.Conv1d(1, 1, 2)), nn.Identity(), "1/2"),
        (nn.Conv1d(1, 1, 3, padding=1), nn.ZeroPad1d((2, -2)), "2"),
    ],
)
def test_paths_that_are_not_aligned_are_told(one, other, apart):
    notes = summarize(Joined(one, other), (1, 16)).notes
    if apart is None:
        assert notes == ()
    else:
        assert notes == (
            f":add: paths meet whose fields are centred {apart} positions apart, axis 0",
        )
