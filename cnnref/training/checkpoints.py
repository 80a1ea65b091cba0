"""A run that is killed goes on at its last finished epoch."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from cnnref.disk import write_whole

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Where a training run keeps the state after its last finished epoch.

    Args:
        path: the file; its folder is made when it is first written.
        identity: what the run is, in plain values: a state of another run is not continued.
    """

    path: Path
    identity: Mapping[str, Any]

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state; the one before stays until this one is whole.

        Args:
            state: tensors and plain values.

        Raises:
            OSError: the disk refuses.
        """
        buffer = io.BytesIO()
        torch.save({"identity": dict(self.identity), "state": dict(state)}, buffer)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, buffer.getvalue())

    def load(self) -> dict[str, Any] | None:
        """The kept state, or `None` where there is none of this run.

        A file that cannot be read costs the epochs in it, nothing else: a warning names it.
        """
        if not self.path.is_file():
            return None
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            identity, state = kept["identity"], kept["state"]
        except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as e:
            reason = str(e).partition("\n")[0]
            warnings.warn(
                f"{self.path} cannot be read ({reason}); training starts over", stacklevel=2
            )
            return None
        return dict(state) if identity == self.identity else None

    def delete(self) -> None:
        """Forget the state: the run is finished and its result is kept."""
        self.path.unlink(missing_ok=True)
