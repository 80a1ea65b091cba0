"""Two marks far apart: images whose class no single small window knows.

Every image is a torus of noise with one cross and one ring, in the same row. In class 0 the ring is
12 pixels to the right of the cross, in class 1 it is 12 pixels to the left; around the torus, 32
pixels wide, the other way is 20. Without noise, the windows too narrow to touch both marks are the
same in both classes. With noise each of them is as likely in one class as in the other, but
windows share pixels, so that all of them together can tell the class.
"""

from __future__ import annotations

import numpy as np
import torch

from cnnref.data.images import ImageSet

__all__ = ["DISTANCE", "far_pairs"]

HEIGHT, WIDTH, DISTANCE = 8, 32, 12
"""Pixels down and along an image, and from the cross to the ring."""

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=float)
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)


def far_pairs(count: int, *, seed: int, contrast: float = 120, noise: float = 50) -> ImageSet:
    """Images `(count, 1, 8, 32)`, in turn with the ring right of the cross and left of it.

    Args:
        count: number of images.
        seed: decides the place of the pair, uniformly over the torus, and the noise.
        contrast: height of the marks over the background of 60, in grey levels of 255.
        noise: half the width of the uniform noise on every pixel, in grey levels.

    Raises:
        ValueError: no image, or grey levels that leave 0 to 255.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if contrast < 0 or not 0 <= noise <= 60 or 60 + contrast + noise > 255:
        raise ValueError(
            f"60 - noise and 60 + contrast + noise must stay in 0 to 255, got contrast {contrast}, "
            f"noise {noise}"
        )
    draw = np.random.default_rng([3, seed]).random
    labels = np.arange(count) % 2
    places = (draw((count, 2)) * (HEIGHT, WIDTH)).astype(int)
    pixels = 60 + noise * (2 * draw((count, HEIGHT, WIDTH)) - 1)
    for image, label, (row, column) in zip(pixels, labels, places, strict=True):
        ring = column + (DISTANCE if label == 0 else -DISTANCE)
        for mark, left in ((CROSS, column), (RING, ring)):
            rows, columns = (np.arange(3) + row) % HEIGHT, (np.arange(3) + left) % WIDTH
            image[np.ix_(rows, columns)] += contrast * mark
    return ImageSet(
        torch.from_numpy(np.round(pixels).astype(np.uint8))[:, None],
        torch.from_numpy(labels.astype(np.int64)),
        ("ring to the right", "ring to the left"),
        f"far pairs, synthetic (seed {seed})",
    )
