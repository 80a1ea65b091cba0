"""What an operator costs: its multiply-accumulates, and what is not one, told apart.

The convention. A MAC is one product that is added to a sum: a kernel's weight times an input
entry, or one term of a matrix product. Products with the zeros of a padding count, since they are
computed. What is not a MAC is counted apart, as `Extras`: the addition of a bias, a normalisation
at inference (one multiplication and one addition per entry, which can be folded into the
convolution before it), the entries that a pooling reads, and one operation per entry for everything
else. A FLOP is a floating-point operation; the FLOPs of MACs are twice their number.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost", "Extras"]


@dataclass(frozen=True)
class Extras:
    """Operations outside the MACs.

    Args:
        bias: additions of a bias.
        normalisation: entries that are scaled and shifted by a normalisation.
        pooling: entries that poolings read.
        elementwise: results of every other arithmetic, one each (activations, additions of paths,
            softmax, interpolation, means).
    """

    bias: int = 0
    normalisation: int = 0
    pooling: int = 0
    elementwise: int = 0

    def __add__(self, other: Extras) -> Extras:
        """Kind by kind."""
        return Extras(
            self.bias + other.bias,
            self.normalisation + other.normalisation,
            self.pooling + other.pooling,
            self.elementwise + other.elementwise,
        )


@dataclass(frozen=True)
class Cost:
    """What one operator costs.

    Args:
        macs: multiply-accumulates.
        extras: operations outside them.
        unknown: the operator's name, where no table knows it.
    """

    macs: int = 0
    extras: Extras = Extras()
    unknown: str = ""
