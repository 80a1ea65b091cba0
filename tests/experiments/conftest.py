"""A record to read, edit and write again."""

import pytest

from cnnref.experiments import Record, store


@pytest.fixture
def record(trained) -> Record:
    """The record of seed 1, which keeps no weights, alone in its folder."""
    for path in trained.glob("tiny/seed-0*"):
        path.unlink()
    return store.read(trained / "tiny" / "seed-1.json")
