"""The model is what it was, whatever its forward pass keeps."""

import functools
import random
import warnings
import weakref
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision import models

from cnnref.accounting import AccountingError, summarize
from cnnref.accounting.tracing.keeping import AccountingWarning
from tests.examples import examples

GRID = None
GRIDS: dict = {}


class Slots:
    __slots__ = ("__private", "grid")

    def __init__(self):
        self.grid, self.__private = None, []

    def keep(self, x):
        self.grid = made(x)
        self.__private.append(made(x))

    def there(self):
        return repr(self.grid), repr(self.__private)


def made(x):
    """What a forward pass makes once, and keeps."""
    return torch.arange(float(x.shape[-1]), device=x.device)


@functools.lru_cache
def remembered(n):
    return torch.arange(float(n))


def default(x, kept=[]):  # noqa: B006 - that is what is tried
    kept.append(made(x))


def _closure():
    grid = None

    def keep(x):
        nonlocal grid
        grid = made(x)

    return keep, lambda: grid


class Keeper(nn.Module):
    """Everything that a network may keep something in."""

    shared: dict = {}  # noqa: RUF012 - that is what is tried
    of_class = None

    def __init__(self):
        super().__init__()
        self.linear, self.norm, self.extra = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ModuleList()
        self.register_buffer("count", torch.zeros(3))
        self.register_buffer("late", None)
        self.grid, self.plain, self.number = None, torch.zeros(3), 0
        self.items, self.named, self.ordered = [], {"x": [1]}, OrderedDict(b=1, a=2)
        self.ring, self.some, self.lists = deque([1], maxlen=1), {1}, defaultdict(list)
        self.object, self.slots, self.nested = SimpleNamespace(grid=None), Slots(), ([{}],)
        self.weak = weakref.WeakKeyDictionary()
        self.array, self.seed = np.zeros(3), torch.Generator().manual_seed(0)
        self.dice, self.more_dice = random.Random(0), np.random.default_rng(0)
        self.closure, self.told = _closure()
        self.scale = nn.Parameter(torch.ones(4))

    @functools.cached_property
    def lazily(self):
        return remembered(3) + 1


def _global(_, x):
    global GRID, NEW
    GRID = NEW = made(x)


def _order(net, _):
    net.ordered.move_to_end("b")


WAYS = {
    "attribute": lambda net, x: setattr(net, "grid", made(x)),
    "new attribute": lambda net, x: setattr(net, "new", made(x)),
    "number": lambda net, _: setattr(net, "number", net.number + 1),
    "deleted": lambda net, _: delattr(net, "number"),
    "buffer": lambda net, x: net.register_buffer("new", made(x)),
    "late buffer": lambda net, x: setattr(net, "late", made(x)),
    "written buffer": lambda net, _: net.count.add_(1),
    "added buffer": lambda net, _: setattr(net, "count", net.count + 1),
    "plain tensor": lambda net, _: net.plain.add_(1),
    "into a tensor": lambda net, _: torch.add(net.plain, 1, out=net.plain),
    "through a view": lambda net, _: net.plain[1:].fill_(2),
    "parameter": lambda net, x: setattr(net, "new", nn.Parameter(made(x))),
    "written parameter": lambda net, _: net.scale.data.mul_(2),
    "data": lambda net, _: setattr(net.scale, "data", net.scale.data * 2),
    "frozen": lambda net, _: net.scale.requires_grad_(False),
    "on a tensor": lambda net, x: setattr(net.scale, "grid", made(x)),
    "submodule": lambda net, _: net.extra.append(nn.Linear(2, 2)),
    "no submodule": lambda net, _: setattr(net, "extra", None),
    "list": lambda net, x: net.items.append(made(x)),
    "dict": lambda net, x: net.named.update(y=made(x)),
    "inner list": lambda net, x: net.named["x"].append(made(x)),
    "order": _order,
    "deque": lambda net, x: net.ring.append(made(x)),
    "set": lambda net, _: net.some.add(2),
    "default dict": lambda net, x: net.lists[1].append(made(x)),
    "object": lambda net, x: setattr(net.object, "grid", made(x)),
    "slots": lambda net, x: net.slots.keep(x),
    "nested": lambda net, x: net.nested[0][0].update(x=made(x)),
    "weak": lambda net, x: net.weak.update({net.linear: made(x)}),
    "array": lambda net, _: net.array.__iadd__(1),
    "generator": lambda net, _: torch.rand(1, generator=net.seed, device="cpu"),
    "dice": lambda net, _: (net.dice.random(), net.more_dice.random()),
    "global dice": lambda _, x: (random.random(), np.random.rand(), torch.rand_like(x)),
    "closure": lambda net, x: net.closure(x),
    "class": lambda net, x: setattr(type(net), "of_class", made(x)),
    "new in class": lambda net, x: setattr(type(net), "grid_of_class", made(x)),
    "dict of class": lambda net, x: net.shared.update(x=made(x)),
    "file": _global,
    "dict of file": lambda _, x: GRIDS.update(x=made(x)),
    "cache": lambda *_: remembered(5),
    "cached property": lambda net, _: net.lazily,
    "default": lambda _, x: default(x),
    "function": lambda _, x: setattr(default, "grid", made(x)),
    "hook": lambda net, _: net.linear.register_forward_hook(lambda *_: None),
    "mode": lambda net, _: net.norm.train(not net.norm.training),
    "gradients": lambda *_: torch.set_grad_enabled(False),
}


