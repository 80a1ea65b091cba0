"""What a backward pass multiplies, beside torch's own counter."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.tracing.targets import find_network
from tests.examples import examples


def of_torch(model, *inputs):
    """MACs of forward and backward pass by torch's counter."""
    with FlopCounterMode(display=False) as counter:
        out = model(*inputs)
        ends = out.values() if isinstance(out, dict) else [out]
        sum(end.sum() for end in ends).backward()
    return counter.get_total_flops() // 2


def grouped(model, layers):
    """MACs by which torch's counter is above the true number: for the weight's gradient of a
    convolution in groups it pairs every channel that comes in with every one that goes out."""
    modules = dict(model.named_modules())
    return sum(
        (module.groups - 1) * layer.macs
        for layer in layers
        if isinstance(module := modules.get(layer.name), nn.modules.conv._ConvNd)
        and module.weight.requires_grad
    )


@given(
    axes=st.integers(1, 3), transposed=st.booleans(), batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)), groups=st.integers(1, 2),
    kernel=st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 1),
    dilation=st.integers(1, 2), bias=st.booleans(), frozen=st.booleans(), before=st.booleans(),
)  # fmt: skip
@examples(60)
def test_convolutions(
    axes, transposed, batch, channels, groups, kernel, stride, padding, dilation, bias, frozen,
    before,
):  # fmt: skip
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{axes}d")
    inputs, outputs = (groups * n for n in channels)
    conv = kind(
        inputs, outputs, kernel, stride, padding, dilation=dilation, groups=groups, bias=bias
    )
    conv.weight.requires_grad_(not frozen)
    # A layer before it has the convolution's input ask for a gradient; one after it, the output.
    model = nn.Sequential(
        nn.PReLU() if before else nn.Identity(), conv, nn.PReLU(num_parameters=outputs)
    ).to("meta")
    x = torch.empty(batch, inputs, *(7,) * axes, device="meta")
    told = summarize(model, inputs=x)
    assert told.training_macs == of_torch(model, x) - grouped(model, told)
    assert told.with_backward()["1"].backward_macs == told.total_backward_macs
    assert told.total_backward_macs == told["1"].macs * (before + (not frozen))


@pytest.mark.parametrize(
    "name",
    ["resnet18", "vgg11_bn", "googlenet", "densenet121", "mobilenet_v3_small", "squeezenet1_1",
     "shufflenet_v2_x0_5", "convnext_tiny", "vit_b_16", "swin_t", "fcn_resnet50"],
)  # fmt: skip
def test_networks_of_others(name):
    model = find_network(f"torchvision:{name}").eval()
    told = summarize(model, (3, 224, 224), receptive_fields=False)
    by_torch = of_torch(model, torch.empty(1, 3, 224, 224, device="meta"))
    assert told.training_macs == by_torch - grouped(model, told)
    assert told.training_flops == 2 * told.training_macs
    assert told.with_backward().recomputed == 0


class Functions(nn.Module):
    """Functions that autograd takes apart, one after the other in one module."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.zeros(6, 6)), nn.Linear(6, 6)

    def forward(self, x):
        y = F.linear(x, self.a)
        y = torch.einsum("bij,bkj->bik", y, y) @ self.b(x)
        with torch.no_grad():
            z = F.linear(x, self.a)
        y = y + z
        return F.scaled_dot_product_attention(y[:, None], y[:, None], x[:, None])


def test_functions_have_the_macs_of_their_parts():
    model = Functions().to("meta")
    told = summarize(model, (6, 6)).with_backward()
    assert told.training_macs == of_torch(model, torch.empty(1, 6, 6, device="meta"))
    times = {layer.name: (layer.backward_macs / layer.macs) for layer in told if layer.macs}
    products = [name for name in times if name.startswith(":") and "attention" not in name]
    assert [times[name] for name in products] == [1, 2, 2, 0]
    assert times["b"] == 1
    # Of the scores both operands ask for a gradient, of the values none.
    assert times[":scaled_dot_product_attention"] == 1.5


class Twice(nn.Module):
    """A block whose outputs are computed again in the backward pass."""

    def __init__(self, reentrant):
        super().__init__()
        self.first, self.reentrant = nn.Linear(5, 5), reentrant
        self.block = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 5))

    def forward(self, x):
        return checkpoint(self.block, self.first(x), use_reentrant=self.reentrant)


@pytest.mark.filterwarnings("ignore:None of the inputs")  # while there are no gradients
@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_checkpoint_computes_again(reentrant):
    model = Twice(reentrant).to("meta")
    told = summarize(model, (5,))
    assert told.training_macs == of_torch(model, torch.empty(1, 5, device="meta"))
    # Once more the block; torch may stop where it has all that it needs, before the last layer.
    again = 50 if reentrant else 25
    assert told.total_backward_macs == 25 + 50 + 50 + again
    assert told.with_backward().recomputed >= again


class InVain(nn.Module):
    """Computes what it does not give."""

    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(5, 5), nn.Linear(5, 7)

    def forward(self, x):
        self.unused(x)
        return self.used(x)


def test_what_is_not_used_has_no_backward_pass():
    model = InVain().to("meta")
    told = summarize(model, (5,))
    assert told.total_macs == 60
    assert told.total_backward_macs == 25
    assert told.training_macs == of_torch(model, torch.empty(1, 5, device="meta"))


class Chooses(nn.Linear):
    """Runs one of two functions."""

    def forward(self, x):
        return torch.cond(x.sum() > 0, super().forward, super().forward, (x,))


def test_functions_of_an_operators_own_are_refused():
    told = summarize(Chooses(3, 3), (3,))
    assert told.total_macs == 9
    with pytest.raises(AccountingError, match="cond runs functions of its own"):
        _ = told.total_backward_macs


def test_nothing_to_learn_is_nothing_to_do():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).requires_grad_(False)
    told = summarize(model, (3, 8, 8)).with_backward()
    assert told.total_backward_macs == told.layers[0].saved_bytes == 0
