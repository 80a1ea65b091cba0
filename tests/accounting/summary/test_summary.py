"""`summarize` and what a `Summary` can be turned into."""

import csv
import io
import json
import re
from fractions import Fraction

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import models

from cnnref.accounting import AccountingError, Extras, summarize
from cnnref.accounting.summary.columns import COLUMNS
from cnnref.accounting.summary.rows import VALUES

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
    block = counted["0"]
    assert block.output_shape == (1, 8, 32, 32)
    assert (block.kind, block.macs, block.parameters) == ("Sequential", 8 * 32 * 32 * 27, 240)
    assert block.buffers == 17
    assert row.input_shape == (1, 8, 32, 32)
    assert (row.kernel, row.stride, row.dtype) == ((3, 3), (2, 2), "float32")
    with pytest.raises(AccountingError, match="did you mean"):
        counted["1.00"]


def test_totals(counted):
    assert counted.total_parameters == sum(p.numel() for p in NET.parameters())
    assert counted.total_trainable == counted.total_parameters
    assert counted.total_buffers == 17
    assert counted.total_macs == 8 * 32 * 32 * 27 + 8 * 14 * 14 * 72 + 80
    assert counted.total_flops == 2 * counted.total_macs
    assert counted.macs_status == "complete"


def test_a_slice_of_the_rows(counted):
    assert counted[1:3] == counted.layers[1:3]
    assert counted[-1] == counted.layers[-1]


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
    row = next(row for row in rows if row["name"] == "1.0")
    assert row["output_shape"] == "1x8x14x14"
    assert (row["kernel"], row["stride"], row["parameters"]) == ("3x3", "2x2", "584")
    assert (row["macs"], row["receptive_field"], row["jump"]) == ("112896", "7x7", "2x2")
    assert row["seen"] == "0:31x0:31"
    assert [*rows[0]] == [
        part for name in VALUES
        for part in ([f"extras_{each}" for each in vars(Extras())] if name == "extras" else [name])
    ]  # fmt: skip


def test_markdown(counted):
    lines = counted.to_markdown().splitlines()
    assert lines[0].startswith("| layer | kind |")
    assert {line.count("|") for line in lines[: len(counted.layers) + 2]} == {8}
    assert "| 1.0 | Conv2d | 1x8x14x14 | 584 | 112,896 | 7 | 2 |" in lines


def test_html(counted):
    html = counted._repr_html_()
    assert html.count("<div>") == len(counted.layers)
    assert html.count("<details open><summary>") == 2
    assert "<script" not in html
    assert "112,896</span>" in html
    folded = counted.to_html(depth=1)
    assert folded.count("<details><summary>") == 2
    assert strings(folded) == strings(html)

    class Odd(nn.Module):
        def forward(self, x):
            return F.relu(x)

    Odd.__name__ = "<b>Odd</b>"
    assert "<b>" not in summarize(nn.Sequential(Odd()), (3,))._repr_html_()


def strings(html):
    return re.findall(r">([^<>]+)<", html)


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


@pytest.fixture(scope="module")
def resnet():
    with torch.device("meta"):
        return summarize(models.resnet50(weights=None), (3, 224, 224))


def test_blocks_hold_their_totals(resnet):
    for name, block in resnet.blocks.items():
        rows = [x for x in resnet.layers if x.name.startswith(f"{name}." if name else "")]
        assert block.macs == sum(row.macs for row in rows)
        assert block.parameters == sum(row.parameters for row in rows)
        assert resnet[name] == block
    assert resnet["layer4"].macs == 809_238_528
    assert resnet["layer4"].parameters == 14_964_736
    assert resnet[""].macs == resnet.total_macs
    assert resnet["layer4"].kind == "Sequential"
    assert resnet.collapsed(1)["layer4"] == resnet["layer4"]


