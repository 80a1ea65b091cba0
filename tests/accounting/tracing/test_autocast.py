"""Mixed precision without values, beside the CPU's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.models import get_model

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.tracing.steps import take_step
from tests.accounting.tracing.test_steps import NETWORKS, allocated, kept, transformer
from tests.examples import examples

HALVES = [torch.bfloat16, torch.float16]


def mixed(model, x, kind=torch.bfloat16, **more):
    more = {"training": model.training} | more
    return take_step(model, (x,), {}, meta=True, autocast=kind, **more)


def really_kept(model, x, kind=torch.bfloat16):
    with torch.autocast("cpu", kind):
        return kept(model, x)


@pytest.mark.filterwarnings("ignore:The default weight init")
@pytest.mark.parametrize("name", NETWORKS)
def test_what_autograd_keeps(name):
    model = NETWORKS[name]().train()
    x = torch.zeros(2, 3, 64, 64)
    told, real = mixed(model, x), really_kept(model, x)
    assert told.saved == sum(call.saved for call in told.calls)
    assert told.saved != take_step(model, (x,), {}, meta=True, training=True).saved
    assert abs(told.saved - real) <= (1e-5 * real if name == "swin_t" else 0)
    assert all(type(tensor) is torch.Tensor for tensor in model.state_dict().values())


LAYERS = {
    "batch norm": lambda n: nn.BatchNorm1d(n), "layer norm": lambda n: nn.LayerNorm(n),
    "plain norm": lambda n: nn.LayerNorm(n, elementwise_affine=False),
    "group norm": lambda n: nn.GroupNorm(1, n), "softmax": lambda n: nn.Softmax(-1),
    "linear": lambda n: nn.Linear(n, n), "frozen": lambda n: nn.Linear(n, n).requires_grad_(False),
    "relu": lambda n: nn.ReLU(), "in place": lambda n: nn.ReLU(inplace=True),
    "gelu": lambda n: nn.GELU(), "softplus": lambda n: nn.Softplus(), "prelu": lambda n: nn.PReLU(),
    "dropout": lambda n: nn.Dropout(), "double": lambda n: nn.Linear(n, n).double(),
}  # fmt: skip


class Casts(nn.Module):
    """A layer in the precision of its weights."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        weight = getattr(self.layer, "weight", None)
        wide = weight is not None and weight.dtype is torch.float64
        return self.layer(x.double() if wide else x).float()


@given(
    chosen=st.lists(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=5),
    kind=st.sampled_from(HALVES), batch=st.integers(2, 5), training=st.booleans(),
    asks=st.booleans(),
)  # fmt: skip
@examples(40)
def test_what_autograd_keeps_of_random_chains(chosen, kind, batch, training, asks):
    model = nn.Sequential(*(Casts(LAYERS[name](4)) for name in chosen), nn.Linear(4, 2))
    model.train(training)
    x = torch.zeros(batch, 4)
    for parameter in model[0].parameters():
        parameter.requires_grad_(asks)
    assert mixed(model, x, kind).saved == really_kept(model, x, kind)


def test_peaks_are_those_of_a_real_step():
    # Products in halves take a workspace of oneDNN, which is no matter of tensors.
    model, x = transformer(), torch.zeros(8, 32, 16)

    def forward():
        with torch.autocast("cpu", torch.bfloat16):
            return model(x)

    def step():
        forward().backward(torch.ones(8, 32, 10, dtype=torch.bfloat16))

    step()  # what is made once
    model.zero_grad()
    torch._C._set_mkldnn_enabled(False)
    try:
        assert mixed(model, x).peak == pytest.approx(allocated(step), rel=0.02)
        told = mixed(model, x, gradients=False)
        with torch.no_grad():  # casts of weights are kept to the end of autocast here, too
            assert told.peak == pytest.approx(allocated(forward), rel=0.02)
    finally:
        torch._C._set_mkldnn_enabled(True)


class Inside(nn.Module):
    """Casts itself, where it is; its last layer does not."""

    def __init__(self):
        super().__init__()
        self.wide, self.last = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        with torch.autocast(x.device.type, torch.bfloat16):
            x = self.wide(x)
            with torch.autocast(x.device.type, enabled=False):
                return self.last(x.float().relu())


def test_a_network_that_casts_itself():
    counted = summarize(Inside(), (8,))
    assert counted.device == "meta"
    assert not counted.notes
    assert counted.total_macs == 8 * 16 + 16 * 4
    assert [counted[name].dtype for name in ("wide", "last")] == ["bfloat16", "float32"]
    told = counted.memory(batch=32)
    assert told.autocast == "bfloat16"
    assert told.saved == kept(Inside(), torch.zeros(32, 8))


def test_around_a_summary():
    model = get_model("resnet18", weights=None)
    plain = summarize(model, (3, 64, 64))
    with torch.autocast("cpu", torch.bfloat16):
        cast = summarize(model, (3, 64, 64))
        assert plain.memory(batch=2).saved == cast.memory(batch=2).saved
        saved = sum(layer.saved_bytes for layer in cast.with_backward())
        assert torch.is_autocast_enabled("cpu")
    assert cast["conv1"].dtype == "bfloat16"
    assert (cast.device, cast.total_macs) == (plain.device, plain.total_macs)
    assert cast["layer4"].receptive_field == plain["layer4"].receptive_field
    assert saved == really_kept(model.eval(), torch.zeros(1, 3, 64, 64))


def test_autocast_is_itself_again():
    before = vars(torch.autocast).copy()
    summarize(Inside(), (8,)).memory()
    with pytest.raises(AccountingError):
        summarize(nn.Sequential(Inside(), nn.Linear(5, 1)), (8,))
    assert vars(torch.autocast) == before
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (True, "one dtype"),
        ("bfloat", "unknown dtype 'bfloat'"),
        (torch.float32, "casts to torch.bfloat16 or torch.float16, got torch.float32"),
    ],
)
def test_what_cannot_be_cast_to_is_told(wrong, told):
    with pytest.raises(AccountingError, match=told):
        summarize(nn.Linear(3, 2), (3,)).memory(autocast=wrong)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    model, x = transformer().cuda(), torch.zeros(8, 32, 16, device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        told = take_step(model, (x,), {}, meta=True, training=True)
        real = take_step(model, (x,), {}, meta=False, training=True)
    assert told.saved == pytest.approx(real.saved, rel=0.01)
