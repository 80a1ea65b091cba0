"""Oracles for the chapter on the layer of neurons, in plain Python.

Loops, sets and sums only: nothing of `cnnref`, and of the chapter nothing
but the values that it computed.
"""

from itertools import pairwise

import pytest


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("layer-of-neurons")


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
        "by-local": f"{dense / local:,.0f}",
        "by-sharing": f"{local / shared:,.0f}",
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
