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


@examples(300)
@given(st.data())
def test_operands_are_broadcast_as_by_torch(data):
    size = st.lists(st.sampled_from([1, 2, 3]), max_size=4)
    x, y = (meta(*data.draw(size)) for _ in range(2))
    quick = quick_result(aten.mul, [x, y])
    try:
        real = aten.mul.Tensor(x, y)
    except RuntimeError:
        assert quick is None
    else:
        assert (quick.shape, quick.stride()) == (real.shape, real.stride())


@pytest.mark.parametrize(
    ("packet", "args"),
    [
        (aten.relu, [meta(2, 3)]),
        (aten.gelu, [meta(2, 3, 4, 4)]),
        (aten.dropout, [meta(2, 3), 0.5, False]),
        (aten.add, [meta(2, 3), meta(2, 3)]),
        (aten.mul, [meta(2, 3), 2]),
        (aten.mean, [meta(2, 3, 4, 5), [-1, -2], True]),
        (aten.mean, [meta(2, 3, 4, 5), [1]]),
        (aten.cat, [[meta(2, 3, 4), meta(2, 1, 4)], 1]),
        (aten.cat, [[meta(2, 3, 4), meta(2, 3, 4)], -1]),
        (aten.adaptive_avg_pool2d, [meta(2, 3, 8, 8), [1, 1]]),
        (aten.adaptive_avg_pool2d, [meta(2, 3, 8, 8), [3, 5]]),
        (aten.layer_norm, [meta(2, 5, 3), [3], meta(3), meta(3), 1e-5]),
        (
            aten.batch_norm,
            [meta(2, 3, 4), meta(3), meta(3), meta(3), meta(3), False, 0.1, 1e-5, False],
        ),
        (aten.linear, [meta(2, 5, 3), meta(4, 3), meta(4)]),
        (aten.mm, [meta(2, 3), meta(4, 3).t()]),
        (aten.mm, [meta(3, 2).t(), torch.zeros(3, 4)]),
        (aten.bmm, [meta(5, 2, 3), meta(5, 4, 3).mT]),
        (aten.bmm, [meta(5, 3, 2).mT, meta(5, 3, 4)]),
        (aten.addmm, [torch.zeros(4), meta(2, 3), torch.zeros(4, 3).t()]),
        (aten.addmm, [meta(4), meta(3, 2).t(), meta(3, 4)]),
    ],
)
def test_other_results_are_torchs(packet, args):
    quick = quick_result(packet, args)
    real = packet(
        *(
            meta(*a.shape).as_strided(a.shape, a.stride()) if isinstance(a, torch.Tensor) else a
            for a in args
        )
    )
    assert (quick.shape, quick.dtype, quick.stride()) == (real.shape, real.dtype, real.stride())


@pytest.mark.parametrize(
    ("packet", "args"),
    [
        (aten.relu, [meta(4, 3).t()]),  # not contiguous
        (aten.relu, [meta(4, dtype=torch.int64)]),
        (aten.relu, [torch.zeros(3)]),  # has values
        (aten.add, [meta(2, 3), meta(2)]),
        (aten.add, [meta(2, 3), 1j]),
        (aten.mean, [meta(2, 3)]),
        (aten.cat, [[meta(2, 3), meta(3, 3)], 1]),
        (aten.cat, [[meta(2, 3), meta(2, 3, dtype=torch.float64)], 1]),
        (aten.cat, [[meta(0), meta(2, 3)], 1]),
        (aten.adaptive_avg_pool2d, [meta(3, 8, 8), [1, 1]]),
        (aten.add, [meta(2, 3), meta(2, 3, dtype=torch.float64)]),
        (aten.layer_norm, [meta(2, 5), [3], None, None, 1e-5]),
        (aten.batch_norm, [meta(2, 3), None, None, meta(3), meta(3), True, 0.1, 1e-5, False]),
        (aten.batch_norm, [meta(2, 3), None, None, meta(4), meta(4), False, 0.1, 1e-5, False]),
        (aten.conv2d, [meta(1, 3, 8, 8), meta(4, 5, 3, 3)]),  # other channels
        (aten.conv2d, [meta(1, 3, 2, 2), meta(4, 3, 3, 3)]),  # too small
        (aten.conv2d, [meta(3, 8, 8), meta(4, 3, 3, 3)]),  # without a batch
        (aten.conv2d, [meta(1, 3, 8, 8), meta(4, 3, 3, 3, dtype=torch.float64)]),
        (aten.max_pool2d, [meta(1, 3, 8, 8), [2, 2]]),
        (aten.linear, [meta(2, 5), meta(4, 3)]),
        (aten.linear, [meta(3), meta(4, 3)]),  # without a batch
        (aten.linear, [meta(2, 3), meta(4, 3, dtype=torch.float64)]),
        (aten.linear, [meta(2, 3), meta(4, 3), meta(1)]),
        (aten.mm, [meta(2, 3), meta(4, 3)]),
        (aten.mm, [meta(2, 3), meta(3, 4, dtype=torch.float64)]),
        (aten.mm, [torch.zeros(2, 3), torch.zeros(3, 4)]),  # have values
        (aten.bmm, [meta(2, 5, 3), meta(3, 3, 4)]),
        (aten.addmm, [meta(1, 4), meta(2, 3), meta(3, 4)]),  # broadcast
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


def test_where_a_result_is_to_go_and_its_precision_are_torchs_affair():
    class Writes(nn.Module):
        def forward(self, x):
            room = torch.empty_like(x)
            torch.mul(x, x, out=room)
            return room.mean((2, 3), dtype=torch.float64)

    whole = summarize(Writes(), (3, 8, 8))[0]
    assert whole.dtype == "float64"
    assert whole.seen == ((0, 7), (0, 7))
