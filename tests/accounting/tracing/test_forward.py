"""A watched pass: what it counts, and that it leaves everything as it was."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import distributed, nn

from cnnref.accounting import AccountingError, summarize

# Torch warns that it pads by itself for "same" and an even kernel.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


class Stateful(nn.Module):
    """Everything that a pass can change: buffers, random numbers, modes; fails if asked to."""

    def __init__(self, fails=False):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.drop, self.frozen = nn.Dropout(0.5), nn.BatchNorm2d(4)
        self.linear = nn.Linear(4, 5 if fails else 4)
        self.register_buffer("calls", torch.zeros(1))
        self.last = nn.Linear(4, 2)
        self.frozen.eval()

    def forward(self, x):
        self.calls += 1
        x = self.frozen(self.drop(self.norm(self.conv(x)))) + torch.rand(1)
        return self.last(self.linear(x.mean((2, 3))))


def state(model):
    hooks = [name for name in vars(nn.Module()) if "hooks" in name]
    return {
        "state": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "training": [module.training for module in model.modules()],
        "hooks": [len(getattr(module, name)) for module in model.modules() for name in hooks],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "on tensors": [vars(t) for t in [*model.parameters(), *model.buffers()]],
        "versions": [t._version for t in model.parameters()],
        "gradients": [(p.requires_grad, p.grad) for p in model.parameters()],
        "random": torch.get_rng_state(),
        "backends": (
            torch.backends.mha.get_fastpath_enabled(),
            torch.backends.cudnn.enabled,
            torch.backends.mkldnn.enabled,
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
            torch.get_default_device(),
        ),
    }


def same(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_changed(training, device, fails, fast):
    model = Stateful(fails)
    x = torch.rand(2, 3, 8, 8, requires_grad=True)
    torch.backends.mha.set_fastpath_enabled(fast)
    try:
        before, values = state(model), x.detach().clone()
        if fails:
            with pytest.raises(AccountingError, match="last"):
                summarize(model, inputs=x, device=device, training=training)
        else:
            assert summarize(model, inputs=x, device=device, training=training).total_macs
        after = state(model)
        for key in before:
            assert same(before[key], after[key]), key
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert torch.equal(x, values)
    assert not vars(x)
    assert x.grad is None
    with torch.no_grad():
        if not fails:
            model(x)  # still runs


def test_a_hook_of_the_callers_stays_and_an_interrupt_leaves_none(capsys):
    model = Stateful()
    called = []
    model.conv.register_forward_hook(lambda *_: (called.append(1), print("called"), None)[-1])
    before = state(model)
    summarize(model, (3, 8, 8))
    assert capsys.readouterr().out == "called\n"
    assert not called  # what it keeps is put back too

    def interrupt(*_):
        raise KeyboardInterrupt

    handle = model.norm.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        summarize(model, (3, 8, 8))
    handle.remove()
    after = state(model)
    assert all(same(before[key], after[key]) for key in before)


class Forked(nn.Conv2d):
    """Not torch's own convolution, though it looks like one."""

    def forward(self, x):
        return super().forward(super().forward(x))


def wrapped(layer):
    layer.forward = lambda x: nn.functional.conv2d(x, layer.weight, padding=3)
    return layer


def hooked(layer):
    layer.register_forward_hook(lambda _, __, out: nn.functional.max_pool2d(out, 2))
    return layer


def conv(**options):
    return nn.Conv2d(4, 4, 3, **options)


