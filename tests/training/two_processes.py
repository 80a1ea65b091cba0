"""What `torchrun` starts for `test_processes.py`: each process writes down what it found."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import cnnref.experiments
from cnnref import cli
from cnnref.data import synthetic
from cnnref.experiments import catalogue, store
from cnnref.training import Recipe, TeamError, fit, seeded, team

# 37 images: batches of 16, 16 and 5, of which one process gets three and the other two.
TRAIN, TEST = synthetic((1, 6, 6), 3, 37), synthetic((1, 6, 6), 3, 31, seed=1)
RECIPE = Recipe(
    "momentum",
    0.05,
    epochs=3,
    batch_size=16,
    loss="cross-entropy",
    weight_decay=0.01,
    schedule="cosine",
    precision="float64",
)
PLAIN = catalogue.CATALOGUE["cats-dogs-plain"]
TINY = replace(
    PLAIN, name="tiny", dataset="synthetic", recipe=Recipe(epochs=2, batch_size=64), seeds=(0,)
)


def network(*first: nn.Module) -> nn.Module:
    with seeded(0):
        layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)]
        return nn.Sequential(*first, *layers)


class Watched(nn.Module):
    """Remembers how many images came, and of each the first pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[float]] = []

    def forward(self, images):
        if self.training:
            self.seen.append(images[:, 0, 0, 0].tolist())
        return images


def refusal(model, train, batch_size=16):
    try:
        fit(model, train, TEST, replace(RECIPE, batch_size=batch_size), device="cpu")
    except TeamError as error:
        return str(error)
    return "none"


def fail():
    raise FileNotFoundError("only the leader looked")


def main(folder: Path) -> int:
    us = team()
    watched, dropped = Watched(), Watched()
    model = network(watched)
    history = fit(model, TRAIN, TEST, RECIPE, device="cpu", record_steps=True)
    ones = replace(
        TRAIN, images=torch.full_like(TRAIN.images, 255).index_fill(0, torch.tensor(0), 0)
    )
    once = replace(RECIPE, epochs=1)
    fit(network(nn.Dropout(0.5), dropped), ones, TEST, once, device="cpu")
    try:
        us.from_leader(fail)
    except FileNotFoundError as error:
        told = str(error)
    found = {
        "history": history.to_dict(),
        "weights": [weight.tolist() for weight in model.parameters()],
        "seen": watched.seen,
        "dropped": dropped.seen,
        "told": told,
        "rank of the leader": us.from_leader(lambda: us.rank),
        "team inside": us.from_leader(lambda: team().size),
        "batch norm": refusal(network(nn.BatchNorm2d(1)), TRAIN),
        "too few": refusal(network(), TRAIN.select(range(33))),
    }

    modules: list[Any] = [catalogue, cnnref.experiments]
    for module in modules:
        module.CATALOGUE = {
            "tiny": TINY,
            "normalised": replace(TINY, name="normalised", arguments={"batch_norm": True}),
        }
    write, found["written"] = store.write, []
    store.write = lambda *args: found["written"].append(args[0]["name"]) or write(*args)
    command = ["run", "tiny", "--device", "cpu"]
    found["codes"] = [cli.main(command), cli.main(command)]
    (folder / f"rank-{us.rank}.json").write_text(json.dumps(found))
    # It fails, and torchrun with it.
    return cli.main(["run", "normalised", "--device", "cpu"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
