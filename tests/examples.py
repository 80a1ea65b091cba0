"""How many examples Hypothesis draws."""

import os
from typing import Any

from hypothesis import settings

FEW = 50


def examples(count: int, **how: Any) -> settings:
    """Settings for so many examples.

    CI draws the same ones every time, so that a later run says nothing new: a quarter will do,
    but not fewer than `FEW`.
    """
    in_ci = min(count, max(count // 4, FEW))
    return settings(max_examples=in_ci if os.environ.get("CI") else count, **how)
