"""Fields without gates: those of the same network with constants in place of its gates."""

import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from torch.nn import functional as F
from torchvision import models

from cnnref.accounting import summarize
from tests.accounting.graphs import (
    EXACT,
    REARRANGING,
    convolve,
    networks,
    weight,
)
from tests.accounting.support import row
from tests.examples import examples

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
TOLD = ("receptive_field", "support", "jump", "start", "clipped", "seen", "field_status")


def _gated(draw, shape):
    """A node with a gate, whose other form has a constant in its place."""
    axes, c = tuple(range(2, len(shape))), shape[1]
    square = weight(c, c, *[1 for _ in axes])
    three, narrow = weight(c, c, *[3 for _ in axes]), weight(1, c, *[3 for _ in axes])
    pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[len(axes) - 1]
    around = lambda x: convolve(x, three, padding=1)  # noqa: E731
    squeezed = lambda x: convolve(pool(x, 1), square).sigmoid()  # noqa: E731
    looked = lambda x: convolve(x, narrow, padding=1).sigmoid()  # noqa: E731
    energy = lambda x: x.pow(2).sum(axes, keepdim=True).sqrt()  # noqa: E731
    coarse = lambda x: F.interpolate(looked(pool(x, 2)), x.shape[2:])  # noqa: E731
    gates = {
        "squeeze and excite": lambda x: around(x) * squeezed(x),
        "the gate first": lambda x: squeezed(x) * around(x),
        "expanded": lambda x: around(x) * squeezed(x).expand_as(x),
        "in place": lambda x: around(x).mul_(squeezed(x)),
        "response normalisation": lambda x: x + around(x) * (energy(x) / energy(x).mean(1, True)),
        "spatial": lambda x: around(x) * looked(x),
        "coarse": lambda x: around(x) * coarse(x),
        "divided": lambda x: around(x) / energy(x),
        "along one axis": lambda x: around(x) * x.mean(-1, keepdim=True).sigmoid(),
        "group norm": lambda x: F.group_norm(around(x), 2),
        "instance norm": lambda x: F.instance_norm(around(x)),
        "residual": lambda x: x + around(x) * squeezed(around(x)),
    }
    how = draw(st.sampled_from([*gates]))
    plain = {
        "response normalisation": lambda x: x + around(x),
        "residual": lambda x: x + around(x),
    }
    return f"gated: {how}", gates[how], plain.get(how, around)


def agrees(net, size):
    gated = summarize(net, inputs=torch.zeros(1, *size, dtype=torch.float64))
    for node in net.nodes:
        node.measuring = node.title.startswith("gated")
    plain = summarize(net, inputs=torch.zeros(1, *size, dtype=torch.float64))
    for i, node in enumerate(net.nodes):
        told, wanted = gated[f"nodes.{i}"].without_gates, plain[f"nodes.{i}"]
        for name in TOLD:
            assert getattr(told, name) == getattr(wanted, name), (node.title, name)
        assert told.without_gates is told
        for ours, theirs in zip(told.fields, wanted.fields, strict=True):
            assert (ours.bounds == theirs.bounds).all()


@examples(120, suppress_health_check=list(HealthCheck))
@given(networks(1, [*EXACT, *REARRANGING, _gated, _gated, _gated, _gated]))
def test_along_one_axis(case):
    agrees(*case)


@examples(120, suppress_health_check=list(HealthCheck))
@given(networks(2, [*EXACT, _gated, _gated, _gated, _gated], sizes=(6, 20)))
def test_along_two_axes(case):
    agrees(*case)


def known(name):
    with torch.device("meta"):
        network = getattr(models, name)(weights=None)
    return summarize(network, (3, 224, 224))


@pytest.mark.parametrize(
    ("name", "size", "jump"), [("mobilenet_v3_large", 595, 32), ("efficientnet_b0", 851, 32)]
)
def test_sizes_that_others_publish(name, size, jump):
    counted = known(name)
    assert counted.max_receptive_field_without_gates == (size, size)
    assert counted.max_receptive_field == (size, size)  # gates alone see more
    last = [layer for layer in counted if layer.kind == "Conv2d" and ".fc" not in layer.name][-1]
    assert last.receptive_field is None
    assert last.receptive_field_without_gates == (size, size)
    assert last.jump_without_gates == (jump, jump)
    assert f"all 224 ({size} without gates)" in counted.text(depth=None)


def test_without_gates_nothing_differs():
    counted = known("resnet18")
    assert all(layer.without_gates is layer for layer in counted)
    assert counted.max_receptive_field_without_gates == counted.max_receptive_field
    assert "without gates" not in counted.text()


def test_two_factors_of_one_kind_are_no_gates():
    outer = row(lambda x: x.mean(2, keepdim=True) * x.mean(3, keepdim=True), 2, 8, 8)
    assert outer.without_gates is outer
    halves = row(lambda x: F.glu(torch.cat([x, F.avg_pool2d(x, 3, 1, 1)], 1), 1), 2, 8, 8)
    assert halves.without_gates is halves


def test_a_gate_of_another_input():
    class Steered(torch.nn.Module):
        def forward(self, x, signal):
            return x * signal.mean((2, 3), keepdim=True)

    counted = summarize(Steered(), [(2, 8, 8), (2, 5, 5)])[""]
    assert counted.field_inputs == ("0", "0", "1", "1")
    plain = counted.without_gates
    assert (plain.field_inputs, plain.receptive_field) == (("0", "0"), (1, 1))


def test_what_is_written_in_place_after_a_gate():
    def run(x):
        y = F.avg_pool2d(x, 3, 1, 1)
        z = y * x.mean((2, 3), keepdim=True)
        view = z[:, :1]
        z.add_(F.avg_pool2d(x, 5, 1, 2))
        return z if run.whole else view

    run.whole = True
    assert row(run, 2, 8, 8).receptive_field_without_gates == (5, 5)
    run.whole = False
    told = row(run, 2, 8, 8).without_gates
    assert (told.field_status, told.receptive_field) == ("unavailable", None)
