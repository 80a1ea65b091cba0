"""A counted network, to be run again for what costs more and is asked for: memory, a training step,
latency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.tracing.calls import ForwardError
from cnnref.accounting.tracing.diagnosis import AccountingError, explain
from cnnref.accounting.tracing.inputs import each_tensor
from cnnref.accounting.tracing.steps import Step, take_step

__all__ = ["Again", "Arguments"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments of a call, and those by name."""


@dataclass(frozen=True)
class Again:
    """A network and how to make its inputs. A copy, or what is unpickled, has neither.

    Args:
        network: as it now is; what was changed since it was counted, is changed.
        made: its arguments, given a device.
        sized: whether they were given as sizes, to which a batch was added.
        training: the mode in which it was counted.
        device: where.
    """

    network: nn.Module
    made: Callable[[torch.device], Arguments]
    sized: bool
    training: bool
    device: torch.device

    def __reduce__(self) -> tuple[Any, ...]:
        """Nothing: a network is not part of what was counted."""
        return type(None), ()

    def step(
        self,
        *,
        batch: int | None = None,
        dtype: torch.dtype | None = None,
        training: bool | None = None,
        gradients: bool = True,
        peak: bool = True,
        autocast: torch.dtype | None = None,
    ) -> Step:
        """One training step of the network, or its forward pass alone, where it was counted.

        Args:
            batch: examples; `None`: as it was counted.
            dtype: of parameters and inputs that are floating-point numbers; `None`: their own.
            training: the mode; `None`: that in which it was counted.
            gradients: whether autograd is at work, see `take_step`.
            peak: whether the backward pass has to run, see `take_step`.
            autocast: the precision to which `torch.autocast` casts; `None`: as it is around us.

        Raises:
            AccountingError: the network does not run so.
        """
        args, kwargs = self.arguments(batch, dtype)
        try:
            return take_step(
                self.network, args, kwargs, meta=self.device.type == "meta",
                training=self.training if training is None else training, gradients=gradients,
                peak=peak, dtype=dtype, autocast=autocast,
            )  # fmt: skip
        except ForwardError as failure:
            told = explain(failure)
            if self.device.type == "meta" and failure.func is not None:
                told += "; summarize(..., device='cpu') runs it with values, where that works"
            raise AccountingError(told) from failure.error

    def arguments(self, batch: int | None = None, dtype: torch.dtype | None = None) -> Arguments:
        """The arguments of the network, as many examples as asked.

        Raises:
            AccountingError: nobody knows where the batch is, or it is no number of examples.
        """
        args, kwargs = self.made(self.device)
        if batch is None and dtype is None:
            return args, kwargs
        if batch is not None:
            _check_batch(batch)
            if not self.sized:
                raise AccountingError(
                    f"a batch of {batch} was asked for, and the network was counted on inputs of "
                    "its own: give the size of one example, such as (3, 224, 224), or inputs of "
                    "that batch"
                )

        def changed(tensor: Tensor) -> Tensor:
            if batch is not None:
                tensor = tensor.new_zeros((batch, *tensor.shape[1:]))
            return tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor

        return each_tensor(args, changed), each_tensor(kwargs, changed)


def _check_batch(batch: object) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise AccountingError(f"a batch is a whole number of at least 1, got {batch!r}")
