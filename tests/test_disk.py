"""A file is written whole or not at all, and by one process at a time."""

import errno
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnref.disk import one_writer, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_made_and_replaced_and_anybody_may_read_it(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    for data in (b"first", b"", b"second"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(path.parent) == ["file"]


def test_what_is_in_place_was_flushed_to_the_disk_before(tmp_path, monkeypatch):
    path = tmp_path / "file"
    order = []

    def fsync(handle):
        order.append(("fsync", os.fstat(handle).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_whole(path, b"data")
    assert order == [("fsync", 4, False)]


@pytest.mark.parametrize("refusal", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_interrupts_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, refusal):
    path = tmp_path / "file"
    write_whole(path, b"old")

    def refuse(_):
        raise refusal

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(type(refusal)):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_refusal_names_the_file_and_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    for path, what in (
        (tmp_path / "file" / "inside", "exists"),
        (tmp_path, "directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(OSError, match=f"{what}.*put that right and run again") as caught:
            write_whole(path, b"")
        assert caught.value.filename == str(path)
    assert names(tmp_path) == ["file"]
    with pytest.raises(OSError, match=r"run again.*/file/\.lock"), one_writer(tmp_path / "file"):
        pass


def held_by_another(folder: Path, then: Callable[[], object]) -> int:
    """The id of a process that is inside `one_writer`, where it does something."""
    inside, tell = os.pipe()
    pid = os.fork()
    if not pid:
        with one_writer(folder):
            os.write(tell, b".")
            then()
        os._exit(0)
    os.read(inside, 1)
    os.close(inside)
    os.close(tell)
    return pid


def test_one_writer_waits_for_the_other(tmp_path):
    def slowly():
        time.sleep(0.2)
        (tmp_path / "written").touch()

    pid = held_by_another(tmp_path, slowly)
    with one_writer(tmp_path):
        assert (tmp_path / "written").exists()
    os.waitpid(pid, 0)


def test_nobody_waits_for_a_killed_writer(tmp_path):
    pid = held_by_another(tmp_path, lambda: time.sleep(60))
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0) == (pid, signal.SIGKILL)
    with one_writer(tmp_path):
        pass
