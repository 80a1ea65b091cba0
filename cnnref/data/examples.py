"""Inputs and targets of any kind, in memory: what an `ImageSet` is too strict for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

__all__ = ["Examples"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and targets in memory.

    Args:
        inputs: `(N, ...)`. Images as bytes, uint8 `(N, C, H, W)`, are normalised in training; what
            has any other type or shape is not.
        targets: `(N, ...)`: classes, int64 `(N,)` from 0 on, or whatever a loss takes.
        class_names: the name of every class; their numbers where none are given, and empty where
            the targets are no classes.
        source: where they came from, for people.

    Raises:
        TypeError: inputs or targets are no tensors.
        ValueError: their numbers differ, there are none, a float is not finite, a label has no
            name, or images as bytes have no axis for channels, or have it last.
    """

    inputs: Tensor
    targets: Tensor
    class_names: tuple[str, ...] | None = None
    source: str = "tensors"

    def __post_init__(self) -> None:
        """Validate, and name the classes."""
        for name, tensor in (("inputs", self.inputs), ("targets", self.targets)):
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}")
            if not tensor.dim():
                raise ValueError(f"{name} must be (N, ...), got the single number {tensor.item()}")
            if tensor.is_floating_point() and not (finite := tensor.isfinite()).all():
                first = int((~finite).reshape(len(tensor), -1).any(1).nonzero()[0])
                raise ValueError(f"{name} must be finite; example {first} is not")
        if self.inputs.dtype == torch.uint8 and self.inputs.dim() == 3:
            raise ValueError(
                f"images as bytes must be (N, C, H, W), got {tuple(self.inputs.shape)}; grey ones "
                "need an axis for their channel: x[:, None]"
            )
        if self.are_bytes and self.inputs.shape[3] in (1, 3, 4) and min(self.inputs.shape[1:3]) > 4:
            raise ValueError(
                f"images as bytes must be (N, C, H, W), got {tuple(self.inputs.shape)}, whose "
                "channels seem to be last: x.permute(0, 3, 1, 2) puts them first"
            )
        if not len(self.inputs) and not len(self.targets):
            raise ValueError("there are no examples")
        if len(self.inputs) != len(self.targets):
            raise ValueError(
                f"there must be one target for each input, got {len(self.inputs)} inputs and "
                f"{len(self.targets)} targets"
            )
        if self.class_names is None:
            found = int(self.targets.max()) + 1 if self._are_classes() else 0
            object.__setattr__(self, "class_names", tuple(map(str, range(found))))
        elif isinstance(self.class_names, str):
            raise ValueError(f"class_names must be one name per class, got {self.class_names!r}")
        elif self.class_names and not self._are_classes():
            raise ValueError(
                f"classes must be int64 (N,) from 0 on, got {self.targets.dtype} "
                f"{tuple(self.targets.shape)} from {self.targets.min()}"
            )
        elif self.class_names and self.targets.max() >= len(self.class_names):
            raise ValueError(
                f"labels run to {self.targets.max()}, but there are {len(self.class_names)} "
                "class names"
            )

    def _are_classes(self) -> bool:
        labels = self.targets
        return labels.dtype == torch.int64 and labels.dim() == 1 and bool((labels >= 0).all())

    def __repr__(self) -> str:
        """What they are, in one line."""
        told = (f"{x.dtype} {tuple(x.shape)}" for x in (self.inputs, self.targets))
        return f"<Examples of {self.source}: {', '.join(told)}>"

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def are_bytes(self) -> bool:
        """Whether the inputs are images as bytes, which training normalises."""
        return self.inputs.dtype == torch.uint8 and self.inputs.dim() == 4

    @property
    def sha256(self) -> str:
        """SHA-256 of types, shapes, inputs and targets."""
        digest = hashlib.sha256()
        for tensor in (self.inputs, self.targets):
            digest.update(repr((tensor.dtype, tuple(tensor.shape))).encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def select(self, indices: Tensor) -> Examples:
        """Some of the examples, in the order of `indices`."""
        return replace(self, inputs=self.inputs[indices], targets=self.targets[indices])
