"""Golden vectors for the drawings of the network's explorer: what its Python twin computes."""

import math
import random

import numpy as np

from bookext.explorers.strokes import DIGITS, SIDE, parse, prepared, raster

MASK = 2**32 - 1


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
