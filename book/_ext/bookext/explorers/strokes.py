"""Ten digits drawn by hand for this book, and how a drawing becomes a picture as MNIST's were.

The twin of `explorer-network-strokes.js`, for the figure of a page without scripts and for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE, BOX = 28, 20
"""Pixels of a picture's side, and of the longer side of its drawing (LeCun et al. 1998)."""

PEN = 9
"""Width of a line on a pad of 100 by 100."""

DIGITS = (
    "50,18 45,19 40,21 36,24 33,29 30,34 28,40 27,46 27,52 27,58 28,64 30,69 33,74 37,78 "
    "41,81 45,83 49,83 54,83 58,81 62,78 66,74 69,70 71,64 72,58 73,52 73,46 72,39 70,34 "
    "68,29 65,25 62,22 58,20 54,18 50,18",
    "56,16 55,21 53,28 52,36 51,44 49,52 48,60 47,69 46,78 45,84",
    "30,32 31,29 33,25 36,21 40,19 44,17 48,16 53,16 57,18 61,20 64,23 65,27 66,31 66,35 "
    "64,40 62,44 59,49 54,53 50,58 46,63 41,67 37,71 33,75 30,79 28,82 32,81 37,80 42,79 "
    "47,79 51,80 56,81 62,82 68,82 72,83",
    "31,24 34,22 38,19 42,17 46,16 51,17 55,18 59,20 61,24 63,27 63,31 62,35 60,38 56,41 "
    "50,44 46,46 50,47 55,48 60,50 63,53 66,57 67,61 67,65 66,70 64,74 61,78 56,81 52,83 "
    "47,84 42,83 38,82 34,80 31,77 29,75",
    "40,16 38,20 36,26 34,32 32,39 30,45 28,50 31,51 35,51 40,52 45,52 51,52 56,51 62,50 "
    "68,50 72,49; 62,18 61,24 61,32 60,40 59,47 59,55 58,62 58,71 57,80 57,86",
    "66,17 62,17 56,18 50,18 45,18 41,19 38,19 37,23 36,28 35,32 34,36 34,41 33,45 36,44 "
    "41,42 45,41 50,41 54,43 58,45 62,48 64,53 66,57 66,62 65,67 63,72 60,76 55,80 51,82 "
    "46,83 41,83 37,82 33,80 30,78 28,76",
    "60,15 56,18 51,22 46,26 42,31 39,36 36,42 34,48 32,54 31,60 31,66 33,71 35,76 38,80 "
    "43,83 47,84 52,84 56,82 60,80 63,76 65,72 66,68 65,64 63,60 60,57 56,55 52,54 48,54 "
    "44,55 40,58 37,60 35,63 33,66 32,68",
    "28,22 32,21 37,21 42,20 47,20 51,20 56,20 62,20 67,19 71,19 69,23 67,30 64,36 61,42 "
    "58,48 55,54 52,60 50,65 48,70 46,76 44,82 43,86",
    "62,26 59,23 56,19 52,17 48,17 43,18 40,20 38,23 37,28 37,32 39,36 42,39 46,43 50,46 "
    "54,50 58,53 61,57 64,62 66,66 66,71 64,76 62,80 59,83 54,85 50,86 45,85 41,84 37,81 "
    "35,77 34,73 34,68 36,64 39,59 43,55 47,51 52,47 56,43 59,39 62,36 64,33 64,30 64,28 "
    "62,26",
    "65,30 63,27 60,22 56,19 52,18 47,18 43,19 39,22 36,26 34,30 34,35 35,40 37,44 40,47 "
    "45,48 49,49 53,48 57,46 60,43 62,39 64,34 65,30 65,34 65,40 64,46 63,52 62,58 60,64 "
    "58,72 56,80 55,85",
)
"""Points of a stroke between spaces, strokes between semicolons; x to the right, y down."""

Points = Sequence[Sequence[float]]


def parse(text: str) -> list[list[list[float]]]:
    """Strokes from their text, each a list of points."""
    return [
        [[float(part) for part in point.split(",")] for point in stroke.split()]
        for stroke in text.split(";")
        if stroke.strip()
    ]


def raster(strokes: Sequence[Points], radius: float) -> NDArray[np.float64]:
    """Ink of strokes in pixels, `(SIDE, SIDE)` from 0 to 1.

    A pixel is as dark as its middle lies near a stroke, fading over one pixel at the rim.
    """
    import numpy as np

    middles = np.arange(SIDE) + 0.5
    at = np.stack(np.meshgrid(middles, middles), axis=-1)
    nearest = np.full((SIDE, SIDE), np.inf)
    for stroke in strokes:
        ends = stroke[1:] or stroke
        for a, b in zip(np.array(stroke, float), np.array(ends, float), strict=False):
            length = float((b - a) @ (b - a))
            along = ((at - a) @ (b - a) / length).clip(0, 1) if length else np.zeros((SIDE, SIDE))
            away = np.linalg.norm(at - a - along[..., None] * (b - a), axis=-1)
            nearest = np.minimum(nearest, away)
    ink: NDArray[np.float64] = (radius + 0.5 - nearest).clip(0, 1)
    return ink


def prepared(strokes: Sequence[Points], pen: float = PEN) -> NDArray[np.float64]:
    """A drawing's picture, `(SIDE, SIDE)`: the longer side fills `BOX`, the ink is centred."""
    import numpy as np

    points = [point for stroke in strokes for point in stroke]
    if not points:
        return np.zeros((SIDE, SIDE))
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    scale = BOX / (float(np.max(high - low)) + pen)
    placed = [(np.array(stroke, float) - (low + high) / 2) * scale + SIDE / 2 for stroke in strokes]
    first = raster([stroke.tolist() for stroke in placed], pen * scale / 2)
    middles = np.arange(SIDE) + 0.5
    centre = np.array([first.sum(0) @ middles, first.sum(1) @ middles]) / first.sum()
    moved = [(stroke + SIDE / 2 - centre).tolist() for stroke in placed]
    return raster(moved, pen * scale / 2)
