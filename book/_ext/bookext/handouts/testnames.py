"""Tests by name: does `test_convolution.py::test_input_gradient` exist, and on which line?"""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path


def find_test_file(tests: Path, filename: str) -> Path:
    """The file in `tests` itself, else the only one of that name in any folder below.

    Where there is none, or no single one, this is the path in `tests`, which does not exist.
    """
    path = tests / filename
    below = list(tests.rglob(filename))
    return below[0] if not path.is_file() and len(below) == 1 else path


@lru_cache(1)
def parsed(path: Path, _time: int) -> ast.Module:
    """A file as it was at that time; a page asks for the tests of one file after another."""
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
