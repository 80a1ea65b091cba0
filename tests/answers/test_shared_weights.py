"""Oracles for the chapter on shared weights, in plain Python.

Loops, `math` and difference quotients only: nothing of `cnnref`, and of the chapter nothing
but the values that it computed.
"""

import math
from itertools import chain

import pytest


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("shared-weights")


def slide(x, w, left=0, right=0):
    """A convolution by loops; zeros are added at both ends."""
    padded = [0.0] * left + list(x) + [0.0] * right
    return [
        sum(w[j] * padded[i + j] for j in range(len(w))) for i in range(len(padded) - len(w) + 1)
    ]


def solve(matrix, right):
    """Gaussian elimination with pivots."""
    n = len(matrix)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for c in range(n):
        best = max(range(c, n), key=lambda r: abs(rows[r][c]))
        rows[c], rows[best] = rows[best], rows[c]
        for r in range(n):
            if r != c:
                factor = rows[r][c] / rows[c][c]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[c], strict=True)]
    return [rows[c][n] / rows[c][c] for c in range(n)]


def least_squares(rows, values):
    """The normal equations, solved by elimination."""
    unknowns = range(len(rows[0]))
    normal = [[sum(r[a] * r[b] for r in rows) for b in unknowns] for a in unknowns]
    return solve(
        normal, [sum(r[a] * v for r, v in zip(rows, values, strict=True)) for a in unknowns]
    )


def test_fits_by_elimination_in_plain_python(page):
    x, z, kernels = (t.tolist() for t in page["one_draw"])
    size, places = page["SIZES"].index(32), range(len(kernels))
    windows = [[row[i : i + 3] for row in x] for i in places]
    answers = [[row[i] for row in z] for i in places]

    def distance(a, b):
        return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))

    shared = least_squares(list(chain(*windows)), list(chain(*answers)))
    local = [least_squares(windows[i], answers[i]) for i in places]
    dense = [least_squares(x, answers[i]) for i in places]
    wide = [[0.0] * i + kernels[i] + [0.0] * (len(x[0]) - 3 - i) for i in places]
    expected = {
        "shared": distance(shared, kernels[0]),
        "locally connected": sum(distance(local[i], kernels[i]) for i in places) / len(places),
        "fully connected": sum(distance(dense[i], wide[i]) for i in places) / len(places),
    }
    for kind, value in expected.items():
        assert float(page["excess"][kind][7, size]) == pytest.approx(value, rel=1e-8)


def test_shared_gradient_by_difference_quotients(page):
    x, wanted, kernel = (
        page[name].tolist() for name in ("seen_input", "wanted", "kernel_of_check")
    )

    def loss(w):
        return 0.5 * sum((a - b) ** 2 for a, b in zip(slide(x, w), wanted, strict=True))

    for j, found in enumerate(page["shared_gradient"].tolist()):
        up, down = list(kernel), list(kernel)
        up[j] += 1e-5
        down[j] -= 1e-5
        assert found == pytest.approx((loss(up) - loss(down)) / 2e-5, abs=1e-7)


def test_tied_gradient_by_difference_quotients(page):
    edges, tie = page["edges"], page["tie"].tolist()
    signal, target = page["signal"].tolist(), page["target"].tolist()
    theta = page["theta"].tolist()
    units = 1 + max(j for j, _ in edges)
    assert set(edges) == {(j, i) for j in range(len(signal), units) for i in range(j)}

    def risk(parameters):
        z = list(signal)
        for unit in range(len(signal), units):
            arriving = [
                parameters[k] * z[i] for (j, i), k in zip(edges, tie, strict=True) if j == unit
            ]
            z.append(math.tanh(sum(arriving)))
        errors = [a - b for a, b in zip(z[-len(target) :], target, strict=True)]
        return 0.5 * sum(e * e for e in errors)

    for k, found in enumerate(page["tied_gradient"].tolist()):
        up, down = list(theta), list(theta)
        up[k] += 1e-6
        down[k] -= 1e-6
        assert found == pytest.approx((risk(up) - risk(down)) / 2e-6, abs=1e-8)
    # Ties reach across layers: some parameter is used at an output and at the first hidden unit.
    outputs = {k for (j, _), k in zip(edges, tie, strict=True) if j >= units - len(target)}
    early = {k for (j, _), k in zip(edges, tie, strict=True) if j == len(signal)}
    assert outputs & early


def test_diagonals_of_the_dense_gradient_by_loops(page):
    g, x = page["g_small"].tolist(), page["x_small"].tolist()
    by_loops = [0.0, 0.0, 0.0]
    for i in range(len(g)):
        for k in range(len(x)):
            if 0 <= k - i < 3:
                by_loops[k - i] += g[i] * x[k]
    assert page["sums"] == by_loops
    assert page["kernel_gradient"].tolist() == by_loops
