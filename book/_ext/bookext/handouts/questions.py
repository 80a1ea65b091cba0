"""The list of questions, `book/questions.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx

QUESTIONS = "book/questions.yml"


@dataclass(frozen=True)
class Question:
    """What a question is about, and whether it is `written` or an `experiment`."""

    kind: str
    about: str


@dataclass(frozen=True)
class Handout:
    """One handout and its questions by name, in the handout's order."""

    school: str
    course: str
    handout: str
    questions: dict[str, Question]


@cache
def handouts_of(app: Sphinx) -> list[Handout]:
    """The handouts; a field that they lack, or do not know, stops the build."""
    path = Path(app.srcdir) / QUESTIONS
    handouts: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["handouts"]
    for handout in handouts:
        questions = handout["questions"].items()
        handout["questions"] = {name: Question(**fields) for name, fields in questions}
    return [Handout(**handout) for handout in handouts]


def schools_of(app: Sphinx) -> dict[str, str]:
    """The name of every question, in order, with whose it is."""
    return {name: handout.school for handout in handouts_of(app) for name in handout.questions}
