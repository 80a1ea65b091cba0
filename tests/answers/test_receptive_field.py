"""Receptive fields by walking sets of positions, costs by counting, widths by random walks.

Plain loops and numpy; nothing of the library and nothing of the chapter's code.
"""

import itertools
import math
import random

import numpy as np
import pytest
import torch

VGG_16 = "CCP CCP CCCP CCCP CCCP".replace(" ", "")
"""Its convolutions (3x3, stride 1, padding 1) and poolings (2x2, stride 2), in order."""

KERNEL_AND_STRIDE = {"C": (3, 1), "P": (2, 2)}


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("receptive-field")


def field_of(layers):
    """Size of the field of one unit: from the unit back to the input, tap by tap."""
    positions = {100}
    for kernel, stride in reversed(layers):
        positions = {i * stride + tap for i in positions for tap in range(kernel)}
    assert positions == set(range(min(positions), max(positions) + 1))
    return len(positions)


def field_of_stack(kernel, depth):
    return field_of([(kernel, 1)] * depth)


def test_vgg_by_loops(page):
    layers = [KERNEL_AND_STRIDE[kind] for kind in VGG_16]
    assert page["vgg_sizes"] == [field_of(layers[:depth]) for depth in range(len(layers) + 1)]
    convolutions = [
        field_of([layer for layer in layers[:depth] if layer[1] == 1])
        for depth in range(len(layers) + 1)
    ]
    assert page["without_pooling"] == convolutions
    assert (page["vgg_sizes"][-2], page["vgg_sizes"][-1], convolutions[-1]) == (196, 212, 27)


def test_growth_by_sets(page):
    """Forwards this time: every input is a set, and every layer unites sets."""
    for depth, size in page["depth_sizes"].items():
        units = [{i} for i in range(40)]
        for _ in range(depth):
            units = [set.union(*units[i : i + 3]) for i in range(len(units) - 2)]
        assert {len(unit) for unit in units} == {size}
    for (convolutions, blocks), size in page["block_sizes"].items():
        units = [{i} for i in range(200)]
        for _ in range(blocks):
            for _ in range(convolutions):
                units = [set.union(*units[i : i + 3]) for i in range(len(units) - 2)]
            units = [units[i] | units[i + 1] for i in range(0, len(units) - 1, 2)]
        assert {len(unit) for unit in units} == {size}


def test_the_wrong_rules_are_wrong(page):
    layers = [KERNEL_AND_STRIDE[kind] for kind in VGG_16]
    truth = field_of(layers)
    for name in ("forgot_jump", "own_stride", "multiplied"):
        assert page[name] != truth
    assert page["vgg_by_gradient"] == page["vgg_by_sum"] == truth


def weights(kernel, inputs, outputs):
    return sum(1 for _ in itertools.product(*map(range, (outputs, inputs, kernel, kernel))))


def test_costs_by_enumeration(page):
    positions = sum(1 for _ in itertools.product(range(56), repeat=2))
    one, seven = weights(15, 64, 64), 7 * weights(3, 64, 64)
    assert page["costs"] == {
        "one 15×15": (one, one * positions),
        "seven 3×3": (seven, seven * positions),
    }
    assert page["rgb_large"] == weights(15, 3, 64)
    assert page["rgb_stack"] == weights(3, 3, 64) + 6 * weights(3, 64, 64)
    assert page["depthwise"] == 64 * weights(15, 1, 1)
    assert page["pointwise"] == weights(1, 64, 64)
    assert page["curves"]["one dense kernel"][0][6] == weights(15, 1, 1)
    assert page["curves"]["stack of 3×3"][0][6] == 7 * weights(3, 1, 1)


def test_stack_sees_what_the_large_kernel_sees(page):
    assert field_of_stack(3, 7) == field_of_stack(15, 1) == 15
    assert page["five_layers"] == field_of_stack(3, 5) == 11


def stack_multiplications(side):
    """Of seven 3x3 layers for every output that a 15x15 window has on such an input."""
    needed = set(itertools.product(range(side - 14), repeat=2))
    count = 0
    for _ in range(7):
        count += 9 * len(needed)
        taps = itertools.product(range(3), repeat=2)
        needed = {(i + a, j + b) for (a, b) in taps for i, j in needed}
    return count


def test_one_output_alone(page):
    assert page["stack_alone"] == stack_multiplications(15) == 4095
    assert page["large"] == 225
    n = page["break_even"]
    assert stack_multiplications(n) < 225 * (n - 14) ** 2
    assert all(stack_multiplications(m) >= 225 * (m - 14) ** 2 for m in range(15, n))


