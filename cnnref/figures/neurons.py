"""A convolution drawn as what it is: a layer of neurons, few connections, few weights."""

from __future__ import annotations

from matplotlib.patches import Circle

from cnnref.figures.style import COLOURS, Picture, new_figure, style
from cnnref.windows import Window

__all__ = ["neurons_picture"]

_HUES = [COLOURS[name] for name in ("blue", "orange", "green", "purple")]
_LINES = ["-", "--", ":", "-."]
_TOP, _ABOVE = 2.4, 3.35


def neurons_picture(
    window: Window,
    n: int,
    title: str = "",
    *,
    symbols: tuple[str, str, str] = ("x", "w", "y"),
    activation: str = "ReLU",
    absent: bool = False,
) -> Picture:
    """The neurons of a one-dimensional convolution, every connection labelled with its weight.

    Connections with the same weight have the same label, line style and colour.

    Args:
        window: the window; one neuron for each of its outputs.
        n: length of the input.
        title: a heading.
        symbols: what input, kernel and output are called, in TeX.
        activation: what stands in each neuron.
        absent: also draw, thin and grey, the connections that a fully-connected layer would have
            and this layer does not.

    Raises:
        ValueError: the window does not fit.
    """
    outputs = window.output_size(n)
    first, last = -window.left, n - 1 + window.right
    centres = [(taps[0] + taps[-1]) / 2 for taps in map(window.taps, range(outputs))]
    span = last - first + 1.4
    with style():
        figure, axes = new_figure(0.68 * span + 0.2, 0.68 * (_ABOVE + 1.0) + 0.3 * bool(title))
        missing = 0
        for i, centre in enumerate(centres):
            for position in range(n):
                if position in window.taps(i):
                    continue
                missing += 1
                if absent:
                    ends = [position, centre], [0.0, _TOP]
                    axes.plot(*ends, color="#B5B5B5", linewidth=0.6, zorder=0)
        for i, centre in enumerate(centres):
            for tap, position in enumerate(window.taps(i)):
                hue = _HUES[tap % len(_HUES)]
                line = _LINES[(tap + tap // len(_HUES)) % len(_LINES)]
                ends = [position, centre], [0.0, _TOP]
                axes.plot(*ends, color=hue, linestyle=line, linewidth=1.6, zorder=1)
                # A third of the way down, neighbouring neurons' labels are furthest apart.
                label = f"${symbols[1]}_{{{tap + 1}}}$"
                axes.text(
                    centre + 0.31 * (position - centre), _TOP * 0.69, label, color=hue,
                    ha="center", va="center", fontsize=11, zorder=2,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
                )  # fmt: skip
        for position in range(first, last + 1):
            name = f"${symbols[0]}_{{{position + 1}}}$" if 0 <= position < n else "0"
            colour = "white" if 0 <= position < n else COLOURS["pale"]
            axes.add_patch(
                Circle((position, 0), 0.27, facecolor=colour, edgecolor=COLOURS["grey"], zorder=3)
            )
            axes.text(position, 0, name, ha="center", va="center", fontsize=11, zorder=4)
        for i, centre in enumerate(centres):
            axes.annotate(
                "", (centre, _ABOVE - 0.16), (centre, _TOP + 0.3),
                arrowprops={"arrowstyle": "->", "color": COLOURS["ink"]},
            )  # fmt: skip
            axes.add_patch(
                Circle((centre, _TOP), 0.36, facecolor="white", edgecolor=COLOURS["ink"], zorder=3)
            )
            axes.text(centre, _TOP, activation, ha="center", va="center", fontsize=9, zorder=4)
            axes.text(
                centre, _ABOVE, f"${symbols[2]}_{{{i + 1}}}$", ha="center", va="center", fontsize=11
            )
        axes.set(
            xlim=(first - 0.7, last + 0.7), ylim=(-0.5, _ABOVE + 0.4), aspect="equal", title=title
        )
        axes.axis("off")
    lines = "; ".join(
        f"neuron {i + 1} reads "
        + ", ".join(
            f"{symbols[0]}{position + 1} by {symbols[1]}{tap}"
            if 0 <= position < n
            else f"a padded zero by {symbols[1]}{tap}"
            for tap, position in enumerate(window.taps(i), start=1)
        )
        for i in range(outputs)
    )
    grey = f" The {missing} connections that are missing are drawn in grey." if absent else ""
    return Picture(
        figure,
        f"A layer of {outputs} neurons over {n} inputs with {window.kernel_size} shared weights: "
        f"{lines}.{grey}",
    )
