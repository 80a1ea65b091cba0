"""Fields on photographs: frames and circles where the fields are, and words that say so."""

import pytest
import torch
from torch import nn

from cnnref.accounting import effective_receptive_field
from cnnref.figures import energies_picture, reach_on_photograph
from cnnref.windows import Field, Window

PHOTOGRAPH = torch.arange(3 * 8 * 10).view(3, 8, 10).byte()


def test_the_frame_is_the_field_and_the_circles_share_its_middle():
    field = Field() | Window(5, padding=2)
    picture = reach_on_photograph(PHOTOGRAPH, field.extent(1), {"near": 1.5, "far": 3.0}, "A unit")
    (axes,) = picture.figure.axes
    frame, near, far = axes.patches
    assert (frame.get_x(), frame.get_y()) == (-1.5, -1.5)
    assert (frame.get_width(), frame.get_height()) == (5, 5)
    assert near.center == far.center == (1, 1)
    assert (near.radius, far.radius) == (1.5, 3)
    assert axes.get_title() == "A unit"
    (legend,) = picture.figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["receptive field, 5 pixels", "near", "far"]
    assert picture.alt == (
        "A photograph of 8 by 10 pixels with a frame of 5 by 5 around position 1 and circles about "
        "the same place. near: radius 1.5 pixels; far: radius 3.0 pixels."
    )
    assert not picture.vector


@pytest.mark.parametrize(
    ("photograph", "seen", "message"),
    [
        (PHOTOGRAPH[:1], (0, 2), r"a photograph must be \(3, H, W\), got \(1, 8, 10\)"),
        (PHOTOGRAPH, (2, 0), r"must not end before it begins, got \(2, 0\)"),
    ],
)
def test_what_is_no_photograph_or_no_field_is_refused(photograph, seen, message):
    with pytest.raises(ValueError, match=message):
        reach_on_photograph(photograph, seen, {})


@pytest.fixture
def measured():
    torch.manual_seed(0)
    return effective_receptive_field(nn.Sequential(nn.Conv2d(3, 2, 3, padding=1)), "0", (3, 8, 10))


def test_energies_stand_beside_the_photograph_in_one_frame(measured):
    picture = energies_picture(PHOTOGRAPH, [measured, measured], ["before", "after"])
    photograph, before, after = picture.figure.axes
    for axes in (photograph, before, after):
        (frame,) = axes.patches
        assert (frame.get_x(), frame.get_y()) == (4 - 0.5, 3 - 0.5)
        assert (frame.get_width(), frame.get_height()) == (3, 3)
    shown = torch.tensor(after.images[0].get_array())
    assert torch.allclose(shown.square(), measured.energy)
    assert (before.get_title(), after.get_title()) == ("before", "after")
    assert "frame of 3 by 3 pixels whose first row is 3 and first column 4" in picture.alt
    assert f"after: width {measured.width[0]:.2f} pixels down" in picture.alt


def test_energies_of_another_size_or_without_titles_are_refused(measured):
    with pytest.raises(ValueError, match="1 fields need as many titles, got 2"):
        energies_picture(PHOTOGRAPH, [measured], ["before", "after"])
    with pytest.raises(ValueError, match=r"has \(8, 8\) pixels, a field was measured on \(8, 10\)"):
        energies_picture(PHOTOGRAPH[:, :, :8], [measured], ["before"])
