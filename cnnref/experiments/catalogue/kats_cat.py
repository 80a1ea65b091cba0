"""Question MIT-4.2: who finds Kat's cat, and who still finds it when it has moved?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from cnnref.experiments.catalogue.entry import Expectation, Experiment
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
    after = partial(Expectation, afterwards=True)
    holds_it = after(0.9, 1.0, "one filter of the cat's size can hold all of its tiles")
    sums = after(0.45, 0.62, "summed over positions, small windows look alike in both classes")
    by_heart = after(0.5, 0.65, "it can learn images by heart, and each place apart")
    elsewhere = after(0.44, 0.56, "chance: it has learnt nothing about the other quadrant")
    for name, title, model, recipe, seeds, keep, here, moved in (
        ("kat-filter", "one large filter", "KatFilter", filters, (0, 1, 2, 3, 4), True,
         holds_it, holds_it),
        ("kat-features", "ten small filters", "KatFeatures", features, (0, 1, 2, 3, 4), False,
         sums, sums),
        ("kat-blocks", "three blocks", "KatBlocks", blocks, (0, 1, 2, 3, 4), True,
         None, elsewhere),
        ("kit-dense", "Kit's dense network", "KitDense", dense, (0, 1, 2, 3, 4), False,
         by_heart, elsewhere),
    ):  # fmt: skip
        yield Experiment(
            name, f"Kat's cat: {title}", "kats-cat", model, recipe, seeds, keep_weights=keep,
            expected=here,
        )  # fmt: skip
        yield Experiment(
            f"{name}-moved", f"Kat's cat moved: {title}", "kats-cat-moved", model, recipe, seeds,
            expected=moved,
        )  # fmt: skip
