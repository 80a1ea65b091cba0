"""Mini-batches from memory: seeded, normalised on the device, without worker processes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cnnref.data.images import ImageSet, Normalization

__all__ = ["Batches"]


class Batches:
    """Mini-batches of an `ImageSet`, normalised on the device, without worker processes.

    The images move to the device once, as uint8. Iterating gives epoch after epoch;
    `epoch(number)` gives one, the same whenever it is asked for.

    Args:
        data: the images.
        batch_size: images in a batch; the last of an epoch may be smaller.
        normalization: what the images are normalised with: the training set's, always.
        shuffle_seed: seed of the order of every epoch; `None` keeps the order of `data`.
        device: where the batches live.
        dtype: floating-point type of the images.
        share: number of this process and of all, where several split every batch among them.

    Raises:
        ValueError: `batch_size` is not a positive integer, or there are no images.

    Yields:
        Images `(B, C, H, W)` and labels `(B,)`.
    """

    def __init__(
        self,
        data: ImageSet,
        batch_size: int,
        normalization: Normalization,
        *,
        shuffle_seed: int | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if not isinstance(batch_size, int) or batch_size < 1 or len(data) == 0:
            raise ValueError(f"cannot cut {len(data)} images into batches of {batch_size}")
        # Channels last, and so are the batches cut from them: see `cnnref.training.fit`.
        self.images = data.images.to(device).contiguous(memory_format=torch.channels_last)
        self.labels = data.labels.to(device)
        self.batch_size = batch_size
        self.normalization = normalization
        self.shuffle_seed = shuffle_seed
        self.dtype = dtype
        self.share = share
        self._next_epoch = 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.labels) // self.batch_size)

    @property
    def sizes(self) -> list[int]:
        """Images in each batch of an epoch, all shares together."""
        count, size = len(self.labels), self.batch_size
        return [min(size, count - start) for start in range(0, count, size)]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self._next_epoch += 1
        return self.epoch(self._next_epoch - 1)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch `number`, counted from 0."""
        if self.shuffle_seed is None:
            order = torch.arange(len(self.labels))
        else:
            # One generator per epoch, so that an interrupted run can go on at any epoch.
            generator = torch.Generator().manual_seed(self.shuffle_seed * 1_000_003 + number)
            order = torch.randperm(len(self.labels), generator=generator)
        rank, processes = self.share
        for batch in order.to(self.labels.device).split(self.batch_size):
            chosen = batch[rank::processes]
            yield self.normalization(self.images[chosen], self.dtype), self.labels[chosen]
