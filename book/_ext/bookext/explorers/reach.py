"""The explorer of receptive fields: a stack of layers, what it sees and what it costs."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .kind import SHARED, Data, Explorer, Preset

if TYPE_CHECKING:
    from torch import nn

    from cnnref.figures.style import Picture
    from cnnref.windows import Window

VGG_BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))

NETWORKS: dict[str, tuple[int, int, str]] = {
    "Short chain": (32, 1, "conv3 conv3 pool2s2 conv3"),
    "IU-4": (
        256,
        3,
        "conv7p3c32 conv5s2c64 pool2s2 conv3d2c128 conv3c128 pool2s2 conv3c256 pool2s2 "
        "conv13c1024 conv1c1024 conv1c10",
    ),
    "PlainCNN": (
        32,
        3,
        "conv3c32 conv3c32 pool2s2 conv3c64 conv3c64 pool2s2 conv5c128 conv1",
    ),
    "VGG-16": (
        224,
        3,
        " ".join(
            [
                *(f"{f'conv3p1c{c} ' * times}pool2s2" for times, c in VGG_BLOCKS),
                "conv7c4096 conv1c4096 conv1c1000",
            ]
        ),
    ),
    "Dilated stack": (48, 1, "conv3p1c16 conv3p2d2c16 conv3p4d4c16 conv3p8d8c16"),
    "Inception 3a, 1×1 path": (28, 192, "conv1c64"),
    "Inception 3a, 3×3 path": (28, 192, "conv1c96 conv3p1c128"),
    "Inception 3a, 5×5 path": (28, 192, "conv1c16 conv5p2c32"),
    "Inception 3a, pooling path": (28, 192, "pool3p1 conv1c32"),
}
"""Length of the input along one axis, its channels and the layers of each network.

Linear layers are written as the convolutions that they are: the first with a kernel as long as its
input, the others with one tap. Batch normalisations, which see and multiply nothing, are left out.
"""


def layers_of(text: str) -> list[dict[str, Any]]:
    """The layers that a text lists; what is left out is stride 1, padding 0, dilation 1 and one
    channel."""
    layers = []
    for word in text.split():
        kind, given = re.fullmatch(r"(conv|pool)(\d.*)", word).groups()  # type: ignore[union-attr]
        numbers = {letter: int(n) for letter, n in re.findall(r"([a-z])(\d+)", "k" + given)}
        left_out = {"s": 1, "p": 0, "d": 1} | ({"c": 1} if kind == "conv" else {})
        layers.append({"kind": kind} | left_out | numbers)
    return layers


def stack_of(channels: int, layers: list[dict[str, Any]]) -> nn.Sequential:
    """The layers as torch has them, without values.

    Args:
        channels: of the input.
        layers: what `layers_of` gives.
    """
    import torch
    from torch import nn

    stack = nn.Sequential()
    with torch.device("meta"):
        for number, layer in enumerate(layers, start=1):
            window = layer["k"], layer["s"], layer["p"], layer["d"]
            if layer["kind"] == "pool":
                made: nn.Module = nn.MaxPool2d(*window)
            else:
                made = nn.Conv2d(channels, layer["c"], *window)
                channels = layer["c"]
            stack.add_module(f"{number} {layer['kind']}", made)
    return stack


def window_of(layer: dict[str, Any]) -> Window:
    """The window of a layer along one axis."""
    from cnnref.windows import Window

    return Window(layer["k"], layer["s"], layer["p"], layer["d"])


def sizes_of(n: int, text: str) -> list[int]:
    """Length of the input and of each layer's output, along one axis."""
    return list(
        accumulate(layers_of(text), lambda n, layer: window_of(layer).output_size(n), initial=n)
    )


def network_of(preset: Preset) -> tuple[int, int, str]:
    """The network that a preset names.

    Raises:
        ValueError: there is none of that name.
    """
    if preset["network"] not in NETWORKS:
        raise ValueError(
            f"there is no network {preset['network']!r}; there are: {', '.join(NETWORKS)}"
        )
    return NETWORKS[preset["network"]]


def draw_reach(preset: Preset) -> Picture:
    """A chain with all its units where they can be told apart, else the fields alone."""
    from cnnref.accounting import summarize
    from cnnref.figures import chain_picture, reach_picture

    n, channels, text = network_of(preset)
    layers = layers_of(text)
    if n > MOST_DRAWN:
        counted = summarize(stack_of(channels, layers), (channels, n, n))
        return reach_picture(counted, preset["network"])
    return chain_picture(list(map(window_of, layers)), n, sizes_of(n, text)[-1] // 2)


MOST_DRAWN = 48
"""Longest input of which each unit is drawn; the script has the same."""


def rows_of(preset: Preset) -> int:
    """Half rems of the picture, whose rows are lower where units are not drawn."""
    n, _, text = network_of(preset)
    return len(text.split()) * (4 if n <= MOST_DRAWN else 3)


def networks_of(preset: Preset) -> Data:
    """All networks to choose from; the preset's name must be among them."""
    networks = {}
    for name, (n, channels, text) in NETWORKS.items():
        sizes = sizes_of(n, text)
        # A unit of the last layer that has more than one shows most.
        layer = max(number for number, size in enumerate(sizes) if size > 1)
        networks[name] = {"n": n, "c": channels, "layers": text, "layer": layer}
    network_of(preset)
    return Data({"networks": networks})


RECEPTIVE_FIELD = Explorer(
    "Receptive field",
    (
        *SHARED,
        "explorer-receptive-field-stack.js",
        "explorer-receptive-field-words.js",
        "explorer-receptive-field-layers.js",
        "explorer-receptive-field-drawing.js",
        "explorer-receptive-field.js",
    ),
    {"network": "Short chain"},
    draw_reach,
    rows_of,
    networks_of,
    lambda _: {"n": 0, "c": 0, "layers": "", "layer": 0},
    ("explorer-receptive-field.css",),
)
