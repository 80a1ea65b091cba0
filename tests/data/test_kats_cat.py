"""Kat's images are what their description says."""

from itertools import combinations

import numpy as np
import pytest
import torch

from cnnref.data import kats_images, load
from cnnref.data.kats_cat import CAT, DISTRACTORS, PATCH, QUADRANTS, mosaic


def pieces(tiles: np.ndarray) -> list[tuple[int, ...]]:
    """All 2 x 2 tiles of an arrangement, the surroundings being a third kind of tile."""
    framed = np.pad(tiles.astype(int), 1, constant_values=2)
    return sorted(
        tuple(framed[i : i + 2, j : j + 2].flat)
        for i in range(len(framed) - 1)
        for j in range(len(framed) - 1)
    )


def test_the_distractors_are_all_arrangements_with_the_cats_pieces():
    """By enumeration. What equal pieces imply and is quick to see is asked first."""
    wanted, light = pieces(CAT), int(CAT.sum())
    corners = [0, 4, 20, 24]
    lit = CAT.ravel()[corners].sum()
    found = set()
    for chosen in combinations(range(25), light):
        # The pieces at the corners show one tile each: a cheap test before the full one.
        if sum(c in chosen for c in corners) != lit:
            continue
        tiles = np.zeros(25, bool)
        tiles[list(chosen)] = True
        grid = tiles.reshape(5, 5)
        if grid[:, 1:].sum() + grid[:, :-1].sum() != CAT[:, 1:].sum() + CAT[:, :-1].sum():
            continue
        if (grid[1:] & grid[:-1]).sum() != (CAT[1:] & CAT[:-1]).sum():
            continue
        if (grid[:, 1:] & grid[:, :-1]).sum() != (CAT[:, 1:] & CAT[:, :-1]).sum():
            continue
        if pieces(grid) == wanted:
            found.add(tiles.tobytes())
    found.discard(CAT.ravel().tobytes())
    assert len(DISTRACTORS) == 29
    assert found == {d.ravel().tobytes() for d in DISTRACTORS}


def test_without_noise_an_image_is_grey_but_for_one_mosaic_in_its_quadrant():
    for quadrant, (top, left) in QUADRANTS.items():
        data = kats_images(60, seed=3, quadrant=quadrant, noise=0)
        assert data.labels.tolist() == [0, 1] * 30
        for image, label in zip(data.images[:, 0].int(), data.labels, strict=True):
            rows, columns = (image != 128).nonzero().T
            assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == PATCH
            assert top <= rows.min() <= rows.max() < top + 50
            assert left <= columns.min() <= columns.max() < left + 50
            first = rows.min(), columns.min()
            patch = image[first[0] : first[0] + PATCH, first[1] : first[1] + PATCH] - 128
            strength = int(patch.abs().max())
            assert 47 <= strength <= 72
            tiles = (patch > 0).numpy()[::4, ::4]
            assert np.abs(patch.numpy() - strength * mosaic(tiles)).max() <= 1
            assert np.array_equal(tiles, CAT) == bool(label)


def test_positions_cover_the_quadrant():
    data = kats_images(1500, seed=4, noise=0)
    starts = [(image != 128).nonzero()[0].tolist() for image in data.images[:, 0].int()]
    rows, columns = np.array(starts).T
    assert set(rows) == set(range(50, 81))
    assert set(columns) == set(range(31))


def test_the_noise_is_uniform_and_no_pixel_is_cut_off():
    data = kats_images(100, seed=5)
    assert data.images.min() >= 128 - 72 - 52
    assert data.images.max() <= 128 + 72 + 52
    corner = data.images[:, 0, :50, 50:].double()
    assert abs(corner.mean() - 128) < 0.2
    assert abs(corner.std() - 52 / 3**0.5) < 0.2


def test_the_datasets_need_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    train = load("kats-cat", "train")
    assert train.sha256 == load("kats-cat-moved", "train").sha256
    assert len(train) == 800
    here, there = load("kats-cat", "test"), load("kats-cat-moved", "test")
    assert len(here) == len(there) == 400
    assert train.images.shape[1:] == (1, 100, 100)
    # No training image comes back in a test set.
    flat = {image.numpy().tobytes() for image in train.images}
    assert not flat & {image.numpy().tobytes() for image in torch.cat([here.images, there.images])}


def test_a_seed_gives_the_same_images():
    assert kats_images(6, seed=7).sha256 == kats_images(6, seed=7).sha256
    assert kats_images(6, seed=7).sha256 != kats_images(6, seed=8).sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quadrant": "lower leaf"}, "did you mean 'lower left'"),
        ({"count": 0}, "got 0"),
        ({"contrast": 80}, "got contrast 80"),
        ({"noise": -1}, "noise -1"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        kats_images(**{"count": 2, "seed": 0, **change})
