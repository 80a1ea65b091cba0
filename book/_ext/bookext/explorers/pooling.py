"""The explorer of pooling: which outputs a displaced input changes."""

from __future__ import annotations

from cnnref.figures import window_picture
from cnnref.figures.style import Picture
from cnnref.windows import Window

from .kind import Explorer, Preset


def draw_pooling(preset: Preset) -> Picture:
    """The windows of the pooling over the input."""
    window = Window(preset["k"], preset["s"], (preset["l"], preset["r"]))
    kind = preset["fill"] if preset["op"] == "max" else preset["count"]
    padding = {"zeros": "0", "infinity": r"-\infty", "none": ""}[kind]
    symbols = ("x", "t", "y")
    return window_picture(window, len(preset["x"].split()), symbols=symbols, padding=padding)


POOLING = Explorer(
    "Pooling and jitter",
    "pooling-arithmetic pooling-drawing pooling",
    {"x": "0.4 0.1 0.5 0.9 0.01 0.3 0.8", "op": "max", "fill": "zeros", "count": "zeros"}
    | {"k": 2, "s": 1, "l": 0, "r": 0, "move": "shift", "by": 1, "enters": "zeros", "i": 4},
    draw_pooling,
)
