"""The kinds of explorers, a module for each subject."""

from .curves import CURVES
from .kind import Data, Explorer, Preset
from .network import NETWORK
from .photograph import LEARNING, PHOTOGRAPH
from .pooling import POOLING
from .reach import RECEPTIVE_FIELD
from .windows import CONVOLUTION, MATRIX

__all__ = ["EXPLORERS", "Data", "Explorer", "Preset"]

EXPLORERS = {
    "convolution": CONVOLUTION,
    "matrix": MATRIX,
    "pooling": POOLING,
    "receptive-field": RECEPTIVE_FIELD,
    "curves": CURVES,
    "photograph": PHOTOGRAPH,
    "learning": LEARNING,
    "network": NETWORK,
}
