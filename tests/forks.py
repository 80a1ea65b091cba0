"""Code in a process of its own that has loaded torch, and of what this one has loaded nothing else.

For torch alone a fresh interpreter takes two seconds of a processor. So one process loads it, and
each piece of code runs in a fork of that.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FORKING = """
import json, os, sys, torch
for line in sys.stdin:
    asked = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    for stream, path in enumerate((os.devnull, asked["out"], asked["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    os.chdir(asked["folder"])
    exec(compile(asked["code"], "<string>", "exec"), {"__name__": "__main__"})
    sys.exit()
"""

Run = Callable[[str], subprocess.CompletedProcess[str]]


@contextmanager
def forks() -> Iterator[Run]:
    """What runs code as `python -c` would, in an empty folder."""
    with (
        tempfile.TemporaryDirectory() as said,
        subprocess.Popen(
            [sys.executable, "-c", FORKING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        sent, answers = process.stdin, process.stdout

        def run(code: str) -> subprocess.CompletedProcess[str]:
            paths = {name: Path(said, f"{name}.txt") for name in ("out", "err")}
            for path in paths.values():
                path.write_text("")
            with tempfile.TemporaryDirectory() as folder:
                asked = {"code": code, "folder": folder} | {k: str(v) for k, v in paths.items()}
                print(json.dumps(asked), file=sent, flush=True)
                status = int(answers.readline())
            out, err = (path.read_text() for path in paths.values())
            return subprocess.CompletedProcess(["python", "-c", code], status, out, err)

        yield run
