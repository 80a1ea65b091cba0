"""Two marks far apart: what windows of a given size can know of the class."""

from collections import Counter

import numpy as np
import pytest

from cnnref.data import far_pairs, load


def windows_of(image: np.ndarray, side: int) -> Counter:
    """How often each window of `side` columns and up to 8 rows occurs on the torus."""
    height, width = image.shape
    rows, columns = np.arange(min(side, height)), np.arange(side)
    return Counter(
        image[np.ix_((i + rows) % height, (j + columns) % width)].tobytes()
        for i in range(height)
        for j in range(width)
    )


def test_without_noise_windows_that_never_touch_both_marks_are_the_same_in_both_classes():
    data = far_pairs(40, seed=0, noise=0)
    right, left = (data.images[data.labels == k, 0].numpy() for k in (0, 1))
    for side in (1, 3, 9, 10):
        assert len({frozenset(windows_of(i, side).items()) for i in (*right, *left)}) == 1
    assert set(windows_of(right[0], 13)) != set(windows_of(left[0], 13))


def marks_of(image: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """The centres of the cross and of the ring, from the pixels that no noise reaches."""
    lit = image > 120
    found = []
    for mark in (
        np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]),
        np.array([[1] * 3, [1, 0, 1], [1] * 3]),
    ):
        places = [
            ((i + 1) % 8, (j + 1) % 32)
            for i in range(8)
            for j in range(32)
            if (lit[np.ix_((i + np.arange(3)) % 8, (j + np.arange(3)) % 32)] == mark).all()
        ]
        assert len(places) == 1
        found += places
    return found[0], found[1]


def test_with_noise_a_field_of_nine_can_tell_by_a_pixel_that_two_windows_share():
    """Six columns right of the cross and six left of the ring: one pixel in class 0 alone."""
    data = far_pairs(200, seed=5)
    for image, label in zip(data.images[:, 0].numpy().astype(int), data.labels, strict=True):
        (row, cross), (same_row, ring) = marks_of(image)
        assert row == same_row
        places = (cross + 6) % 32, (ring - 6) % 32
        assert (places[0] == places[1]) == (label == 0)


def test_marks_are_where_the_class_says():
    data = far_pairs(60, seed=3, noise=0)
    for image, label in zip(data.images[:, 0].numpy().astype(int), data.labels, strict=True):
        lit = image > 60
        assert lit.sum() == 5 + 8
        # In the marks' first row the ring has three pixels side by side, the cross one.
        shifts = [
            shift
            for shift in (12, -12)
            if any(
                lit[r, (c + 1) % 32] and not lit[r, c] and not lit[r, (c + 2) % 32]
                and lit[r, [(c + shift + k) % 32 for k in range(3)]].all()
                and lit[(r + 1) % 8, [(c + k) % 32 for k in range(3)]].all()
                for r in range(8) for c in range(32)
            )
        ]  # fmt: skip
        assert shifts == [12 if label == 0 else -12]


def test_places_cover_the_torus_and_classes_alternate():
    data = far_pairs(4000, seed=1, noise=0)
    assert data.labels[:4].tolist() == [0, 1, 0, 1]
    per_pixel = (data.images[:, 0] > 60).double().mean(0)
    assert per_pixel.min() > 0.5 * per_pixel.mean()
    assert per_pixel.max() < 1.5 * per_pixel.mean()


def test_the_dataset_needs_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    assert len(load("far-pairs", "train")) == 2000
    assert load("far-pairs", "test").images.shape == (1000, 1, 8, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"noise": 61}, "noise 61"),
        ({"contrast": 190}, "contrast 190"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        far_pairs(**{"count": 2, "seed": 0, **change})
