"""One clear message for each mistake: the layer, the shapes that met, and what to do."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import AccountingError, ValuesNeededError, summarize

NET = nn.Sequential(
    nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 49, 10)
)


def message(model, *args, **options):
    with pytest.raises(AccountingError) as caught:
        summarize(model, *args, **options)
    told = str(caught.value)
    assert "\n" not in told
    assert isinstance(caught.value, ValueError)
    return told


def says(told, *parts):
    for part in parts:
        assert part in told, told


def test_wrong_channels():
    says(message(NET, (16, 16, 3)), "0 (Conv2d) failed", "takes 3 channels and got 16",
         "(1, 16, 16, 3)", "(3, height, width)")  # fmt: skip
    inside = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(6, 8, 3))
    says(message(inside, (3, 9, 9)), "1 (Conv2d) failed, after 0 (Conv2d) gave (1, 8, 7, 7)",
         "takes 6 channels and got 8", "set in_channels=8")  # fmt: skip
    grouped = nn.Sequential(nn.Conv2d(4, 8, 3, groups=2))
    says(message(grouped, (3, 9, 9)), "takes 4 channels and got 3")
    up = nn.Sequential(nn.ConvTranspose2d(4, 8, 3))
    says(message(up, (3, 9, 9)), "takes 4 channels and got 3")


def test_wrong_rank():
    says(message(NET, (1, 3, 16, 16)), "0 (Conv2d)", "takes 4 dimensions", "got 5",
         "leave the batch out of the size")  # fmt: skip
    says(message(nn.Conv1d(3, 4, 3), (3, 9, 9)), "over 1 axis", "got 4")
    grey = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    says(message(grey, (28, 28)), "1 (BatchNorm2d) failed, after 0 (Conv2d) gave (4, 26, 26)",
         "takes 4 dimensions", "got 3", "give them: (1, height, width)")  # fmt: skip
    says(message(nn.BatchNorm1d(4), inputs=torch.zeros(4)), "takes 2 or 3 dimensions", "got 1")


@pytest.mark.parametrize("number", [-3, 0, 2.0, True, "8", None])
def test_sizes_that_are_none(number):
    says(message(NET, (3, number, 16)), "a whole number of at least 1", f"got {number!r}")


@pytest.mark.parametrize("size", [(), [], 3, "3x16x16", 2.5])
def test_sizes_that_are_no_tuples(size):
    says(message(NET, size), "an input size is a tuple of whole numbers such as (3, 224, 224)")


def test_what_is_no_network():
    says(message(nn.Linear, (3,)), "Linear is a class, not a network: make one, Linear(...)")
    says(message(F.relu, (3,)), "a torch.nn.Module is needed", "function")
    says(message("resnet50", (3,)), "'resnet50' names no network", "write torchvision:resnet50")
    says(message(3, (3,)), "a torch.nn.Module is needed, got 3")
    says(message(None, (3,)), "a torch.nn.Module is needed, got None")
    told = message(nn.Linear(30, 40).state_dict(), (30,))
    says(told, "weights alone do not say what is done with them")
    assert len(told) < 300  # and not all of them
    assert "\n" not in told
    says(message([NET, NET], (3, 16, 16)), "nn.Sequential(*layers) makes one of them")
    exported = torch.export.export(nn.Linear(3, 4), (torch.zeros(1, 3),))
    says(message(exported, (3,)), "its .module() is one")


@pytest.mark.filterwarnings("ignore")
def test_networks_that_cannot_be_watched():
    says(message(nn.Sequential(nn.LazyConv2d(4, 3)), (3, 8, 8)), "0 (LazyConv2d) has no weights")
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 4)))
    says(message(scripted, (3,)), "scripted network cannot be watched")
    traced = torch.jit.trace(nn.Linear(3, 4), torch.zeros(1, 3))
    says(message(traced, (3,)), "scripted network cannot be watched")


def test_devices():
    on_meta = nn.Linear(3, 4, device="meta")
    says(message(on_meta, (3,), device="cpu"), "the network is on meta", "run on cpu",
         "leave device='auto'")  # fmt: skip
    says(message(nn.Linear(3, 4), (3,), device="cuda"), "the network is on cpu", "run on cuda")
    says(message(nn.Linear(3, 4), (3,), device="gpu"), "'gpu' is not a device")
    says(
        message(nn.ReLU(), (3,), device="cuda:99"), "device 'cuda:99' is not at hand", "try 'auto'"
    )
    says(message("cnnref:PlainCNN", (3, 32, 32), device="cuda:99"), "'cuda:99' is not at hand")
    elsewhere = torch.zeros(1, 3, device="meta")
    says(message(nn.Linear(3, 4), inputs=elsewhere, device="cpu"), "an input is on meta")
    says(message(nn.Linear(3, 4), inputs={"input": elsewhere}, device="cpu"), "an input is on meta")


def test_inputs_and_sizes():
    says(message(NET), "give either", "got neither")
    says(message(NET, (3, 16, 16), inputs=torch.zeros(1, 3, 16, 16)), "give either", "got both")
    says(message(NET, inputs="x"), "inputs must hold a tensor")
    says(message(NET, inputs={"input": 3}), "inputs must hold a tensor")
    says(message(NET, [(3, 16, 16), (3, 16, 16)]), "called with 2 inputs", "Sequential")
    says(message(nn.Bilinear(3, 4, 5), (3,)), "Bilinear", "called with 1 input;",
         "it takes 2: input1, input2", "several sizes go in a list")  # fmt: skip
    told = message(NET, {"x": (3, 16, 16)})
    says(told, "called with 0 inputs and x", "it takes 1: input")
    assert "several sizes" not in told  # no advice that was followed
    says(told, "what is one argument, whatever it holds, goes in a list: [inputs]")
    x = torch.zeros(1, 3, 16, 16)
    says(message(NET, inputs=(x, x)), "called with 2 inputs", "goes in a list: [inputs]")
    says(message(NET, x.numpy()), "a ndarray of shape (1, 3, 16, 16), float32; torch.from_numpy")
    says(message(NET, inputs=[x.numpy()]), "inputs must hold a tensor, got [array(")
    says(message(NET, inputs=x.numpy()), "torch.from_numpy makes one of it")
    ragged = torch.nested.nested_tensor([x[0], x[0]], layout=torch.jagged)
    says(message(NET, inputs=ragged), "a nested tensor, which has no shape: give a padded one")
    says(message(NET, (3,)), "the size of one example is (channels, height, width)")


def test_an_input_too_small():
    says(message(NET, (3, 2, 2)), "0 (Conv2d)", "kernel (3, 3) does not fit", "(1, 3, 2, 2)",
         "too small")  # fmt: skip
    says(message(NET, (3, 3, 3)), "2 (MaxPool2d)", "(1, 8, 1, 1)", "too small")


def test_a_linear_layer_that_does_not_fit():
    says(message(NET, (3, 32, 32)), "4 (Linear) failed, after 3 (Flatten) gave (1, 1800)",
         "takes 392 features and got 1,800", "in_features=1800")  # fmt: skip


def test_normalisation_of_other_channels():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(6))
    says(message(net, (3, 9, 9)), "1 (BatchNorm2d)", "normalises 6 channels and got 8")


def test_branches_that_do_not_fit():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x):
            return x + self.conv(x)

    says(message(nn.Sequential(Block()), (3, 8, 8)), "0 (Block)", "(1, 3, 8, 8) and (1, 3, 6, 6)")


class Reads(nn.Module):
    """A network whose pass depends on values."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        self.how(self.linear(x))
        return x


