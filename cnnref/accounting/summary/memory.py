"""How much memory a network takes, in bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from cnnref.accounting.operation import tensors
from cnnref.accounting.summary.again import Again
from cnnref.accounting.summary.columns import megabytes
from cnnref.accounting.summary.tables import preformatted
from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.accounting.tracing.inputs import checked_dtype
from cnnref.accounting.tracing.steps import Step
from cnnref.errors import unknown

__all__ = ["OPTIMIZERS", "Memory", "Optimizer", "measured", "state_bytes"]

Optimizer = Callable[..., torch.optim.Optimizer]
"""What makes an optimizer from a list of parameters, such as its class."""

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
"""Optimizers by name."""

_HALVES = (torch.bfloat16, torch.float16)


_WORK_SPACE = "peaks without the work space of convolutions, which oneDNN or cuDNN chooses"
_IN_HALVES = "peaks without the work space of products in halves, which oneDNN or cuBLAS chooses"
_AS_ON_CPU = (
    "cast by the rules of torch.autocast on the CPU; on a GPU softmax and layer norms stay in "
    "float32, and keep more"
)


@dataclass(frozen=True)
class Memory:
    """Bytes that a network takes, in training and at inference.

    They are those of tensors. What a process takes besides is not among them: the code of torch
    (hundreds of megabytes on a GPU), what an allocator rounds up, and the work space of a library's
    kernels: a convolution may copy its input and weight into another layout, or unfold the input,
    and which it does is chosen by oneDNN or cuDNN, by shapes, processor and version. So may any
    product in halves. The peaks of a network that convolves, or computes under autocast, are
    bounds from below, and `notes` say so.

    Args:
        model: its class.
        inputs: the shape of each input, the batch included.
        dtype: of the parameters.
        autocast: the precision to which `torch.autocast` casts; `None`: nothing is cast.
        optimizer: whose state is counted.
        parameters: each counted once.
        buffers: what layers keep and do not learn.
        gradients: one for each trainable parameter.
        optimizer_state: what the optimizer keeps from step to step.
        input_bytes: the inputs.
        saved: what autograd keeps at the end of the forward pass, in training mode, each storage
            once; inputs, parameters and buffers left out.
        training_peak: most bytes at once in a step, from the inputs to the gradients, which are
            made anew in each (`zero_grad()` as torch has it). What a loss keeps is not among them,
            nor what an optimizer needs for the moment of its step.
        inference_peak: most bytes at once in a forward pass without gradients, where every result
            is freed after its last use.
        notes: what is not among these bytes, of this network.
    """

    model: str
    inputs: tuple[tuple[int, ...], ...]
    dtype: str
    optimizer: str
    parameters: int
    buffers: int
    gradients: int
    optimizer_state: int
    input_bytes: int
    saved: int
    training_peak: int
    inference_peak: int
    notes: tuple[str, ...] = ()
    autocast: str | None = None

    def text(self) -> str:
        """A table in megabytes (10^6 bytes)."""
        rows = [
            ("parameters", self.parameters), ("buffers", self.buffers),
            ("gradients", self.gradients), (f"state of {self.optimizer}", self.optimizer_state),
            ("inputs", self.input_bytes), ("kept for the backward pass", self.saved),
            ("peak of a training step", self.training_peak),
            ("peak of inference", self.inference_peak),
        ]  # fmt: skip
        shapes = ", ".join("x".join(map(str, shape)) for shape in self.inputs)
        head = f"{self.model} on {shapes}, {self.dtype}"
        head += f", autocast to {self.autocast}" if self.autocast else ""
        cells = [(name, megabytes(number)) for name, number in rows]
        left, right = (max(map(len, column)) for column in zip(*cells, strict=True))
        lines = [f"{name.ljust(left)}  {number.rjust(right)}" for name, number in cells]
        rule = "-" * max(map(len, [head, *lines]))
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([head, rule, *lines[:-2], rule, *lines[-2:], *notes])

    def to_dict(self) -> dict[str, Any]:
        """Everything, in values that JSON knows."""
        return {**asdict(self), "notes": list(self.notes)}

    def __str__(self) -> str:
        """The table."""
        return self.text()

    def _repr_html_(self) -> str:
        return preformatted(self.text())


def measured(
    again: Again,
    batch: int | None,
    optimizer: str | Optimizer,
    precision: torch.dtype | str | None,
    autocast: torch.dtype | str | None,
) -> Memory:
    """The memory of a network that was counted.

    Raises:
        AccountingError: there is no such optimizer or precision, or the network does not run so.
    """
    dtype = None if precision is None else checked_dtype(precision)
    if dtype is not None and not dtype.is_floating_point:
        raise AccountingError(
            f"memory is told for a floating-point precision, such as torch.bfloat16, got {dtype}"
        )
    cast = None if autocast is None else checked_dtype(autocast)
    if cast not in (None, *_HALVES):
        raise AccountingError(f"autocast casts to {' or '.join(map(str, _HALVES))}, got {cast}")
    name, make = _optimizer(optimizer)
    network = again.network
    args, kwargs = again.arguments(batch, dtype)
    take = partial(again.step, batch=batch, dtype=dtype, autocast=cast)
    step = take(training=True)
    forward = take(training=False, gradients=False, peak=False)
    parameters = [*network.parameters()]
    trained = [
        torch.empty(p.shape, dtype=dtype or p.dtype, device="meta")
        for p in parameters if p.requires_grad
    ]  # fmt: skip
    weights = _bytes(parameters, dtype)
    buffers = _bytes(network.buffers(), dtype)
    state = state_bytes(make, trained)
    held = weights + buffers + step.inputs
    kinds = dict.fromkeys(_named(dtype or p.dtype) for p in parameters)
    return Memory(
        model=type(network).__name__,
        inputs=tuple(tuple(tensor.shape) for tensor in tensors((args, kwargs))),
        dtype=" and ".join(kinds) or "no parameters",
        optimizer=name,
        parameters=weights,
        buffers=buffers,
        gradients=_bytes(trained),
        optimizer_state=state,
        input_bytes=step.inputs,
        saved=step.saved,
        training_peak=held + state + step.peak,
        inference_peak=held + forward.peak,
        notes=_notes(step),
        autocast=None if step.autocast is None else _named(step.autocast[0]),
    )


def _notes(step: Step) -> tuple[str, ...]:
    if step.autocast is None:
        return (_WORK_SPACE,) if step.convolves else ()
    return (_IN_HALVES, _AS_ON_CPU) if step.autocast[1] == "cpu" else (_IN_HALVES,)


def _named(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _optimizer(given: str | Optimizer) -> tuple[str, Optimizer]:
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            raise AccountingError(unknown("optimizer", given, OPTIMIZERS))
        return given, OPTIMIZERS[given]
    if not callable(given):
        raise AccountingError(
            f"an optimizer is one of {', '.join(OPTIMIZERS)}, or a class such as "
            f"torch.optim.Adam, got {given!r}"
        )
    return getattr(given, "__name__", None) or getattr(given, "func", given).__name__, given


def state_bytes(optimizer: Optimizer, parameters: Iterable[Tensor]) -> int:
    """Bytes that an optimizer keeps for its parameters from step to step.

    It takes one step for each kind of parameter, without values where it does not read any.

    Args:
        optimizer: called with a list of parameters.
        parameters: of which the shapes and precisions count.

    Raises:
        AccountingError: it needs more than a list of parameters and their gradients.
    """
    kinds = Counter((each.shape, each.dtype) for each in parameters)
    if optimizer not in OPTIMIZERS.values():
        return sum(count * _state_of_one(optimizer, *kind) for kind, count in kinds.items())
    total = 0
    for dtype in {dtype for _, dtype in kinds}:  # these keep so much for each number, and a count
        one, three = (_state_of_one(optimizer, torch.Size([n]), dtype) for n in (1, 3))
        each = (three - one) // 2
        shapes = [(shape.numel(), count) for (shape, kind), count in kinds.items() if kind is dtype]
        total += sum(count * (one - each + each * size) for size, count in shapes)
    return total


def _state_of_one(optimizer: Optimizer, shape: torch.Size, dtype: torch.dtype) -> int:
    failed = None
    for device in ("meta", "cpu"):
        parameter = nn.Parameter(torch.ones(shape, dtype=dtype, device=device))
        parameter.grad = torch.ones_like(parameter)
        try:
            made = optimizer([parameter])
            made.step()
        except Exception as error:  # whatever an optimizer of somebody's own may raise
            failed = error
            continue
        return sum(_bytes(tensors(state)) for state in made.state.values())
    raise AccountingError(
        f"{getattr(optimizer, '__name__', optimizer)} took no step on a parameter of shape "
        f"{tuple(shape)} ({failed}): give a function that makes it from a list of parameters"
    ) from failed


def _bytes(values: Iterable[Tensor], dtype: torch.dtype | None = None) -> int:
    """Of tensors, their floating-point numbers of a given precision."""
    return sum(
        t.numel() * (dtype.itemsize if dtype and t.is_floating_point() else t.element_size())
        for t in values
    )
