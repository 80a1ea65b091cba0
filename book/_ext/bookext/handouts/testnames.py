"""Tests by name: does `test_convolution.py::test_input_gradient` exist, and on which line?"""

from __future__ import annotations

import ast
from functools import cache, lru_cache
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


@lru_cache(64)
def parsed(path: Path, _time: int) -> ast.Module:
    """A file as it was at that time."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def line_of_test(path: Path, name: str) -> int | None:
    """The line on which a test is defined, or `None` where the file has no such test.

    Args:
        path: a Python file.
        name: `test_x`, or `TestClass::test_x` for a method.
    """
    if not path.is_file():
        return None
    scope: ast.Module | ast.ClassDef = parsed(path, path.stat().st_mtime_ns)
    *classes, function = name.split("::")
    for wanted in classes:
        inner = [n for n in scope.body if isinstance(n, ast.ClassDef) and n.name == wanted]
        if not inner:
            return None
        scope = inner[-1]
    for node in scope.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return node.lineno
    return None
