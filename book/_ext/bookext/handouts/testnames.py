"""Tests by name: does `test_convolution.py::test_input_gradient` exist, and on which line?"""

from __future__ import annotations

from functools import cache
from pathlib import Path


def find_test_file(tests: Path, filename: str) -> Path:
    """The file in `tests` itself, else the only one of that name in any folder below.

    Where there is none, or no single one, this is the path in `tests`, which does not exist.
    """
    path = tests / filename
    below = [found for found in files_below(tests) if found.match(filename)]
    return below[0] if path not in below and len(below) == 1 else path


@cache
def files_below(tests: Path) -> list[Path]:
    """Every Python file of a folder and those below it; a build asks for hundreds."""
    return sorted(tests.rglob("*.py"))


def line_of_test(path: Path, name: str) -> int | None:
    """The line on which a test is defined, or `None` where the file has no such test."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    definitions = (n for n, line in enumerate(lines, 1) if line.startswith(f"def {name}("))
    return next(definitions, None)