@pytest.mark.parametrize(
    "how",
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: bool(x.sum() > 0),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: x.numpy(),
    ],
    ids=["item", "tolist", "bool", "mask", "nonzero", "numpy"],
)
def test_a_pass_that_reads_values(how):
    net = Reads(how)
    told = message(net, (3,), device="meta")
    says(told, "reads values", "device='cpu'")
    assert summarize(net, (3,), device="cpu").total_macs == 9
    found = summarize(net, (3,))
    assert (found.total_macs, found.device) == (9, "cpu")
    assert "counted on cpu, with zeros for values" in found.notes[0]
    assert "reads values" in found.notes[0]
    given = summarize(net, inputs=torch.zeros(1, 3))
    assert "with the values given" in given.notes[0]
    without = net.to("meta")
    with pytest.raises(ValuesNeededError, match="make it on the CPU"):
        summarize(without, (3,))


def test_a_network_that_asks_for_devices_runs_where_it_is():
    class Net(nn.Linear):
        def forward(self, x):
            assert x.device.type == "cpu", "not here"
            return super().forward(x)

    counted = summarize(Net(3, 4), (3,))
    assert counted.total_macs == 12
    says(counted.notes[0], "counted on cpu", "asks which device a tensor is on")
    says(message(Net(3, 4), (3,), device="meta"), "asks which device", "pass device='auto'")


