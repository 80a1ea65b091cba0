"""Pictures, each with its own words.

Every function but `photograph` returns a `Picture`: a matplotlib figure and an alternative text
made from the same data. `style` owns the look, `geometry` draws windows, `pools` what pooling
leaves, `fields` receptive fields, `neurons` a convolution as a layer of neurons, `weights` which
weights of a layer are equal, `volumes` a layer with channels, `networks` what a network costs and
sees, `photographs` what of a photograph counts, `shades` images side by side. `results` and
`confusion` draw one experiment and its images, `curves`, `forests`, `sweeps` and `tails` several,
`tiles` kernels and feature maps, `calibration` how sure a network may be; `series` holds what they
share. `trainings` says of a picture which records it was drawn from.
"""

from cnnref.errors import require

require("figures", "matplotlib", "fastjsonschema", "safetensors", "scipy")

from cnnref.figures.calibration import reliability_picture
from cnnref.figures.confusion import confusion_picture
from cnnref.figures.curves import curves_picture, steps_picture
from cnnref.figures.fields import field_maps
from cnnref.figures.forests import differences_picture, intervals_picture
from cnnref.figures.geometry import chain_picture, matrix_picture, window_picture
from cnnref.figures.networks import (
    budget_picture,
    energy_picture,
    reach_picture,
    summary_picture,
)
from cnnref.figures.neurons import neurons_picture
from cnnref.figures.photographs import energies_picture, reach_on_photograph
from cnnref.figures.pools import pooling_picture
from cnnref.figures.results import (
    image_grid,
    learning_curves,
    mistakes_picture,
)
from cnnref.figures.shades import photograph, shades_picture
from cnnref.figures.style import COLOURS, Picture, new_figure, style
from cnnref.figures.sweeps import rates_picture
from cnnref.figures.tails import tails_picture
from cnnref.figures.tiles import feature_maps, filter_grid
from cnnref.figures.volumes import volumes_picture
from cnnref.figures.weights import NumberedWeights, weights_picture

__all__ = [
    "COLOURS",
    "NumberedWeights",
    "Picture",
    "budget_picture",
    "chain_picture",
    "confusion_picture",
    "curves_picture",
    "differences_picture",
    "energies_picture",
    "energy_picture",
    "feature_maps",
    "field_maps",
    "filter_grid",
    "image_grid",
    "intervals_picture",
    "learning_curves",
    "matrix_picture",
    "mistakes_picture",
    "neurons_picture",
    "new_figure",
    "photograph",
    "pooling_picture",
    "rates_picture",
    "reach_on_photograph",
    "reach_picture",
    "reliability_picture",
    "shades_picture",
    "steps_picture",
    "style",
    "summary_picture",
    "tails_picture",
    "volumes_picture",
    "weights_picture",
    "window_picture",
]
