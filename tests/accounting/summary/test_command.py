"""`cnnref summary` and `cnnref compare` as their user meets them."""

import csv
import io
import json
import re

import pytest

from cnnref import cli
from cnnref.accounting import Summary
from cnnref.accounting.summary.columns import COLUMNS


def call(*words):
    return cli.main(["summary", *words])


def test_table(capsys):
    assert call("torchvision:resnet50", "--input", "3x224x224") == 0
    out, err = capsys.readouterr()
    assert not err
    assert out.startswith("ResNet on input 1x3x224x224\n")
    assert "parameters 25,557,032; buffers" in out
    assert "MACs 4,089,184,256 (FLOPs 8,178,368,512)" in out
    assert "22 rows for 174" in out
    assert call("torchvision:resnet50", "--input", "3x224x224", "--depth", "all") == 0
    out = capsys.readouterr().out
    assert any(line.split()[:2] == ["layer4.2.conv3", "Conv2d"] for line in out.splitlines())


def test_depth(capsys):
    assert call("torchvision:resnet50", "--input", "3x224x224", "--depth", "1") == 0
    out = capsys.readouterr().out
    assert len([line for line in out.splitlines() if line.startswith("layer")]) == 5
    assert "MACs 4,089,184,256" in out


def test_formats(capsys):
    words = ("cnnref:PlainCNN", "--input", "3x32x32", "--format")
    assert call(*words, "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["total_macs"] == 14_548_480
    assert call(*words, "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert sum(int(row["macs"]) for row in rows) == 14_548_480
    assert [row["name"] for row in rows] == [row["name"] for row in told["layers"]]
    assert call(*words, "markdown") == 0
    assert capsys.readouterr().out.startswith("| layer | kind |")


def test_memory(capsys):
    words = ("cnnref:PlainCNN", "--input", "3x32x32", "--memory")
    assert call(*words) == 0
    out = capsys.readouterr().out
    assert "\n\nPlainCNN on 1x3x32x32, float32\n" in out
    assert "state of adam" in out
    assert call(*words, "momentum", "--batch", "16", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["memory"]["inputs"] == [[16, 3, 32, 32]]
    assert told["memory"]["optimizer_state"] == told["memory"]["gradients"]
    assert call(*words, "adma") == 2
    assert "did you mean 'adam'" in capsys.readouterr().err
    assert call(*words, "--format", "csv") == 2
    assert "--memory is told as table or json, got --format csv" in capsys.readouterr().err
    assert call(*words[:-1], "--batch", "16") == 2
    assert "--batch says for how many examples --memory is" in capsys.readouterr().err


def test_rows_that_are_left_out_are_had_by_an_option(capsys):
    assert call("cnnref:ResNet", "--input", "3x32x32", "--depth", "1") == 0
    assert " rows for 58; --depth all shows all\n" in capsys.readouterr().out


def test_latency(capsys):
    words = ("cnnref:PlainCNN", "--input", "3x32x32", "--latency", "2")
    assert call(*words) == 0
    out = capsys.readouterr().out
    assert "PlainCNN on 1x3x32x32, cpu: milliseconds, 2 repeats" in out
    assert out.splitlines()[-1].startswith("whole network")
    assert call(*words, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["latency"]["whole"]["seconds"]) == 2


def test_columns_of_a_step(capsys):
    words = ("cnnref:PlainCNN", "--input", "3x32x32", "--columns", "name,backward_macs,saved_bytes")
    assert call(*words) == 0
    assert "kept for backward" in capsys.readouterr().out.splitlines()[2]


CODE = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 4)
    def forward(self, left, right):
        return self.a(left) + self.b(right)

class Reads(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
    def forward(self, x):
        return super().forward(x) if x.sum().item() >= 0 else x

@torch.library.custom_op("cnnref_command::odd", mutates_args=())
def odd(x: torch.Tensor) -> torch.Tensor:
    return x.clone()
odd.register_fake(torch.empty_like)

class Odd(nn.Module):
    def forward(self, x):
        return odd(x)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("nets")
    (path / "command_nets.py").write_text(CODE)
    return path


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])


def test_modules_and_several_inputs(here, capsys):
    for words in (("3", "5"), ("right=5", "left=3")):
        options = [part for word in words for part in ("--input", word)]
        assert call("command_nets:Two", *options) == 0
        assert "MACs 32 " in capsys.readouterr().out
    assert call("command_nets:Two", "--no-batch", "--input", "2x3", "--input", "2x5") == 0
    assert "MACs 64 " in capsys.readouterr().out


@pytest.mark.parametrize(
    "target", ["command_nets:Reads", "command_nets.py:Reads", "./command_nets.py:Reads"]
)
def test_devices(here, capsys, target):
    for device in (["--device", "cpu"], []):
        assert call(target, "--input", "3", *device) == 0
        out = capsys.readouterr().out
        assert "MACs 12 " in out
        assert ("note: counted on cpu, with zeros for values" in out) == (not device)


def test_a_network_of_torchvision_that_needs_values(capsys):
    words = ("torchvision:ssdlite320_mobilenet_v3_large", "--input", "3x320x320")
    for device in ([], ["--device", "cpu"]):
        assert call(*words, *device) == 0
        assert "MACs 583,171,904 " in capsys.readouterr().out
    assert call(*words, "--device", "meta") == 2
    assert "make it on the CPU" in capsys.readouterr().err
    assert call("torchvision:resnet18", "--input", "3x64x64", "--device", "cpu") == 0
    assert call("torchvision:regnet_y_400mf", "--input", "3x64x64") == 0


def test_the_help_names_every_column(capsys):
    with pytest.raises(SystemExit):
        call("--help")
    told = re.split(r"[\s,]+", capsys.readouterr().out)
    assert set(COLUMNS) <= set(told)
    assert all(f"`{name}`" in (Summary.text.__doc__ or "") for name in COLUMNS)


def test_columns_and_more_formats(capsys):
    words = ("torchvision:resnet18", "--input", "3x64x64")
    assert call(*words, "--columns", "name,mac_share,kernel") == 0
    assert "layer     of all MACs  kernel" in capsys.readouterr().out
    assert call(*words, "--format", "latex", "--depth", "1") == 0
    assert r"\begin{tabular}{llrrrrr}" in capsys.readouterr().out
    assert call(*words, "--format", "html") == 0
    assert "<details>" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call(*words, "--columns", "name,mac")
    assert "did you mean 'macs'?" in capsys.readouterr().err


def test_a_table_fits_the_terminal(capsys, monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    words = ["torchvision:resnet18", "--input", "3x224x224", "--depth", "1"]

    def heads(room, *command):
        screen = Screen()
        with monkeypatch.context() as there:
            there.setenv("COLUMNS", str(room))
            there.setattr("sys.stdout", screen)
            assert cli.main([*command]) == 0
        rows = screen.getvalue().splitlines()
        rule = next(i for i, row in enumerate(rows) if row.startswith("---"))
        assert room > 90 or len(rows[rule]) <= room
        return re.split("  +", rows[rule + 1])

    every = ["layer", "kind", "output", "parameters", "MACs", "receptive field", "jump"]
    assert heads(100, "summary", *words) == every
    assert heads(80, "summary", *words) == [each for each in every if each != "kind"]
    narrow = [each for each in every if each not in ("kind", "jump")]
    assert heads(67, "summary", *words) == narrow
    asked = heads(200, "summary", *words, "--columns", "name, kind,")
    assert asked == ["layer", "kind"]
    both = ["compare", words[0], "torchvision:resnet34", *words[1:]]
    assert "A receptive field" in heads(200, *both)
    assert heads(80, *both) == ["layer", "A parameters", "B parameters", "B - A"]
    assert call(*words) == 0  # into a file or a pipe goes all of it
    assert "kind" in capsys.readouterr().out.splitlines()[2]


def test_training(capsys):
    words = ("torchvision:googlenet", "--input", "3x224x224", "--format", "json")
    counts = []
    for mode in ([], ["--training"]):
        assert call(*words, *mode) == 0
        counts.append(json.loads(capsys.readouterr().out)["total_macs"])
    assert counts[1] > counts[0]  # the auxiliary classifiers


def test_strict(here, capsys):
    assert call("command_nets:Odd", "--input", "3x4") == 0
    assert "not counted: cnnref_command.odd" in capsys.readouterr().out
    assert call("command_nets:Odd", "--input", "3x4", "--strict") == 2
    assert "no formula counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["torchvision:resnet5", "--input", "3x8x8"], "did you mean 'resnet50'?"),
        (["resnet50", "--input", "3x8x8"], "names no network"),
        (["cnnref:PlainCNN", "--input", "3x"], "'3x' is not an input size"),
        (["cnnref:PlainCNN", "--input", "4x32x32"], "takes 3 channels and got 4"),
        (["cnnref:PlainCNN", "--input", "3x3x3"], "too small"),
        (["cnnref:PlainCNN", "--input", "3x32x32", "--device", "gpu"], "'gpu' is not a device"),
        (["command_nets:Reads", "--input", "3", "--device", "meta"], "reads values"),
        (["command_nets:Reads", "--input", "3", "--device", "meta"], "pass --device auto"),
        (["torchvision:alexnet", "--input", "1x3x64x64"], "out of the size, or pass --no-batch"),
        (["torch.nn:Embedding", "--input", "3"], "cannot be called without arguments"),
        (["command_nets:Two", "--input", "3"], "takes 2: left, right; give --input again for each"),
        (["cnnref:PlainCNN", "--input", "3x32x32:long"], "write :float32 behind the size"),
        (["cnnref:PlainCNN", "--input", "3x32x32", "--device", "cuda:99"], "is not at hand"),
        (["nothing.py:make", "--input", "3"], "there is no file 'nothing.py'"),
        (["command_nets:Three", "--input", "3"], "unknown name in command_nets 'Three'"),
    ],
)
def test_mistakes(here, capsys, words, message):
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert not out
    assert message in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [], ["cnnref:PlainCNN"], ["cnnref:PlainCNN", "--input", "3x32x32", "--format", "xml"],
        ["cnnref:PlainCNN", "--input", "3x32x32", "--depth", "0"],
    ],
)  # fmt: skip
def test_usage(capsys, words):
    with pytest.raises(SystemExit) as left:
        call(*words)
    assert left.value.code == 2
    assert "usage: cnnref summary" in capsys.readouterr().err


def test_help(capsys):
    with pytest.raises(SystemExit) as left:
        call("--help")
    assert left.value.code == 0
    out = capsys.readouterr().out
    for option in ("--input", "--format", "--depth", "--strict", "--device", "--no-batch"):
        assert option in out


def test_two_networks_side_by_side(capsys):
    words = ("compare", "cnnref:PlainCNN", "cnnref:SkipCNN", "--input", "3x32x32")
    assert cli.main([*words, "--columns", "parameters"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" on ")[0] for line in lines[:2]] == ["A: PlainCNN", "B: SkipCNN"]
    total = lines[-1].split()
    assert int(total[2].replace(",", "")) - int(total[1].replace(",", "")) == 27_616
    assert total[3] == "+27,616"
    assert cli.main([*words, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"]["parameters"] == 27_616
    assert cli.main([*words, "--format", "markdown", "--changed"]) == 0
    assert "| layer |" in capsys.readouterr().out
    assert cli.main(["compare", "cnnref:PlainCNN", "cnnref:PlainCN", "--input", "3x32x32"]) == 2
    assert "did you mean 'PlainCNN'" in capsys.readouterr().err