@pytest.mark.parametrize(
    ("layer", "shape", "macs", "field"),
    [
        (conv(), (1, 4, 10, 10), 100 * 144, 3),
        (conv(padding="same"), (1, 4, 12, 12), 144 * 144, 3),
        (conv(padding=1, padding_mode="circular"), (1, 4, 12, 12), 144 * 144, 3),
        (conv(padding=1, stride=2, dilation=2, groups=4), (1, 4, 5, 5), 25 * 36, 5),
        (Forked(4, 4, 3), (1, 4, 8, 8), (100 + 64) * 144, 5),
        (wrapped(conv()), (1, 4, 16, 16), 256 * 144, 3),
        (hooked(conv()), (1, 4, 5, 5), 100 * 144, 4),
        (nn.utils.parametrizations.weight_norm(conv()), (1, 4, 10, 10), 100 * 144, 3),
        (nn.LazyConv2d(4, 3), None, None, None),
    ],
    ids=["plain", "same", "circular", "options", "subclass", "own forward", "hook", "weight norm",
         "lazy"],
)  # fmt: skip
@pytest.mark.parametrize("fields", [True, False])
def test_a_convolution_is_what_it_does(layer, shape, macs, field, fields):
    """Torch's own are not asked for; what only looks like one of them is."""
    net = nn.Sequential(layer)
    if shape is None:
        with pytest.raises(AccountingError, match="has no weights yet"):
            summarize(net, (4, 12, 12), receptive_fields=fields)
        return
    counted = summarize(net, (4, 12, 12), receptive_fields=fields)
    assert counted["0"].output_shape == shape
    assert counted.total_macs == macs
    if fields:
        assert counted["0"].receptive_field == (field and (field, field))


class Mapped(nn.Module):
    """A convolution over a batch of batches, which `vmap` makes of one over a batch."""

    def __init__(self):
        super().__init__()
        self.conv = conv()

    def forward(self, x):
        return torch.func.vmap(self.conv)(x)


def test_a_transformed_convolution_is_counted_whole():
    counted = summarize(Mapped(), inputs=torch.zeros(5, 2, 4, 12, 12))
    assert counted.total_macs == 10 * 100 * 144


class Rescued(nn.Module):
    """A layer that does not fit is tried first."""

    def __init__(self, fails_after=False):
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(9, 4, 3), nn.Conv2d(3, 4, 3)
        self.last = nn.Linear(7 if fails_after else 6, 2)

    def forward(self, x):
        try:
            x = self.wide(x)
        except RuntimeError:
            x = self.narrow(x)
        return self.last(x)


def test_an_error_that_the_network_caught_leaves_the_rest_in_order():
    counted = summarize(Rescued(), (3, 8, 8))
    assert counted["narrow"].macs == counted.total_macs - counted["last"].macs == 36 * 108
    with pytest.raises(AccountingError, match="^last"):
        summarize(Rescued(fails_after=True), (3, 8, 8))


class Meanwhile(nn.Module):
    """Lets another thread use a network while this one is counted."""

    def __init__(self):
        super().__init__()
        self.conv, self.other = conv(), conv()

    def forward(self, x):
        with ThreadPoolExecutor(1) as other:
            seen = other.submit(lambda: self.other(torch.ones(1, 4, 3, 3))).result()
        assert seen.device.type == "cpu"
        return self.conv(x)


