"""Chapters, run once each, for the tests of their answers and exercises."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.chapters import BOOK, Played, play


@pytest.fixture(scope="session")
def played() -> Callable[[str], Played]:
    """Runs a chapter, once however often it is asked for; what has no record fails, untrained."""

    def once(name: str) -> Played:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CNNREF_EXPERIMENTS", "stored")
            return play(BOOK / f"{name}.md")

    return cache(once)


@pytest.fixture(scope="session")
def chapter(played) -> Callable[[str], dict[str, Any]]:
    """The names that a chapter has bound after its last cell."""
    return lambda name: played(name).namespace
