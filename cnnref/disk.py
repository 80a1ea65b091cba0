"""Writing files so that no crash leaves half of one, and no two processes mix theirs."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

__all__ = ["one_writer", "write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of one.

    A killed process may leave its unfinished copy beside it, hidden, under a name that ends in
    `.partial`.

    Args:
        path: the file; its folder is made where it is missing.
        data: all it will hold.

    Raises:
        OSError: the disk refuses; the message names the file, and the old one is as it was.
    """
    with _refusals_name(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


@contextlib.contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Inside the block, no other process is inside such a block for the same folder.

    A killed process keeps nobody waiting: the operating system takes its lock away.

    Args:
        folder: made where it is missing; it holds the lock, an empty file called `.lock`.

    Raises:
        OSError: the disk refuses; the message names the lock.
    """
    lock = FileLock(folder / ".lock")
    with _refusals_name(folder / ".lock"):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _refusals_name(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = (
            f"{error.strerror or error}; what was there is unchanged; put that right and run again"
        )
        raise OSError(error.errno, told, str(path)) from error
