"""The real datasets, for tests that need them."""

import os

import pytest

from cnnref import data


def at_hand(name: str, split: str) -> data.ImageSet:
    """A split of a dataset. Where it is missing the test is skipped; in CI it fails instead."""
    try:
        return data.load(name, split)
    except data.MissingDataError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the data: {error}")
        pytest.skip(str(error))
