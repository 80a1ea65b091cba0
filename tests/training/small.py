"""What the tests of training share: two small sets, a small network, the textbook loss."""

from dataclasses import replace

from torch import nn
from torch.nn import functional as F

from cnnref.data import synthetic
from cnnref.training import Recipe, seeded

BINARY = Recipe(epochs=3, batch_size=16, precision="float64")
MANY = replace(BINARY, loss="cross-entropy")
TRAIN, TEST = synthetic((1, 6, 6), 2, 40), synthetic((1, 6, 6), 2, 30, seed=1)
TRAIN3, TEST3 = synthetic((1, 6, 6), 3, 40), synthetic((1, 6, 6), 3, 30, seed=1)


def small(outputs: int = 1) -> nn.Module:
    with seeded(0):
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, outputs))


def binary(logits, labels):
    return F.binary_cross_entropy(logits.sigmoid()[:, 0], labels.double())
