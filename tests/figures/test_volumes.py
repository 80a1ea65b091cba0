"""The layer drawn as volumes: what is marked is what really reads, collects and meets."""

from itertools import product

import pytest
import torch
from matplotlib.colors import to_hex
from torch.nn import functional

from cnnref.figures import COLOURS, volumes_picture

CHANNELS, FILTERS, SIZE, KERNEL = 3, 2, 6, 3


def volumes(axes, sides):
    """The marked cells of each sheet of a row, as masks of blue and of orange."""
    cells, found = iter(axes.patches), []
    for side in sides:
        hues = [to_hex(next(cells).get_facecolor()).upper() for _ in range(side**2)]
        masks = [[hue == COLOURS[name].upper() for hue in hues] for name in ("blue", "orange")]
        found.append([torch.tensor(mask).view(side, side) for mask in masks])
    assert list(cells) == []
    blue, orange = zip(*found, strict=True)
    return blue, orange


@pytest.fixture(scope="module")
def drawn():
    figure = volumes_picture(CHANNELS, FILTERS, SIZE, KERNEL).figure
    ends = [SIZE] * CHANNELS, [4] * FILTERS
    sides = [[*ends[0], *ends[1]]] * 2 + [[*ends[0], KERNEL, *ends[1]]]
    return [volumes(axes, row) for axes, row in zip(figure.axes, sides, strict=True)]


@pytest.fixture(scope="module")
def layer():
    x = torch.rand(1, CHANNELS, SIZE, SIZE).requires_grad_()
    w = torch.rand(FILTERS, CHANNELS, KERNEL, KERNEL).requires_grad_()
    return x, w, functional.conv2d(x, w)


def test_forward_an_output_depends_on_the_blue_cells(drawn, layer):
    (blue, orange), (x, _, z) = drawn[0], layer
    o = next(k for k in range(FILTERS) if orange[CHANNELS + k].any())
    (slopes,) = torch.autograd.grad(z[0, o][orange[CHANNELS + o]].sum(), x, retain_graph=True)
    assert torch.equal(slopes[0] != 0, torch.stack(blue[:CHANNELS]))


def test_the_gradient_of_a_pixel_comes_from_the_blue_outputs(drawn, layer):
    (blue, orange), (x, _, z) = drawn[1], layer
    marked = torch.stack(orange[:CHANNELS])
    assert int(marked.sum()) == 1
    reached = torch.zeros(FILTERS, 4, 4, dtype=torch.bool)
    for place in product(range(FILTERS), range(4), range(4)):
        (slopes,) = torch.autograd.grad(z[0][place], x, retain_graph=True)
        reached[place] = bool((slopes[0][marked] != 0).any())
    assert torch.equal(reached, torch.stack(blue[CHANNELS:]))


def test_the_gradient_of_a_weight_comes_from_one_channel_of_each(drawn):
    blue, orange = drawn[2]
    image = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    ((a, b),) = orange[CHANNELS].nonzero().tolist()
    image[a : a + 4, b : b + 4] = True
    assert torch.equal(blue[0], image)
    assert blue[CHANNELS + 1].all()
    assert not any(mask.any() for mask in (*blue[1:CHANNELS], blue[-1]))


@pytest.mark.parametrize(("case", "words"), [((3, 2, 4, 5), "got 5"), ((1, 2), "got 1 and 2")])
def test_what_cannot_be_drawn_is_refused(case, words):
    with pytest.raises(ValueError, match=words):
        volumes_picture(*case)