def circulant(kernel, size):
    """The matrix of a one-dimensional layer `(O, C, F)` whose borders wrap around."""
    outputs, channels, taps = kernel.shape
    matrix = np.zeros((outputs, size, channels, size))
    for i in range(size):
        for t in range(taps):
            matrix[:, i, :, (i + t - 1) % size] += kernel[:, :, t]
    return matrix.reshape(outputs * size, channels * size)


@pytest.mark.parametrize(("share", "factor"), [(1 / 3, 1 / 6), (2, 1), (4, 2)])
def test_gradient_gain_by_products_of_matrices(page, share, factor):
    """The mean squared gain of products of masked random matrices is `factor` per layer."""
    rng = np.random.default_rng(0)
    depth, channels, size, draws = 3, 4, 5, 2500
    total = 0.0
    for _ in range(draws):
        x, jacobian = rng.normal(size=channels * size), np.eye(channels * size)
        for _ in range(depth):
            kernel = rng.normal(size=(channels, channels, 3)) * math.sqrt(share / (3 * channels))
            matrix = circulant(kernel, size)
            y = matrix @ x
            jacobian = (y > 0)[:, None] * (matrix @ jacobian)
            x = np.maximum(y, 0)
        g = rng.normal(size=channels * size)
        total += np.square(jacobian.T @ g).sum() / np.square(g).sum()
    assert total / draws == pytest.approx(factor**depth, rel=0.1)
    [name] = [name for name, q in page["factors"].items() if q == pytest.approx(factor)]
    gains = page["gains"][name]
    slope = float(gains[-1] - gains[0]) / (page["depths"][-1] - page["depths"][0])
    assert slope == pytest.approx(math.log10(factor) / 2, abs=0.02)


def test_torch_default_variance():
    """Uniform between plus and minus one over the root of the fan-in: a third of one over it."""
    torch.manual_seed(0)
    weight = torch.nn.Conv2d(64, 512, 3).weight.detach()
    bound = 1 / math.sqrt(64 * 9)
    assert weight.abs().max() <= bound
    assert weight.abs().max() > 0.999 * bound
    assert weight.var().item() == pytest.approx(1 / (3 * 64 * 9), rel=0.01)


def walk(layers):
    """Standard deviation of a walk that takes one tap of every layer, by its distribution."""
    chances, jump = {0.0: 1.0}, 1
    for kernel, stride in layers:
        following = {}
        for position, chance in chances.items():
            for tap in range(kernel):
                place = position + (tap - (kernel - 1) / 2) * jump
                following[place] = following.get(place, 0.0) + chance / kernel
        chances, jump = following, jump * stride
    assert sum(chances.values()) == pytest.approx(1)
    return math.sqrt(sum(chance * place**2 for place, chance in chances.items()))


def test_effective_width_by_random_walk(page):
    vgg = [KERNEL_AND_STRIDE[kind] for kind in VGG_16]
    assert page["vgg_width"] == pytest.approx(walk(vgg[:-1]))
    assert page["plain_width"] == pytest.approx(walk([(3, 1)] * 97))
    photographs = {
        "cats-dogs-plain": [KERNEL_AND_STRIDE[kind] for kind in "CCPCC"],
        "cats-dogs-plain-bn-dropout": [KERNEL_AND_STRIDE[kind] for kind in "CCPCC"],
        "cats-dogs-skip": [*(KERNEL_AND_STRIDE[kind] for kind in "CCCP"), (6, 1)],
        "cifar10-cnn-regularised": [KERNEL_AND_STRIDE[kind] for kind in "CPC"],
    }
    assert page["by_formula"] == {n: pytest.approx(walk(ls)) for n, ls in photographs.items()}
    for maps in page["energies"].values():
        for depth, energy in zip(page["erf_depths"], maps, strict=True):
            along = energy.sum(0).tolist()
            variance = sum(e * (p - depth) ** 2 for p, e in enumerate(along))
            assert math.sqrt(variance) == pytest.approx(walk([(3, 1)] * depth), rel=0.15)
    for exponent in page["exponents"].values():
        assert 0.4 < exponent < 0.6


def test_the_walk_by_chance():
    """The distribution above against ten thousand walks."""
    rng, layers = random.Random(0), [KERNEL_AND_STRIDE[kind] for kind in "CCPCCP"]
    squares = []
    for _ in range(10_000):
        place, jump = 0.0, 1
        for kernel, stride in layers:
            place += (rng.randrange(kernel) - (kernel - 1) / 2) * jump
            jump *= stride
        squares.append(place**2)
    assert math.sqrt(sum(squares) / len(squares)) == pytest.approx(walk(layers), rel=0.03)
