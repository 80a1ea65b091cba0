"""A model put back as it was, whatever its forward pass keeps.

A forward pass may make a tensor once and keep it: on a module, in a list or a dictionary, on an
object of one's own, in a variable of the class, of the file or of a closure, behind `lru_cache`. In
a watched pass such a tensor has no values, and the network would not run with it again. So
everything that can be reached from the model is noted before, and put back after.
"""

from __future__ import annotations

import functools
import random
import types
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cnnref.accounting.tracing.undoing import (
    put_back,
    refill,
    undo_array,
    undo_attribute,
    undo_cache,
    undo_class,
    undo_name,
    undo_new_name,
)

__all__ = ["AccountingWarning", "Kept"]

_PLAIN = frozenset({
    type(None), bool, int, float, complex, str, bytes, range, slice, type(...),
    torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format,
    types.BuiltinFunctionType, types.ModuleType, types.CodeType, types.MethodDescriptorType,
    types.WrapperDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
})  # fmt: skip
"""What holds nothing that can change, or nothing that a model would keep a result in."""

_LIBRARIES = frozenset({
    "torch", "torchvision", "numpy", "builtins", "functools", "collections", "typing", "abc",
    "enum", "types", "warnings", "math", "logging", "random", "copy", "operator", "itertools",
    "contextlib", "dataclasses", "re", "os", "sys", "inspect", "threading", "weakref",
})  # fmt: skip
"""Whose classes and functions keep nothing of a pass; what their objects hold is looked at."""

_LRU = type(functools.lru_cache(lambda: None))
_DICTS = (dict, OrderedDict)


class AccountingWarning(UserWarning):
    """A forward pass has left something that could not be put back."""


