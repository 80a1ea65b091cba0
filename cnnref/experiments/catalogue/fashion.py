"""Fashion-MNIST, questions IU-C.1 to IU-C.3: optimizers, a first CNN, a ResNet and its twin."""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.catalogue.entry import Expectation, Experiment, short
from cnnref.training import Recipe

__all__ = ["PICKED_RATES", "TRIED_RATES", "fashion"]

_SEEDS = (0, 1, 2)

_ADAPTIVE = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
_WITH_MOMENTUM = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

TRIED_RATES: dict[str, tuple[float, ...]] = {
    "sgd": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "momentum": _WITH_MOMENTUM,
    "nesterov": _WITH_MOMENTUM,
    "adagrad": (3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "rmsprop": _ADAPTIVE,
    "adam": _ADAPTIVE,
    "adamw": _ADAPTIVE,
}
"""Learning rates that are tried for every optimizer: five each, evenly spaced in the logarithm."""

PICKED_RATES: dict[str, float] = {
    "sgd": 3e-1,
    "momentum": 3e-2,
    "nesterov": 3e-2,
    "adagrad": 3e-2,
    "rmsprop": 1e-3,
    "adam": 3e-3,
    "adamw": 3e-3,
}
"""The one of them with the best validation accuracy; a test compares it with the records."""


def fashion() -> Iterator[Experiment]:
    """All experiments on clothes."""
    small = {"width": 8}
    # Without weight decay AdamW is Adam; 0.01 is torch's default for it.
    decay = dict.fromkeys(TRIED_RATES, 0.0) | {"adamw": 0.01}
    for optimizer, rates in TRIED_RATES.items():
        for rate in rates:
            yield Experiment(
                name=f"tune-{optimizer}-{short(rate)}",
                title=f"Fashion-MNIST: {optimizer}, learning rate {rate:g}",
                dataset="fashion-mnist-tuning",
                model="DigitCNN",
                recipe=Recipe(
                    optimizer, rate, epochs=3, batch_size=64, loss="cross-entropy",
                    weight_decay=decay[optimizer],
                ),
                seeds=(0,),
                arguments=small,
            )  # fmt: skip
        yield Experiment(
            name=f"optimizer-{optimizer}",
            title=f"Fashion-MNIST: {optimizer} at its tuned learning rate",
            dataset="fashion-mnist",
            model="DigitCNN",
            recipe=Recipe(
                optimizer, PICKED_RATES[optimizer], epochs=3, batch_size=64, loss="cross-entropy",
                weight_decay=decay[optimizer],
            ),
            seeds=_SEEDS,
            arguments=small,
            keep_steps=True,
            expected=Expectation(
                0.84, 0.91, "Xiao et al. 2017: 0.897 for the best method without convolutions"
            ),
        )  # fmt: skip
    yield Experiment(
        name="fashion-cnn",
        title="Fashion-MNIST: a first CNN",
        dataset="fashion-mnist",
        model="DigitCNN",
        recipe=Recipe(
            "adam", 1e-3, epochs=8, batch_size=64, loss="cross-entropy", schedule="cosine"
        ),
        seeds=_SEEDS,
        arguments={"dropout": 0.5},
        keep_weights=True,
        expected=Expectation(
            0.905, 0.935, "Fashion-MNIST's own list: 0.916 for two convolutions with pooling"
        ),
    )
    for depth in (8, 20, 56):
        for kind, skip in (("resnet", True), ("plain", False)):
            yield Experiment(
                name=f"fashion-{kind}-{depth}",
                title=f"Fashion-MNIST: {'ResNet' if skip else 'its plain twin'}, {depth} layers",
                dataset="fashion-mnist",
                model="ResNet",
                recipe=Recipe(
                    "momentum", 0.05, epochs=4, batch_size=128, loss="cross-entropy",
                    weight_decay=1e-4, schedule="cosine",
                ),
                seeds=_SEEDS,
                arguments={"depth": depth, "skip": skip, "channels": 1, "stem_stride": 2},
                expected=Expectation(
                    0.85,
                    0.94,
                    "Fashion-MNIST's own list: 0.949 for a ResNet-18 with augmentation",
                    explanation="so many plain layers train badly: He et al.'s degradation"
                    if (kind, depth) == ("plain", 56)
                    else "",
                ),
            )  # fmt: skip