class Listed(nn.Module):
    """Blocks in a list, which nobody calls; with weights of its own."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(2))
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x @ x.T * self.scale.sum()


def test_a_container_that_is_not_called_holds_totals_too():
    counted = summarize(nn.Sequential(Listed()), (4,))
    blocks = counted["0.blocks"]
    assert (blocks.kind, blocks.macs, blocks.parameters) == ("ModuleList", 32, 40)
    assert blocks.output_shape == (1, 4)
    whole = counted["0"]
    assert (whole.kind, whole.macs, whole.parameters) == ("Listed", 36, 44)


def test_rows_stay_in_the_order_of_the_calls(resnet):
    names = [row.name for row in resnet]
    assert [row.name for row in resnet.collapsed(9)] == names
    html = resnet.to_html(columns=["name"])
    told = re.findall(r"<div><span[^>]*>([^<]*)<", html)
    assert [name for name in told if name != "layer"] == names


def test_a_block_with_weights_of_its_own_unfolds():
    with torch.device("meta"):
        counted = summarize(models.vit_b_32(weights=None), (3, 224, 224))
    assert counted.collapsed(1)["encoder"].parameters == counted["encoder"].parameters
    names = [row.name for row in counted.collapsed(1)]
    assert names.count("encoder") == 1
    assert len(re.findall(r"<summary><span>encoder<", counted.to_html())) == 1


def test_a_summary_is_a_sequence_of_its_rows(resnet):
    assert len(resnet) == 174
    assert [row.name for row in resnet][:2] == ["conv1", "bn1"]
    assert "layer1.0.conv1" in resnet
    assert "layer1" in resnet
    assert "layer9" not in resnet
    assert resnet.layers[3] in resnet
    assert 3 not in resnet
    assert (resnet[0].name, resnet[-1].name) == ("conv1", "fc")
    with pytest.raises(IndexError):
        resnet[174]


def test_its_repr_is_a_line(resnet):
    assert repr(resnet) == (
        "<Summary of ResNet: 174 layers, 25,557,032 parameters, 4,089,184,256 MACs>"
    )
    assert repr(resnet["fc"]) == (
        "<Layer 'fc': Linear, (1, 1000), 2,049,000 parameters, 2,048,000 MACs>"
    )


def test_what_is_shown_fits_a_screen_unless_asked(resnet):
    lines = str(resnet).splitlines()
    assert len(lines) < 40
    assert "22 rows for 174; text(depth=None) shows all" in lines
    assert any(line.startswith("layer4.2 ") for line in lines)
    assert len(resnet.text(depth=None).splitlines()) > 174
    assert "rows for" not in resnet.text(depth=None)
    assert sum(line.startswith("layer") for line in resnet.text(depth=1).splitlines()) == 5
    short = summarize(NET, (3, 32, 32), depth=1, columns=["name", "flops", "mac_share"])
    assert str(short).splitlines()[2].split() == ["layer", "FLOPs", "of", "all", "MACs"]
    assert len(short) == 8  # all rows are there
    assert short.text(depth=2) != str(short)
    assert short.to_markdown().startswith("| layer | FLOPs | of all MACs |")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "at least 1"), ({"depth": "2"}, "whole number, 'auto' or None"),
        ({"depth": True}, "got True"), ({"columns": ["mac"]}, "did you mean 'macs'"),
        ({"columns": "macs"}, "a list of names"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown(counted, options, message):
    for call in (counted.text, counted.to_latex, lambda **o: summarize(NET, (3, 32, 32), **o)):
        with pytest.raises(ValueError, match=message):
            call(**options)


def test_every_column_has_cells(resnet):
    text = resnet.text(depth=1, columns=[*COLUMNS]).splitlines()
    for column in COLUMNS.values():
        assert column.title in text[2]
    shares = [COLUMNS["mac_share"].text(row, resnet.whole) for row in resnet.collapsed(1)]
    assert sum(float(share.split()[0]) for share in shares) == pytest.approx(100, abs=0.5)


def test_latex(counted):
    table = summarize(Odd_Name(), (3,)).to_latex(columns=["name", "kind", "mac_share"])
    assert r"Odd\_Name" in table
    end = chr(92) * 2
    assert sum(line.endswith(end) for line in table.splitlines()) == 3
    assert sum(line.endswith(end) for line in counted.to_latex(depth=1).splitlines()) == 6


class Odd_Name(nn.Linear):  # noqa: N801 - a name that LaTeX cannot print
    def __init__(self):
        super().__init__(3, 4)


def test_fields_by_name():
    counted = summarize(Two(), {"left": (2, 9), "right": (3, 9)})
    assert counted["a"].field_inputs == ("left",)
    lines = counted.text(columns=["name", "receptive_field"]).splitlines()
    assert "a                 left 3" in lines
    assert any("left 3, right 5" in line for line in lines)


def test_the_largest_field_and_the_first_that_sees_so_much(resnet, counted):
    assert resnet.max_receptive_field == (427, 427)
    assert resnet.first_to_see(64).name == "layer2.2.conv2"
    assert resnet["layer2.1"].receptive_field < (64, 64)
    assert resnet.first_to_see((7, 7)).name == "conv1"
    assert resnet.first_to_see(428) is None
    assert counted.first_to_see(8).name == "2"  # sees all 32
    assert counted.first_to_see(33) is None
    assert summarize(nn.Linear(3, 4), (3,)).max_receptive_field is None


def test_a_block_with_a_row_of_its_own_sees_when_all_in_it_is_done():
    class Scaled(nn.Sequential):
        def __init__(self, *layers):
            super().__init__(*layers)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return super().forward(x) * self.scale

    net = Scaled(nn.Conv2d(1, 1, 3), Scaled(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)))
    counted = summarize(net, (1, 16, 16))
    assert [layer.name for layer in counted] == ["", "0", "1", "1.0", "1.1"]
    names = [counted.first_to_see(size).name for size in (3, 5, 7)]
    assert names == ["0", "1.0", "1.1"]


def test_json_says_all(resnet):
    told = json.loads(resnet.to_json())
    assert {row["name"] for row in told["blocks"]} == {*resnet.blocks}
    for row, layer in zip(told["layers"], resnet, strict=True):
        assert row.keys() == layer.values().keys()
    thirds = summarize(nn.Upsample(scale_factor=3), (1, 9, 9)).layers[0]
    assert thirds.jump == (Fraction(1, 3), Fraction(1, 3))
    told = json.loads(summarize(nn.Upsample(scale_factor=3), (1, 9, 9)).to_json())
    assert [Fraction(jump) for jump in told["layers"][0]["jump"]] == [*thirds.jump]


@pytest.mark.parametrize("name", ["batch_dim", "training", "strict", "receptive_fields"])
@pytest.mark.parametrize("value", [0, 1, "yes", None])
def test_flags_are_flags(name, value):
    with pytest.raises(AccountingError, match=f"{name} must be True or False, got {value!r}"):
        summarize(NET, (3, 32, 32), **{name: value})
