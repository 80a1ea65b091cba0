"""A network that takes images as they come from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.data import Normalization

__all__ = ["TakesBytes"]

_BEYOND = 10
"""Times the largest value of a normalised pixel; what is larger was not normalised."""


@dataclass(frozen=True)
class TakesBytes:
    """A hook before a network's forward pass: bytes are normalised, floats should be already.

    Args:
        normalization: of the network's training.
        name: of its experiment, for errors.
    """

    normalization: Normalization
    name: str

    def __call__(self, network: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The inputs as the network shall get them; `None` for as they are.

        Raises:
            ValueError: floats that are no normalised images.
        """
        if len(inputs) != 1 or not isinstance(inputs[0], Tensor):
            return None
        (images,) = inputs
        if images.dtype == torch.uint8:
            wanted = next((p.dtype for p in network.parameters()), torch.float32)
            return (self.normalization(images, wanted),)
        if not images.is_floating_point() or images.is_meta or not images.numel():
            return None
        try:
            largest = float(images.detach().abs().max())
        except RuntimeError:  # there are no values to be looked at: under vmap, for instance
            return None
        if largest > _BEYOND * self._largest:
            raise ValueError(
                f"{self.name} was trained on normalised images, with values up to "
                f"{self._largest:.3g}, got {largest:.3g}; give it the bytes as they are (uint8), "
                "or normalise the floats"
            )
        return None

    @property
    def _largest(self) -> float:
        pairs = zip(self.normalization.mean, self.normalization.std, strict=True)
        return max(max(mean, 1 - mean) / std for mean, std in pairs)
