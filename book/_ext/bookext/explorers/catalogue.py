"""The kinds of explorers, a module for each subject.

These import torch, which takes seconds: a build asks for them when it reads a page with an explorer
and not before, and what is written of a page stands in the page's box.
"""

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
