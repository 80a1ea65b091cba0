"""Formulas of one's own, for operators and classes of modules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import torch
from torch import nn
from torch._ops import HigherOrderOperator, OpOverload, OpOverloadPacket

from cnnref.accounting.operation import Operator
from cnnref.errors import CnnrefError

__all__ = ["RegistrationError", "has_formula", "is_whole", "own_macs", "register"]

_FORMULAS: dict[Any, Callable[..., int]] = {}


class RegistrationError(CnnrefError, ValueError):
    """A formula makes no sense, or is for nothing that can be counted."""


def register(target: Any, macs: Callable[..., int] | None) -> None:
    """Count an operator or a class of modules by a formula of one's own, from now on.

    Args:
        target: an operator (`torch.ops.mylib.attend`, one of its overloads, or what
            `torch.library.custom_op` gave), its name, as "mylib::attend", an operator of
            `torch.ops.higher_order`, or a class of modules. A module of such a class is one layer,
            whatever it is made of; subclasses are not meant.
        macs: the multiply-accumulates of one call: of an operator, given its arguments by place and
            its result, `macs(args, out)`; of a module, `macs(module, args, out)`. `None` takes the
            formula away.

    Raises:
        RegistrationError: the target is none of these, or the formula is not callable.

    Examples:
        >>> class Butterfly(nn.Linear):
        ...     pass
        >>> register(Butterfly, lambda module, args, out: 2 * args[0].numel() * 5)
        >>> from cnnref import summarize
        >>> summarize(Butterfly(32, 32), (32,)).total_macs
        320
        >>> register(Butterfly, None)
    """
    key = _key(target)
    if macs is None:
        _FORMULAS.pop(key, None)
    elif not callable(macs):
        raise RegistrationError(f"a formula is a function that gives MACs, got {macs!r}")
    else:
        _FORMULAS[key] = macs


def _key(target: Any) -> Any:
    overload = getattr(target, "_opoverload", target)  # of a custom operator
    if isinstance(overload, OpOverload):
        return overload.overloadpacket
    if isinstance(overload, OpOverloadPacket | HigherOrderOperator):
        return overload
    if inspect.isclass(target) and issubclass(target, nn.Module):
        return target
    if isinstance(target, str) and target.count("::") == 1:
        space, name = target.split("::")
        if hasattr(getattr(torch.ops, space), name):
            return getattr(getattr(torch.ops, space), name)
        raise RegistrationError(
            f"torch has no operator {target!r}: import what defines it, then register its formula"
        )
    raise RegistrationError(
        f"a formula is for an operator of torch, such as torch.ops.mylib.attend or "
        f"'mylib::attend', or for a class of modules; got {target!r}"
    )


def own_macs(target: Operator | nn.Module, args: Sequence[Any], out: Any) -> int | None:
    """What a registered formula says of a call; `None` where there is none.

    Raises:
        RegistrationError: it gave something else than a number of MACs.
    """
    module = isinstance(target, nn.Module)
    formula = _FORMULAS.get(type(target) if module else target) if _FORMULAS else None
    if formula is None:
        return None
    found = formula(target, args, out) if module else formula(args, out)
    if not isinstance(found, Integral) or isinstance(found, bool) or found < 0:
        name = type(target).__name__ if module else str(target)
        raise RegistrationError(
            f"the formula registered for {name} must give a whole number of MACs of at least 0, "
            f"got {found!r}"
        )
    return int(found)


def has_formula(target: Any) -> bool:
    """Whether a formula is registered for an operator or a class of modules."""
    return target in _FORMULAS


def is_whole(module: nn.Module) -> bool:
    """Whether a module that has modules is told as one layer all the same: an attention, which uses
    its parts without calling them, and what has a formula of its own."""
    return isinstance(module, nn.MultiheadAttention) or has_formula(type(module))
