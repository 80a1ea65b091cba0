"""Two explorers on the photograph that matplotlib ships: a kernel to play with, one to learn."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from .kind import Data, Explorer, Preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnnref.figures.style import Picture

SIDE = 80
"""Pixels of a side: enough to know a face, and a hundredth of the photograph."""


@lru_cache(1)
def pixels() -> NDArray[np.uint8]:
    """A square of the portrait in grey, the face in it, `(SIDE, SIDE)`."""
    from cnnref.figures import photograph

    grey = photograph(6)
    left = (grey.shape[1] - SIDE) // 2
    square: NDArray[np.uint8] = (255 * grey[:SIDE, left : left + SIDE]).round().byte().numpy()
    return square


def numbers(text: str) -> list[float]:
    """Numbers between commas."""
    return [float(part) for part in text.replace(",", " ").split()]


def draw_photograph(preset: Preset) -> Picture:
    """The photograph, and what the kernel makes of it.

    Raises:
        ValueError: the kernel is not square, or there are not as many weights as it has taps.
    """
    import torch

    from cnnref.convolution import conv2d
    from cnnref.figures import shades_picture
    from cnnref.windows import Window

    size, weights = int(preset["k"]), numbers(preset["w"])
    if len(weights) != size * size:
        raise ValueError(f"a kernel of {size} by {size} has {size**2} weights, got {len(weights)}")
    window = Window(size, preset["s"], preset["p"], preset["d"])
    grey = torch.from_numpy(pixels().copy()).double() / 255
    made = conv2d(grey, torch.tensor(weights, dtype=grey.dtype).view(size, size), window)
    told = f"The outputs lie between {float(made.min()):.2f} and {float(made.max()):.2f}."
    title = "what the kernel makes of it"
    picture = shades_picture({"a photograph": grey, title: made}, 2, told, signed=[title])
    return replace(picture, vector=True)  # as the other explorers' figures


def photograph_data(_: Preset) -> Data:
    """The photograph as bytes."""
    return Data({"side": SIDE, "photo": b64encode(pixels().tobytes()).decode()})


PHOTOGRAPH = Explorer(
    "A kernel on a photograph",
    "photograph-pixels photograph",
    {"preset": "vertical", "k": "3", "w": "-1, 0, 1, -2, 0, 2, -1, 0, 1", "flip": ""}
    | {"s": 1, "p": 1, "d": 1, "at": 2270},
    draw_photograph,
    data=photograph_data,
    sheet="photograph",
)
LEARNING = Explorer(
    "Learning a kernel",
    "photograph-pixels learning",
    {"rate": "0.3", "at": 0},
    # What is given: the photograph, and what the kernel that is hidden at first has made of it.
    lambda _: draw_photograph(PHOTOGRAPH.preset),
    data=photograph_data,
    controls=lambda _: {"hidden": "", "input": ""},
    sheet="photograph",
)
