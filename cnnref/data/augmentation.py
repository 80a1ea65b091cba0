"""Random changes of a training batch that leave its labels true."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["AUGMENTATIONS", "crop", "flip", "shift"]


def flip(images: Tensor) -> Tensor:
    """Each image as it is or mirrored left to right, with equal probability.

    Args:
        images: `(N, C, H, W)`.

    Returns:
        Images of the same shape; the draws are of torch's global generator.
    """
    # Drawn on the CPU, so that a seed gives the same images on every device.
    mirrored = (torch.rand(len(images)) < 0.5).to(images.device)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def crop(images: Tensor, padding: int = 4, mode: str = "constant") -> Tensor:
    """A window of each image's own size, at a random place of the image with a border.

    He et al. 2016, Section 4.2, has four pixels of zeros as a border on images of 32.

    Args:
        images: `(N, C, H, W)`.
        padding: width of the border in pixels; every shift of up to so many is equally likely.
        mode: what the border is made of, as `torch.nn.functional.pad` calls it: `"constant"` for
            zeros, `"reflect"` for the image's own reflection.

    Returns:
        Images of the same shape; the draws are of torch's global generator.
    """
    count, _, height, width = images.shape
    padded = F.pad(images, (padding,) * 4, mode=mode)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, row, column, H, W), a view
    row, column = torch.randint(2 * padding + 1, (2, count)).to(images.device)
    return windows[torch.arange(count, device=images.device), :, row, column]


def shift(images: Tensor, pixels: int) -> Tensor:
    """The images moved down and to the right; what comes in continues the image by reflection.

    Args:
        images: `(N, C, H, W)`.
        pixels: how far; negative for up and to the left.
    """
    width = abs(pixels)
    padded = F.pad(images, (width,) * 4, mode="reflect")
    start = width - pixels
    return padded[:, :, start : start + images.shape[2], start : start + images.shape[3]]


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda images: images,
    "flip": flip,
    "flip-crop": lambda images: crop(flip(images)),
}
"""What may be done to the training images of a batch; on normalised ones, so that the border of
zeros is of the mean colour."""
