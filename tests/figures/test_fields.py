"""Maps of receptive fields say how many positions count, and refuse what is no map."""

import pytest
import torch

from cnnref.figures.fields import field_maps

HOLES = torch.zeros(5, 5)
HOLES[::2, ::2] = 1.0


def test_two_drawings_are_the_same_and_count_the_positions():
    pictures = [field_maps([HOLES, torch.ones(3, 3)], ["rate 2", "rate 1"]) for _ in range(2)]
    first, second = (picture._repr_mimebundle_() for picture in pictures)
    assert first == second
    assert "rate 2: 9 of 25 positions are not 0; rate 1: 9 of 9" in pictures[0].alt


def test_circle_and_numbers_are_drawn():
    picture = field_maps([HOLES], ["holes"], numbers=True, radii=[1.5])
    axes = picture.figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1"] * 9
    assert [patch.get_radius() for patch in axes.patches] == [1.5]
    assert "circle of radius 1.5" in picture.alt


def test_large_maps_are_drawn_too():
    assert "1681 of 1681" in field_maps([torch.ones(41, 41)], ["large"]).alt


@pytest.mark.parametrize(
    "bad", [torch.ones(3, 5), torch.ones(4, 4), -torch.ones(3, 3), torch.zeros(3, 3)]
)
def test_refuses_what_is_no_map(bad):
    with pytest.raises(ValueError, match="a map must"):
        field_maps([bad], ["bad"])


def test_refuses_a_missing_title_or_radius():
    with pytest.raises(ValueError, match="1 maps need as many titles and radii, got 0 and 0"):
        field_maps([HOLES], [])
    with pytest.raises(ValueError, match="got 2 and 1"):
        field_maps([HOLES] * 2, ["a", "b"], radii=[1.0])
