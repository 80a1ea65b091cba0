"""Question MIT-4.2: who finds Kat's cat, and who still finds it when it has moved?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnref.experiments.catalogue.experiment import Experiment
from cnnref.training import Recipe

__all__ = ["kats_cat"]


def kats_cat() -> Iterator[Experiment]:
    """MIT-4.2: four networks, each tested where it was trained and with the cat moved elsewhere.

    Learning rate and epochs were chosen on the training accuracy alone.
    """
    filters = Recipe(learning_rate=0.03, epochs=40, batch_size=25, schedule="cosine")
    features = Recipe(learning_rate=0.001, epochs=8, batch_size=25)
    blocks = Recipe(learning_rate=0.002, epochs=28, batch_size=25)
    dense = Recipe(learning_rate=0.001, epochs=6, batch_size=25)
    for name, title, model, recipe, seeds, keep in (
        ("kat-filter", "one large filter", "KatFilter", filters, (0, 1, 2, 3, 4), True),
        ("kat-features", "ten small filters", "KatFeatures", features, (0, 1, 2, 3, 4), False),
        ("kat-blocks", "three blocks", "KatBlocks", blocks, (0, 1, 2, 3, 4), True),
        ("kit-dense", "Kit's dense network", "KitDense", dense, (0, 1, 2, 3, 4), False),
    ):
        yield Experiment(
            name, f"Kat's cat: {title}", "kats-cat", model, recipe, seeds, keep_weights=keep
        )
        yield Experiment(
            f"{name}-moved", f"Kat's cat moved: {title}", "kats-cat-moved", model, recipe, seeds
        )
