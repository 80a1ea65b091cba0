"""The drawing of a small array and of what pooling leaves of it."""

import pytest
import torch
from matplotlib.patches import Rectangle

from cnnref.figures import pooling_picture

SQUARE = torch.tensor([[1.0, 3, 2, 0], [5, 7, 4, 2], [0, 1, 9, 6], [3, 4, 6, 3]])


def test_words_have_every_number():
    assert pooling_picture(SQUARE).alt == (
        "An array of 4 by 4: 1 3 2 0 / 5 7 4 2 / 0 1 9 6 / 3 4 6 3. Of its blocks of 2 by 2 the "
        "largest are 7 4 / 4 9; the means are 4 2 / 2 6. The mean of all entries is 3.5."
    )


def test_a_cell_for_each_number_and_the_largest_bold():
    (axes,) = pooling_picture(SQUARE).figure.axes
    assert len([p for p in axes.patches if isinstance(p, Rectangle)]) == 16 + 4 + 4 + 1
    bold = [t.get_text() for t in axes.texts if t.get_fontweight() == "bold"]
    assert sorted(bold) == sorted(["7", "4", "9", "4"] * 2)


def test_cells_of_one_block_have_one_colour():
    (axes,) = pooling_picture(torch.arange(8.0).reshape(2, 4)).figure.axes
    colours = [p.get_edgecolor() for p in axes.patches[:8]]
    assert colours[:2] == colours[4:6] != colours[2:4] == colours[6:8]


def test_blocks_that_do_not_fill_the_array_are_refused():
    with pytest.raises(ValueError, match="blocks of 2 by 2 must fill the array, got 3 by 4"):
        pooling_picture(torch.zeros(3, 4))
