"""Is a network as sure as it is right?"""

from __future__ import annotations

from typing import Any

from matplotlib.ticker import PercentFormatter

from cnnref.experiments import reliability
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = ["reliability_picture"]


def reliability_picture(
    probabilities: Any, labels: Any, bins: int = 10, title: str = ""
) -> Picture:
    """The reliability diagram: accuracy against confidence, and how many images each bin holds.

    On the diagonal a network is as sure as it is right; below it, too sure. Bins of few images
    scatter, hence the lower panel. Source: Guo et al. 2017, Fig. 1.

    Args:
        probabilities: `(N, classes)`, rows that sum to 1; see `cnnref.training.probabilities`.
        labels: `(N,)`, the true classes.
        bins: number of bins of the confidence.
        title: a heading.

    Raises:
        ValueError: what `cnnref.experiments.reliability` refuses.
    """
    found = reliability(probabilities, labels, bins)
    with style():
        figure, (axes, below) = new_figure(4.2, 4.8, nrows=2, sharex=True, height_ratios=(3.2, 1))
        axes.plot([0, 1], [0, 1], "--", color=COLOURS["grey"], label="as sure as right")
        axes.plot(
            found.confidence, found.accuracy, "o-", color=COLOURS["blue"], label="the network"
        )
        for sure, right in zip(found.confidence, found.accuracy, strict=True):
            axes.plot([sure, sure], [sure, right], color=COLOURS["orange"], linewidth=2, zorder=1)
        axes.plot([], [], color=COLOURS["orange"], linewidth=2, label="gap")
        axes.set(ylabel="share that is right", ylim=(0, 1.02), title=title)
        axes.legend()
        below.bar(found.confidence, found.images, width=0.5 / bins, color=COLOURS["grey"], zorder=3)
        below.set_ylim(0.8, 3 * max(found.images))
        below.set(
            yscale="log", ylabel="images", xlim=(0, 1.05),
            xlabel=f"probability of the predicted class\n"
            f"expected calibration error: {100 * found.error:.1f} percentage points",
        )  # fmt: skip
        for axis in (axes.yaxis, below.xaxis):
            axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    points = "; ".join(
        f"{n:,} images at mean confidence {100 * sure:.1f} %, {100 * right:.1f} % of them right"
        for sure, right, n in zip(found.confidence, found.accuracy, found.images, strict=True)
    )
    return Picture(
        figure,
        f"Reliability diagram of {sum(found.images):,} images in {len(found.images)} bins: "
        f"{points}. The expected calibration error, the mean distance of the two, is "
        f"{100 * found.error:.1f} percentage points.",
    )
