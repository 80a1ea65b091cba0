"""Pictures, each with its own words.

Every function returns a `Picture`: a matplotlib figure and an alternative text made from the same
data. `style` owns the look, `geometry` draws windows, `results` draws experiments and images.
"""

from cnnref.figures.geometry import chain_picture, matrix_picture, window_picture
from cnnref.figures.results import confusion_picture, filter_grid, image_grid, learning_curves
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = [
    "COLOURS",
    "Picture",
    "chain_picture",
    "confusion_picture",
    "filter_grid",
    "image_grid",
    "learning_curves",
    "matrix_picture",
    "new_figure",
    "style",
    "window_picture",
]
