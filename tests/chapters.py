"""The book's chapters as programs: their cells run in order, without a notebook.

An exercise's solution binds its answer in one cell tagged `answer` and checks it in cells tagged
`check`. The answer cell's metadata lists wrong answers; each of them takes the answer's place
once, and the checks must refuse it.
"""

import ast
import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

BOOK = Path(__file__).parents[1] / "book"

CELL = re.compile(r"^```\{code-cell\}.*\n((?:(?!```$).*\n)*)```$", re.MULTILINE)
EXERCISE = re.compile(r"^:{3,}\{exercise\}.*\n:label: (\S+)$", re.MULTILINE)
SOLUTION = re.compile(
    r"^```\{solution-start\} (\S+)$.*?^```\{solution-end\}$", re.MULTILINE | re.DOTALL
)


def python_of(cell: str) -> str:
    """A cell's source without what is meant for the notebook."""
    return re.sub(r"^%.*$", "", cell, flags=re.MULTILINE)


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """An empty folder to be in, and to look for data in."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CNNREF_DATA", folder)
        yield


@dataclass(frozen=True)
class Cell:
    """One code cell: where it stands, and what it says."""

    offset: int
    line: int
    source: str
    metadata: dict[str, Any]

    def tagged(self, tag: str) -> bool:
        return tag in self.metadata.get("tags", ())

    def run(self, namespace: dict[str, Any]) -> Any:
        """Execute it and return the value of its last line, if that is an expression.

        Whatever is at hand, it has neither data nor a file of the book, as on the machine of one
        who has a notebook alone; so a cell that needs a dataset is passed over. Those run in the
        build, whose pages show what they say.
        """
        if self.source.startswith("%%needs "):
            return None
        tree = ast.parse(python_of(self.source))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        place = f"<cell at line {self.line}>"
        with nowhere():
            exec(compile(tree, place, "exec"), namespace)
            if not isinstance(last, ast.Expr):
                return None
            return eval(compile(ast.Expression(last.value), place, "eval"), namespace)


@dataclass(frozen=True)
class Exercise:
    """An exercise and the cells of its solution."""

    label: str
    cells: list[Cell]

    def tagged(self, tag: str) -> list[Cell]:
        return [cell for cell in self.cells if cell.tagged(tag)]

    @property
    def wrong_answers(self) -> list[str]:
        return [text for cell in self.tagged("answer") for text in cell.metadata.get("wrong", ())]


@dataclass
class Played:
    """A chapter after its last cell."""

    namespace: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    accepted: list[tuple[str, str]] = field(default_factory=list)
    """Wrong answers that no check refused, with their exercises. There should be none."""


def read_cells(page: Path) -> list[Cell]:
    """The cells of a MyST notebook, in order."""
    text = page.read_text(encoding="utf-8")
    cells = []
    for found in CELL.finditer(text):
        source, metadata = found[1], {}
        if head := re.match(r"---\n(.*?)^---\n", source, re.DOTALL | re.MULTILINE):
            metadata = yaml.safe_load(head[1])
        elif head := re.match(r"(?::\w.*\n)+", source):
            options = (line[1:].split(":", 1) for line in head[0].splitlines())
            metadata = {name: yaml.safe_load(value) for name, value in options}
        line = text.count("\n", 0, found.start()) + 1
        source = source[head.end() :] if head else source
        cells.append(Cell(found.start(), line, source.strip() + "\n", metadata))
    return cells


def read_exercises(page: Path) -> list[Exercise]:
    """The exercises of a chapter; one without a solution has no cells."""
    text, cells = page.read_text(encoding="utf-8"), read_cells(page)
    spans = {found[1]: range(*found.span()) for found in SOLUTION.finditer(text)}
    labels = EXERCISE.findall(text)
    return [Exercise(x, [c for c in cells if c.offset in spans.get(x, ())]) for x in labels]


def play(page: Path) -> Played:
    """Run a chapter from its first cell to its last, and try every wrong answer on the way."""
    played = Played()
    answers = ((e, e.tagged("answer")) for e in read_exercises(page))
    exercises = {cells[0].offset: exercise for exercise, cells in answers if cells}
    default = torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in read_cells(page):
                if cell.offset in exercises:
                    try_wrong_answers(exercises[cell.offset], played)
                cell.run(played.namespace)
    finally:
        torch.set_default_dtype(default)
    return played


def try_wrong_answers(exercise: Exercise, played: Played) -> None:
    """Put each wrong answer in the right one's place, run the checks, and note what passes."""
    answer = exercise.tagged("answer")[0]
    for text in exercise.wrong_answers:
        state, namespace = torch.get_rng_state(), dict(played.namespace)
        try:
            Cell(answer.offset, answer.line, text, {}).run(namespace)
            for check in exercise.tagged("check"):
                check.run(namespace)
        except AssertionError:
            pass
        else:
            played.accepted.append((exercise.label, text))
        torch.set_rng_state(state)
