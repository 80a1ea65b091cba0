"""Several reaches or one, at equal cost: question IU-3B.1's experiment on Fashion-MNIST."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.claims.claim import Claim

__all__ = ["inception"]


def inception() -> Iterator[Claim]:
    """Inception modules against plain convolutions of the same cost."""
    yield Claim.comparing(
        "inception-plain", "inception",
        "Three seeds do not tell Inception modules from plain 3 by 3 layers of the same cost.",
        "inception-block", "inception-plain", "too close to call",
    )  # fmt: skip
