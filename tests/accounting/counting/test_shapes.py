"""The quick results are torch's own, or are left to torch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import summarize
from cnnref.accounting.counting.shapes import quick_result
from tests.examples import examples

aten = torch.ops.aten


def meta(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype, device="meta")


@examples(200)
@given(st.data())
def test_convolutions_have_torchs_shapes(data):
    axes = data.draw(st.integers(1, 3))
    groups = data.draw(st.integers(1, 3))
    per_axis = st.lists(st.integers(1, 4), min_size=axes, max_size=axes)
    kernel, stride, dilation = (data.draw(per_axis) for _ in range(3))
    padding = data.draw(st.lists(st.integers(0, 3), min_size=axes, max_size=axes))
    sizes = data.draw(st.lists(st.integers(1, 12), min_size=axes, max_size=axes))
    x, w = meta(2, 2 * groups, *sizes), meta(3 * groups, 2, *kernel)
    packet = (aten.conv1d, aten.conv2d, aten.conv3d)[axes - 1]
    args = [x, w, None, stride, padding, dilation, groups]
    quick = quick_result(packet, args)
    try:
        real = packet.default(*args)
    except RuntimeError:
        assert quick is None
    else:
        assert quick.shape == real.shape
        assert quick.dtype == real.dtype
        assert quick.stride() == real.stride()


@pytest.mark.parametrize(
    ("packet", "args"),
    [
        (aten.relu, [meta(2, 3)]),
        (aten.gelu, [meta(2, 3, 4, 4)]),
        (aten.dropout, [meta(2, 3), 0.5, False]),
        (aten.add, [meta(2, 3), meta(2, 3)]),
        (aten.layer_norm, [meta(2, 5, 3), [3], meta(3), meta(3), 1e-5]),
        (
            aten.batch_norm,
            [meta(2, 3, 4), meta(3), meta(3), meta(3), meta(3), False, 0.1, 1e-5, False],
        ),
    ],
)
def test_other_results_are_torchs(packet, args):
    quick = quick_result(packet, args)
    func = packet.Tensor if packet is aten.add else getattr(packet, packet.overloads()[0])
    real = func(*args)
    assert (quick.shape, quick.dtype, quick.stride()) == (real.shape, real.dtype, real.stride())


@pytest.mark.parametrize(
    ("packet", "args"),
    [
        (aten.relu, [meta(4, 3).t()]),  # not contiguous
        (aten.relu, [meta(4, dtype=torch.int64)]),
        (aten.relu, [torch.zeros(3)]),  # has values
        (aten.add, [meta(2, 3), meta(3)]),  # broadcast
        (aten.add, [meta(2, 3), meta(2, 3, dtype=torch.float64)]),
        (aten.add, [meta(2, 3), 1.0]),
        (aten.layer_norm, [meta(2, 5), [3], None, None, 1e-5]),
        (aten.batch_norm, [meta(2, 3), None, None, meta(3), meta(3), True, 0.1, 1e-5, False]),
        (aten.batch_norm, [meta(2, 3), None, None, meta(4), meta(4), False, 0.1, 1e-5, False]),
        (aten.conv2d, [meta(1, 3, 8, 8), meta(4, 5, 3, 3)]),  # other channels
        (aten.conv2d, [meta(1, 3, 2, 2), meta(4, 3, 3, 3)]),  # too small
        (aten.conv2d, [meta(3, 8, 8), meta(4, 3, 3, 3)]),  # without a batch
        (aten.conv2d, [meta(1, 3, 8, 8), meta(4, 3, 3, 3, dtype=torch.float64)]),
        (aten.max_pool2d, [meta(1, 3, 8, 8), [2, 2]]),
    ],
)
def test_in_doubt_torch_is_asked(packet, args):
    assert quick_result(packet, args) is None


def test_torchs_own_message_is_kept_where_shapes_do_not_fit():
    class Wrong(nn.Module):
        def forward(self, x):
            return F.layer_norm(x, (7,))

    with pytest.raises(ValueError, match=r"normalized_shape|\(7|\[7"):
        summarize(Wrong(), (3, 5))
