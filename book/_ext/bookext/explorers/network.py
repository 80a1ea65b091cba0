"""The explorer of a small CNN that reads what one draws: its weights travel as a script."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .kind import SHARED, Data, Explorer, Preset
from .strokes import DIGITS, PEN, SIDE, parse, prepared

if TYPE_CHECKING:
    from torch import Tensor

    from cnnref.figures.style import Picture

EXPERIMENT = "digits-cnn-narrow"
LEVELS = 46
"""A weight is one of 93 levels, from -46 to 46, of the largest in its row: one letter each."""

SHOWS = ("everything", "layers", "sums", "shifts")
"""What stands below the pad and the answer: layers, one unit's sum and both curves; the layers of
convolutions alone; all layers with the sum; or the curve over the shift alone."""

LETTERS = [chr(code) for code in range(32, 127) if chr(code) not in '"\\']
"""Printable, in the order of the levels, and nothing that a text in a script must escape."""


def levels_of(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Levels `(rows, n)`, whole numbers, and the scale of each row `(rows,)`.

    A row is what one output of the layer reads.
    """
    rows = weight.double().flatten(1)
    scales = rows.abs().amax(1) / LEVELS
    return (rows / scales[:, None]).round(), scales


def layer_of(weight: Tensor, bias: Tensor) -> dict[str, Any]:
    """A layer as the script has it: letters, scales, and the biases as they are stored."""
    levels, scales = levels_of(weight)
    letters = "".join(LETTERS[int(level) + LEVELS] for level in levels.flatten().tolist())
    numbers = {
        name: [float(f"{value:.7g}") for value in values.tolist()]
        for name, values in (("scales", scales), ("bias", bias))
    }
    return {"letters": letters, **numbers}


def _record() -> Any:
    from cnnref.experiments import NoRecordError, experiment, run

    try:
        return run(EXPERIMENT, seeds=experiment(EXPERIMENT).seeds[:1], mode="stored").records[0]
    except NoRecordError as error:
        raise ValueError(str(error)) from error


@lru_cache(1)
def weights_script() -> str:
    """The script that brings the weights of every moment of training to the page.

    Raises:
        ValueError: there is no record.
    """
    record = _record()
    seen, moments = record["moments"], []
    for at, step in enumerate(seen["step"]):
        kept = record.weights(step)
        names = sorted({name.partition(".")[0] for name in kept})
        moments.append(
            {
                "step": step,
                "loss": round(seen["loss"][at], 4),
                "accuracy": seen["accuracy"][at],
                "layers": {
                    name: layer_of(kept[f"{name}.weight"], kept[f"{name}.bias"]) for name in names
                },
            }
        )
    content = {"levels": LEVELS, "moments": moments, "digits": DIGITS}
    return f"window.cnnref.networkWeights = {json.dumps(content, separators=(',', ':'))};\n"


def network_data(_: Preset) -> Data:
    """The name of the script of weights, made from its content."""
    script = weights_script()
    name = f"network-weights-{sha256(script.encode()).hexdigest()[:12]}.js"
    path = _record().path
    return Data({"late": name}, (path,), {name: script})


def draw_network(preset: Preset) -> Picture:
    """One of the book's own digits, the maps that it wakes, and the ten probabilities.

    Raises:
        ValueError: there is no such digit, no such thing to show, or no record.
    """
    import torch
    from torch.nn import functional

    from cnnref.experiments import load_model
    from cnnref.figures.style import Picture, new_figure, style

    if preset["shows"] not in SHOWS:
        raise ValueError(
            f"an explorer of a network shows {', '.join(SHOWS)}; got {preset['shows']!r}"
        )
    digit = str(preset["digit"])
    if digit not in {str(k) for k in range(len(DIGITS))}:
        raise ValueError(f"the book's own digits are 0 to 9, got {digit!r}")
    _record()  # refuses in its own words
    model = load_model(EXPERIMENT)
    weights = model.state_dict()
    ink = torch.from_numpy(prepared(parse(DIGITS[int(digit)]), PEN)).float()[None, None]
    with torch.no_grad():
        maps = functional.conv2d(ink, weights["conv1.weight"], weights["conv1.bias"]).relu()[0]
        chances = model(ink).softmax(1)[0]
    read = int(chances.argmax())
    with style():
        figure, axes = new_figure(6.2, 1.9, ncols=3, width_ratios=[1, 2, 1.3])
        axes[0].imshow(ink[0, 0], cmap="gray_r")
        axes[0].set_title("a drawing")
        rows = [torch.cat(list(maps[start : start + 4]), 1) for start in (0, 4)]
        axes[1].imshow(torch.cat(rows), cmap="gray")
        axes[1].set_title("eight maps of the first layer")
        axes[2].bar([str(k) for k in range(10)], chances.tolist())
        axes[2].set_title("probability")
        for pictured in axes[:2]:
            pictured.axis("off")
    told = (
        f"A {digit} drawn by hand, {SIDE} by {SIDE} pixels, the eight feature maps that the first "
        f"layer makes of it, and ten bars: the network reads {read} with {chances[read]:.1%}."
    )
    return Picture(figure, told)


NETWORK = Explorer(
    "A network that reads what you draw",
    (
        *SHARED,
        "explorer-network-strokes.js",
        "explorer-network-arithmetic.js",
        "explorer-network-units.js",
        "explorer-network-view.js",
        "explorer-network-state.js",
        "explorer-network-passes.js",
        "explorer-network-keys.js",
        "explorer-network-drawing.js",
        "explorer-network.js",
    ),
    {"digit": "3", "strokes": "", "unit": "", "why": "sees", "x": 0, "turn": 0, "pen": PEN}
    | {"noise": 0, "silent": "", "at": 9, "shows": "everything"},
    draw_network,
    data=network_data,
    styles=("explorer-network.css",),
)
