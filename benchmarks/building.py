"""What a build of the book spends its time on: from clean, unchanged, and with one page edited.

    python benchmarks/building.py            # print the tables
    python benchmarks/building.py --write    # and write them to benchmarks/building.md

The commit that is checked out is built in a new clone, by the book's own strict command. Phases are
told apart by what Sphinx says when it begins the next. One run each: a build takes minutes, so
let the machine do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jupyter_cache import get_cache

from writing import machine, table_of

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_suffix(".md")
EDITED = "book/pooling.md"

PHASES = {
    r"^": "settings, and the library's docstrings",
    r"^(running \d+ pages|reading sources)": "cells run, two pages at a time, and Sphinx reads",
    r".*looking for now-outdated": "Sphinx resolves and writes them",
    r"^highlighting module code": "the library's source, highlighted",
    r"^writing additional pages": "images, search index, the rest",
}
"""What begins with a line like this, or in one that something else has begun."""


def build(folder: Path) -> dict[str, float]:
    """Build the book of a clone strictly; seconds of each phase, in the order of `PHASES`.

    Raises:
        SystemExit: the build failed; its last lines are printed.
    """
    command = ["jupyter-book", "build", ".", "-n", "-W", "--keep-going"]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as in `make book`
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=folder, env=environment, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    waiting = list(PHASES.items())
    spent = dict.fromkeys(PHASES.values(), 0.0)
    phase, since, lines = waiting.pop(0)[1], time.perf_counter(), []
    assert process.stdout is not None
    for raw in process.stdout:
        line = re.sub(r"\x1b\[[\d;]*m", "", raw).strip()
        lines.append(line)
        for number, (begins, named) in enumerate(waiting):
            if re.match(begins, line):  # a phase may be left out: nothing runs, nothing is new
                now = time.perf_counter()
                spent[phase] += now - since
                phase, since = named, now
                del waiting[: number + 1]
                break
    spent[phase] += time.perf_counter() - since
    if process.wait():
        print(*lines[-20:], sep="\n", file=sys.stderr)
        raise SystemExit(f"the build of {folder} failed; its last lines are above")
    return spent


def pages(folder: Path) -> list[tuple[str, float]]:
    """Every page with cells and the seconds that they took to run, the slowest first."""
    (cache,) = (folder / "_build" / ".jupyter_cache").iterdir()
    records = get_cache(cache).list_cache_records()
    took = [(Path(r.uri).stem, float(r.data["execution_seconds"])) for r in records]
    return sorted(took, key=lambda page: -page[1])


def report() -> str:
    """The tables, in Markdown."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "book"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        clean = build(folder)
        slowest = pages(folder)
        unchanged = build(folder)
        with (folder / EDITED).open("a", encoding="utf-8") as page:
            page.write("\nOne more sentence.\n")
        edited = build(folder)
    columns = [clean, unchanged, edited]
    rows = [[name, *(f"{times[name]:.0f} s" for times in columns)] for name in PHASES.values()]
    rows.append(["**all of it**", *(f"**{sum(times.values()):.0f} s**" for times in columns)])
    heads = ["phase", "from clean", "nothing changed", "one page edited"]
    running = sum(took for _, took in slowest)
    first = [[name, f"{took:.0f} s", f"{took / running:.0%}"] for name, took in slowest[:8]]
    return "\n".join([
        "# Building the book: where the time goes",
        "",
        "<!-- table -->",
        "",
        f"Written by `make bench`; one build each, of {len(slowest)} pages with cells.",
        "",
        table_of(heads, rows),
        "",
        f"The cells of all pages take {running:.0f} s by the clock, each page beside another and "
        "beside Sphinx. The longest:",
        "",
        table_of(["page", "its cells", "of all"], first),
        "",
        f"Measured on {machine()}.",
        "",
    ])  # fmt: skip


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} too")
    asked = parser.parse_args()
    text = report()
    print(text)
    if asked.write:
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
