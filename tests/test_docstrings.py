"""The examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import cnnref

MODULES = [m.name for m in pkgutil.walk_packages(cnnref.__path__, "cnnref.")]
WITH_EXAMPLES = {
    "cnnref.accounting.counting.registered",
    "cnnref.accounting.receptive_fields.axis",
    "cnnref.accounting.summary.building",
    "cnnref.accounting.summary.comparing",
    "cnnref.accounting.summary.network",
    "cnnref.accounting.timing",
    "cnnref.windows",
}


@pytest.mark.parametrize("name", [name for name in MODULES if name != "cnnref.__main__"])
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
    assert (results.attempted > 0) == (name in WITH_EXAMPLES)
