"""Independent checks of the answers in *Counting a network*.

The network of question IU-4 is written once more, as torch's own layers in a list. Sizes come from
walking windows, parameters from listing tensors, MACs from loops over outputs and from torch's own
counter, fields from gradients. Nothing of `cnnref` is used.
"""

from collections.abc import Iterator
from itertools import product

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

NAMES = [
    "layer1", "bn1", "layer2", "bn2", "layer3", "layer4", "bn3", "layer5", "bn4", "layer6",
    "layer7", "bn5", "layer8", "fc1", "fc2", "dropout", "fc3",
]  # fmt: skip


def handouts_layers(thin: bool = False) -> dict[str, nn.Module]:
    """The layers by the handout's names; with `thin`, one channel and positive weights."""

    def c(channels: int) -> int:
        return 1 if thin else channels

    layers: list[nn.Module] = [
        nn.Conv2d(c(3), c(32), (7, 7), stride=1, padding="same"), nn.BatchNorm2d(c(32)),
        nn.Conv2d(c(32), c(64), (5, 5), stride=2, padding="valid"), nn.BatchNorm2d(c(64)),
        nn.AvgPool2d((2, 2), stride=2),
        nn.Conv2d(c(64), c(128), (3, 3), stride=1, dilation=2, padding="valid"),
        nn.BatchNorm2d(c(128)),
        nn.Conv2d(c(128), c(128), (3, 3), stride=1, dilation=1, padding="valid"),
        nn.BatchNorm2d(c(128)),
        nn.AvgPool2d((2, 2), stride=2),
        nn.Conv2d(c(128), c(256), (3, 3), stride=1, padding="valid"), nn.BatchNorm2d(c(256)),
        nn.AvgPool2d((2, 2), stride=2),
        nn.Linear(169 if thin else 43264, c(1024)), nn.Linear(c(1024), c(1024)), nn.Dropout(0.5),
        nn.Linear(c(1024), c(10)),
    ]  # fmt: skip
    if thin:
        for layer in layers:
            for p in layer.parameters():
                nn.init.constant_(p, 0.1)
    return dict(zip(NAMES, layers, strict=True))


def passing(x: torch.Tensor, thin: bool = False) -> Iterator[tuple[str, nn.Module, torch.Tensor]]:
    """The network step by step, in evaluation mode."""
    for name, layer in handouts_layers(thin).items():
        x = layer.to(x).eval()(x.flatten(1) if name == "fc1" else x)
        yield name, layer, x


