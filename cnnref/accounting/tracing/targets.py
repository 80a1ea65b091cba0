"""Networks by the names that a command line can spell."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from cnnref.accounting.tracing.diagnosis import AccountingError
from cnnref.accounting.tracing.inputs import checked_dtype
from cnnref.errors import require, unknown

__all__ = ["check_device", "find_network", "read_inputs"]


def find_network(target: str, device: str = "meta") -> nn.Module:
    """The network that a target names.

    Args:
        target: `torchvision:NAME`; `timm:NAME`; `hf:NAME`, a model type of transformers with its
            defaults, such as `hf:bert`, or a model of the hub or of a folder, of which only the
            configuration is read; `cnnref:NAME`; `package.module:callable` or
            `folder/file.py:callable`, where the callable takes no arguments and returns a module,
            or is one. Modules are looked for in the current folder too.
        device: where to make it. For "meta" those of torchvision, timm and transformers are made
            without values, and all others where they make themselves, since they may need values
            for it.

    Raises:
        AccountingError: there is no such network; the message says which part is missing.
        MissingExtraError: its library is not installed.
    """
    try:
        on_meta = torch.device(device).type == "meta"
    except RuntimeError as error:
        raise AccountingError(f"{device!r} is not a device; try 'auto', 'meta' or 'cpu'") from error
    check_device(torch.device(device))
    place, colon, name = target.rpartition(":")
    if not (place and colon and name):
        raise AccountingError(
            f"{target!r} names no network; {_meant(target)}write torchvision:resnet50, timm:NAME, "
            "hf:NAME, cnnref:PlainCNN or package.module:callable; or give a torch.nn.Module"
        )
    if place in _LIBRARIES:
        return _LIBRARIES[place](name, device)
    with contextlib.nullcontext() if on_meta else torch.device(device):
        if place == "cnnref":
            from cnnref.models import MODELS

            if name not in MODELS:
                raise AccountingError(unknown("model", name, MODELS))
            return MODELS[name]()
        return _made(place, name, _from_file(place) if place.endswith(".py") else _module(place))


def check_device(place: torch.device) -> None:
    """Nothing, if a network can be made or run there.

    Raises:
        AccountingError: this machine, or this build of torch, does not have it.
    """
    try:
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        told = str(error).strip().partition("\n")[0]
        raise AccountingError(
            f"device {str(place)!r} is not at hand ({told}); try 'auto', 'meta' or 'cpu'"
        ) from error


def _meant(target: str) -> str:
    """What a word without a colon may have been meant for."""
    if target.endswith(".py"):
        return f"name what makes it, {target}:NAME; or "
    if find_spec("torchvision") is not None:
        from torchvision import models

        if target in models.list_models():
            return f"did you mean 'torchvision:{target}'? Or "
    return ""


def _from_torchvision(name: str, device: str) -> nn.Module:
    require("vision", "torchvision")
    from torchvision import models

    if name not in models.list_models():
        raise AccountingError(unknown("torchvision model", name, models.list_models()))
    builder = models.get_model_builder(name)
    options: dict[str, Any] = {"weights": None}
    if "weights_backbone" in inspect.signature(builder).parameters:
        options["weights_backbone"] = None
    return _without_values(partial(builder, **options), device)


def _from_timm(name: str, device: str) -> nn.Module:
    require("timm", "timm")
    import timm

    if not timm.is_model(name.partition(".")[0]):
        raise AccountingError(unknown("timm model", name, timm.list_models()))
    return _without_values(partial(timm.create_model, name, pretrained=False), device)


def _from_transformers(name: str, device: str) -> nn.Module:
    require("hf", "transformers")
    from transformers import CONFIG_MAPPING, AutoConfig, AutoModel

    try:
        known = name in CONFIG_MAPPING
        config = AutoConfig.for_model(name) if known else AutoConfig.from_pretrained(name)
        return _without_values(partial(AutoModel.from_config, config), device)
    except (OSError, ValueError, ImportError) as error:
        told = str(error).strip().partition("\n")[0]
        near = unknown("model type", name, CONFIG_MAPPING)
        raise AccountingError(f"transformers has no model {name!r}: {told} ({near})") from error


_LIBRARIES = {
    "torchvision": _from_torchvision, "timm": _from_timm, "hf": _from_transformers,
}  # fmt: skip


def _without_values(make: Callable[[], nn.Module], device: str) -> nn.Module:
    """A network made on a device; on the CPU where it is to have no values and needs them to make
    itself, as RegNets do, which work out their widths with tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of initial weights, which are not looked at here
        try:
            with torch.device(device):
                return make()
        except (NotImplementedError, RuntimeError):
            if torch.device(device).type != "meta":
                raise
        return make()


