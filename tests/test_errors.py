"""What a name that does not exist is answered."""

import numpy as np
import pytest
import torch

from cnnref.errors import MissingExtraError, require, shown, unknown


def test_the_nearest_name_is_suggested_and_all_are_listed():
    assert unknown("model", "Plane", ["SkipCNN", "PlainCNN"]) == (
        "unknown model 'Plane'; did you mean 'PlainCNN'? known: PlainCNN, SkipCNN"
    )
    assert unknown("model", "zzz", []) == "unknown model 'zzz'; known: none"


def test_of_very_many_names_only_the_nearest_are_listed():
    names = [f"layer{i}.conv{j}" for i in range(20) for j in range(10)]
    told = unknown("layer", "layer7.conf3", names)
    assert told.startswith(
        "unknown layer 'layer7.conf3'; did you mean 'layer7.conv3'? 200 are known"
    )
    assert len(told) < 300
    assert unknown("layer", "zzz", names) == "unknown layer 'zzz'; 200 are known"


def test_a_value_is_shown_in_one_line_and_a_tensor_without_its_numbers():
    assert shown("x") == "'x'"
    assert shown(torch.zeros(2, 300)) == "a Tensor of shape (2, 300), torch.float32"
    assert shown(np.zeros((2, 300))) == "a ndarray of shape (2, 300), float64"
    assert "\n" not in shown({"weight": torch.zeros(9, 9)})

    class Ragged:
        @property
        def shape(self):
            raise RuntimeError("no sizes")

    assert "Ragged object at" in shown(Ragged())
    assert shown([*range(1000)]).endswith("... (list)")
    assert len(shown([*range(1000)])) < 150


# What `pip install cnnref` does not bring.
EXTRAS = ("IPython", "PIL", "fastjsonschema", "matplotlib", "pandas", "ray", "safetensors", "scipy",
          "torchvision")  # fmt: skip


@pytest.fixture
def without(in_a_fork):
    """Python's answer to some code where these modules are not installed."""

    def run(modules, code):
        hidden = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))"
        return in_a_fork(f"{hidden}\n{code}")

    return run


def test_counting_convolution_and_training_need_no_extra(without):
    done = without(EXTRAS, """
import torch
from torch import nn
from cnnref import Window, cli, convolution, summarize
from cnnref.data import synthetic
from cnnref.models import PlainCNN
from cnnref.training import Recipe, fit
print(summarize(PlainCNN(), (3, 32, 32)))
print(convolution.conv1d(torch.ones(5), torch.ones(3), Window(3)).tolist())
net = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
fit(net, synthetic((1, 2, 2), 2, 8), synthetic((1, 2, 2), 2, 8), Recipe(epochs=1), device="cpu")
sys.exit(cli.main(["summary", "cnnref:PlainCNN", "--input", "3x32x32"]))
""")  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("code", "extra", "absent"),
    [
        ("import cnnref.experiments", "experiments", "scipy"),
        ("import cnnref.experiments.store", "experiments", "safetensors"),
        ("import cnnref.experiments.statistics", "experiments", "fastjsonschema"),
        ("import cnnref.figures", "figures", "matplotlib"),
        ("import cnnref.figures.style", "figures", "scipy"),
        ("import cnnref; cnnref.data.synthetic((1, 2, 2), 2, 2).as_dataset()", "vision", "PIL"),
    ],
)
def test_what_lacks_an_extra_says_which(code, extra, absent, without):
    done = without([absent], code)
    assert done.stderr.splitlines()[-1] == (
        f"cnnref.errors.MissingExtraError: this part of cnnref needs {absent}; "
        f"pip install 'cnnref[{extra}]' brings what is missing"
    )


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["list"], "experiments"),
        (["summary", "torchvision:resnet18", "--input", "3x64x64"], "vision"),
        (["data", "fetch", "mnist"], "vision"),
    ],
)
def test_the_command_tells_it_in_one_line(words, extra, tmp_path, without):
    code = f"import os; os.environ['CNNREF_DATA'] = {str(tmp_path)!r}\n"
    done = without(EXTRAS, f"{code}from cnnref import cli; sys.exit(cli.main({words!r}))")
    assert done.returncode == 2
    assert f"pip install 'cnnref[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_several_missing_packages_are_told_together():
    with pytest.raises(MissingExtraError, match="needs absent_a and absent_b; pip"):
        require("all", "absent_a", "torch", "absent_b")
