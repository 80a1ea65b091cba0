"""Networks and sizes as a command line spells them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.tracing.targets import find_network, read_inputs
from cnnref.errors import MissingExtraError

CODE = """
from torch import nn

def make():
    return nn.Linear(3, 4)

def needs(width):
    return nn.Linear(width, 4)

def breaks():
    raise ValueError("broken inside")

def wrong_inside():
    return nn.Linear("3", 4)

def gives_nothing():
    return None

class Nets:
    small = nn.Linear(2, 2)

class Net(nn.Linear):
    def __init__(self):
        super().__init__(5, 6)

number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the current folder, which is not on the path."""
    (tmp_path / "accounted_nets.py").write_text(CODE)
    (tmp_path / "accounted_broken.py").write_text("def make(:")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.delitem(__import__("sys").modules, "accounted_nets", raising=False)
    return "accounted_nets"


@pytest.mark.parametrize(
    ("name", "width"), [("make", 3), ("Nets.small", 2), ("Net", 5)], ids=["call", "value", "class"]
)
def test_modules_in_the_current_folder(module, name, width):
    assert find_network(f"{module}:{name}").in_features == width


def test_torchvision_and_our_own():
    alexnet = find_network("torchvision:alexnet")
    assert next(alexnet.parameters()).is_meta
    assert isinstance(find_network("cnnref:PlainCNN"), nn.Module)
    assert torch.get_default_device().type == "cpu"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("resnet50", "'resnet50' names no network; did you mean 'torchvision:resnet50'? Or write"),
        ("nets.py", "name what makes it, nets.py:NAME; or write torchvision:resnet50"),
        ("accounted_nets:breaks", "raised ValueError: broken inside (accounted_nets.py, line "),
        ("accounted_nets:wrong_inside", "raised TypeError: "),
        ("accounted_broken:make", "cannot import 'accounted_broken': SyntaxError: "),
        ("accounted_broken.py:make", "cannot import 'accounted_broken.py': SyntaxError: "),
        (":make", "names no network"),
        ("torchvision:", "names no network"),
        ("torchvision:resnet5", "unknown torchvision model 'resnet5'; did you mean 'resnet50'?"),
        ("cnnref:PlanCNN", "unknown model 'PlanCNN'; did you mean 'PlainCNN'?"),
        ("no_such_module:make", "cannot import 'no_such_module'"),
        ("accounted_nets:mke", "unknown name in accounted_nets 'mke'; did you mean 'make'?"),
        ("accounted_nets:needs", "cannot be called without arguments"),
        ("accounted_nets:gives_nothing", "gave NoneType, not a torch.nn.Module"),
        ("accounted_nets:number", "neither a network nor callable: 3"),
    ],
)
def test_what_names_no_network(module, target, message):
    with pytest.raises(AccountingError) as caught:
        find_network(target)
    assert message in str(caught.value)


def test_sizes():
    assert read_inputs(["3x224x224"]) == ((3, 224, 224), None)
    assert read_inputs(["7"]) == ((7,), None)
    assert read_inputs(["7:long"]) == ((7,), torch.long)
    assert read_inputs(["3X8", "4x9:uint8"]) == ([(3, 8), (4, 9)], [None, torch.uint8])
    sizes, dtypes = read_inputs(["a=3x8", "b=4:int32"])
    assert sizes == {"a": (3, 8), "b": (4,)}
    assert dtypes == {"a": None, "b": torch.int32}


def test_no_such_dtype():
    with pytest.raises(AccountingError, match=r"unknown dtype 'lung'; did you mean 'long'\?"):
        read_inputs(["7:lung"])


@pytest.mark.parametrize(
    "word", ["", "3x", "3x-4", "3x0", "axb", "3,4", "=3x4", "3x4.5", "x=", "x"]
)
def test_what_is_no_size(word):
    with pytest.raises(AccountingError, match="is not an input size"):
        read_inputs([word])


def test_names_for_all_or_none():
    with pytest.raises(AccountingError, match="name all inputs or none, got a=3x4 3x5"):
        read_inputs(["a=3x4", "3x5"])


def test_a_summary_of_a_target():
    counted = summarize("torchvision:alexnet", (3, 224, 224))
    assert (counted.model, counted.total_parameters) == ("AlexNet", 61_100_840)
    with pytest.raises(AccountingError, match="unknown torchvision model 'alexnot'"):
        summarize("torchvision:alexnot", (3, 224, 224))


def test_a_target_that_needs_values(module):
    (Path.cwd() / f"{module}.py").write_text(
        """
import torch
from torch import nn

class Chooses(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        return super().forward(x) if x.sum() >= 0 else x
"""
    )
    counted = summarize(f"{module}:Chooses", (3,))
    assert (counted.total_macs, counted.device) == (12, "cpu")


@pytest.mark.parametrize(("target", "extra"), [("timm:resnet18", "timm"), ("hf:bert", "hf")])
def test_what_is_not_installed_is_named(target, extra, monkeypatch):
    monkeypatch.setattr("cnnref.errors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'cnnref\[{extra}\]'"):
        find_network(target)


def test_of_timm():
    pytest.importorskip("timm")
    counted = summarize("timm:mobilenetv3_large_100", (3, 224, 224))
    assert counted.max_receptive_field_without_gates == (595, 595)
    assert find_network("timm:resnet18", "meta").conv1.weight.is_meta
    with pytest.raises(AccountingError, match="unknown timm model 'resnet19'"):
        find_network("timm:resnet19")


def test_of_transformers():
    pytest.importorskip("transformers")
    counted = summarize("hf:bert", (7,), dtypes="long")
    assert counted.total_parameters > 100_000_000
    assert counted.macs_status == "complete"
    with pytest.raises(AccountingError, match="transformers has no model 'berd'"):
        find_network("hf:berd")
