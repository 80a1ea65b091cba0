"""The explorer of a small CNN that reads what one draws: its weights travel as a script."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .kind import Data, Explorer, Preset

if TYPE_CHECKING:
    from torch import Tensor

    from cnnref.experiments import Record
    from cnnref.figures.style import Picture

EXPERIMENT = "digits-cnn-narrow"
LEVELS = 46
"""A weight is one of 93 levels, from -46 to 46, of the largest in its row: one letter each."""

SHOWS = ("everything", "layers", "sums", "shifts")
"""What stands below the pad and the answer: layers, one unit's sum and both curves; the layers of
convolutions alone; all layers with the sum; or the curve over the shift alone."""

FILE = Path(__file__).with_name("digits.txt")
DIGITS = FILE.read_text(encoding="utf-8").splitlines()
"""Ten digits that were drawn by hand for this book, on a pad of 100 by 100: points of a stroke
between spaces, strokes between semicolons; x to the right, y down."""

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


def _record() -> Record:
    from cnnref.experiments import experiment, run

    entry = experiment(EXPERIMENT)
    return run(entry, seeds=entry.seeds[:1], mode="stored").records[0]


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
    """Where the script of weights lies; another content has another address."""
    script, name = weights_script(), "network-weights.js"
    address = f"{name}?v={sha256(script.encode()).hexdigest()[:12]}"
    return Data({"late": address}, (_record().path, FILE), {name: script})


def draw_network(preset: Preset) -> Picture:
    """One of the book's own digits, the kernels of the first layer, and how training went.

    Raises:
        ValueError: there is no such digit, no such thing to show, or no record.
    """
    import torch
    from torch.nn import functional

    from cnnref.figures.style import Picture, new_figure, style

    if preset["shows"] not in SHOWS:
        raise ValueError(
            f"an explorer of a network shows {', '.join(SHOWS)}; got {preset['shows']!r}"
        )
    digit = str(preset["digit"])
    if digit not in {str(k) for k in range(len(DIGITS))}:
        raise ValueError(f"the book's own digits are 0 to 9, got {digit!r}")
    record = _record()
    steps, shares = record["moments"]["step"], record["moments"]["accuracy"]
    kernels = record.weights(steps[-1])["conv1.weight"]
    largest = float(kernels.abs().max())
    spaced = functional.pad(kernels[:, 0], (0, 1, 0, 1), value=torch.nan)
    with style():
        figure, (pad, tiles, training) = new_figure(6.2, 1.9, ncols=3, width_ratios=[1, 2, 1.3])
        for stroke in DIGITS[int(digit)].split(";"):
            x, y = zip(*(map(float, point.split(",")) for point in stroke.split()), strict=True)
            pad.plot(x, y, color="black", linewidth=7, solid_capstyle="round")
        pad.set(title="a drawing", xlim=(0, 100), ylim=(100, 0), aspect="equal")
        rows = [torch.cat(list(spaced[start : start + 4]), 1) for start in (0, 4)]
        tiles.imshow(torch.cat(rows), cmap="PuOr", vmin=-largest, vmax=largest)
        tiles.set(title="kernels of the first layer", xlabel="orange below 0, purple above")
        training.plot(steps, [100 * share for share in shares], marker="o")
        training.set_xscale("symlog", linthresh=10)
        training.set(title="read right (%)", xlabel="step", ylim=(0, 102))
        for drawn in (pad, tiles):
            drawn.set(xticks=[], yticks=[])
            drawn.spines[:].set_visible(False)
    told = (
        f"A {digit} drawn by hand; the {len(kernels)} kernels of the first layer, from "
        f"{float(kernels.min()):.2f} to {float(kernels.max()):.2f}; and the share of test digits "
        f"read right, from {shares[0]:.1%} before the first step to {shares[-1]:.1%} after "
        f"{steps[-1]:,} steps."
    )
    return Picture(figure, told)


NETWORK = Explorer(
    "A network that reads what you draw",
    "network-strokes network-arithmetic network-units network-view network-state network-passes "
    "network-drawing network",
    {"digit": "3", "strokes": "", "unit": "", "why": "sees", "x": 0, "turn": 0, "pen": 9}
    | {"noise": 0, "silent": "", "at": 9, "shows": "everything"},
    draw_network,
    data=network_data,
    sheet="network",
)
