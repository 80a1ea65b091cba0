"""Oracles for `residual-networks`: layers counted one by one, paths by recursion."""

import math

import pytest


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("residual-networks")


def test_parameters_layer_by_layer(page):
    """Walk through the layers as the paper lists them; count weights, scales and shifts."""
    for n in (1, 3, 5, 7, 9, 18):
        for width, channels in ((16, 3), (16, 1), (8, 3)):
            layers = [(channels, width)]
            for factor in (1, 2, 4):
                for _ in range(2 * n):
                    layers.append((layers[-1][1], factor * width))
            total = sum(9 * a * b + 2 * b for a, b in layers)
            total += layers[-1][1] * 10 + 10
            depth = len(layers) + 1
            assert depth == 6 * n + 2
            assert page["parameters"](depth, width, channels) == total
    assert page["ours"] == page["parameters"](20, 16, 1)
    assert page["parameters"](20) == 269_722


def test_all_paths_by_recursion(page):
    """Unit by unit a vector goes through the branch or past it; the ends add up."""
    matrices = [matrix.tolist() for matrix in page["B"]]

    def ends(vector, left):
        if not left:
            return [vector]
        first, *rest = left
        through = [sum(first[i][j] * vector[j] for j in range(3)) for i in range(3)]
        return ends(vector, rest) + ends(through, rest)

    for k in range(3):
        unit = [float(i == k) for i in range(3)]
        found = ends(unit, matrices)
        assert len(found) == page["number_of_paths"] == 32
        for i in range(3):
            # The gradient goes back by the transpose of what the units do forwards.
            assert page["path_sum"][k, i].item() == pytest.approx(
                math.fsum(vector[i] for vector in found), abs=1e-12
            )
