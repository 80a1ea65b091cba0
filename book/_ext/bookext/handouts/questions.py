"""The list of questions, `book/questions.yml`, as checked values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

KINDS = ("written", "experiment")


class QuestionListError(ValueError):
    """The list of questions is not what it should be; the message says where."""


@dataclass(frozen=True)
class Question:
    """One question of a handout."""

    name: str
    kind: str
    about: str


@dataclass(frozen=True)
class Handout:
    """One handout and its questions, in the handout's order."""

    school: str
    course: str
    handout: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class QuestionList:
    """All handouts, and the names of the questions that no chapter answers yet."""

    handouts: tuple[Handout, ...]
    deferred: tuple[str, ...]

    @cached_property
    def handout_of(self) -> dict[str, Handout]:
        """The handout that each question comes from, in order."""
        return {q.name: handout for handout in self.handouts for q in handout.questions}


def read_questions(path: Path) -> QuestionList:
    """Read the list.

    Raises:
        QuestionListError: a name occurs twice, an entry lacks a field or has an unknown kind.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    handouts = tuple(
        Handout(
            **{field: str(entry[field]) for field in ("school", "course", "handout")},
            questions=tuple(_question(path, name, q) for name, q in entry["questions"].items()),
        )
        for entry in raw["handouts"]
    )
    names = [question.name for handout in handouts for question in handout.questions]
    deferred = [name for line in raw["deferred"] or () for name in _names(line)]
    for kind, listed in (("question", names), ("deferred question", deferred)):
        if twice := sorted({name for name in listed if listed.count(name) > 1}):
            raise QuestionListError(f"{path.name}: {kind} listed twice: {', '.join(twice)}")
    return QuestionList(handouts, tuple(deferred))


def _question(path: Path, name: str, fields: dict[str, str]) -> Question:
    if set(fields) != {"kind", "about"} or fields["kind"] not in KINDS:
        raise QuestionListError(
            f"{path.name}: {name} needs an 'about' and a 'kind' out of {', '.join(KINDS)}"
        )
    return Question(name, fields["kind"], fields["about"])


def _names(line: str | list[str]) -> list[str]:
    return line if isinstance(line, list) else [line]
