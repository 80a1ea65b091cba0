"""Pictures, each with its own words.

Every function returns a `Picture`: a matplotlib figure and an alternative text made from the same
data. `style` owns the look, `geometry` draws windows, `neurons` a
convolution as a layer of neurons, `results` experiments and images.
"""

from cnnref.figures.fields import field_maps
from cnnref.figures.geometry import chain_picture, matrix_picture, window_picture
from cnnref.figures.neurons import neurons_picture
from cnnref.figures.results import confusion_picture, filter_grid, image_grid, learning_curves
from cnnref.figures.style import COLOURS, Picture, new_figure, style

__all__ = [
    "COLOURS",
    "Picture",
    "chain_picture",
    "confusion_picture",
    "field_maps",
    "filter_grid",
    "image_grid",
    "learning_curves",
    "matrix_picture",
    "neurons_picture",
    "new_figure",
    "style",
    "window_picture",
]
