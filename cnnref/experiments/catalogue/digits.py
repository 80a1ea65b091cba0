"""MNIST: questions MIT-5.1 to MIT-5.4a under one recipe and eleven others, and BO-P0 to BO-P4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cnnref.experiments.catalogue.entry import Expectation, Experiment, short
from cnnref.training import Recipe

__all__ = [
    "LEARNING_RATES",
    "MOMENTS",
    "NETWORKS",
    "PICKED_RATE",
    "RECIPES",
    "STANDARDISED",
    "TWICE_TRAINED",
    "WIDTHS",
    "digits",
    "learning_rates",
]

_SEEDS = (0, 1, 2)
_FIVE = (0, 1, 2, 3, 4)

NETWORKS: dict[str, tuple[int, ...]] = {
    "linear": (),
    "mlp-128": (128,),
    "mlp-256": (256,),
    "mlp-512": (512,),
    "mlp-1024": (1024,),
    "mlp-512-256": (512, 256),
}
"""Hidden units of the fully-connected networks of questions MIT-5.1 to MIT-5.3a."""

RECIPES: dict[str, tuple[str, Recipe]] = {
    f"{name}{suffix}": (
        dataset,
        Recipe(
            optimizer=optimizer,
            learning_rate=rate,
            epochs=1,
            batch_size=batch,
            loss="cross-entropy",
            pixels="unit",
        ),
    )
    for suffix, dataset in (("", "mnist"), ("-10k", "mnist-first-10000"))
    for name, optimizer, rate, batch in (
        ("adam-b128", "adam", 1e-3, 128),
        ("adam-b64", "adam", 1e-3, 64),
        ("adam-b32", "adam", 1e-3, 32),
        ("sgd-1e-1", "sgd", 1e-1, 32),
        ("sgd-1e-2", "sgd", 1e-2, 32),
    )
}
"""Dataset and recipe by label. The handout states the scale of the pixels, from 0 to 1, and the
epochs; the rest is open. The first is the book's own."""

STANDARDISED: dict[str, tuple[str, Recipe]] = {
    f"{label}-standardised": (dataset, replace(recipe, pixels="standardised"))
    for label, (dataset, recipe) in RECIPES.items()
    if label in ("adam-b32-10k", "sgd-1e-1-10k")
}
"""Two of them against the handout's word: what the scale of the pixels does."""

WIDTHS = (128, 256, 512, 1024)
"""Hidden units of question MIT-5.2."""


MOMENTS = (0, 10, 30, 60, 100, 200, 400, 938, 3752, 11256)
"""Steps after which the narrow CNN's weights are kept: about equal factors apart, the last three
being the ends of its first, fourth and twelfth epoch."""


def digits() -> Iterator[Experiment]:
    """Every network of MIT-5 by the book's recipe, and the fully-connected ones by all others."""
    yield from _searched()
    yield from _over_width()
    _, recipe = RECIPES["adam-b128"]
    yield Experiment(
        name="digits-mlp-512-256-long",
        title="MNIST: mlp-512-256, twenty epochs",
        dataset="mnist",
        model="MLP",
        recipe=replace(recipe, epochs=20),
        seeds=_SEEDS,
        arguments={"hidden": (512, 256)},
        expected=Expectation(
            0.975, 0.986, "Simard et al. 2003: 0.984 for 800 units without distortions"
        ),
    )
    yield Experiment(
        name="digits-cnn",
        title="MNIST: the CNN with dropout, one epoch",
        dataset="mnist",
        model="DigitCNN",
        recipe=recipe,
        seeds=_SEEDS,
        arguments={"dropout": 0.5},
        keep_weights=True,
        expected=Expectation(
            0.975, 0.991, "LeCun et al. 1998: 0.9905 for LeNet-5 after 20 epochs; one is less"
        ),
    )
    yield Experiment(
        name="digits-cnn-narrow",
        title="MNIST: the CNN at a quarter of its width, weights kept on the way",
        dataset="mnist",
        model="DigitCNN",
        recipe=replace(recipe, learning_rate=3e-3, epochs=12, batch_size=64, schedule="cosine"),
        seeds=_SEEDS,
        arguments={"width": 8},
        keep_weights=True,
        keep_moments=MOMENTS,
        expected=Expectation(
            0.98, 0.9905, "LeCun et al. 1998, Fig. 9: 0.983 for LeNet-1, 0.9905 for LeNet-5"
        ),
    )