def test_arguments_by_name_alone():
    class Net(nn.Linear):
        def forward(self, x, *, mask):
            return super().forward(x)

    told = message(Net(3, 4), (3,))
    says(told, "it takes 2: x, mask", "mask by name: kwargs={'mask': ...}")
    assert "list" not in told


def test_one_example_to_normalise_over():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    says(message(net, (3,), training=True), "1 (BatchNorm1d) failed", "there is one example",
         "batch_dim=False")  # fmt: skip
    assert summarize(net, (2, 3), batch_dim=False, training=True).total_macs == 24


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["AvgPool", "MaxPool"])
def test_a_pooling_that_does_not_fit(kind, axes):
    pool = getattr(nn, f"{kind}{axes}d")(5)
    told = message(nn.Sequential(pool), (2, *(3,) * axes))
    says(told, "its window does not fit into an input of shape (1, 2, 3", "network is too small")


def test_an_error_of_the_networks_own():
    class Net(nn.Module):
        def forward(self, x):
            raise KeyError("no such thing")

    says(message(nn.Sequential(Net()), (3,)), "0 (Net) failed", "KeyError: 'no such thing'")


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.int64, torch.uint8])
def test_precisions_that_differ(kind):
    x = torch.zeros(1, 3, 8, 8, dtype=kind)
    told = message(nn.Sequential(nn.Conv2d(3, 8, 3)), inputs=x)
    says(told, "0 (Conv2d)", "weights of float32", f"an input of {str(kind)[6:]}", "(1, 3, 8, 8)")
    assert "too small" not in told
    says(message(nn.Linear(8, 3), inputs=x), "weights of float32", f"of {str(kind)[6:]}")


def test_what_was_not_looked_at_is_told_in_torchs_words():
    with pytest.raises(RuntimeError) as theirs:
        torch.zeros(1, 3).view(7)
    told = message(Reads(lambda y: y.view(7)), (3,))
    says(told, "the forward pass of Reads", "(1, 3)", str(theirs.value).splitlines()[0])


def test_whole_numbers_for_a_table():
    says(message(nn.Embedding(10, 3), (5,)), "Embedding", "whole numbers and got float32",
         "(1, 5)", "give dtypes=torch.long")  # fmt: skip


def test_a_kernel_that_does_not_fit_by_its_dilation():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, dilation=5))
    says(message(net, (3, 8, 8)), "(3, 3) does not fit", "with padding (1, 1)",
         "at dilation (5, 5)")  # fmt: skip


def test_words_of_the_networks_own_are_not_taken_for_torchs():
    class Net(nn.Module):
        def forward(self, x):
            raise ValueError("Cannot find the meta data")

    told = message(nn.Sequential(Net()), (3,))
    says(told, "0 (Net) failed", "Cannot find the meta data", "its inputs: (1, 3)")
