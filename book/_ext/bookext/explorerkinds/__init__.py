"""The kinds of explorers, a module for each subject."""

from .kind import Explorer, Preset
from .pooling import POOLING
from .windows import CONVOLUTION, MATRIX

__all__ = ["EXPLORERS", "Explorer", "Preset"]

EXPLORERS = {"convolution": CONVOLUTION, "matrix": MATRIX, "pooling": POOLING}
