"""Choosing a device."""

import pytest
import torch

from cnnref.training import (
    DeviceError,
    choose_device,
)


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="did you mean 'cuda'"):
        choose_device("cud")
    with pytest.raises(DeviceError, match="'meta'"):
        choose_device("meta")
    with pytest.raises(DeviceError, match=r"'cuda:99' is not on this machine; it has: .*cpu"):
        choose_device("cuda:99")
