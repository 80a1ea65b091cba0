"""The sample photograph, and images side by side."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from cnnref.figures import photograph, shades_picture


def test_a_photograph_is_grey_and_shrinks_by_means():
    whole, half = photograph(), photograph(2)
    assert whole.shape == (600, 512)
    assert half.shape == (300, 256)
    assert 0 <= whole.min() < 0.1 < 0.9 < whole.max() <= 1
    assert whole.dtype == torch.get_default_dtype()
    torch.testing.assert_close(half[3, 5], whole[6:8, 10:12].mean())


def test_the_colours_of_a_photograph_have_its_grey_as_their_mean():
    colours, grey = photograph(4, colour=True), photograph(4)
    assert colours.shape == (3, 150, 128)
    torch.testing.assert_close(colours.mean(0), grey)
    assert (colours.amax(0) - colours.amin(0)).max() > 0.2


@pytest.mark.parametrize("shrink", [0, 513])
def test_a_photograph_of_no_pixels_is_refused(shrink):
    with pytest.raises(ValueError, match=f"shrink must be from 1 to 512, got {shrink}"):
        photograph(shrink)


def test_a_signed_image_has_a_scale_of_its_own_around_zero():
    images = {"plain": torch.rand(4, 6) - 0.1, "signed": torch.tensor([[-2.0, 0.5]])}
    picture = shades_picture(images, 2, "Noise.", signed=["signed"])
    plain, signed = (axes.get_images()[0] for axes in picture.figure.axes)
    assert plain.get_clim() == (0, 1)
    assert signed.get_clim() == (-2, 2)
    assert plain.get_cmap().name != signed.get_cmap().name
    assert picture.alt == "2 images, plain: 4 by 6; signed: 1 by 2. Noise."


def test_a_title_that_no_image_has_is_refused():
    with pytest.raises(ValueError, match=r"signed has the titles \['b'\]; images are \['a'\]"):
        shades_picture({"a": torch.zeros(2, 2)}, 1, "Black.", signed=["b"])


def test_rows_are_filled_and_drawings_repeat():
    images = {name: torch.zeros(3, 3) for name in "abcde"}
    first, second = (shades_picture(images, 3, "Black.") for _ in range(2))
    assert [len(axes.get_images()) for axes in first.figure.axes] == [1, 1, 1, 1, 1, 0]
    drawn = [picture._repr_mimebundle_()[0]["image/png"] for picture in (first, second)]
    assert drawn[0] == drawn[1]
    assert np.asarray(Image.open(BytesIO(drawn[0]))).shape[1] == round(5.4 * 160)