def test_what_other_threads_call_is_not_counted_and_said():
    class Splits(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            with ThreadPoolExecutor(2) as pool:
                return sum(pool.map(self.layer, [x, x]))

    counted = summarize(Splits(), (4,))
    assert (counted.macs_status, counted.total_macs) == ("partial", 0)
    assert counted[""].uncounted == ("calls in other threads",)


def test_other_threads_are_left_alone():
    assert summarize(Meanwhile(), (4, 12, 12)).total_macs == 100 * 144
    with ThreadPoolExecutor(2) as pool:
        counted = pool.map(lambda n: summarize(conv(), (4, n, n)).total_macs, range(5, 25))
        assert list(counted) == [(n - 2) ** 2 * 144 for n in range(5, 25)]


def test_the_default_device_stays():
    with torch.device("meta"):
        summarize(nn.Linear(3, 4), (3,))
        assert torch.get_default_device().type == "meta"
    assert torch.get_default_device().type == "cpu"


def test_activations_of_hundreds_of_gigabytes_cost_nothing():
    net = nn.Sequential(nn.Conv2d(1, 1000, 3, padding=1), nn.ReLU(), nn.Conv2d(1000, 1, 1))
    counted = summarize(net, (1, 8192, 8192))  # 268 GB after the first layer
    assert counted.total_macs == 8192**2 * (9000 + 1000)


def test_the_model_is_kept_by_the_summary_alone():
    net = nn.Sequential(nn.Linear(3, 4))
    there = weakref.ref(net[0])
    told = summarize(net, (3,))
    del net
    gc.collect()
    told = replace(told, again=None)
    gc.collect()
    assert there() is None
    assert told.total_macs == 12


def test_what_comes_by_and_by_is_counted():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            for _ in range(3):
                x = self.layer(x)
                yield x

    counted = summarize(Steps(), (4,))
    assert counted.total_macs == 3 * 16
    assert counted[""].output_shape == (1, 4)
    assert counted.total_backward_macs == 5 * 16  # none for the input of the first


@pytest.mark.filterwarnings("ignore")  # torch moves its quantisation elsewhere
def test_quantised_layers_are_run_with_values_and_named():
    plain = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
    quantised = torch.ao.quantization.quantize_dynamic(plain, {nn.Linear})
    x = torch.rand(1, 8)
    before = quantised(x)
    counted = summarize(quantised, (8,))
    assert counted.device == "cpu"
    assert counted["0"].uncounted == ("quantized.linear_dynamic",)
    assert (counted["0"].macs, counted["1"].output_shape) == (None, (1, 4))
    assert "runs with values alone" in counted.notes[0]
    assert counted.notes[1] == (
        "quantised weights are no parameters of torch, and not counted: those of 0"
    )
    assert torch.equal(quantised(x), before)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_weights_are_run_with_values():
    net = nn.Linear(6, 4)
    net.weight = nn.Parameter(net.weight.detach().to_sparse_csr(), requires_grad=False)
    counted = summarize(net, (6,))
    assert "calls linear, which torch runs with values alone" in counted.notes[0]
    assert counted[""].output_shape == (1, 4)
    net(torch.zeros(1, 6))


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("asks", [False, True])
def test_a_network_that_takes_gradients_is_counted_with_them(device, asks):
    class Forces(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x):
            with nullcontext() if asks else torch.enable_grad():
                x = x.requires_grad_()
                return torch.autograd.grad(self.conv(x).sum(), x)[0]

    net = Forces()
    counted = summarize(net, (3, 10, 10), device=device)
    assert counted.macs_status == "complete"
    forward = 8 * 8 * 8 * 27
    assert (counted["conv"].macs, counted.total_macs) == (forward, 2 * forward)
    assert all(p.grad is None for p in net.parameters())
    assert net(torch.zeros(1, 3, 10, 10)).shape == (1, 3, 10, 10)


def test_messages_between_processes_multiply_nothing(tmp_path):
    class Sums(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            distributed.all_reduce(y)
            return y

    distributed.init_process_group("gloo", f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        net = nn.parallel.DistributedDataParallel(nn.Sequential(Sums(3, 4), nn.BatchNorm1d(4)))
        counted = summarize(net, (3,))
    finally:
        distributed.destroy_process_group()
    assert (counted.total_macs, counted.macs_status) == (12, "complete")


def test_complex_networks_get_complex_inputs():
    kind = {"dtype": torch.complex64}
    net = nn.Sequential(nn.Conv2d(1, 2, 3, **kind), nn.Conv2d(2, 1, 3, **kind))
    counted = summarize(net, (1, 8, 8))
    assert counted["1"].receptive_field == (5, 5)
    assert counted["0"].dtype == "complex64"
    assert counted.total_macs == 36 * 18 + 16 * 18


def test_functions_alone_have_a_row():
    class Functions(nn.Module):
        def forward(self, x):
            return x.flip(-1).repeat_interleave(2, -1)

    (row,) = summarize(Functions(), (4, 6, 6))
    assert (row.name, row.output_shape, row.jump) == ("", (1, 4, 6, 12), None)
