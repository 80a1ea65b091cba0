"""Every exercise has a checked solution, and its checks refuse wrong answers."""

import pytest

from tests.chapters import BOOK, read_exercises

CHAPTERS = sorted(page.stem for page in BOOK.glob("*.md") if read_exercises(page))


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_three_exercises_with_answers_and_checks(name):
    exercises = read_exercises(BOOK / f"{name}.md")
    assert len(exercises) >= 3
    for exercise in exercises:
        assert len(exercise.tagged("answer")) == 1, exercise.label
        assert exercise.tagged("check"), exercise.label
        assert exercise.wrong_answers, exercise.label


@pytest.mark.parametrize("name", CHAPTERS)
def test_wrong_answers_are_refused(name, played):
    assert played(name).accepted == []