class Kept:
    """What was there before a pass: everything that can be reached from some objects.

    Args:
        roots: the model, and what it is called with.
    """

    def __init__(self, *roots: Any) -> None:
        self.empty: list[Any] = []
        self.full: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = []
        self.others: list[tuple[Any, Any]] = []
        self.tensors: list[tuple[Tensor, Tensor | None, bool, Any, int | None]] = []
        self.undo: list[Callable[[], object]] = []
        self.storages: dict[int, Tensor] = {}
        self.saved: dict[int, tuple[Tensor, Tensor]] = {}
        self._seen: set[int] = set()
        self._kinds: set[type] = set()
        self._keep: list[Any] = []  # what has no other owner, so that no other takes its number
        self._walk(roots)

    def restore(self) -> None:
        """Put everything back."""
        for container in self.empty:
            if container:
                container.clear()
        for mapping, keys, values in self.full:
            if len(mapping) != len(keys) or not (
                all(map(is_, mapping, keys)) and all(map(is_, mapping.values(), values))
            ):
                refill(mapping, keys, values)
        for container, items in self.others:
            if len(container) != len(items) or not all(map(is_, container, items)):
                container.clear()
                (container.update if isinstance(container, set) else container.extend)(items)
        for undo in self.undo:
            undo()
        with torch.no_grad():
            for written, content in self.saved.values():
                written.copy_(content)
            for tensor, alias, asked, gradient, version in self.tensors:
                put_back(tensor, alias, asked, gradient, version)

    def replace(self, make: Callable[[Tensor], Tensor]) -> None:
        """Put another tensor in place of each that lies in a dictionary or a list, until all is put
        back: the same for the same, wherever it lies."""
        made: dict[int, Tensor] = {}

        def other(tensor: Tensor) -> Tensor:
            if id(tensor) not in made:
                made[id(tensor)] = make(tensor)
            return made[id(tensor)]

        plain = _PLAIN
        for mapping, keys, values in self.full:
            for key, value in zip(keys, values, strict=True):
                if type(value) not in plain and isinstance(value, Tensor):
                    dict.__setitem__(mapping, key, other(value))
        for container, items in self.others:
            if isinstance(container, list):
                for place, value in enumerate(items):
                    if isinstance(value, Tensor):
                        container[place] = other(value)

    def holds(self, tensor: Tensor) -> bool:
        """Whether a tensor was there before."""
        return id(tensor) in self._seen

    def about_to_write(self, tensors: Iterable[Any]) -> None:
        """Save the values of those tensors that were there before."""
        for tensor in tensors:
            if isinstance(tensor, Tensor) and tensor.layout is torch.strided:
                place = tensor.untyped_storage()._cdata
                whole = self.storages.get(place)
                if whole is not None and place not in self.saved:
                    self.saved[place] = (whole, whole.clone())

    def _walk(self, roots: Iterable[Any]) -> None:
        """Note everything that can be reached."""
        seen, plain, todo = self._seen, _PLAIN, list(roots)
        while todo:
            value = todo.pop()
            kind = type(value)
            if kind in plain or id(value) in seen:
                continue
            seen.add(id(value))
            if kind is tuple or kind is frozenset:
                todo += value
            elif isinstance(value, dict):
                self._note_dict(value, todo)
            elif isinstance(value, Tensor):
                self._note_tensor(value, todo)
            elif isinstance(value, nn.Module):
                self._note_dict(vars(value), todo)
                self._of_kind(value, todo)
            elif isinstance(value, list | set | deque):
                if value:
                    self.others.append((value, tuple(value)))
                    todo += value
                else:
                    self.empty.append(value)
                todo += self._attributes(value)
            elif isinstance(value, np.ndarray):
                self.undo.append(undo_array(value))
            elif isinstance(value, types.FunctionType):
                todo += self._of_function(value)
            elif isinstance(value, types.MethodType):
                todo += (value.__self__, value.__func__)
            elif isinstance(value, functools.partial):
                todo += (value.func, value.args, value.keywords)
            elif isinstance(value, _LRU):
                self.undo.append(undo_cache(value))
                todo.append(value.__wrapped__)
            elif isinstance(value, staticmethod | classmethod):
                todo.append(value.__func__)
            elif isinstance(value, property):
                todo += (value.fget, value.fset)
            elif isinstance(value, type):
                todo += self._of_class(value, functions=False)
            elif isinstance(value, torch.Generator):
                self.undo.append(functools.partial(value.set_state, value.get_state()))
            elif isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
                self.undo.append(functools.partial(value.setstate, value.getstate()))
            elif isinstance(value, np.random.Generator):
                source, state = value.bit_generator, value.bit_generator.state
                self.undo.append(functools.partial(setattr, source, "state", state))
            else:
                todo += self._attributes(value)
                self._of_kind(value, todo)

    def _of_kind(self, value: Any, todo: list[Any]) -> None:
        """Note what the class of an object keeps, and the functions of the class."""
        kind = type(value)
        if kind not in self._kinds:
            self._kinds.add(kind)
            for each in kind.__mro__:
                todo += self._of_class(each, functions=True)

    def _note_dict(self, value: dict[Any, Any], todo: list[Any]) -> None:
        if not value:
            self.empty.append(value)
            return
        keys, values = tuple(value), tuple(value.values())
        self.full.append((value, keys, values))
        plain, empty = _PLAIN, self.empty
        for each in values:
            kind = type(each)
            if kind in plain:
                continue
            if kind in _DICTS and not each:  # as most that a module has
                empty.append(each)
            else:
                todo.append(each)
        if type(keys[0]) is not str:
            todo += keys

    def _note_tensor(self, value: Tensor, todo: list[Any]) -> None:
        self._note_dict(vars(value), todo)
        real = not value.is_meta and value.layout is torch.strided
        alias = None
        if real:
            with torch.no_grad():
                alias = value.detach()
            self.storages[value.untyped_storage()._cdata] = alias
        gradient = value.grad if value.is_leaf else None
        version = None if value.is_inference() else value._version
        self.tensors.append((value, alias, value.requires_grad, gradient, version))

    def _attributes(self, value: Any) -> list[Any]:
        """What an object holds by name."""
        kind: Any = type(value)
        found = []
        try:
            named = object.__getattribute__(value, "__dict__")
        except AttributeError:
            named = None
        if isinstance(named, dict):
            found.append(named)
            self._keep.append(value)
        for name in _slots(kind):
            try:
                held = object.__getattribute__(value, name)
            except AttributeError:
                continue
            self.undo.append(undo_attribute(value, name, held))
            found.append(held)
        return found

    def _of_class(self, kind: type, functions: bool) -> list[Any]:
        """What the variables of a class hold; its functions too, for what they keep."""
        if _library(kind.__module__):
            return []
        held = dict(vars(kind))
        self.undo.append(undo_class(kind, held))
        callables = (types.FunctionType, staticmethod, classmethod, property)
        return [v for v in held.values() if functions or not isinstance(v, callables)]

    def _of_function(self, value: types.FunctionType) -> Iterator[Any]:
        """What a function can keep: its closure, its defaults, variables of its file."""
        if _library(value.__module__ or ""):
            return
        yield from (value.__defaults__, value.__kwdefaults__, vars(value))
        for cell in value.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            self.undo.append(undo_attribute(cell, "cell_contents", content))
            yield content
        there, codes = value.__globals__, [value.__code__]
        while codes:
            code = codes.pop()
            codes += (each for each in code.co_consts if isinstance(each, types.CodeType))
            for name in code.co_names:
                if name in there:
                    content = there[name]
                    if not isinstance(content, types.ModuleType):
                        self.undo.append(undo_name(there, name, content))
                        yield content
                else:
                    self.undo.append(undo_new_name(there, name))


def _library(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES


@functools.cache
def _slots(kind: type) -> tuple[str, ...]:
    """The attributes of a class's objects that are not in their `__dict__`."""
    found = []
    for each in kind.__mro__:
        names = () if _library(each.__module__) else vars(each).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__"):
                private = name[:2] == "__" and name[-2:] != "__"
                found.append(f"_{each.__name__.lstrip('_')}{name}" if private else name)
    return tuple(found)
