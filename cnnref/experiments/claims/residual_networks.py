"""Question IU-C.3: a ResNet beside its plain twin, with 8 layers, with 20 and with 56."""

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
            "resnet-20", "plain-20", "too close to call", "accuracy",
        ),
        (
            "residual-loss",
            "The ResNet of 20 layers ends with a lower training loss than its plain twin.",
            "resnet-20", "plain-20", "lower", "train_loss",
        ),
        (
            "residual-loss-8",
            "With 8 layers, whether the additions change the training loss is too close to call.",
            "resnet-8", "plain-8", "too close to call", "train_loss",
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
            "plain-20", "plain-8", "too close to call", "train_loss",
        ),
        (
            "residual-degradation",
            "The plain network of 56 layers ends with a higher training loss than that of 20.",
            "plain-56", "plain-20", "higher", "train_loss",
        ),
        (
            "residual-degradation-accuracy",
            "The plain network of 56 layers is right on fewer test images than that of 20.",
            "plain-56", "plain-20", "lower", "accuracy",
        ),
        (
            "residual-loss-56",
            "The ResNet of 56 layers ends with a lower training loss than its plain twin.",
            "resnet-56", "plain-56", "lower", "train_loss",
        ),
        (
            "residual-accuracy-56",
            "The ResNet of 56 layers is right on more test images than its plain twin.",
            "resnet-56", "plain-56", "higher", "accuracy",
        ),
        (
            "residual-depth-56",
            "In four epochs, whether 36 more layers change the training loss of the ResNet is too "
            "close to call.",
            "resnet-56", "resnet-20", "too close to call", "train_loss",
        ),
    ):  # fmt: skip
        yield Claim.comparing(
            name, "residual-networks", text, f"fashion-{first}", f"fashion-{second}", says, metric
        )