class Net(Keeper):
    """Keeps in some ways, then computes, or fails."""

    def __init__(self, ways, fails):
        super().__init__()
        self.ways = [WAYS[way] for way in ways]
        self.last = nn.Linear(5 if fails else 4, 2)

    def forward(self, x):
        for way in self.ways:
            way(self, x)
        if isinstance(self.grid, torch.Tensor):
            x = x + self.grid
        return self.last(self.norm(self.linear(x)) * self.scale)


def picture(value, seen=None):
    """Everything that can be told of an object: what it holds, in which order, and which it is."""
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = f"again {type(value).__name__}"
    if isinstance(value, torch.Tensor):
        named = picture(vars(value), seen)
        return (
            id(value), value.tolist(), value.device.type, value.requires_grad, value.data_ptr(),
            value._version, named,
        )  # fmt: skip
    if isinstance(value, np.ndarray):
        return id(value), value.tolist()
    if isinstance(value, dict):
        return id(value), [(str(k), picture(v, seen)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque | set):
        return id(value), [picture(v, seen) for v in value]
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, nn.Module | SimpleNamespace | weakref.WeakKeyDictionary):
        return id(value), picture(vars(value), seen)
    if isinstance(value, Slots):
        return value.there()
    return repr(value)


def world(net):
    return [
        picture(net), net.told(), repr(GRID), "NEW" in globals(), picture(GRIDS),
        sorted(vars(Keeper)), picture(Keeper.shared), repr(Keeper.of_class),
        picture(default.__defaults__), picture(vars(default)),
        random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
        torch.is_grad_enabled(), torch.get_default_dtype(),
    ]  # fmt: skip


def kept_as_it_was(ways, device, fails, training):
    net, x = Net(ways, fails), torch.zeros(2, 4)
    remembered.cache_clear()
    before = world(net)
    if fails:
        with pytest.raises(AccountingError, match="last"):
            summarize(net, inputs=x, device=device, training=training)
    else:
        summarize(net, inputs=x, device=device, training=training)
    told = [str(part) for part in world(net)] == [str(part) for part in before]
    assert told, ways  # pytest would take minutes to tell the two apart
    assert remembered.cache_info().currsize == 0 or remembered(5).device.type == "cpu"
    if not fails:
        net.ways = []
        net(x).sum().backward()  # still runs, and trains


@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_keep(way, device, fails):
    kept_as_it_was([way], device, fails, training=False)


