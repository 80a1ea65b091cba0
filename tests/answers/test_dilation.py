"""Dilated convolution by nested loops, fields by enumerating positions, costs by counting.

Plain Python; nothing of the library and nothing of the chapter's code.
"""

import itertools
import random

import pytest
import torch


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("dilation")


def dilated(x, w, d):
    """`x[c][i][k]` under `w[o][c][a][b]`, taps `d` apart."""
    taps = range(len(w[0][0]))
    height = len(x[0]) - d * (len(taps) - 1)
    width = len(x[0][0]) - d * (len(taps) - 1)
    return [
        [
            [
                sum(
                    kernel[c][a][b] * x[c][i + a * d][k + b * d]
                    for c in range(len(x)) for a in taps for b in taps
                )
                for k in range(width)
            ]
            for i in range(height)
        ]
        for kernel in w
    ]  # fmt: skip


@pytest.mark.parametrize(("d", "taps"), [(1, 3), (2, 3), (3, 2), (4, 2)])
def test_four_routes_agree_with_loops(page, d, taps):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 10, 9, generator=generator, dtype=torch.float64)
    w = torch.randn(3, 2, taps, taps, generator=generator, dtype=torch.float64)
    expected = torch.tensor(dilated(x.tolist(), w.tolist(), d), dtype=torch.float64)
    window = page["Window"](taps, dilation=d)
    torch.testing.assert_close(page["conv2d"](x, w, window), expected)
    torch.testing.assert_close(page["by_phases"](x, w, d), expected)
    spread = page["insert_zeros"](w, (d, d))
    torch.testing.assert_close(page["conv2d"](x, spread), expected)
    by_torch = torch.nn.functional.conv2d(x[None], w, dilation=d)[0]
    torch.testing.assert_close(by_torch, expected)


def test_three_by_three_at_rate_two(page):
    read = {(2 * a, 2 * b) for a in range(3) for b in range(3)}
    side = max(a for a, _ in read) + 1
    answer = page["example_span"], page["example_weights"], page["example_holes"]
    assert answer == (side, len(read), side**2 - len(read)) == (5, 9, 16)
    taps = page["example_taps"]
    assert read == {tuple(place) for place in taps.nonzero().tolist()}


def field_of(rates, taps):
    """Forwards: every input is a set, and every layer unites the sets at its taps."""
    units = [{i} for i in range(1 + 2 * (taps - 1) * sum(rates))]
    for d in rates:
        units = [
            set.union(*(units[i + t * d] for t in range(taps)))
            for i in range(len(units) - d * (taps - 1))
        ]
    return units[0]


def test_growth_by_sets(page):
    for (taps, depth), size in page["doubling"].items():
        field = field_of([2**layer for layer in range(depth)], taps)
        assert len(field) == max(field) + 1 == size
    for (taps, depth), size in page["plain"].items():
        assert len(field_of([1] * depth, taps)) == size
    assert [page["doubling"][3, depth] for depth in range(1, 7)] == [3, 7, 15, 31, 63, 127]
    assert page["fixed"] == [max(field_of([4] * depth, 3)) + 1 for depth in range(1, 6)]


def weights(taps, channels):
    return sum(1 for _ in itertools.product(*map(range, (channels, channels, taps, taps))))


def test_costs_by_enumeration(page):
    positions = sum(1 for _ in itertools.product(range(64), repeat=2))
    three, five = weights(3, 16), weights(5, 16)
    assert page["ordinary"] == page["dilated"] == (three, three * positions)
    assert page["dense"] == (five, five * positions)
    assert page["dilated_macs"] == 4 * three * positions
    quarter = [positions // 4**block for block in range(4)]
    assert page["pooled_macs"] == sum(three * count for count in quarter)


def test_fields_of_the_two_designs_of_equal_depth(page):
    assert page["dilated_field"] == len(field_of([1, 2, 4, 8], 3))
    positions = {0}
    for kernel, stride in reversed([(3, 1), (2, 2)] * 3 + [(3, 1)]):
        positions = {i * stride + tap for i in positions for tap in range(kernel)}
    assert page["pooled_field"] == len(positions)


def test_holes_by_enumeration(page):
    for rates, (reached, pixels) in page["covered"].items():
        field = field_of(rates, 3)
        assert reached == sum(1 for _ in itertools.product(field, repeat=2))
        assert pixels == (max(field) + 1) ** 2
    assert page["covered"][2, 2, 2] == (49, 169)
    assert page["covered"][1, 2, 5] == (289, 289)
    assert page["covered"][1, 2, 9] == (441, 625)


def test_the_condition_on_random_schedules(page):
    rng = random.Random(0)
    outcomes = set()
    for _ in range(300):
        taps = rng.randint(2, 4)
        rates = [rng.choice((1, 1, 2, 3, 4, 7)) for _ in range(rng.randint(1, 4))]
        field = field_of(rates, taps)
        full = field == set(range(max(field) + 1))
        assert page["no_holes"](rates, taps) == full
        outcomes.add(full)
    assert outcomes == {True, False}


def test_ways_by_listing_every_path(page):
    for rates in ((2, 2, 2), (1, 2, 5), (1, 3, 9)):
        counts = [0] * (1 + 2 * sum(rates))
        for path in itertools.product(range(3), repeat=3):
            counts[sum(t * d for t, d in zip(path, rates, strict=True))] += 1
        assert page["ways"](rates).tolist() == counts


def cross_and_ring(image):
    """Row and columns of the two centres, from grey levels that no noise reaches, on the torus."""
    lit = [[v > 120 for v in row] for row in image]

    def at(i, k):
        return lit[i % 8][k % 32]

    around = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    crosses, rings = [], []
    for i, k in itertools.product(range(8), range(32)):
        near = [at(i + a, k + b) for a, b in around]
        if at(i, k) and near == [True] * 4 + [False] * 4:
            crosses.append((i, k))
        if not at(i, k) and all(near):
            rings.append((i, k))
    ((row, cross),), ((other, ring),) = crosses, rings
    assert row == other
    return row, cross, ring


def test_the_stack_set_by_hand_asks_whether_two_grey_levels_are_equal(page):
    right = []
    for image, label, found in zip(
        page["test"].images[:, 0].tolist(), page["test"].labels, page["logits"], strict=True
    ):
        row, cross, ring = cross_and_ring(image)
        levels = [image[(row - 1) % 8][k % 32] for k in (cross + 6, ring - 6)]
        assert float(found) == pytest.approx(abs(levels[0] - levels[1]) - 0.5, abs=1e-9)
        right.append((levels[0] != levels[1]) == (label == 1))
    assert page["hand_accuracy"] == pytest.approx(sum(right) / len(right))


def test_fields_and_costs_of_the_four_stacks(page):
    rates = {"standard": [1] * 4, "dilated": [1, 2, 4, 8], "deep": [1] * 8, "deep-he": [1] * 8}
    for name, spread in rates.items():
        assert page["fields"][name] == len(field_of(spread, 3))
        channels = [1] + [16] * len(spread)
        products = sum(9 * a * b for a, b in itertools.pairwise(channels)) * 8 * 32 + 16
        assert page["macs"][name] == products
    # A cross of 3 columns, and 12 columns on a ring of 3.
    both = {*range(3), *range(12, 15)}
    assert page["holds_both"] == max(both) + 1
    assert page["touches_both"] == len(range(2, 12 + 1))


def test_the_last_rate_that_reaches(page):
    enough = [d for d in range(1, 13) if len(field_of([1, 3, d], 3)) >= 15]
    assert page["smallest"] == enough[0]
