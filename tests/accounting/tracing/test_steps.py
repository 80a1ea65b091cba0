"""Bytes of a training step, beside a real one."""

import gc
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torchvision.models import DenseNet, VisionTransformer, get_model

from cnnref.accounting.operation import tensors
from cnnref.accounting.tracing.steps import take_step
from tests.examples import examples


def step_of(model, x, **more):
    return take_step(model, (x,), {}, meta=True, **({"training": model.training} | more))


def kept(model, x):
    """Bytes that autograd keeps in a real forward pass, by a walk over its graph: every saved
    tensor of every node, each storage once, those of the model and the input left out."""
    own = {t.untyped_storage().data_ptr() for t in [*model.parameters(), *model.buffers(), x]}
    found, seen, output = {}, set(), model(x)
    todo = [t.grad_fn for t in tensors(output) if t.grad_fn is not None]
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        todo += [follower for follower, _ in node.next_functions if follower is not None]
        for name in dir(node):
            if name.startswith("_saved_"):
                for tensor in tensors(getattr(node, name)):
                    storage = tensor.untyped_storage()
                    if storage.data_ptr() not in own:
                        found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    **{
        name: partial(get_model, name, weights=None)
        for name in ("resnet18", "mobilenet_v3_small", "googlenet", "convnext_tiny", "swin_t")
    },
    # With two of their blocks, which are all alike.
    "densenet": lambda: DenseNet(32, (2, 2), 64),
    "vit": lambda: VisionTransformer(64, 16, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128),
}
"""Each takes images of 64 by 64."""


@pytest.mark.filterwarnings("ignore:The default weight init")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_autograd_keeps(name, training):
    model = NETWORKS[name]().train(training)
    x = torch.zeros(2, 3, 64, 64)
    told, real = step_of(model, x), kept(model, x)
    assert told.saved == sum(call.saved for call in told.calls)
    # The windows' shift mask of Swin is kept by an operator that torch has on no other device.
    assert abs(told.saved - real) <= (1e-5 * real if name == "swin_t" else 0)
    assert all(not tensor.is_meta for tensor in model.state_dict().values())


@given(
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=4), batch=st.integers(2, 4),
    inplace=st.booleans(), frozen=st.integers(0, 3),
)  # fmt: skip
@examples(25)
def test_what_autograd_keeps_of_random_chains(widths, batch, inplace, frozen):
    layers = []
    for one, next_ in zip([3, *widths], widths, strict=False):
        layers += [nn.Conv2d(one, next_, 3, padding=1), nn.BatchNorm2d(next_), nn.ReLU(inplace)]
    model = nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(2))
    x = torch.zeros(batch, 3, 6, 6)
    model(x)
    for layer in model[:frozen]:
        layer.requires_grad_(False)
    assert step_of(model, x).saved == kept(model, x)


def allocated(run):
    """Most bytes that a call has at once, by torch's own record of what it takes and frees."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    now = most = 0
    events = record.profiler.kineto_results.events()
    for event in sorted(events, key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


def transformer():
    return nn.Sequential(
        nn.Linear(16, 64), nn.GELU(),
        *(nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True) for _ in range(3)),
        nn.Linear(64, 10),
    )  # fmt: skip


def test_peaks_are_those_of_a_real_step():
    # Products need no workspace on the CPU, as convolutions do.
    model, x = transformer(), torch.zeros(8, 32, 16)

    def step():
        model(x).backward(torch.ones(8, 32, 10))

    def forward():
        with torch.no_grad():
            model(x)

    step()  # what is made once
    model.zero_grad()
    told = step_of(model, x)
    assert told.peak == pytest.approx(allocated(step), rel=0.01)
    told = step_of(model, x, gradients=False)
    assert told.saved == 0
    assert told.peak == pytest.approx(allocated(forward), rel=0.01)


def test_inputs_parameters_and_buffers_are_not_results():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    x = torch.zeros(2, 3, 6, 6)
    told = step_of(model, x, gradients=False)
    assert told.inputs == x.nbytes
    assert told.peak == 2 * 2 * 4 * 4 * 4 * 4  # what the convolution gives, and its normalisation


def test_values_give_the_same():
    model, x = get_model("resnet18", weights=None).train(), torch.zeros(2, 3, 64, 64)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    told = take_step(model, (x,), {}, meta=False, training=True)
    assert told.saved == step_of(model, x).saved
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu():
    model = get_model("resnet50", weights=None).cuda().train()
    x = torch.zeros(16, 3, 224, 224, device="cuda")
    told = step_of(model, x)
    model(x).sum().backward()  # workspaces that stay
    model.zero_grad()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    out = model(x)
    held = torch.cuda.memory_allocated() - before - out.nbytes
    assert held == pytest.approx(told.saved, rel=0.01)  # each tensor is rounded up to 512 bytes
    out.sum().backward()
    # Kernels of convolutions take workspaces on top.
    assert torch.cuda.max_memory_allocated() - before > 0.99 * told.peak
