"""The explorer of receptive fields: a stack of layers, what it sees and what it costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from cnnref.accounting import summarize
from cnnref.figures import chain_picture, reach_picture
from cnnref.figures.style import Picture
from cnnref.windows import Window

from .kind import Data, Explorer, Preset

FILE = Path(__file__).with_name("networks.yml")
NETWORKS: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


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
    return Window(layer["k"], layer["s"], layer["p"], layer["d"])


def network_of(preset: Preset) -> dict[str, Any]:
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
    network = network_of(preset)
    n, channels, layers = network["n"], network["c"], layers_of(network["layers"])
    if n > MOST_DRAWN:
        counted = summarize(stack_of(channels, layers), (channels, n, n))
        return reach_picture(counted, preset["network"])
    windows = list(map(window_of, layers))
    size = n
    for window in windows:
        size = window.output_size(size)
    return chain_picture(windows, n, size // 2)


MOST_DRAWN = 48
"""Longest input of which each unit is drawn; the script has the same."""


def rows_of(preset: Preset) -> int:
    """Half rems of the picture, whose rows are lower where units are not drawn."""
    network = network_of(preset)
    return len(network["layers"].split()) * (4 if network["n"] <= MOST_DRAWN else 3)


RECEPTIVE_FIELD = Explorer(
    "Receptive field",
    "receptive-field-stack receptive-field-words receptive-field-drawing receptive-field",
    {"network": "Short chain"},
    draw_reach,
    rows_of,
    lambda _: Data({"networks": NETWORKS}, (FILE,)),
    lambda _: {"n": 0, "c": 0, "layers": "", "layer": 0},
    sheet="receptive-field",
)
