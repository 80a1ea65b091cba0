"""Mistakes a user can make, told in one line.

The command line turns these into a message and an exit code; anything else is our own bug and
keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

_MANY = 50


class CnnrefError(Exception):
    """Base of every error that a user, and not a programmer of `cnnref`, can mend."""


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
