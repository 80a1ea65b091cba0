"""Mistakes a user can make, told in one line.

The command line turns these into a message and an exit code; anything else is our own bug and
keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib.util import find_spec

_LONG, _MANY = 120, 50


class CnnrefError(Exception):
    """Base of every error that a user, and not a programmer of `cnnref`, can mend."""


class MissingExtraError(CnnrefError, ImportError):
    """A part of the library needs packages that are not installed. The message names the extra."""


def require(extra: str, *modules: str) -> None:
    """Refuse to go on without the packages of an extra.

    Args:
        extra: its name in `pip install 'cnnref[extra]'`.
        modules: what is imported of it, by top-level names.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        listed = " and ".join(filter(None, (", ".join(absent[:-1]), absent[-1])))
        raise MissingExtraError(
            f"this part of cnnref needs {listed}; pip install 'cnnref[{extra}]' "
            "brings what is missing"
        )


def require_flags(**flags: object) -> None:
    """Refuse what is neither `True` nor `False`, and would pass for one of them.

    Args:
        **flags: the arguments, by name.

    Raises:
        ValueError: the message names the first that is not.
    """
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise ValueError(f"{name} must be True or False, got {flag!r}")


def shown(value: object) -> str:
    """A value as a message tells it: in one line, and not the numbers of a tensor.

    Args:
        value: anything.
    """
    kind = type(value).__name__
    try:
        shape, dtype = value.shape, value.dtype  # type: ignore[attr-defined]
        return f"a {kind} of shape {tuple(shape)}, {dtype}"
    except Exception:  # most values have neither, and some refuse to tell
        told = " ".join(repr(value).split())
    return told if len(told) <= _LONG else f"{told[:_LONG]}... ({kind})"


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """The message for a name that does not exist, with the nearest one that does.

    Args:
        what: the kind of thing looked for, such as `"experiment"`.
        name: what was asked for.
        known: the names that exist.

    Returns:
        One sentence that echoes `name`, suggests the nearest name and lists the others; of very
        many, the nearest.
    """
    names = sorted(known)
    near = get_close_matches(str(name), names, n=8, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    told = f"known: {', '.join(names) or 'none'}"
    if len(names) > _MANY:
        told = f"{len(names)} are known" + (f", near it {', '.join(near)}" if near else "")
    return f"unknown {what} {name!r}; {hint}{told}"
