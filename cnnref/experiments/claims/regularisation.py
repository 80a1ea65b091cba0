"""Questions UT-P2.8 to UT-P2.11: batch normalisation and dropout on cats and dogs."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.claims.claim import Claim

__all__ = ["regularisation"]


def regularisation() -> Iterator[Claim]:
    """Both together against neither."""
    chapter = "regularisation"
    both, plain = "cats-dogs-plain-bn-dropout", "cats-dogs-plain"
    yield Claim.comparing(
        "regularised-test-loss", chapter,
        "Batch normalisation and dropout together lower the test loss after twenty epochs.",
        both, plain, "lower", "loss",
    )  # fmt: skip
    yield Claim.comparing(
        "regularised-training-accuracy", chapter,
        "With both the network fits the training images less closely.",
        both, plain, "lower", "train_accuracy",
    )  # fmt: skip
    yield Claim.comparing(
        "regularised-test-accuracy", chapter,
        "Whether both together change the test accuracy, five seeds do not tell.",
        both, plain, "cannot tell",
    )  # fmt: skip
