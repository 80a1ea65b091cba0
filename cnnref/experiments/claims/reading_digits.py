"""Questions MIT-5.1 to MIT-5.4a: what width, depth and training time bring on digits."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.claims.claim import Claim

__all__ = ["reading_digits"]


def reading_digits() -> Iterator[Claim]:
    """MIT-5.2 and 5.3."""
    chapter = "reading-digits"
    yield Claim.comparing(
        "digits-width", chapter,
        "After one epoch 1024 hidden units are right on more images than 128.",
        "digits-mlp-1024", "digits-mlp-128", "higher",
    )  # fmt: skip
    yield Claim.comparing(
        "digits-width-training-loss", chapter,
        "After one epoch the training loss of 1024 hidden units is lower than that of 128.",
        "digits-mlp-1024", "digits-mlp-128", "lower", "train_loss",
    )  # fmt: skip
    yield Claim.comparing(
        "digits-depth", chapter,
        "After one epoch 256 units on top of 512 are right on more images than 512 alone.",
        "digits-mlp-512-256", "digits-mlp-512", "higher",
    )  # fmt: skip
