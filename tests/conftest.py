import gc
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from cnnref.experiments import CATALOGUE, Experiment, run
from cnnref.training import Recipe, keep_freed_memory
from tests.forks import Run, forks
from tests.real_data import at_hand

# No deadline: on a loaded machine a slow example is not a wrong one.
settings.register_profile("cnnref", deadline=None, print_blob=True)
settings.load_profile("cnnref")

# As a training does: chapters that are run and datasets that are read take a fifth less of a
# processor, and small networks a fourteenth.
keep_freed_memory()


class ByWhatIsShared(LoadScopeScheduling):  # type: ignore[misc]
    """Which tests a worker of pytest-xdist runs together.

    A page of the book is opened once for all tests that look at it, a chapter is run once for all
    tests of its answers, and what else a file's tests share is made once per file.
    """

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        if page := re.search(r"\[(\S+?\.html)", test):
            return page[1]
        return "answers" if "answers/" in path else path


def pytest_xdist_make_scheduler(config, log):
    """Have pytest-xdist use it."""
    return ByWhatIsShared(config, log)


def pytest_collection_finish():
    """Have no later search for garbage look through all that was imported and collected.

    These are 600,000 objects, and each new shell of `test_lineage.py` asks for a search: its 27
    tests take 3 seconds of a processor instead of 13.
    """
    gc.freeze()


def pytest_sessionfinish():
    """Let the interpreter clear up as ever."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_stray_settings(monkeypatch):
    """Tests see the packaged records and no mode, whatever the caller's environment says."""
    monkeypatch.delenv("CNNREF_EXPERIMENTS", raising=False)
    monkeypatch.delenv("CNNREF_RESULTS", raising=False)


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """A folder of records of the test's own."""
    folder = tmp_path / "results"
    monkeypatch.setenv("CNNREF_RESULTS", str(folder))
    return folder


TINY = replace(
    CATALOGUE["cats-dogs-plain"],
    name="tiny",
    title="A tiny experiment",
    dataset="synthetic",
    recipe=Recipe(epochs=2, batch_size=64),
    seeds=(0, 1),
)


@pytest.fixture
def tiny() -> Experiment:
    """An experiment that trains in a second and needs no file."""
    return TINY


@pytest.fixture(scope="session")
def tiny_records(tmp_path_factory) -> Path:
    """The records of the tiny experiment, trained once."""
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNREF_RESULTS", str(folder))
        run(TINY, mode="force")
    return folder


@pytest.fixture
def trained(results, tiny_records) -> Path:
    """A folder of the test's own with the tiny experiment's records in it."""
    shutil.copytree(tiny_records, results)
    return results


@pytest.fixture
def real_data() -> None:
    """Skip where CIFAR-10 is not at hand; in CI, fail instead."""
    at_hand("cifar10", "test")


@pytest.fixture(scope="session")
def in_a_fork() -> Iterator[Run]:
    """Runs code in a process of its own that has loaded torch and nothing else."""
    with forks() as run:
        yield run
