"""Kat's cat, made by machine: mosaics that only their whole arrangement tells apart.

Question MIT-4.2 needs images with a cat in one quadrant that no small sub-image gives away. No
photographs come with it, so these are synthetic, and their design is ours. A "cat" is a mosaic of
5 x 5 dark and light tiles, each 4 pixels wide, on a noisy grey background. An image without the cat
holds another mosaic instead, one of 29 that have the same 2 x 2 tiles equally often, counted over
all positions and with the surroundings as a third kind of tile. A window of up to 5 x 5 pixels
touches at most 2 x 2 tiles. So before noise all thirty mosaics show the same windows equally often,
and what is local, and summed over positions, cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cnnref.data.images import ImageSet
from cnnref.errors import unknown

__all__ = ["CAT", "DISTRACTORS", "PATCH", "QUADRANTS", "kats_images", "mosaic"]

SIDE, TILE = 100, 4
"""Pixels along an image and along a tile."""


def _arrangement(number: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The 5 x 5 tiles whose bits, row by row and most significant first, make `number`."""
    return np.array([bit == "1" for bit in f"{number:025b}"]).reshape(5, 5)


CAT: np.ndarray[Any, np.dtype[np.bool_]] = np.array([[c == "#" for c in row] for row in (
    ".#...",
    "##..#",
    "..#..",
    "...#.",
    ".#...",
)])  # fmt: skip
"""The cat's tiles, `True` where light."""

DISTRACTORS: np.ndarray[Any, np.dtype[np.bool_]] = np.stack([_arrangement(number) for number in (
    0x08d0504, 0x08d0482, 0x08c0924, 0x0812704, 0x0811a28, 0x080d182, 0x0805582, 0x0802b24,
    0x0491828, 0x0491824, 0x0460a24, 0x0415828, 0x0415824, 0x0412702, 0x0412324, 0x0411a24,
    0x040d182, 0x0405582, 0x0402b24, 0x02b0504, 0x02b0482, 0x0289182, 0x0246482, 0x0234502,
    0x0234482, 0x0234124, 0x0230682, 0x0205582, 0x0202b24,
)])  # fmt: skip
"""`(29, 5, 5)`: every other arrangement with the cat's 2 x 2 tiles. The test enumerates them."""

PATCH = TILE * len(CAT)
"""Pixels along a mosaic: 20."""

QUADRANTS: Mapping[str, tuple[int, int]] = {
    "lower left": (SIDE // 2, 0),
    "upper right": (0, SIDE // 2),
}
"""Row and column of the top left pixel of a quadrant."""


def mosaic(
    tiles: np.ndarray[Any, np.dtype[np.bool_]],
) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    """The pixels `(20, 20)` of an arrangement: 1 in light tiles, -1 in dark ones."""
    return np.kron(np.where(tiles, 1.0, -1.0), np.ones((TILE, TILE)))


def kats_images(
    count: int, *, seed: int, quadrant: str = "lower left", contrast: float = 60, noise: float = 52
) -> ImageSet:
    """Images `(count, 1, 100, 100)` in turn without the cat (label 0) and with it (label 1).

    Each holds one mosaic, wholly inside the quadrant, at one of 31 x 31 positions drawn uniformly.
    Its contrast varies by up to a fifth. A distractor is drawn uniformly from the 29.

    Args:
        count: number of images.
        seed: decides positions, contrasts, distractors and noise.
        quadrant: a key of `QUADRANTS`.
        contrast: mean distance of a tile from the grey of the background, in grey levels of 255.
        noise: half the width of the uniform noise on every pixel, in grey levels.

    Raises:
        ValueError: no such quadrant, no image, or grey levels that leave 0 to 255.
    """
    if quadrant not in QUADRANTS:
        raise ValueError(unknown("quadrant", quadrant, QUADRANTS))
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if contrast < 0 or noise < 0 or 1.2 * contrast + noise > 127:
        raise ValueError(
            f"1.2 contrast + noise must be at most 127, got contrast {contrast}, noise {noise}"
        )
    # Uniform numbers alone: their stream is the same in every version of numpy.
    draw = np.random.default_rng([2, seed]).random
    labels = np.arange(count) % 2
    places = (draw((count, 2)) * (SIDE // 2 - PATCH + 1)).astype(int) + QUADRANTS[quadrant]
    strengths = contrast * (0.8 + 0.4 * draw(count))
    others = (draw(count) * len(DISTRACTORS)).astype(int)
    pixels = 128 + noise * (2 * draw((count, SIDE, SIDE)) - 1)
    for image, label, (top, left), strength, other in zip(
        pixels, labels, places, strengths, others, strict=True
    ):
        tiles = CAT if label else DISTRACTORS[other]
        image[top : top + PATCH, left : left + PATCH] += strength * mosaic(tiles)
    return ImageSet(
        torch.from_numpy(np.round(pixels).astype(np.uint8))[:, None],
        torch.from_numpy(labels.astype(np.int64)),
        ("no cat", "cat"),
        f"Kat's cat, {quadrant} quadrant, synthetic (seed {seed})",
    )
