"""One look for every figure, and a picture that knows its own description."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from matplotlib.text import Text

from cnnref.experiments import Record, Result
from cnnref.figures.trainings import records_in, trainings

__all__ = ["COLOURS", "Picture", "new_figure", "style"]

COLOURS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#00795A",
    "purple": "#A8508A",
    "ink": "#222222",
    "grey": "#6B6B6B",
    "pale": "#D9D9D9",
}
"""Hues of Okabe and Ito, which colour-blind readers can tell apart, darkened for white paper."""

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": COLOURS["grey"],
    "axes.grid": True,
    "axes.labelcolor": COLOURS["ink"],
    "axes.prop_cycle": cycler(color=list(COLOURS.values())[:4]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.color": "#E8E8E8",
    "legend.frameon": False,
    # Without these, two builds of one figure would differ in ids and in the date.
    "svg.hashsalt": "cnnref",
    "svg.fonttype": "path",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in the book's style inside the block."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float, **subplots: Any) -> tuple[Figure, Any]:
    """An empty figure that no window or notebook shows by itself, and its axes.

    Args:
        width: inches.
        height: inches.
        subplots: passed to `matplotlib.figure.Figure.subplots`.
    """
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(**subplots)


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and the words for those who do not see it.

    As the last line of a notebook cell it shows itself, and the book's pages take `alt` as the
    image's alternative text.

    Args:
        figure: the drawing.
        alt: what it shows, in words; made from the data wherever it shows data.
        vector: whether it is best kept as SVG; photographs are not.
        shades: whether light and dark mean something in it, so that a dark page must not turn them
            round, but only the words beside them; always so if it is no SVG.
        records: of the trainings that it shows; see `drawn_from`.

    Raises:
        ValueError: `alt` is empty.
    """

    figure: Figure
    alt: str
    vector: bool = True
    shades: bool = False
    records: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a picture without words."""
        if not self.alt.strip():
            raise ValueError("a picture needs an alternative text, got an empty one")

    def drawn_from(self, *trained: Result | Record | Iterable[Any]) -> Picture:
        """The same picture, which says of which trainings it is.

        The book prints their seeds, device and date under it.

        Args:
            trained: what `run` returned, records of it, or lists and dictionaries of these.

        Raises:
            TypeError: something else, which has no records.
        """
        return replace(self, records=(*self.records, *records_in(trained)))

    def save(self, path: str | Path) -> None:
        """Write the figure to a file; its ending chooses the format."""
        with style():
            self.figure.savefig(path)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        kind = "image/svg+xml" if self.vector else "image/png"
        shades = self.shades or not self.vector
        buffer = BytesIO()
        with style():
            if shades:
                _let_ground_through(self.figure)
            if self.vector:
                # `savefig` would draw it once more before, for the layout alone.
                FigureCanvasSVG(self.figure).print_svg(  # type: ignore[no-untyped-call]
                    buffer, metadata={"Date": None}
                )
            else:
                self.figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
        data: str | bytes = buffer.getvalue()
        if self.vector:
            data = buffer.getvalue().decode()
        words: dict[str, Any] = {"alt": self.alt, **({"shades": True} if shades else {})}
        if self.records:
            words["trained"] = trainings(self.records)
        return {kind: data, "text/plain": self.alt}, {kind: words}


_GROUND = (1, 1, 1, 0.8)
"""Light enough for a dark notebook."""


def _let_ground_through(figure: Figure) -> None:
    """Make words, frames and ticks not quite opaque, and the ground less: by that a dark page of
    the book knows them from shades, drops the ground and draws words in a light ink
    (`bookext.look.images`)."""
    figure.set_facecolor(_GROUND)
    for artist in figure.findobj(lambda artist: isinstance(artist, Text | Spine)):
        artist.set_alpha(0.9)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        for axis in (axes.xaxis, axes.yaxis):
            for line in axis.get_ticklines() + axis.get_ticklines(minor=True):
                line.set_alpha(0.9)
