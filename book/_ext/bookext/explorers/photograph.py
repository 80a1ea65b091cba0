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
def planes() -> NDArray[np.uint8]:
    """A square of the portrait, the face in it: grey, red and green, `(3, SIDE, SIDE)`."""
    import torch

    from cnnref.figures import photograph

    colours = photograph(6, colour=True)
    left = (colours.shape[2] - SIDE) // 2
    square = torch.cat([colours.mean(0, keepdim=True), colours[:2]])[:, :SIDE, left : left + SIDE]
    pixels: NDArray[np.uint8] = (255 * square).round().byte().numpy()
    return pixels


def numbers(text: str) -> list[float]:
    """Numbers between commas."""
    return [float(part) for part in text.replace(",", " ").split()]


def draw_photograph(preset: Preset) -> Picture:
    """The photograph in grey, and what the kernel makes of it.

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
    grey = torch.from_numpy(planes()[0].copy()).double() / 255
    made = conv2d(grey, torch.tensor(weights, dtype=grey.dtype).view(size, size), window)
    told = f"The outputs lie between {float(made.min()):.2f} and {float(made.max()):.2f}."
    title = "what a kernel makes of it"
    picture = shades_picture({"a photograph": grey, title: made}, 2, told, signed=[title])
    return replace(picture, vector=True)  # as the other explorers' figures


def photograph_data(preset: Preset) -> Data:
    """The planes as bytes; grey alone where there are no channels to choose."""
    kept = planes() if "channels" in preset else planes()[:1]
    return Data({"side": SIDE, "planes": [b64encode(plane.tobytes()).decode() for plane in kept]})


PHOTOGRAPH = Explorer(
    "A kernel on a photograph",
    "photograph-pixels photograph",
    {"preset": "vertical", "k": "3", "w": "-1, 0, 1, -2, 0, 2, -1, 0, 1", "channels": "one"}
    | {"w2": "1, 0, -1, 2, 0, -2, 1, 0, -1", "flip": "", "s": 1, "p": 1, "d": 1, "at": 2270},
    draw_photograph,
    data=photograph_data,
    sheet="photograph",
)
LEARNING = Explorer(
    "Learning a kernel",
    "photograph-pixels learning",
    {"rate": "0.3", "at": 0},
    # What is given: the photograph, and what the kernel that is hidden at first has made of it,
    # without padding.
    lambda _: draw_photograph({**PHOTOGRAPH.preset, "p": 0}),
    data=photograph_data,
    controls=lambda _: {"hidden": "", "input": ""},
    sheet="photograph",
)
