"""Architectures of torchvision, one of each kind; `architectures` walks all, and those of timm."""

import os

import pytest

from tests.accounting.architectures import look, of_torchvision

KINDS = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_v2_s", "googlenet", "inception_v3",
    "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_y_400mf", "resnet18",
    "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11",
    "vit_b_32",
)  # fmt: skip
SIZES = dict(of_torchvision())
ALL = bool(os.environ.get("CNNREF_ALL_ARCHITECTURES"))


@pytest.mark.parametrize("target", SIZES if ALL else [f"torchvision:{name}" for name in KINDS])
@pytest.mark.filterwarnings("ignore")
def test_counts_are_right_and_the_network_is_left_alone(target):
    found = look(target, SIZES[target])
    assert (found.error, found.parameters, found.untouched) == ("", True, True)
    assert found.macs in (True, None)
    assert (found.macs_status, found.device) == ("complete", "meta")
    assert found.field_status != "unavailable", found.reason
