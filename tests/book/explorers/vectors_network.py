"""Golden vectors for the drawings of the network's explorer: what its Python twin computes."""

import math
import random

import numpy as np

from bookext.explorers.network import DIGITS

MASK = 2**32 - 1
SIDE, BOX = 28, 20
"""Pixels of a picture's side, and of the longer side of its drawing (LeCun et al. 1998)."""

PEN = 9
"""Width of a line on a pad of 100 by 100."""


# --- the twin ------------------------------------------------------------------------------------


def parse(text):
    """Strokes from their text, each a list of points."""
    return [
        [[float(part) for part in point.split(",")] for point in stroke.split()]
        for stroke in text.split(";")
        if stroke.strip()
    ]


def raster(strokes, radius):
    """Ink of strokes in pixels, `(SIDE, SIDE)` from 0 to 1.

    A pixel is as dark as its middle lies near a stroke, fading over one pixel at the rim.
    """
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
    return (radius + 0.5 - nearest).clip(0, 1)


def prepared(strokes, pen=PEN):
    """A drawing's picture, `(SIDE, SIDE)`: the longer side fills `BOX`, the ink is centred."""
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


# --- vectors -------------------------------------------------------------------------------------


def drawings(count, seed):
    """The book's own digits, dots, straight lines, and scribbles."""
    draw = random.Random(seed)
    kinds = [parse(text) for text in DIGITS]
    kinds += [[[[50, 50]]], [[[0, 100], [100, 0]]], [[[3, 97], [3, 97]], [[90, 4]]]]
    yield from kinds[:count]
    for _ in range(count - len(kinds)):
        yield [
            [[draw.randint(0, 100), draw.randint(0, 100)] for _ in range(draw.randint(1, 7))]
            for _ in range(draw.randint(1, 4))
        ]


def pictures():
    draw = random.Random(31)
    for strokes in drawings(220, 30):
        pen = draw.choice((3, 9, 9, 15, 24))
        yield [strokes, pen], {"value": {"ink": prepared(strokes, pen).flatten().tolist()}}
    yield [[], 9], {"value": {"ink": [0] * SIDE**2, "scale": 0}}


def rasters():
    draw = random.Random(32)
    for strokes in drawings(210, 33):
        # Partly outside, so that what leaves the picture is cut.
        placed = [[[0.3 * x - 3.3, 0.31 * y - 2] for x, y in stroke] for stroke in strokes]
        radius = draw.uniform(0.2, 3)
        yield [placed, radius], {"value": raster(placed, radius).flatten().tolist()}


def turns():
    draw = random.Random(34)
    for strokes in drawings(210, 35):
        angle = draw.randint(-180, 180)
        # Complex numbers: another way to turn.
        by = complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        moved = [[complex(x - 50, y - 50) * by + 50 + 50j for x, y in s] for s in strokes]
        yield [strokes, angle], {"value": [[[z.real, z.imag] for z in s] for s in moved]}


def inks(count, seed):
    draw = random.Random(seed)
    for _ in range(count):
        yield draw, [draw.random() for _ in range(SIDE * SIDE)]


def shifts():
    for draw, ink in inks(200, 36):
        right, down = draw.randint(-28, 28), draw.randint(-28, 28)
        padded = np.pad(np.array(ink).reshape(SIDE, SIDE), SIDE)
        moved = padded[SIDE - down : 2 * SIDE - down, SIDE - right : 2 * SIDE - right]
        yield [ink, right, down], {"value": moved.flatten().tolist()}


def covers():
    for draw, ink in inks(200, 37):
        row, column, size = draw.randint(0, 27), draw.randint(0, 27), draw.randint(1, 6)
        left = np.array(ink).reshape(SIDE, SIDE)
        left[row : row + size, column : column + size] = 0
        yield [ink, row, column, size], {"value": left.flatten().tolist()}


def lots():
    """Mulberry32, in integers that do not overflow."""
    state = 1
    while True:
        state = (state + 0x6D2B79F5) & MASK
        mixed = ((state ^ (state >> 15)) * (state | 1)) & MASK
        mixed ^= (mixed + (((mixed ^ (mixed >> 7)) * (mixed | 61)) & MASK)) & MASK
        yield (mixed ^ (mixed >> 14)) / 2**32


def noises():
    stream = lots()
    drawn = [next(stream) for _ in range(SIDE * SIDE)]
    for draw, ink in inks(200, 38):
        percent = draw.randint(0, 100)
        pairs = zip(ink, drawn, strict=True)
        yield [ink, percent], {"value": [x + percent / 100 * (lot - x) for x, lot in pairs]}


BAD_TEXTS = ("1", "1,2,3", "101,5", "5,101", "-1,5", "a,b", "1.5,2", "1,2 3", "1,2; x")


def texts():
    for strokes in drawings(210, 39):
        text = "; ".join(" ".join(f"{x:.0f},{y:.0f}" for x, y in s) for s in strokes)
        yield [text], {"value": strokes}
    for text in ("", " ; ", ";;"):
        yield [text], {"value": []}
    for text in BAD_TEXTS:
        yield [text], {"refused": "strokes"}


FUNCTIONS = {
    "strokes.parse": texts,
    "strokes.turned": turns,
    "strokes.raster": rasters,
    "strokes.prepared": pictures,
    "strokes.shifted": shifts,
    "strokes.covered": covers,
    "strokes.noisy": noises,
}
