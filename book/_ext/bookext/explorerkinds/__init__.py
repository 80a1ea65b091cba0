"""The kinds of explorers, a module for each subject."""

from .kind import Explorer, Preset
from .pooling import POOLING
from .reach import RECEPTIVE_FIELD
from .windows import CONVOLUTION, MATRIX

__all__ = ["EXPLORERS", "Explorer", "Preset"]

EXPLORERS = {
    "convolution": CONVOLUTION,
    "matrix": MATRIX,
    "pooling": POOLING,
    "receptive-field": RECEPTIVE_FIELD,
}
