"""The chapter on Inception, checked by walking windows and counting products: no `cnnref`."""

from collections import Counter
from itertools import product

import pytest

ROW_3A = (192, 64, 96, 128, 16, 32, 32)
KERNELS = {"1x1": [1], "3x3": [1, 3], "5x5": [1, 5], "pool": [3, 1]}


@pytest.fixture
def page(chapter):
    return chapter("inception")


def seen_by(kernels):
    """Offsets of the inputs that one output of a chain of centred kernels depends on."""
    offsets = {0}
    for kernel in reversed(kernels):
        offsets = {o + t for o in offsets for t in range(-(kernel // 2), kernel // 2 + 1)}
    return offsets


def layers_of(row, reduce):
    """Every convolution of the module: input channels, output channels, kernel."""
    c, n1, r3, n3, r5, n5, proj = row
    if not reduce:
        return [(c, n1, 1), (c, n3, 3), (c, n5, 5)]
    return [(c, n1, 1), (c, r3, 1), (r3, n3, 3), (c, r5, 1), (r5, n5, 5), (c, proj, 1)]


def products_at_one_pixel(inputs, outputs, kernel):
    """Counts, in steps of one, the products of one output channel; then takes all channels."""
    count = 0
    for _row in range(kernel):
        for _column in range(kernel):
            for _channel in range(inputs):
                count += 1
    return count * outputs


def test_fields_of_the_paths_by_walking(page):
    for name, kernels in KERNELS.items():
        offsets = seen_by(kernels)
        assert page["path_fields"][name] == len(offsets)
        assert min(offsets) == -max(offsets)
    assert page["path_fields"] == {"1x1": 1, "3x3": 3, "5x5": 5, "pool": 3}


def test_paths_through_stacked_modules(page):
    for n, found in page["chain_counts"].items():
        sizes = Counter(
            len(seen_by([k for name in chain for k in KERNELS[name]]))
            for chain in product(KERNELS, repeat=n)
        )
        assert found == dict(sizes)
        assert sum(found.values()) == 4**n


@pytest.mark.parametrize("reduce", [True, False])
def test_costs_by_counting_every_product(page, reduce):
    layers = layers_of(ROW_3A, reduce)
    weights = sum(products_at_one_pixel(*layer) for layer in layers)
    biases = sum(outputs for _, outputs, _ in layers)
    channels = 64 + 128 + 32 + (32 if reduce else 192)
    assert page["costs_3a"][reduce] == (weights + biases, weights * 28 * 28, channels)


def test_the_numbers_of_module_3a(page):
    assert page["costs_3a"][True] == (163_696, 128_049_152, 256)
    assert page["costs_3a"][False] == (387_296, 303_464_448, 416)


def test_all_nine_modules_by_counting(page):
    channels = 192
    for name, (row, side) in page["GOOGLENET"].items():
        for cost, layers in (
            (page["slim"], layers_of(row, True)),
            (page["naive"], layers_of(row, False)),
            (page["chained"], layers_of((channels, *row[1:]), False)),
        ):
            weights = sum(kernel * kernel * a * b for a, b, kernel in layers)
            assert cost[name][0] == weights + sum(b for _, b, _ in layers)
            assert cost[name][1] == weights * side * side
        channels += row[1] + row[3] + row[5]
        assert page["chained"][name][2] == channels


def test_responses_to_squares_by_adding_pixels(page):
    for i, side in enumerate((1, 3, 5)):
        half = side // 2
        for j, kernel in enumerate((1, 3, 5)):
            reach = kernel // 2
            total = sum(
                abs(a) <= half and abs(b) <= half
                for a in range(-reach, reach + 1)
                for b in range(-reach, reach + 1)
            )
            assert float(page["responses"][i, j]) == pytest.approx(total / kernel, abs=1e-12)


def test_nine_plain_layers_of_the_same_channels_by_counting(page):
    products = 0
    for row, side in page["GOOGLENET"].values():
        inputs, n1, _, n3, _, n5, projected = row
        products += products_at_one_pixel(inputs, n1 + n3 + n5 + projected, 3) * side * side
    assert page["nine_plain"] == products
