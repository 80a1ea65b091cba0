"""Oracles for the chapter on shared weights, in plain Python.

Loops, sets, `math` and difference quotients only: nothing of `cnnref`, and of the chapter nothing
but the values that it computed.
"""

import math
from itertools import chain, pairwise

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


def all_connections(inputs, taps):
    """(neuron, input, weight) for every neuron whose window lies inside the input."""
    return [
        (neuron, position, position - neuron)
        for neuron in range(inputs)
        for position in range(inputs)
        if neuron <= position < neuron + taps and neuron + taps <= inputs
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


def test_the_neurons_by_walking_the_window(page):
    assert sorted(page["connections"]) == all_connections(8, 3)
    expected = [max(0.0, z) for z in slide(page["x8"].tolist(), page["w3"].tolist())]
    assert len(expected) == 6
    assert page["y6"].tolist() == pytest.approx(expected, abs=1e-14)


def test_connections_by_enumeration(page):
    edges = all_connections(8, 3)
    assert page["inputs_of_neuron"] == [sum(e[0] == n for e in edges) for n in range(6)]
    assert page["neurons_of_input"] == [sum(e[1] == k for e in edges) for k in range(8)]
    assert page["filled"] == 6 * 8 - len(edges)


def test_what_units_see_after_some_layers(page):
    sees = [{k} for k in range(8)]
    for depth in (1, 2, 3):
        sees = [sees[i] | sees[i + 1] | sees[i + 2] for i in range(len(sees) - 2)]
        assert page["seen"][depth] == sorted({len(s) for s in sees})
    assert len(sees) == 2


def test_parameters_by_enumeration(page):
    dense = {(neuron, k) for neuron in range(6) for k in range(8)}
    biases = {("bias", neuron) for neuron in range(6)}
    assert page["dense_weights"] == len(dense) == 48
    assert page["dense_with_biases"] == len(dense | biases) == 54
    edges = all_connections(8, 3)
    assert page["local_weights"] == len(edges) == 18
    assert page["shared_weights"] == len({weight for _, _, weight in edges}) == 3
    assert page["shared_with_bias"] == len({weight for _, _, weight in edges} | {"bias"}) == 4


def test_vgg_from_its_published_configuration(page):
    """Configuration D of Simonyan and Zisserman (2015), table 1."""
    configuration = [64, 64, 0, 128, 128, 0, *[256] * 3, 0, *[512] * 3, 0, *[512] * 3, 0]
    channels, side = 3, 224
    conv = fc = shared = dense = conv_macs = fc_macs = 0
    dense_by_layer, local, outputs = [], 0, 0
    for filters in configuration:
        if not filters:  # max-pooling
            side //= 2
            continue
        conv += filters * (channels * 3 * 3 + 1)
        shared += filters * channels * 3 * 3
        conv_macs += filters * channels * 3 * 3 * side * side
        dense_by_layer.append((channels * side * side) * (filters * side * side))
        local += sum(filters * channels * 3 * 3 for _ in range(side * side))
        outputs += filters * side * side
        channels = filters
    dense = sum(dense_by_layer)
    sizes = [channels * side * side, 4096, 4096, 1000]
    for a, b in pairwise(sizes):
        fc += a * b + b
        fc_macs += a * b
    assert round((conv + fc) / 1e6) == 138  # the paper's table 2
    assert page["conv_parameters"] == conv
    assert page["fc_parameters"] == fc
    assert page["total"] == conv + fc
    assert page["conv_dense"] == dense
    assert page["first_fc"] == sizes[0] * 4096 + 4096
    assert page["macs_share"] == conv_macs / (conv_macs + fc_macs)
    assert page["values"] == {
        "conv": "14.7 million",
        "fc": "123.6 million",
        "total": "138.4 million",
        "conv-share": f"{100 * conv / (conv + fc):.1f} %",
        "fc-share": f"{100 * fc / (conv + fc):.1f} %",
        "fc1-share": f"{100 * (sizes[0] * 4096 + 4096) / (conv + fc):.1f} %",
        "dense": "1.67 × 10¹³",
        "ratio": f"{dense / shared / 1e6:.1f} million",
        "first": "1,728",
        "first-dense": "4.83 × 10¹¹",
        "first-bytes": f"{4 * dense_by_layer[0] / 1e12:.1f} terabytes",
        "macs-share": f"{100 * conv_macs / (conv_macs + fc_macs):.1f} %",
        "macs": "1.53 × 10¹⁰",
        "dense-bytes": f"{4 * dense / 1e12:.0f} terabytes",
        "local-bytes": f"{4 * local / 1e9:.0f} gigabytes",
        "shared-bytes": f"{4 * shared / 1e6:.0f} megabytes",
        "outputs": f"{4 * outputs / 1e6:.0f} megabytes",
        "outputs-large": f"{4 * 4 * outputs / 1e6:.0f} megabytes",
    }


def test_the_mit_counts_by_loops(page):
    assert page["mit_1_1"] == sum(1 for _ in range(80) for _ in range(100 + 1))
    outputs = slide([0.0] * 100, [1.0] * 5, left=2, right=2)
    assert page["mit_1_2"] == [len(outputs), 10]
    assert page["mit_1_3"] == sum(1 for _ in range(10) for _ in range(5 + 1))


def test_the_matrix_by_probing_with_unit_vectors(page):
    weights = [0.0, 5.0, 7.0, 11.0]
    printed = [
        [[weights[j] for j in row] for row in page["indices"](option).tolist()]
        for option in range(4)
    ]

    def probe(kernel, left, right):
        columns = [slide([float(i == k) for i in range(4)], kernel, left, right) for k in range(4)]
        return [list(row) for row in zip(*columns, strict=True)]

    kernel, reverse = weights[1:], weights[:0:-1]
    assert [k + 1 for k in range(4) if printed[k] == probe(kernel, 1, 1)] == page["agreeing"] == [1]
    assert printed[1] == probe(reverse, 1, 1)
    assert printed[2] == probe(reverse, 2, 0)
    assert printed[3] == probe(kernel, 0, 2)


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