@examples(60)
@given(
    st.lists(st.sampled_from([*WAYS]), min_size=2, max_size=6, unique=True),
    st.sampled_from(["meta", "cpu"]),
    st.booleans(),
    st.booleans(),
)
def test_several_ways_at_once(ways, device, fails, training):
    clash = {"new attribute", "buffer", "parameter"} & {*ways}
    gone = {"submodule", "no submodule"} & {*ways}
    kept_as_it_was(
        [w for w in ways if w not in clash | gone and w != "deleted"], device, fails, training
    )


@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("way", WAYS)
def test_a_training_step_keeps_nothing_either(way, device):
    net, x = Net([way], fails=False), torch.zeros(2, 4)
    remembered.cache_clear()
    told = summarize(net, inputs=x, device=device)
    before = world(net)
    told.memory()
    told.with_backward()
    assert [str(part) for part in world(net)] == [str(part) for part in before]


class Elsewhere(nn.Linear):
    """Keeps where nothing can be taken back."""

    def __init__(self):
        super().__init__(3, 4)

    def forward(self, x):
        vars(torch).setdefault("_cnnref_kept", []).append(made(x))
        return super().forward(x)


def test_what_cannot_be_put_back_is_said():
    try:
        with pytest.warns(AccountingWarning, match=r"1 of its tensors, .* shape \(3,\), where"):
            told = summarize(Elsewhere(), (3,))
        assert any("could not be taken back" in note for note in told.notes)
    finally:
        del torch._cnnref_kept


def test_inputs_are_left_alone():
    class Writes(nn.Module):
        def forward(self, batch):
            batch["y"] = batch["x"].add_(1)
            batch["list"].append(batch["y"])
            return batch["y"]

    for device in ("meta", "cpu"):
        batch = {"x": torch.zeros(1, 3), "list": []}
        summarize(Writes(), inputs=(batch,), device=device)
        assert batch.keys() == {"x", "list"}
        assert batch["list"] == []
        assert batch["x"].tolist() == [[0, 0, 0]]


ARCHITECTURES: dict = {
    "alexnet": {}, "resnet18": {}, "shufflenet_v2_x0_5": {}, "squeezenet1_1": {}, "googlenet": {},
    "mnasnet0_5": {}, "densenet121": {}, "swin_t": {}, "vit_b_32": {},
    "lraspp_mobilenet_v3_large": {}, "ssdlite320_mobilenet_v3_large": {},
    "fasterrcnn_mobilenet_v3_large_320_fpn": {}, "r3d_18": {},
}  # fmt: skip
SIZES = {
    "r3d_18": (3, 4, 32, 32),
    "ssdlite320_mobilenet_v3_large": (3, 64, 64),
    "fasterrcnn_mobilenet_v3_large_320_fpn": (3, 64, 64),
}  # fmt: skip


def outline(model):
    """Every attribute of every module, and which object it is."""
    return [
        (name, type(module), [(k, id(v), _content(v)) for k, v in vars(module).items()])
        for name, module in model.named_modules()
    ]


def _content(value):
    if isinstance(value, dict):
        return [(str(k), id(v)) for k, v in value.items()]
    return [id(v) for v in value] if isinstance(value, list | tuple | set) else None


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures_of_torchvision(name):
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        options = {"weights_backbone": None} if "cnn" in name or "ssd" in name else {}
        options |= {"weights_backbone": None} if "lraspp" in name else {}
        model = models.get_model(name, weights=None, **options)
    before = outline(model)
    for training in (False, True):
        try:
            summarize(model, SIZES.get(name, (3, 224, 224)), training=training, device="meta")
        except AccountingError:
            assert "cnn" in name or "ssd" in name  # they read values, or need targets
        same = outline(model) == before
        assert same, training


def test_a_source_of_entropy_has_no_state_to_put_back():
    net = nn.Linear(3, 4)
    net.source = random.SystemRandom()
    assert summarize(net, (3,)).total_macs == 12
