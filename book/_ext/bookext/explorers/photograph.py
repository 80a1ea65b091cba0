"""Two explorers on the photograph that matplotlib ships: a kernel to play with, one to learn."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .kind import SHARED, Data, Explorer, Preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnnref.figures.style import Picture

SIDE = 80
"""Pixels of a side: enough to know a face, and a hundredth of the photograph."""


@lru_cache(1)
def planes() -> NDArray[np.uint8]:
    """The red and the green of a square of the portrait, the face in it, `(2, SIDE, SIDE)`."""
    from cnnref.figures import photograph

    colours = photograph(6, colour=True)
    left = (colours.shape[2] - SIDE) // 2
    square = colours[:2, :SIDE, left : left + SIDE]
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
    from cnnref.figures.style import Picture, new_figure, style
    from cnnref.windows import Window

    size, weights = int(preset["k"]), numbers(preset["w"])
    if len(weights) != size * size:
        raise ValueError(f"a kernel of {size} by {size} has {size**2} weights, got {len(weights)}")
    window = Window(size, preset["s"], preset["p"], preset["d"])
    grey = torch.from_numpy(planes().copy()).double().mean(0) / 255
    made = conv2d(grey, torch.tensor(weights, dtype=grey.dtype).view(size, size), window)
    largest = float(made.abs().max()) or 1.0
    with style():
        figure, (left, right) = new_figure(5.4, 2.8, ncols=2)
        left.imshow(grey, cmap="gray", vmin=0, vmax=1)
        right.imshow(made, cmap="PuOr", vmin=-largest, vmax=largest)
        for axes, title in ((left, "a photograph"), (right, "the kernel's output")):
            axes.set_title(title)
            axes.axis("off")
    rows, columns = made.shape
    told = (
        f"A portrait of {SIDE} by {SIDE} pixels in grey, and the {rows} by {columns} outputs of a "
        f"kernel of {size} by {size}, from {float(made.min()):.2f} to {float(made.max()):.2f}."
    )
    return Picture(figure, told)


def photograph_data(_: Preset) -> Data:
    """The two planes as bytes."""
    content: dict[str, Any] = {
        "side": SIDE,
        "bytes": [b64encode(plane.tobytes()).decode() for plane in planes()],
    }
    return Data(content)


def draw_learning(preset: Preset) -> Picture:
    """How the loss falls while a kernel is learnt from the photograph, or from noise.

    Raises:
        ValueError: there is no such hidden kernel or input.
    """
    import torch
    from torch.nn import functional

    from cnnref.convolution import conv2d, conv2d_kernel_gradient
    from cnnref.figures.style import Picture, new_figure, style
    from cnnref.windows import Window

    if preset["hidden"] != "vertical" or preset["input"] != "photo":
        asked = preset["hidden"], preset["input"]
        raise ValueError(f"the figure knows 'vertical' and 'photo' alone, got {asked}")
    rate = float(preset["rate"])
    plane = torch.from_numpy(planes().mean(0).round()).double() / 127.5 - 1
    hidden = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=plane.dtype)
    target, kernel = conv2d(plane, hidden, Window(3)), torch.zeros_like(hidden)
    losses = []
    for _ in range(121):
        error = conv2d(plane, kernel, Window(3)) - target
        losses.append(float(functional.mse_loss(error, torch.zeros_like(error))))
        slope = conv2d_kernel_gradient(error, plane, Window(3))
        kernel = kernel - rate * 2 * slope / error.numel()
    with style():
        figure, axes = new_figure(5.4, 2.6)
        axes.semilogy(losses)
        axes.set(xlabel="step", ylabel="mean squared error")
    told = (
        f"The loss of a kernel that is learnt: {losses[0]:.3g} at first, {losses[-1]:.3g} at last."
    )
    return Picture(figure, told)


def learning_data(_: Preset) -> Data:
    """The photograph in grey as bytes, and as many random bits."""
    import numpy as np

    grey = planes().mean(0).round().astype(np.uint8)
    bits = np.random.default_rng(0).integers(0, 2, SIDE * SIDE, dtype=np.uint8)
    coded = {"photo": grey, "noise": np.packbits(bits)}
    content: dict[str, Any] = {
        name: b64encode(values.tobytes()).decode() for name, values in coded.items()
    }
    return Data({"side": SIDE} | content)


LEARNING = Explorer(
    "Learning a kernel",
    (*SHARED, "explorer-photograph-pixels.js", "explorer-learning.js"),
    {"hidden": "vertical", "input": "photo", "rate": "0.3", "at": 0},
    draw_learning,
    data=learning_data,
    styles=("explorer-photograph.css",),
)

PHOTOGRAPH = Explorer(
    "A kernel on a photograph",
    (*SHARED, "explorer-photograph-pixels.js", "explorer-photograph.js"),
    {"preset": "vertical", "k": "3", "w": "-1, 0, 1, -2, 0, 2, -1, 0, 1", "channels": "one"}
    | {"w2": "1, 0, -1, 2, 0, -2, 1, 0, -1", "flip": "", "s": 1, "p": 1, "d": 1, "at": 2270},
    draw_photograph,
    data=photograph_data,
    styles=("explorer-photograph.css",),
)
