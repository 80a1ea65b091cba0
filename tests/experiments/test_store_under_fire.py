"""Writers are killed, the disk is full, two processes write at once: no record suffers.

The writers are forked: they need no second start of Python, so there can be hundreds of them.
"""

import errno
import io
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cnnref.experiments import store
from cnnref.experiments.record import DamagedRecordError, fault_of

# From Python 3.12 on a warning says that a fork does not take the threads along. None is needed.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

WEIGHTS = {
    "ones": {"a": torch.ones(2, 3, dtype=torch.float16)},
    "zeros": {"a": torch.zeros(2, 3, dtype=torch.float16)},
    "none": None,
}
"""What the records that are written here keep, by the first word of their device's name."""


class Writer:
    """Writes versions of one record, and tells which one is there."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        self.content = content
        self.folder = folder / content["name"]
        self.path = self.folder / f"seed-{content['seed']}.json"

    def write(self, kind: str, number: int = 0) -> str:
        version = f"{kind} {number}"
        provenance = {**self.content["provenance"], "device_name": version}
        store.write({**self.content, "provenance": provenance}, WEIGHTS[kind])
        return version

    def found(self) -> str:
        """The version in place, which is whole and has its own weights."""
        record = store.read(self.path)
        version = str(record["provenance"]["device_name"])
        kept = WEIGHTS[version.split()[0]]
        assert (record["weights"] is None) == (kept is None)
        if kept:
            assert torch.equal(record.weights()["a"], kept["a"])
        return version

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*"))

    def check_that_nothing_is_left_behind(self) -> None:
        """Unfinished files are no records, and when they are old the next writer removes them."""
        assert set(store.stored()) <= {("tiny", 1)}
        for path in self.folder.glob("*.partial"):
            os.utime(path, (0, 0))
        assert self.write("ones") == self.found()
        weights = store.read(self.path)["weights"]["file"]
        assert self.files() == sorted([weights, self.path.name])


@pytest.fixture
def writer(results, tiny_records, monkeypatch) -> Writer:
    monkeypatch.setattr(store, "_package_folder", lambda: results / "none")
    verdicts: dict[str, str | None] = {}

    def fault(content):
        """Most of the time goes into this; so the same content is judged only once."""
        key = json.dumps(content, sort_keys=True)
        if key not in verdicts:
            verdicts[key] = fault_of(content)
        return verdicts[key]

    monkeypatch.setattr(store, "fault_of", fault)
    content = json.loads((tiny_records / "tiny" / "seed-1.json").read_text())
    for key in ("schema", "weights", "checksum"):
        del content[key]
    return Writer(results, content)


def fork(work: Callable[[], object]) -> int:
    """The id of a new process that does some work and ends, with code 0 if all went well."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def end_of(pid: int) -> int:
    """The exit code of a process, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


KILLS = 60


def test_kills_at_random_moments(writer):
    for kind in WEIGHTS:
        writer.write(kind)
    start = time.perf_counter()
    for kind in WEIGHTS:
        writer.write(kind)
    longest = time.perf_counter() - start
    chance = random.Random(0)
    started, tell = os.pipe()

    def write_on_and_on():
        os.write(tell, b".")
        while True:
            for kind in WEIGHTS:
                writer.write(kind)

    for kill in range(KILLS):
        pid = fork(write_on_and_on)
        os.read(started, 1)
        time.sleep(chance.uniform(0, longest))
        os.kill(pid, signal.SIGKILL)
        assert end_of(pid) == -signal.SIGKILL
        assert writer.found()
        assert set(store.stored()) == {("tiny", 1)}
        if kill % 10 == 9:
            writer.check_that_nothing_is_left_behind()


OPERATIONS = ("open", "mkdir", "write", "flush", "fsync", "__exit__", "chmod", "replace", "unlink")
"""Calls that can change what is on the disk; `__exit__` closes a file."""


def at_operation(number: int, act: Callable[[], object], when: str = "c_call") -> list[str]:
    """From now on, act at one of the operations of this thread.

    Args:
        number: which one, from 1.
        act: what to do there.
        when: `"c_call"` before the operation, `"c_return"` after it, if it succeeds.

    Returns:
        The operations so far; it grows.
    """
    seen: list[str] = []

    def watch(_frame, event, function):
        if event != when or function.__name__ not in OPERATIONS:
            return
        # Of the operating system's module, which `os` shows, or of a file that is written: strings
        # and files that are read have methods of the same names.
        owner = getattr(function, "__self__", None)
        if owner is os.open.__self__ or isinstance(owner, io.BufferedWriter):
            seen.append(function.__name__)
            if len(seen) == number:
                act()

    sys.setprofile(watch)
    return seen


def operations_of_a_write(writer: Writer, when: str = "c_call") -> list[str]:
    """All of them, where the record with zeros takes the place of whatever is there."""
    seen = at_operation(0, lambda: None, when)
    try:
        writer.write("zeros")
    finally:
        sys.setprofile(None)
    return seen


def test_the_operations_of_a_write_are_all_watched(writer):
    writer.write("ones")
    seen = operations_of_a_write(writer)
    # Two files are written, the weights and the record, and the old weights are removed.
    for name in ("mkdir", "write", "flush", "fsync", "chmod", "replace"):
        assert seen.count(name) >= 2, (name, seen)
    assert seen[-1] == "unlink"


@pytest.mark.parametrize("when", ["c_call", "c_return"])
@pytest.mark.parametrize("first", [True, False])
def test_a_kill_before_and_after_every_operation(writer, when, first):
    def prepare():
        writer.write("ones")
        for path in writer.folder.glob("*") if first else ():
            path.unlink()

    prepare()
    for number in range(1, len(operations_of_a_write(writer, when)) + 1):
        prepare()

        def killed(number=number):
            at_operation(number, lambda: os.kill(os.getpid(), signal.SIGKILL), when)
            writer.write("zeros")

        assert end_of(fork(killed)) == -signal.SIGKILL
        if not first or writer.path.exists():
            assert writer.found() in ("zeros 0", "ones 0")
        writer.check_that_nothing_is_left_behind()


def refusal(act: Callable[[], object]) -> OSError | None:
    """What the operating system refuses, if anything."""
    try:
        act()
    except OSError as error:
        return error
    return None


def test_a_disk_that_is_full_at_any_operation(writer):
    def refuse():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer.write("ones")
    for number, operation in enumerate(operations_of_a_write(writer), 1):
        if operation == "__exit__":
            continue  # closing has nothing left to write: all was flushed before
        writer.write("ones")
        before = writer.files()
        at_operation(number, refuse)
        try:
            error = refusal(lambda: writer.write("zeros"))
        finally:
            sys.setprofile(None)
        if error:
            assert (writer.found(), writer.files()) == ("ones 0", before), operation
            assert Path(error.filename).is_relative_to(writer.folder.parent)
            assert "No space left on device; what was there is unchanged; put that" in str(error)
        else:
            # No failure: a folder that was there, or what could only not be cleared away.
            assert operation in ("mkdir", "unlink")
            assert writer.found() == "zeros 0"
        writer.check_that_nothing_is_left_behind()


@pytest.mark.parametrize(
    ("room", "refused"), [(0, "safetensors"), (40, "safetensors"), (2000, "json")]
)
def test_a_file_that_may_not_grow(writer, room, refused):
    """The operating system itself refuses, in the middle of the weights or of the record."""
    old = writer.write("ones")
    before = writer.files()
    said, tell = os.pipe()

    def write():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        os.write(tell, str(refusal(lambda: writer.write("zeros"))).encode())

    assert end_of(fork(write)) == 0
    os.close(tell)
    with os.fdopen(said) as file:
        message = file.read()
    assert "File too large" in message
    assert str(writer.folder) in message
    assert f"{refused}'" in message
    assert (writer.found(), writer.files()) == (old, before)
    writer.check_that_nothing_is_left_behind()


ROUNDS = 40


def test_two_processes_write_the_same_record_at_once(writer):
    """Each removes the weights that its record replaces: never those that the other needs."""
    writer.write("none")
    ready, go = os.pipe()

    def write_and_look(kinds):
        os.close(go)
        os.read(ready, 1)  # returns when nobody has `go` any more
        for number in range(ROUNDS):
            writer.write(kinds[number % 2], number * 2 + (kinds[0] == "ones"))
            found_in_motion(writer)

    pids = [fork(lambda kinds=kinds: write_and_look(kinds)) for kinds in
            (("ones", "zeros"), ("zeros", "ones"))]  # fmt: skip
    os.close(go)
    assert [end_of(pid) for pid in pids] == [0, 0]
    os.close(ready)
    assert int(writer.found().split()[1]) >= 2 * ROUNDS - 2
    writer.check_that_nothing_is_left_behind()


def found_in_motion(writer: Writer) -> str:
    """The version in place, though another may take its place, and its weights, while we read."""
    while True:
        before = writer.path.read_bytes()
        try:
            return writer.found()
        except DamagedRecordError:
            if writer.path.read_bytes() == before:
                raise


def test_unfinished_files_of_a_live_writer_are_left_alone(writer):
    writer.write("ones")
    names = (".seed-1.json.a.partial", "..seed-1.checkpoint.b.partial", ".seed-11.json.c.partial")
    for name in names:
        (writer.folder / name).touch()
    writer.write("ones")
    assert set(names) < set(writer.files())
    for name in names:
        os.utime(writer.folder / name, (0, 0))
    writer.write("ones")
    assert [name for name in names if name in writer.files()] == [".seed-11.json.c.partial"]


def test_a_record_that_cannot_be_read_keeps_its_weights_until_there_is_a_better_one(
    writer, monkeypatch
):
    writer.write("ones")
    (weights,) = writer.folder.glob("*.safetensors")
    writer.path.write_text(writer.path.read_text()[:-9])

    def refuse(_):
        raise OSError(errno.ENOSPC, "No space left")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            writer.write("zeros")
    assert weights.exists()
    writer.check_that_nothing_is_left_behind()
