"""Operators that run functions of their own, such as `torch.cond`, run so that these are seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import torch
from torch._C import DispatchKey
from torch._ops import HigherOrderOperator

__all__ = ["refuse_step", "run_higher_order"]


def _cond(chosen: Any, if_true: Any, if_false: Any, operands: Sequence[Any] = ()) -> Any:
    return (if_true if chosen else if_false)(*operands)


def _while_loop(
    goes_on: Any, body: Any, carried: Sequence[Any], others: Sequence[Any] = ()
) -> tuple[Any, ...]:
    carried = tuple(carried)
    while goes_on(*carried, *others):
        carried = tuple(body(*carried, *others))
    return carried


def _switch(index: Any, branches: Sequence[Any], operands: Sequence[Any]) -> Any:
    return branches[int(index)](*operands)


def _scan(
    combine: Any, init: Sequence[Any], xs: Sequence[Any], others: Sequence[Any] = (), _: str = ""
) -> tuple[Any, ...]:
    carried, given = tuple(init), []
    for place in range(xs[0].shape[0]):
        made = combine(*carried, *(x.select(0, place) for x in xs), *others)
        carried, out = made[: len(init)], made[len(init) :]
        given.append(out)
    return (*carried, *map(torch.stack, zip(*given, strict=True)))


# Torch's own way for these refuses to be watched.
_WAYS: dict[str, Callable[..., Any]] = {
    "cond": _cond, "switch": _switch, "while_loop": _while_loop, "scan": _scan,
}  # fmt: skip


_INSTEAD = {
    "cond": "Python's own `if`",
    "switch": "Python's own `if`",
    "while_loop": "Python's own `while`",
    "scan": "Python's own `for` over the first dimension, and `torch.stack`",
    "map_impl": "Python's own `for` over the first dimension, and `torch.stack`",
    "flex_attention": "`scaled_dot_product_attention` with the mask that the scores get",
}
"""What does the same, and can be watched on the way back, too."""


def refuse_step(func: HigherOrderOperator) -> NoReturn:
    """Say why a training step through an operator is not counted, and what to do.

    On the way back torch traces and compiles what was run, and runs it again, with or without what
    nobody needs. It lets no mode watch the tracing, its own counter of FLOPs neither.

    Raises:
        NotImplementedError: always.
    """
    instead = _INSTEAD.get(func.name(), "what it stands for, in Python's own words,")
    raise NotImplementedError(
        f"{func.name()} runs functions of its own, whose backward pass is made by torch's "
        f"compiler, where nobody can look; to count a training step, put {instead} in its place"
    )


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