def windows_that_fit(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit, by moving one along until it falls off the end."""
    start, count = -padding, 0
    while start + dilation * (kernel - 1) <= size + padding - 1:
        count += 1
        start += stride
    return count


def sides() -> dict[str, int]:
    """Side of each map, by walking the windows."""
    size, found = 256, {}
    for name, layer in handouts_layers(thin=True).items():
        if isinstance(layer, nn.Conv2d):
            padding = 3 if layer.padding == "same" else 0
            size = windows_that_fit(
                size, layer.kernel_size[0], layer.stride[0], padding, layer.dilation[0]
            )
        elif isinstance(layer, nn.AvgPool2d):
            size = windows_that_fit(size, 2, 2, 0, 1)
        if not name.startswith(("fc", "drop")):
            found[name] = size
    return found


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("counting-a-network")


@pytest.fixture(scope="module")
def on_meta():
    """Parameters and output shape of each layer, without values."""
    with torch.device("meta"), torch.no_grad():
        steps = list(passing(torch.empty(1, 3, 256, 256)))
    return {name: (list(layer.parameters()), out.shape) for name, layer, out in steps}


def test_sizes_by_walking(page, on_meta):
    walked = sides()
    assert list(walked.values()) == [256, 256, 126, 126, 63, 59, 59, 57, 57, 28, 26, 26, 13]
    for name, side in walked.items():
        assert on_meta[name][1][2:] == (side, side) == page["counted"][name].output_shape[2:]
    assert 256 * walked["layer8"] ** 2 == 43264 == on_meta["fc1"][0][0].shape[1]
    assert page["sizes"] == [side for name, side in walked.items() if "layer" in name]


def test_parameters_by_listing_them(page, on_meta):
    """Every entry of every tensor; the buffers of the batch normalisations are not among them."""
    for name, (parameters, _) in on_meta.items():
        assert page["answer"][name][0] == sum(p.numel() for p in parameters)
    total = sum(p.numel() for parameters, _ in on_meta.values() for p in parameters)
    assert page["total_parameters"] == total == 45_937_034
    assert total - page["norms"] == 45_935_818


def test_macs_by_torchs_own_counter(page):
    """Layer by layer; torch counts two operations for each MAC."""
    x = torch.empty(1, 3, 256, 256, device="meta")
    with torch.device("meta"), torch.no_grad():
        for name, layer in handouts_layers().items():
            x = x.flatten(1) if name == "fc1" else x
            with FlopCounterMode(display=False) as counter:
                x = layer.eval()(x)
            assert 2 * page["answer"][name][1] == counter.get_total_flops()
    assert page["total_macs"] == 2_101_585_920


def test_macs_by_loops(page):
    """The products of one output, counted one by one, at every output."""
    with torch.device("meta"):
        layers = handouts_layers()
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d):
            products = 0
            for _ in product(range(layer.in_channels), *map(range, layer.kernel_size)):
                products += 1
            outputs = layer.out_channels * sides()[name] ** 2
            assert page["answer"][name][1] == products * outputs
        elif isinstance(layer, nn.Linear):
            assert page["answer"][name][1] == layer.weight.numel()
        else:
            assert page["answer"][name][1] == 0


def test_the_other_convention(page):
    """Biases by the outputs that get one, normalised entries, and entries that poolings read."""
    bias = norm = pool = 0
    before = torch.Size((1, 3, 256, 256))
    with torch.device("meta"), torch.no_grad():
        for _, layer, out in passing(torch.empty(before)):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bias += out.numel()
            elif isinstance(layer, nn.BatchNorm2d):
                norm += out.numel()
            elif isinstance(layer, nn.AvgPool2d):
                pool += sum(4 for _ in range(out.numel()))
    assert page["macs_with_extras"] == 2_101_585_920 + bias + norm + pool == 2_111_473_930


def test_fields_by_gradients(page):
    """Size and jump: how many positions move a unit, and how far the next unit's are away."""
    x = torch.zeros(1, 1, 256, 256, dtype=torch.float64, requires_grad=True)
    for name, _, maps in passing(x, thin=True):
        if maps.dim() == 2:
            (gradient,) = torch.autograd.grad(maps.sum(), x, retain_graph=True)
            seen = gradient[0, 0].nonzero()
            assert len(seen) == 254**2
            assert (int(seen.min()), int(seen.max())) == (0, 253)
            assert page["counted"][name].seen == ((0, 253), (0, 253))
            assert page["answer"][name][2] is None
            continue
        spans = []
        for row in (5, 6):
            unit = maps[0, 0, row, maps.shape[3] // 2]
            (gradient,) = torch.autograd.grad(unit, x, retain_graph=True)
            rows = gradient[0, 0].sum(1).nonzero().flatten()
            assert rows.tolist() == list(range(int(rows[0]), int(rows[-1]) + 1))
            spans.append((int(rows[0]), int(rows[-1])))
        (first, last), (next_first, next_last) = spans
        size, jump = last - first + 1, next_last - last
        assert page["answer"][name][2] == (size, jump)
        assert next_first - first == jump


def test_the_pixels_that_never_reach_the_output(page):
    """By sets of positions, back from the last map to the image."""
    positions = set(range(13))
    for _, layer in reversed(handouts_layers(thin=True).items()):
        if isinstance(layer, nn.Conv2d):
            padding = 3 if layer.padding == "same" else 0
            taps = [layer.dilation[0] * t - padding for t in range(layer.kernel_size[0])]
            positions = {layer.stride[0] * i + tap for i in positions for tap in taps}
        elif isinstance(layer, nn.AvgPool2d):
            positions = {2 * i + tap for i in positions for tap in (0, 1)}
    seen = positions & set(range(256))
    assert seen == set(range(254))
    assert page["last"].whole == (0, 253)
    assert len(page["unread"]) == 256**2 - len(seen) ** 2 == 1020
    # All floors together leave five entries of the padded image, three of them padding.
    assert set(range(-3, 259)) - positions == {254, 255, 256, 257, 258}


def test_forgetting_the_dilation_is_not_seen_in_the_last_size(page):
    size = 256
    for kernel, stride, padding in (
        (7, 1, 3), (5, 2, 0), (2, 2, 0), (3, 1, 0), (3, 1, 0), (2, 2, 0), (3, 1, 0), (2, 2, 0),
    ):  # fmt: skip
        size = windows_that_fit(size, kernel, stride, padding, 1)
    assert size == page["undilated_sizes"][-1] == sides()["layer8"]
    assert page["undilated_macs"] != page["total_macs"]


def test_budgets_of_the_two_networks(page):
    """Parameters and MACs of VGG-16 and ResNet-50, by torch."""
    from torchvision import models

    for build, name in ((models.vgg16, "vgg"), (models.resnet50, "resnet")):
        with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
            model = build()
            model(torch.empty(1, 3, 224, 224))
        assert page[name].total_parameters == sum(p.numel() for p in model.parameters())
        assert 2 * page[name].total_macs == counter.get_total_flops()
