"""Chapters, run once each, for the tests of their answers and exercises."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.chapters import BOOK, Played, play


@pytest.fixture(scope="session")
def played() -> Callable[[str], Played]:
    """Runs a chapter, once however often it is asked for."""
    return cache(lambda name: play(BOOK / f"{name}.md"))


@pytest.fixture(scope="session")
def chapter(played) -> Callable[[str], dict[str, Any]]:
    """The names that a chapter has bound after its last cell."""
    return lambda name: played(name).namespace
