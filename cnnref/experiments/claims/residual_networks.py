"""Question IU-C.3: a ResNet beside its plain twin, with 20 layers and with 8."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.claims.claim import Claim

__all__ = ["residual_networks"]


def residual_networks() -> Iterator[Claim]:
    """What the addition changes at 20 layers and at 8, and what depth changes with and without."""
    for name, text, first, second, says, metric in (
        (
            "residual-accuracy",
            "Whether the ResNet of 20 layers is right on more test images than its plain twin is "
            "too close to call.",
            "resnet-20", "plain-20", "cannot tell", "accuracy",
        ),
        (
            "residual-loss",
            "The ResNet of 20 layers ends with a lower training loss than its plain twin.",
            "resnet-20", "plain-20", "lower", "train_loss",
        ),
        (
            "residual-loss-8",
            "With 8 layers, whether the additions change the training loss is too close to call.",
            "resnet-8", "plain-8", "cannot tell", "train_loss",
        ),
        (
            "residual-depth",
            "The ResNet of 20 layers ends with a lower training loss than that of 8.",
            "resnet-20", "resnet-8", "lower", "train_loss",
        ),
        (
            "residual-depth-accuracy",
            "The ResNet of 20 layers is right on more test images than that of 8.",
            "resnet-20", "resnet-8", "higher", "accuracy",
        ),
        (
            "residual-depth-plain",
            "Whether the plain network gains training loss by 12 more layers is too close to call.",
            "plain-20", "plain-8", "cannot tell", "train_loss",
        ),
    ):  # fmt: skip
        yield Claim.comparing(
            name, "residual-networks", text, f"fashion-{first}", f"fashion-{second}", says, metric
        )