def _searched() -> Iterator[Experiment]:
    known = {
        "linear": Expectation(
            0.90, 0.93, "a linear softmax classifier converges to 0.92 to 0.93 on MNIST"
        ),
        "mlp-512-256": Expectation(
            0.955, 0.98, "LeCun et al. 1998, Fig. 9: 0.969 for 500-150 units at convergence"
        ),
    }
    one_hidden = Expectation(
        0.93, 0.98, "LeCun et al. 1998, Fig. 9: 0.953 to 0.955 for 300 and 1000 units"
    )
    for label, (dataset, recipe) in (RECIPES | STANDARDISED).items():
        ours = label == "adam-b128"
        for name, hidden in NETWORKS.items():
            yield Experiment(
                name=f"digits-{name}" if ours else f"digits-{name}-{label}",
                title=f"MNIST: {name}, one epoch" + ("" if ours else f", {label}"),
                dataset=dataset,
                model="MLP",
                recipe=recipe,
                seeds=_FIVE if label == "sgd-1e-1" else _SEEDS,
                arguments={"hidden": hidden},
                keep_weights=name == "linear" and ours,
                expected=known.get(name, one_hidden) if ours else None,
            )


def _over_width() -> Iterator[Experiment]:
    """The widths of MIT-5.2 by gradient descent at a rate divided by the width.

    At one rate for all they are `digits-mlp-WIDTH-sgd-1e-1`.
    """
    _, recipe = RECIPES["sgd-1e-1"]
    narrow, *wider = WIDTHS
    for width in wider:
        yield Experiment(
            name=f"digits-mlp-{width}-sgd-over-width",
            title=f"MNIST: mlp-{width}, one epoch at the rate 0.1 times {narrow} over {width}",
            dataset="mnist",
            model="MLP",
            recipe=replace(recipe, learning_rate=recipe.learning_rate * narrow / width),
            seeds=_FIVE,
            arguments={"hidden": (width,)},
        )


LEARNING_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 5e-1)
"""Those that question BO-P1 tries, for plain stochastic gradient descent. At 1 training fails:
the network falls silent, or its loss is no number any more."""

TWICE_TRAINED = 1e-2
"""The rate that is also trained with a full step on the last, small batch of each epoch."""

PICKED_RATE = 0.3
"""The one with the best validation accuracy; a test compares it with the records."""


def learning_rates() -> Iterator[Experiment]:
    """Bonn's questions: the sweep, the pick, regularisation, and the same CNN on CIFAR-10."""
    for rate in LEARNING_RATES:
        yield Experiment(
            name=f"rate-{short(rate)}",
            title=f"MNIST: learning rate {rate:g}",
            dataset="mnist-tuning",
            model="DigitCNN",
            recipe=Recipe("sgd", rate, epochs=2, batch_size=64, loss="cross-entropy"),
            seeds=_FIVE,
            keep_steps=True,
            keep_tail=rate == TWICE_TRAINED,
        )
    yield Experiment(
        name=f"rate-{short(TWICE_TRAINED)}-full-remainder",
        title=f"MNIST: learning rate {TWICE_TRAINED:g}, a full step on the last 16 images",
        dataset="mnist-tuning",
        model="DigitCNN",
        recipe=Recipe(
            "sgd", TWICE_TRAINED, epochs=2, batch_size=64, loss="cross-entropy", remainder="full"
        ),
        seeds=_FIVE,
        keep_steps=True,
        keep_tail=True,
    )
    for name, title, arguments, decay in (
        ("", "the picked learning rate", {}, 0.0),
        ("-regularised", "dropout and weight decay", {"dropout": 0.5}, 5e-4),
    ):
        yield Experiment(
            name=f"digits-cnn-sgd{name}",
            title=f"MNIST: {title}",
            dataset="mnist",
            model="DigitCNN",
            recipe=Recipe(
                "sgd", PICKED_RATE, epochs=5, batch_size=64, loss="cross-entropy",
                weight_decay=decay,
            ),
            seeds=_SEEDS,
            arguments=arguments,
            keep_steps=True,
            keep_weights=bool(name),
            expected=Expectation(0.985, 0.995, "LeCun et al. 1998: 0.9905 for LeNet-5"),
        )  # fmt: skip
    yield from _photographs()


def _photographs() -> Iterator[Experiment]:
    """The same CNN on CIFAR-10: at the rate of the digits, at a tenth of it, and regularised there.

    Regularised at the rate of the digits, and with a full step on the last 16 images, one seed of
    three stopped in its fifth epoch, its loss not a number; a run that fails leaves no record.
    """
    regularised = {"dropout": 0.5}
    for name, title, rate, arguments, decay in (
        ("", "the learning rate of the digits", PICKED_RATE, {}, 0.0),
        ("-slower", "a tenth of the rate", PICKED_RATE / 10, {}, 0.0),
        ("-regularised", "and dropout, weight decay", PICKED_RATE / 10, regularised, 5e-4),
    ):
        yield Experiment(
            name=f"cifar10-cnn{name}",
            title=f"CIFAR-10: the same CNN, {title}",
            dataset="cifar10",
            model="DigitCNN",
            recipe=Recipe(
                "sgd", rate, epochs=6, batch_size=64, loss="cross-entropy", weight_decay=decay
            ),
            seeds=_SEEDS,
            arguments={"channels": 3, "side": 32, **arguments},
            keep_weights=name == "-regularised",
            expected=Expectation(
                0.62,
                0.78,
                "Krizhevsky 2010: 0.789 for a two-layer convolutional network pretrained on "
                "1.6 million images",
            ),
        )
