"""Operators that run functions of their own, such as `torch.cond`, run so that these are seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator

__all__ = ["run_higher_order"]


def _cond(chosen: Any, if_true: Any, if_false: Any, operands: Sequence[Any] = ()) -> Any:
    return (if_true if chosen else if_false)(*operands)


def _while_loop(
    goes_on: Any, body: Any, carried: Sequence[Any], others: Sequence[Any] = ()
) -> tuple[Any, ...]:
    carried = tuple(carried)
    while goes_on(*carried, *others):
        carried = tuple(body(*carried, *others))
    return carried


# Torch's own way for these refuses to be watched.
_WAYS: dict[str, Callable[..., Any]] = {"cond": _cond, "while_loop": _while_loop}


def run_higher_order(
    func: HigherOrderOperator, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What the operator gives, its functions run one operator at a time.

    Raises:
        NotImplementedError: torch has no such way for it.
    """
    way = _WAYS.get(func.name())
    if way is None:
        way = func.py_kernels.get(DispatchKey.CompositeExplicitAutograd)
    if way is None:
        raise NotImplementedError(f"HOP {func.name()} and mode: it cannot be taken apart")
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(DispatchKey.AutogradCPU)):
        return way(*args, **kwargs)
