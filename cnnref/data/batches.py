"""Mini-batches from memory: seeded, normalised on the device, without worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from cnnref.data.examples import Examples
from cnnref.data.images import ImageSet, Normalization

__all__ = ["Batches", "LoadedBatches"]


class Batches:
    """Mini-batches from memory, normalised on the device, without worker processes.

    The images move to the device once, as uint8. Iterating gives epoch after epoch;
    `epoch(number)` gives one, the same whenever it is asked for.

    Args:
        data: an `ImageSet` or `Examples`.
        batch_size: images in a batch; the last of an epoch may be smaller.
        normalization: what the images are normalised with: the training set's, always; `None` for
            inputs that are taken as they are.
        shuffle_seed: seed of the order of every epoch; `None` keeps the order of `data`.
        device: where the batches live.
        dtype: floating-point type of the images, and of targets that are not whole numbers.
        share: number of this process, from 0, and of all, where several split every batch among
            them.

    Raises:
        ValueError: `batch_size` is not a positive integer, there are no images, or the share is
            none.

    Yields:
        Images `(B, C, H, W)` and labels `(B,)`.
    """

    def __init__(
        self,
        data: ImageSet | Examples,
        batch_size: int,
        normalization: Normalization | None,
        *,
        shuffle_seed: int | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        if not isinstance(batch_size, int) or batch_size < 1 or len(data) == 0:
            raise ValueError(f"cannot cut {len(data)} images into batches of {batch_size}")
        rank, processes = share
        if not 0 <= rank < processes:
            raise ValueError(f"share must be (number from 0, of how many), got {share}")
        if isinstance(data, ImageSet):
            images, labels = data.images, data.labels
        else:
            images, labels = data.inputs, data.targets
        # Channels last, and so are the batches cut from them: see `cnnref.training.fit`.
        self.images = _laid_out(images.to(device))
        self.labels = _of_type(labels.to(device), dtype)
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
            images = self.images[chosen]
            if self.normalization is not None:
                yield self.normalization(images, self.dtype), self.labels[chosen]
            else:
                yield _of_type(images, self.dtype), self.labels[chosen]


class LoadedBatches:
    """The batches of a `DataLoader`, as the training loop asks for them.

    Batch size, order, workers and random transforms are the loader's own. Every epoch iterates it
    once.

    Args:
        loader: of a dataset with a length; it yields pairs of tensors, inputs `(B, ...)` that are
            scaled already, and targets `(B, ...)`.
        device: where the batches go.
        dtype: floating-point type of inputs and targets that are not whole numbers.

    Raises:
        TypeError: its dataset is iterable, so that nobody knows its length.
        ValueError: the loader does not tell how large its batches are.
    """

    def __init__(
        self,
        loader: DataLoader[Any],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if isinstance(loader.dataset, IterableDataset):
            raise TypeError(
                f"the DataLoader is of an iterable dataset ({type(loader.dataset).__name__}), "
                "whose batches nobody can count beforehand; give one of a dataset with __len__ "
                "and __getitem__"
            )
        # A batch sampler of one's own leaves the loader's batch size at None, as none at all does.
        if not isinstance(loader.batch_sampler, BatchSampler) or loader.batch_size is None:
            raise ValueError(
                "a DataLoader must have a batch_size, so that the share of each batch in an epoch "
                "is known, got a batch_sampler of its own or no batches"
            )
        self.loader = loader
        self.device = device
        self.dtype = dtype

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.sizes)

    @property
    def sizes(self) -> list[int]:
        """Examples in each batch of an epoch."""
        sampler: Any = self.loader.sampler
        count, size = len(sampler), self.loader.batch_size or 1
        sizes = [min(size, count - start) for start in range(0, count, size)]
        return [one for one in sizes if one == size] if self.loader.drop_last else sizes

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.epoch(0)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch; which one is the loader's affair.

        Raises:
            TypeError: a batch is no pair of tensors, or of bytes, which need a scale.
            ValueError: there are more batches or fewer than the loader's sampler has examples for,
                or of other sizes.
        """
        del number
        sizes, given = self.sizes, 0
        for batch in self.loader:
            pair = isinstance(batch, tuple | list) and len(batch) == 2
            if not pair or not all(isinstance(part, Tensor) for part in batch):
                raise TypeError(f"a batch must be two tensors, got {_told(batch)}")
            inputs, targets = batch
            wanted = sizes[given] if given < len(sizes) else 0
            if not len(inputs) == len(targets) == wanted:
                raise ValueError(
                    f"batch {given + 1} of the DataLoader has {len(inputs)} inputs and "
                    f"{len(targets)} targets, where {wanted} of each were due: its sampler says "
                    f"that it has {len(self.loader.sampler):,}"  # type: ignore[arg-type]
                )
            given += 1
            if inputs.dtype == torch.uint8:
                raise TypeError(
                    "the DataLoader gives bytes, whose scale nobody has set; have its dataset give "
                    "floats, or train on the dataset itself, whose bytes are normalised"
                )
            yield (
                _laid_out(_of_type(inputs.to(self.device), self.dtype)),
                _of_type(targets.to(self.device), self.dtype),
            )
        if given < len(sizes):
            raise ValueError(
                f"the DataLoader ended after {given} of {len(sizes)} batches: its sampler says "
                f"that it has {sum(sizes):,} examples, and gave fewer"
            )


def _told(batch: Any) -> str:
    """What a batch is that is none, with what is in it."""
    kind = type(batch).__name__
    if isinstance(batch, Mapping):
        return f"{kind} of {', '.join(map(str, batch))}"
    if isinstance(batch, tuple | list):
        return f"{kind} of {', '.join(type(part).__name__ for part in batch)}"
    return kind


def _laid_out(images: Tensor) -> Tensor:
    if images.dim() != 4:
        return images.contiguous()
    return images.contiguous(memory_format=torch.channels_last)


def _of_type(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values.to(dtype) if values.is_floating_point() else values