def _module(place: str) -> ModuleType:
    if os.getcwd() not in sys.path:  # noqa: PTH109 - an entry of sys.path is a string
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        return importlib.import_module(place)
    except Exception as error:
        raise AccountingError(f"cannot import {place!r}: {_told(error)}") from error


def _from_file(place: str) -> ModuleType:
    path = Path(place)
    if not path.is_file():
        raise AccountingError(f"there is no file {place!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))  # what it imports lies beside it
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[path.stem]
        raise AccountingError(f"cannot import {place!r}: {_told(error)}") from error
    return module


def _told(error: Exception) -> str:
    """An error of the caller's own code in a line: what it is, what it says, and where it was
    raised."""
    if isinstance(error, ImportError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).strip().partition("\n")[0]
    where = (
        ""
        if isinstance(error, SyntaxError)
        else f" ({Path(last.filename).name}, line {last.lineno})"
    )
    return f"{type(error).__name__}: {said}{where}"


def _made(place: str, name: str, found: Any) -> nn.Module:
    for part in name.split("."):
        if not hasattr(found, part):
            public = [key for key in vars(found) if not key.startswith("_")]
            raise AccountingError(unknown(f"name in {place}", part, public))
        found = getattr(found, part)
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise AccountingError(f"{place}:{name} is neither a network nor callable: {found!r}")
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            raise AccountingError(
                f"{place}:{name} cannot be called without arguments ({error}): write a function "
                "that makes the network, and name that"
            ) from error
        except ValueError:
            pass  # what tells no signature
        try:
            found = found()
        except Exception as error:
            raise AccountingError(f"{place}:{name} raised {_told(error)}") from error
    if not isinstance(found, nn.Module):
        raise AccountingError(f"{place}:{name} gave {type(found).__name__}, not a torch.nn.Module")
    return found


def read_inputs(words: Sequence[str]) -> tuple[Any, Any]:
    """Input sizes, `3x224x224`, several of them, or `name=3x224x224`, each with the dtype that it
    may name, as in `128:long`; as `summarize` takes both.

    Raises:
        AccountingError: a word is not such a size or no such dtype, or only some have names.
    """
    sizes: list[tuple[str, tuple[int, ...]]] = []
    kinds: list[torch.dtype | None] = []
    for word in words:
        name, equals, told = word.rpartition("=")
        numbers, colon, kind = told.partition(":")
        try:
            size = tuple(int(number) for number in numbers.lower().split("x"))
        except ValueError:
            size = ()
        if not size or min(size) < 1 or (equals and not name):
            raise AccountingError(
                f"{word!r} is not an input size; write channels and pixels as 3x224x224, "
                "name=3x224x224, or 128:long for whole numbers"
            )
        sizes.append((name, size))
        kinds.append(checked_dtype(kind) if colon else None)
    if any(name for name, _ in sizes):
        if not all(name for name, _ in sizes):
            raise AccountingError(f"name all inputs or none, got {' '.join(words)}")
        return dict(sizes), {name: kind for (name, _), kind in zip(sizes, kinds, strict=True)}
    if len(sizes) == 1:
        return sizes[0][1], kinds[0]
    return [size for _, size in sizes], kinds
