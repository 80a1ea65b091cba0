"""Random changes: what comes out was there, at the place and as often as the draw says."""

import pytest
import torch

from cnnref.data import AUGMENTATIONS
from cnnref.data.augmentation import crop, flip, shift

IMAGES = torch.arange(400 * 2 * 5 * 6, dtype=torch.float64).view(400, 2, 5, 6)


def test_half_of_the_images_are_mirrored():
    torch.manual_seed(0)
    found = flip(IMAGES)
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(found, IMAGES, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 160 < sum(mirrored) < 240


def test_a_crop_is_a_shift_that_brings_zeros_in():
    torch.manual_seed(0)
    shifts = []
    for found, image in zip(crop(IMAGES, padding=2), IMAGES, strict=True):
        big = torch.zeros(2, 9, 10, dtype=image.dtype)
        big[:, 2:7, 2:8] = image
        at = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if torch.equal(found, big[:, i : i + 5, j : j + 6])
        ]
        assert len(at) == 1
        shifts += at
    counts = torch.zeros(5, 5)
    for i, j in shifts:
        counts[i, j] += 1
    assert counts.min() > 0  # 16 expected in each of the 25 places
    assert counts.max() < 40


def test_a_shift_moves_the_pixels_and_reflects_the_border():
    rows = torch.arange(5.0).view(1, 1, 5, 1).expand(1, 1, 5, 6)
    assert shift(rows, 2)[0, 0, :, 0].tolist() == [2, 1, 0, 1, 2]
    assert shift(rows, -2)[0, 0, :, 0].tolist() == [2, 3, 4, 3, 2]
    columns = rows.transpose(2, 3)
    assert torch.equal(shift(columns, 1), shift(columns.transpose(2, 3), 1).transpose(2, 3))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_seed_repeats_and_shapes_stay(name):
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(AUGMENTATIONS[name](IMAGES))
    assert torch.equal(*results)
    assert results[0].shape == IMAGES.shape
    assert torch.equal(results[0], IMAGES) == (name == "none")
