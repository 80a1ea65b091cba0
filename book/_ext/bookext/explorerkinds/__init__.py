"""The kinds of explorers, a module for each subject."""

from .curves import CURVES
from .kind import Data, Explorer, Preset
from .windows import CONVOLUTION, MATRIX

__all__ = ["EXPLORERS", "Data", "Explorer", "Preset"]

EXPLORERS = {"convolution": CONVOLUTION, "matrix": MATRIX, "curves": CURVES}
