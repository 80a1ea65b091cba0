"""The gradients of the chapter on back-propagation, by differences of plain loops.

Every example is in whole numbers, and the risk sum(g z) is linear in each single entry. So the
central difference with the step 1 is the derivative exactly, and equality is demanded. The oracle
is written from the definition of each convolution and uses nothing of the library. What the
chapter says of the usual mistakes is tried at the end.
"""

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch.nn.functional import pad as padded

from cnnref.convolution import (
    conv1d,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    conv2d,
    conv2d_bias_gradient,
    conv2d_input_gradient,
    conv2d_kernel_gradient,
)
from cnnref.windows import Window

CONVENTIONS = ["valid", "same", "full", "valid, true", "same, true", "full, true"]


def convolved(x, w, pad=(0, 0), stride=1, true=False):
    """One axis; `pad` is what is added on the left and on the right."""
    x = [0] * pad[0] + list(x) + [0] * pad[1]
    w = list(reversed(w)) if true else list(w)
    starts = range(0, len(x) - len(w) + 1, stride)
    return [sum(w[j] * x[i + j] for j in range(len(w))) for i in starts]


def convolved_2d(x, w, pad=(0, 0), true=False):
    """Two axes, padded alike."""
    height, width = len(x), len(x[0])
    rows, columns = len(w), len(w[0])

    def at(i, j):
        return x[i][j] if 0 <= i < height and 0 <= j < width else 0

    def weight(a, b):
        return w[rows - 1 - a][columns - 1 - b] if true else w[a][b]

    return [
        [
            sum(
                weight(a, b) * at(p + a - pad[0], q + b - pad[0])
                for a, b in product(range(rows), range(columns))
            )
            for q in range(width + sum(pad) - columns + 1)
        ]
        for p in range(height + sum(pad) - rows + 1)
    ]


def padding(name, taps):
    left, right = (taps - 1) // 2, taps // 2
    return {"v": (0, 0), "s": (left, right), "f": (taps - 1, taps - 1)}[name[0]]


def flat(nested):
    return [v for part in nested for v in flat(part)] if isinstance(nested, list) else [nested]


def entries(nested, place=()):
    """The index of every number in nested lists."""
    if not isinstance(nested, list):
        return [place]
    return [index for i, part in enumerate(nested) for index in entries(part, (*place, i))]


def moved(nested, place, step):
    """A copy in which one entry is changed."""
    nested = deepcopy(nested)
    part = nested
    for i in place[:-1]:
        part = part[i]
    part[place[-1]] += step
    return nested


def differences(function, nested):
    """The derivative of each output by each entry: `result[entry][output]`, in order."""
    result = []
    for place in entries(nested):
        up, down = (flat(function(moved(nested, place, step))) for step in (1, -1))
        result.append([(a - b) / 2 for a, b in zip(up, down, strict=True)])
    return result


def gradient(function, nested, g):
    """The derivative of sum(g output) by each entry, in order."""
    weights = flat(g)
    return [
        sum(a * b for a, b in zip(row, weights, strict=True))
        for row in differences(function, nested)
    ]


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("back-propagation")


X, W, G = [1, 2, 3, 4, 5], [2, 3, 5], [1, 10, 100]


def test_input_gradient_by_differences(page):
    assert page["hand_input_gradient"].tolist() == gradient(lambda x: convolved(x, W), X, G)
    eight = list(range(1, 9))
    by_stride = gradient(lambda x: convolved(x, W, stride=2), eight, G)
    assert page["strided_input_gradient"].tolist() == by_stride


def test_kernel_gradient_by_differences(page):
    assert page["hand_kernel_gradient"].tolist() == gradient(lambda w: convolved(X, w), W, G)
    eight = list(range(1, 9))
    by_stride = gradient(lambda w: convolved(eight, w, stride=2), W, G)
    assert page["strided_kernel_gradient"].tolist() == by_stride
    by_bias = gradient(lambda b: [z + b[0] for z in convolved(X, W)], [0], G)
    assert page["hand_bias_gradient"].tolist() == by_bias


@pytest.mark.parametrize("name", CONVENTIONS)
def test_boundaries_by_differences(page, name):
    x, w = [1, 2, 3, 4], [2, 3]
    pad, true = padding(name, 2), name.endswith("true")
    g = [10**i for i in range(len(convolved(x, w, pad)))]
    to_input = gradient(lambda x: convolved(x, w, pad, true=true), x, g)
    to_kernel = gradient(lambda w: convolved(x, w, pad, true=true), w, g)
    row = page["six_conventions"](2)[name]
    found = page["convention_gradients"](*map(doubles, (g, x, w)), *row)
    assert tuple(part.tolist() for part in found) == (to_input, to_kernel)


IMAGE, KERNEL = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_jacobians_by_differences(page, name):
    pad, true = padding(name, 2), name.endswith("true")
    by_kernel = differences(lambda w: convolved_2d(IMAGE, w, pad, true), KERNEL)
    by_image = differences(lambda x: convolved_2d(x, KERNEL, pad, true), IMAGE)
    # The chapter puts the output's indices first, the differences come entry by entry.
    outputs = 4 - 2 + sum(pad)
    found_by_image, found_by_kernel = page["jacobians"](
        doubles(IMAGE), doubles(KERNEL), pad[0], outputs, true
    )
    assert found_by_kernel.flatten(0, 1).flatten(1).T.tolist() == by_kernel
    assert found_by_image.flatten(0, 1).flatten(1).T.tolist() == by_image


