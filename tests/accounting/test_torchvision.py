"""Networks of others: parameters, MACs by torch's counter, fields by gradients."""

import warnings
from functools import cache

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model

from cnnref.accounting import summarize
from cnnref.accounting.tracing.targets import find_network
from tests.accounting.support import positive, sets

# For each network a layer from which every path is local, and a height that its field fits into
# with room at both ends. Where a gate sees everything, the layer lies before the first gate.
LAYERS = {
    "alexnet": ("features.12", 320),
    "vgg16_bn": ("features.33", 256),
    "resnet50": ("layer3.1", 400),
    "resnext50_32x4d": ("layer2.3", 256),
    "wide_resnet50_2": ("layer2.3", 256),
    "densenet121": ("features.denseblock2", 400),
    "googlenet": ("inception4a", 320),
    "inception_v3": ("Mixed_6a", 320),
    "mobilenet_v3_large": ("features.3", 128),
    "efficientnet_b0": ("features.1.0.block.0", 64),
    "shufflenet_v2_x1_0": ("stage3", 640),
    "deeplabv3_resnet50": ("backbone.layer3.1", 320),
    "convnext_tiny": ("features.3", 500),
}
COUNTED = [*LAYERS, "vit_b_16"]


@cache
def network(name):
    """On the meta device, in evaluation mode."""
    return find_network(f"torchvision:{name}").eval()


def size_of(name):
    return (3, 299, 299) if name == "inception_v3" else (3, 224, 224)


@cache
def counted(name):
    return summarize(network(name), size_of(name))


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_and_macs(name):
    model, told = network(name), counted(name)
    assert told.total_parameters == sum(p.numel() for p in model.parameters())
    assert told.total_buffers == sum(b.numel() for b in model.buffers())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, *size_of(name), device="meta"))
    assert told.macs_status == "complete"
    assert told.total_flops == counter.get_total_flops()


class _EnoughError(Exception):
    """The layer that is looked at has run."""


def values_of(model, layer, x):
    """What a layer gives; what comes after it does not run."""
    kept = []

    def stop(_, __, out):
        kept.append(out)
        raise _EnoughError

    handle = dict(model.named_modules())[layer].register_forward_hook(stop)
    try:
        model(x)
    except _EnoughError:
        return kept[0]
    finally:
        handle.remove()


def with_values(name, layer):
    """A network with values up to a layer, all of them positive."""
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        options = {"weights_backbone": None} if "deeplab" in name else {}
        model = get_model(name, weights=None, **options)
    for head in ("classifier", "fc", "AuxLogits", "aux1", "aux2", "aux_classifier"):
        if getattr(model, head, None) is not None:
            setattr(model, head, nn.Identity())
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.fill_(1)
    return positive(model)


@pytest.mark.parametrize("name", LAYERS)
def test_fields_are_what_gradients_say(name):
    layer, height = LAYERS[name]
    size = (3, height, 96 if name == "inception_v3" else 64)
    row = summarize(network(name), size)[layer]
    assert row.field_status == "complete"
    along = row.fields[0]
    middle = along.units // 2
    units = [0, middle, along.units - 1]
    x = torch.ones(1, *size, dtype=torch.float64, requires_grad=True)
    found = sets(values_of(with_values(name, layer), layer, x), x, units)
    ideal = along.positions(middle)
    assert ideal[0] >= 0
    assert ideal[-1] < height
    assert found[1] == set(ideal)
    assert row.receptive_field[0] == ideal[-1] - ideal[0] + 1
    assert row.support[0] == len(ideal)
    for unit, positions in zip(units, found, strict=True):
        assert along.seen(unit) == (min(positions), max(positions))


# From the papers, or worked out by hand from the layers: size and jump of the last local layer.
@pytest.mark.parametrize(
    ("name", "layer", "size", "jump"),
    [
        ("alexnet", "features.12", 195, 32),
        ("vgg16_bn", "features.43", 212, 32),
        ("resnet50", "layer4.2", 427, 32),
    ],
)
def test_fields_that_are_known(name, layer, size, jump):
    row = counted(name)[layer]
    assert row.receptive_field == (size, size)
    assert row.jump == (jump, jump)
    assert row.clipped[0] <= min(size, 224)


@pytest.mark.parametrize(
    ("name", "first", "reason"),
    [
        ("mobilenet_v3_large", "features.4.block.2.avgpool", "global pooling"),
        ("efficientnet_b0", "features.1.0.block.1.avgpool", "global pooling"),
        ("deeplabv3_resnet50", "classifier.0.convs.4.0", "global pooling"),
        ("vit_b_16", "encoder.layers.encoder_layer_0.self_attention", "attention"),
        ("resnet50", "avgpool", "global pooling"),
    ],
)
def test_what_sees_everything(name, first, reason):
    row = counted(name)[first]
    assert row.receptive_field is None
    assert reason in row.reason or row.field_status == "partial"
    assert row.clipped == (224, 224)
    last = counted(name).layers[-1]
    assert last.receptive_field is None
    assert last.clipped == (224, 224)
    if name == "deeplabv3_resnet50":
        # The other branches of the pyramid keep their own fields.
        for branch in (1, 2, 3):
            assert counted(name)[f"classifier.0.convs.{branch}.0"].receptive_field is not None
        assert counted(name)["classifier.0.project.0"].receptive_field is None
