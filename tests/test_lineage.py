"""Records are followed through a notebook's cells, to the figures that they made."""

import importlib.util
import sys
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cnnref.experiments import runner
from tests.made_results import CLOTHES, DIGITS, PLAIN, made_result

# Not among the tests of the book: once a shell has run in a process, none builds a tiny book.
SOURCE = Path(__file__).parents[1] / "book" / "_ext" / "bookext" / "running" / "lineage.py"
spec = importlib.util.spec_from_file_location("lineage", SOURCE)
assert spec is not None
assert spec.loader is not None
lineage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lineage)

RESULTS = {e.name: made_result(e, [0.9, 0.8]) for e in (CLOTHES, PLAIN, DIGITS)}
START = """
import numpy as np
from cnnref.figures.style import Picture, new_figure, style

def picture(words):
    return Picture(new_figure(1, 1)[0], f"words {words}")
"""


@pytest.fixture
def shell(monkeypatch):
    # A shell takes the place of the main module, without which no process can be spawned.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell = InteractiveShell.instance()
    lineage.load_ipython_extension(shell)
    shell.reset(new_session=False)
    lineage.unload_ipython_extension(shell)
    lineage.load_ipython_extension(shell)

    def run(name):
        for record in RESULTS[name].records:
            for listener in runner.listeners:
                listener(name, record)
        return RESULTS[name]

    shell.user_ns["run"] = run
    shell.run_cell(START).raise_error()
    yield shell
    lineage.unload_ipython_extension(shell)


def stems(shell, *cells):
    """The experiments behind what the last cell shows."""
    shown = []
    format_ = shell.display_formatter.format
    shell.display_formatter.format = lambda *a, **k: shown.append(format_(*a, **k)) or ({}, {})
    try:
        for cell in cells:
            shell.run_cell(cell).raise_error()
    finally:
        del shell.display_formatter.format
    (words,) = shown[-1][1].values()
    return [entry["experiment"] for entry in words.get("trained", [])]


@pytest.mark.parametrize(
    "cells",
    [
        ["picture(run('plain'))"],
        ["a = run('plain')", "picture(a)"],
        ["a = {n: run(n) for n in ['plain']}", "b = a['plain'].final().mean()", "picture(b)"],
        ["a = []", "for x in run('plain').records:\n    a.append(x.seed)", "picture(a)"],
        ["a = {}\nwith style():\n    a['x'] = np.mean(run('plain').final())", "picture(a)"],
        ["def f():\n    return run('plain')", "b = f()", "picture(b)"],
        ["a = run('plain')", "def f():\n    return a.final()", "picture(f())"],
        ["a = run('plain')\nif a:\n    b = a.final()\nelse:\n    b = 0", "picture(b)"],
        ["a = run('plain')", "b, *c = a.final()", "picture(c)"],
        ["a = np.zeros(2)", "def put(x, y):\n    x[:] = y", "put(a, run('plain').final())",
         "picture(a)"],
        ["a, b = run('plain'), run('digits')", "def f(x, y):\n    pass", "f(a, b)", "picture(a)"],
        ["a = {n: run(n) for n in ['plain', 'digits']}", "picture(a['plain'])"],
        ["a = [run('plain')]", "b = {'x': a[0]}", "picture(b)"],
        ["a = 0", "a += run('plain').final()[0]", "picture(a)"],
        ["from IPython.display import display\na = run('plain')\ndisplay(picture(a))\na = 1"],
    ],
)  # fmt: skip
def test_what_was_read_comes_out(shell, cells):
    assert stems(shell, *cells) == ["plain"]


@pytest.mark.parametrize(
    "cells",
    [
        ["picture(1)"],
        ["run('plain')\npicture(1)"],
        ["a = run('plain')", "a = 1", "picture(a)"],
        ["a = run('plain')", "b = np.mean(a.final())", "picture(np.zeros(3))"],
        ["a = run('plain')", "print(a, 1)", "picture(1)"],
        ["a = run('plain')", "def f(a):\n    return a", "picture(f(1))"],
        ["a = run('plain')", "picture([a for a in (1, 2)])"],
        [
            "with style():\n    a = run('plain')",
            "with style():\n    a = 1\n    b = a",
            "picture(b)",
        ],
    ],
)
def test_what_was_not_read_does_not(shell, cells):
    assert stems(shell, *cells) == []


def test_an_entry_says_what_the_records_say(shell):
    shell.run_cell("a, b = run('digits'), run('plain')").raise_error()
    shell.run_cell("c = a.final() - b.final()").raise_error()
    tracked = shell.ast_transformers[-1]
    tracked.now = shell.ast_transformers[-1].statements[-1]
    digits, plain = tracked.of_now()
    facts = [record["provenance"] for record in RESULTS["digits"].records]
    assert (digits["experiment"], plain["experiment"]) == ("digits", "plain")
    assert digits["seeds"] == [0, 1]
    assert digits["devices"] == sorted({fact["device_name"] for fact in facts})
    assert digits["dates"] == sorted({fact["date"][:10] for fact in facts})


def test_a_cell_may_begin_with_the_future(shell):
    shell.run_cell("from __future__ import annotations\nx = 1").raise_error()
    assert shell.user_ns["x"] == 1


def test_following_asks_nothing_of_a_variable_but_of_a_dictionary(shell):
    shell.run_cell("""
        class Refuses:
            asked = 0

            def __getitem__(self, key):
                Refuses.asked += 1
                raise ValueError(key)

        def asks():
            return refuses["x"]

        refuses = Refuses()
        try:
            y = refuses["x"]
        except ValueError:
            pass
        z = asks
    """).raise_error()
    assert shell.user_ns["Refuses"].asked == 1


def test_who_no_longer_follows_is_told_nothing(shell):
    shell.run_cell("x = 1").raise_error()
    assert len(runner.listeners) == 1
    lineage.unload_ipython_extension(shell)
    assert runner.listeners == []