def test_products_of_the_jacobians_by_differences(page):
    g = [[1, 10], [100, 1000]]
    by_kernel = gradient(lambda w: convolved_2d(IMAGE, w), KERNEL, g)
    by_image = gradient(lambda x: convolved_2d(x, KERNEL), IMAGE, g)
    assert page["kernel_gradient"].flatten().tolist() == by_kernel
    assert page["image_gradient"].flatten().tolist() == by_image


def layer(x, w, bias):
    """Every output channel sums over the input channels."""
    planes = [[convolved_2d(x[c], w[o][c]) for c in range(len(x))] for o in range(len(w))]
    return [
        [
            [bias[o] + sum(plane[p][q] for plane in planes[o]) for q in range(len(planes[0][0][0]))]
            for p in range(len(planes[0][0]))
        ]
        for o in range(len(w))
    ]


def test_channels_by_differences(page):
    x = [[[9 * c + 3 * p + q + 1 for q in range(3)] for p in range(3)] for c in range(2)]
    w = [
        [[[8 * o + 4 * c + 2 * a + b - 7 for b in range(2)] for a in range(2)] for c in range(2)]
        for o in range(2)
    ]
    g = [[[3, -1], [4, 1]], [[-5, 9], [2, -6]]]
    found = {
        "input": gradient(lambda x: layer(x, w, [0, 0]), x, g),
        "kernel": gradient(lambda w: layer(x, w, [0, 0]), w, g),
        "bias": gradient(lambda bias: layer(x, w, bias), [0, 0], g),
    }
    inputs = [doubles(nested)[None] for nested in (g, x)]
    by_page = page["channel_gradients"](*inputs, doubles(w))
    for part, expected in zip(by_page, found.values(), strict=True):
        assert part.flatten().tolist() == expected


def test_a_layer_made_of_the_three_gradients_passes_gradcheck():
    windows = (Window(3, 2, (1, 0)), Window(2, padding=(0, 2), dilation=2))

    class Convolution(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w, bias):
            ctx.save_for_backward(x, w)
            return conv2d(x, w, windows, bias=bias)

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            to_input = conv2d_input_gradient(g, w, windows, size=x.shape[2:])
            return to_input, conv2d_kernel_gradient(g, x, windows), conv2d_bias_gradient(g)

    leaves = [doubles(random(*s)).requires_grad_() for s in ((2, 2, 5, 4), (3, 2, 3, 2), (3,))]
    assert torch.autograd.gradcheck(Convolution.apply, leaves)


def doubles(nested):
    return torch.as_tensor(nested, dtype=torch.float64)


def random(*shape):
    seed = torch.Generator().manual_seed(0)
    return torch.randn(*shape, dtype=torch.float64, generator=seed)


def same(one, other):
    return one.shape == other.shape and torch.allclose(one, other, atol=1e-12)


def far(one, other):
    return one.shape == other.shape and float((one - other).abs().max()) > 0.1


def test_mistakes_in_the_gradient_of_the_input():
    g, w = random(8)[:6], random(4)
    right = conv1d_input_gradient(g, w, size=9)
    assert same(right, conv1d(g, w, Window.full(4), flip=True))
    assert len(conv1d(g, w, flip=True)) == 9 - 2 * 4 + 2
    assert len(conv1d(g, w, Window(4, padding=4), flip=True)) == 9 + 2
    assert far(right, conv1d(g, w, Window.full(4)))


def test_mistakes_in_the_gradient_of_the_kernel():
    g, x = random(6), random(9)
    right, swapped = conv1d_kernel_gradient(g, x), conv1d(padded(g, (3, 3)), x)
    for wrong in (g[0] * x[:4], right / len(g), swapped):
        assert far(right, wrong)
    assert same(right, swapped.flip(0))


def test_mistakes_in_turning_a_kernel():
    g, w, full = random(4, 4), random(3, 3), Window.full(3)
    right = conv2d_input_gradient(g, w, size=(6, 6))
    for turned in (w, w.T, w.flip(0), w.rot90()):
        assert far(right, conv2d(g, turned, full))
    assert same(right, conv2d(g, w.rot90(2), full))


def test_mistakes_with_channels():
    g, x, w = random(2, 3, 4, 5), random(2, 3, 6, 6), random(3, 3, 3, 2)
    full, turned = (Window.full(3), Window.full(2)), w.rot90(2, (2, 3))
    right = conv2d_input_gradient(g, w, size=(6, 6))
    for wrong in (turned, w.transpose(0, 1)):
        assert far(right, conv2d(g, wrong, full))
    assert same(right, conv2d(g, turned.transpose(0, 1), full))
    right = conv2d_kernel_gradient(g, x)
    for wrong in (conv2d_kernel_gradient(g[0], x[0]), right / len(g)):
        assert far(right, wrong)
    right = conv2d_bias_gradient(g)
    for wrong in (g.mean((2, 3)).sum(0), g[0].sum((1, 2))):
        assert far(right, wrong)


def test_mistakes_with_a_stride():
    g, w, window = random(3), random(4), Window(4, stride=2)
    right = conv1d_input_gradient(g, w, window, size=9)
    assert len(conv1d(g, w, Window.full(4), flip=True)) == 6
    copied = conv1d(g.repeat_interleave(2)[:-1], w, Window.full(4), flip=True)
    assert far(right[:8], copied)
    uncut = conv1d(random(9), g, Window(3, dilation=2))
    assert len(uncut) == 4 + window.unused(9) == 5
    assert same(uncut[:4], conv1d_kernel_gradient(g, random(9), window))


@pytest.mark.parametrize(("taps", "true"), [(3, False), (4, True)])
def test_same_is_not_its_own_gradient(taps, true):
    g, w, window = random(9), random(4)[:taps], Window.same(taps)
    assert far(conv1d_input_gradient(g, w, window, size=9), conv1d(g, w, window, flip=true))
