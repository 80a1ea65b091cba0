"""Transposed convolution: the chapter's numbers by plain loops.

Nothing here imports `cnnref` or torch. A transposed convolution is written as what it does, pasting
scaled copies of the kernel into a list or a dictionary of zeros.
"""

import math
from collections import Counter
from itertools import product

import pytest

PAGE = "transposed-convolution"


def paste(x, w, stride, dilation=1, padding=0):
    """Paste `x[i] * w` at `i * stride`, add up, and cut `padding` entries off both ends."""
    z = [0.0] * ((len(x) - 1) * stride + dilation * (len(w) - 1) + 1)
    for i, value in enumerate(x):
        for j, weight in enumerate(w):
            z[i * stride + j * dilation] += weight * value
    return z[padding : len(z) - padding]


def test_the_scatter_example_by_hand(chapter):
    assert chapter(PAGE)["example"].tolist() == paste([1, 3, 2], [1, 2, 1], 2)
    assert paste([1, 3, 2], [1, 2, 1], 2) == [1, 2, 4, 6, 5, 4, 2]


def test_one_axis_by_loops(chapter):
    cases = chapter(PAGE)["one_axis"]
    assert len(cases) > 50
    for (stride, taps, dilation, padding), (x, w, z) in cases.items():
        assert len(w) == taps
        expected = paste(x.tolist(), w.tolist(), stride, dilation, padding)
        assert z.tolist() == pytest.approx(expected, abs=1e-13)


def test_two_axes_with_channels_by_loops(chapter):
    x, w, bias, z = (value.tolist() for value in chapter(PAGE)["two_axes"])
    height, width = (4 - 1) * 2 + 3 - 2, (5 - 1) * 3 + 2
    for n, o in product(range(2), range(4)):
        expected = [[bias[o]] * width for _ in range(height)]
        for c, i, j, a, b in product(range(3), range(4), range(5), range(3), range(2)):
            row, column = 2 * i + a - 1, 3 * j + b
            if 0 <= row < height:
                expected[row][column] += w[c][o][a][b] * x[n][c][i][j]
        for row, found in zip(expected, z[n][o], strict=True):
            assert found == pytest.approx(row, abs=1e-13)


def windows_that_fit(size, taps, stride, padding):
    start = count = 0
    while start + taps <= size + 2 * padding:
        start, count = start + stride, count + 1
    return count


def test_sizes_by_trying_every_length(chapter):
    page = chapter(PAGE)
    assert page["sizes"]
    for (taps, stride, padding, short), lengths in page["sizes"].items():
        tried = [n for n in range(1, 60) if windows_that_fit(n, taps, stride, padding) == short]
        assert lengths == tried
        assert len(lengths) == stride
        assert lengths[0] == len(paste([1] * short, [1] * taps, stride, padding=padding))
    assert page["down"] == [30, windows_that_fit(30, 3, 2, 1), windows_that_fit(15, 3, 2, 1)]
    assert page["up"] == [
        8,
        len(paste([1] * 8, [1] * 3, 2, padding=1)),
        len(paste([1] * 15, [1] * 3, 2, padding=1)),
    ]


def test_not_an_inverse_by_loops(chapter):
    page = chapter(PAGE)
    w = [1, 2, 3]
    # Convolve each unit vector with stride 2, then paste back: the columns of the round trip.
    for k in range(7):
        unit = [float(i == k) for i in range(7)]
        short = [sum(w[j] * unit[2 * i + j] for j in range(3)) for i in range(3)]
        assert page["round_trip"][:, k].tolist() == paste(short, w, 2)
    for i in range(3):
        long = paste([float(i == other) for other in range(3)], w, 2)
        row = [sum(w[j] * long[2 * other + j] for j in range(3)) for other in range(3)]
        assert page["gram"][i].tolist() == row


def test_overlaps_by_counting(chapter):
    page = chapter(PAGE)
    for taps in (3, 4):
        hits = Counter(
            (2 * i + a, 2 * j + b)
            for i, j, a, b in product(range(3), range(3), range(taps), range(taps))
        )
        side = 2 * 2 + taps
        expected = [[hits[row, column] for column in range(side)] for row in range(side)]
        assert page["overlaps"][f"kernel {taps}, stride 2"].tolist() == expected
    hits = Counter((i + a, j + b) for i, j, a, b in product(range(6), range(6), range(3), range(3)))
    expected = [[hits[row, column] for column in range(8)] for row in range(8)]
    assert page["overlaps"]["repeat, then kernel 3"].tolist() == expected
    row = paste([1, 1, 1], [0.5, 1, 0.5], 2)
    expected = [[a * b for b in row] for a in row]
    assert page["overlaps"]["tent 3, stride 2"].tolist() == expected


def spread(values):
    """Deviation of some numbers, relative to their mean."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)) / mean


def test_ripples_by_pasting_rows_and_columns(chapter):
    """A kernel that is a product: the output is the product of two pasted rows."""
    page = chapter(PAGE)
    kernels = {
        "kernel 3, equal weights": [1.0, 1.0, 1.0],
        "kernel 4, equal weights": [1.0, 1.0, 1.0, 1.0],
        "kernel 3, tent": [0.5, 1.0, 0.5],
    }
    for name, w in kernels.items():
        row = paste([1.0] * 8, w, 2)[4:12]
        expected = spread([a * b for a in row for b in row])
        assert page["ripples"][name] == pytest.approx(expected, abs=1e-14)


def test_checkerboard_free_means_a_multiple_of_the_box(chapter):
    """Every kernel of small whole numbers: equal phase sums and division without remainder."""
    phase_sums, torch = chapter(PAGE)["phase_sums"], chapter(PAGE)["torch"]
    both = 0
    for stride, taps in ((2, 3), (2, 4), (3, 4), (3, 5)):
        for w in product(range(-1, 3), repeat=taps):
            sums = [sum(w[r::stride]) for r in range(stride)]
            remainder, quotient = list(w), []
            for k in range(taps - stride + 1):
                factor = remainder[k]
                quotient.append(factor)
                for j in range(stride):
                    remainder[k + j] -= factor
            equal = len(set(sums)) == 1
            assert equal == (not any(remainder))
            if equal:
                both += 1
                assert phase_sums(torch.tensor(w), stride).tolist() == sums
                x = [2, -1, 3]
                repeated = [value for value in x for _ in range(stride)]
                assert paste(x, w, stride) == paste(repeated, quotient, 1)
    assert both > 50


def test_generator_sizes_by_pasting(chapter):
    sides = [4]
    for _ in range(4):
        sides.append(len(paste([1] * sides[-1], [1] * 4, 2, padding=1)))
    assert chapter(PAGE)["sides"] == sides == [4, 8, 16, 32, 64]
