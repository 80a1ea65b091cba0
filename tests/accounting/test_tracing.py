"""What a watched pass tells, against what the gradients of the same network say."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from torch import nn

from cnnref.accounting import AccountingError, summarize
from tests.accounting.graphs import EXACT, MIXING, MOVING, networks
from tests.accounting.support import outputs, sets

# Torch warns that it pads by itself for "same" and an even kernel.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


def examples(count):
    return settings(max_examples=count * 15, suppress_health_check=list(HealthCheck))


def some(units):
    """The first and the last units, and some in between."""
    return sorted({*range(min(units, 4)), units // 3, units // 2, *range(max(units - 3, 0), units)})


def check(net, size, every=False):
    """Every node's row against the gradients of the node's units."""
    counted = summarize(net, inputs=torch.zeros(1, *size, dtype=torch.float64))
    for node in net.nodes:
        node.measuring = True
    x = torch.ones(1, *size, dtype=torch.float64, requires_grad=True)
    kept = outputs(net, x)
    margin, zeros, blank = [0] * (len(size) - 1), True, False
    for i, node in enumerate(net.nodes):
        row, values = counted[f"nodes.{i}"], kept[f"nodes.{i}"]
        assert row.output_shape == tuple(values.shape)
        zeros = zeros and not any(word in node.title for word in ("reflect", "repl", "interp"))
        # A unit that sees nothing along one axis sees nothing along the others.
        nothing = (bool((r.bounds[0] > -r.bounds[1]).any()) for r in row.reaches)
        blank = blank or (len(size) > 2 and any(nothing))
        spread = any(reach.units == 1 for reach in row.reaches)
        for axis, reach in enumerate(row.reaches):
            measures = reach.measures()
            margin[axis] += 0 if measures is None else 4 * ceil(measures[2])
            units = values.shape[2 + axis] if values.dim() > 2 else values.shape[1]
            asked = range(units) if every else some(units)
            told = f"node {i} ({node.title}), axis {axis}, reason {reach.reason!r}"
            for unit, found in zip(asked, sets(values, x, asked, axis, 1e-9), strict=True):
                bounds_agree(reach, unit, units, found, told, blank, spread)
                if reach.field is not None and found:
                    # One unit stands for all of an axis that shrank to one position and was spread.
                    assert reach.units in (1, units), told
                    ideal = set(reach.positions(unit if reach.units == units else 0))
                    told_too = f"{told}, unit {unit}: {sorted(found)}, field {sorted(ideal)}"
                    if zeros:
                        assert found <= ideal, told_too
                    far = margin[axis] + max(ideal, default=0) - min(ideal, default=0)
                    if ideal and far <= min(ideal) and max(ideal) < size[1 + axis] - far:
                        event("far from the borders")
                        assert found == ideal, told_too
        assert (row.receptive_field is None) == any(r.field is None for r in row.reaches)
        assert row.receptive_field is not None or row.reason
        event(row.reason or "field")


def bounds_agree(reach, unit, units, found, told, blank, spread):
    """What a unit is said to see, against what it was found to depend on."""
    ends = (min(found), max(found)) if found else None
    told = f"{told}, unit {unit} depends on {sorted(found)}"
    if not reach.known:
        return
    # A unit all of whose window lies in the padding depends on nothing. That is told for each axis
    # by itself, and not along an axis all of whose units are said to see the same.
    if not found and (spread or blank):
        return
    if reach.loose or blank:
        assert reach.whole[0] <= ends[0], told
        assert ends[1] <= reach.whole[1], told
        return
    assert reach.units in (1, units), told
    seen = reach.seen(unit if reach.units == units else 0)
    assert seen == ends, f"{told}, said to see {seen}"


@examples(60)
@given(networks(1, EXACT, most=4, sizes=(100, 250)))
def test_fields_far_from_the_borders(case):
    check(*case)


@examples(60)
@given(networks(1, [*EXACT]))
def test_fields_along_one_axis(case):
    check(*case, every=True)


@examples(60)
@given(networks(2, [*EXACT], sizes=(6, 20)))
def test_fields_along_two_axes(case):
    check(*case)


@examples(60)
@given(networks(1, [*EXACT, *MIXING, *MIXING]))
def test_what_sees_everything_along_one_axis(case):
    check(*case, every=True)


@examples(60)
@given(networks(2, [*EXACT, *MIXING, *MIXING], sizes=(6, 20)))
def test_what_sees_everything_along_two_axes(case):
    check(*case)


@examples(60)
@given(networks(1, [*EXACT, *MOVING, *MOVING]))
def test_what_is_rearranged(case):
    check(*case, every=True)


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


def test_a_hook_of_the_callers_stays_and_an_interrupt_leaves_none():
    model = Stateful()
    called = []
    model.conv.register_forward_hook(lambda *_: called.append(1))
    before = state(model)
    summarize(model, (3, 8, 8))
    assert called

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
        (conv(padding=1, padding_mode="circular"), (1, 4, 12, 12), 144 * 144, None),
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
            self.seen = other.submit(lambda: self.other(torch.ones(1, 4, 3, 3))).result()
        return self.conv(x)


def test_other_threads_are_left_alone():
    net = Meanwhile()
    assert summarize(net, (4, 12, 12)).total_macs == 100 * 144
    assert net.seen.device.type == "cpu"
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


def test_the_model_is_not_kept():
    net = nn.Sequential(nn.Linear(3, 4))
    there = weakref.ref(net[0])
    told = summarize(net, (3,))
    del net
    gc.collect()
    assert there() is None
    assert told.total_macs == 12
