"""Seven optimisers on one simple CNN, each at its own best learning rate.

Answers the question IU-C.1.

    python iu_c1_optimizers.py

It needs torch, torchvision and matplotlib. The first run downloads
Fashion-MNIST (30 MB) into the folder `data`. It tries five learning rates for
each optimiser on held-out training images, then trains each at its best rate
and prints a table; it draws `out/iu_c1_optimizers.png` and saves the weights
as `out/iu_c1_*.pt`. All of it takes about a quarter of an hour on one core of
a CPU; for a quick look: `--only sgd adam --epochs 1 --limit 6000`.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision import datasets

Loader = DataLoader[Any]

MEAN, STD = 0.2860, 0.3530  # of the training images, pixels from 0 to 1

# A rate that suits one optimiser ruins another: with one rate for all, the
# comparison would be between rates. So each has five of its own, evenly spaced
# as far as ratios go.
ADAPTIVE = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
MOMENTUM = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
OPTIMIZERS: dict[str, tuple[Any, tuple[float, ...]]] = {
    "sgd": (optim.SGD, (1e-2, 3e-2, 1e-1, 3e-1, 1.0)),
    "momentum": (partial(optim.SGD, momentum=0.9), MOMENTUM),
    "nesterov": (partial(optim.SGD, momentum=0.9, nesterov=True), MOMENTUM),
    "adagrad": (optim.Adagrad, (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)),
    "rmsprop": (optim.RMSprop, ADAPTIVE),
    "adam": (optim.Adam, ADAPTIVE),
    "adamw": (partial(optim.AdamW, weight_decay=0.01), ADAPTIVE),
}


def fashion_mnist(folder: Path, train: bool, limit: int | None) -> TensorDataset:
    """Fashion-MNIST's clothes, normalised, the first `limit` of them."""
    dataset = datasets.FashionMNIST(folder, train=train, download=True)
    # All in one tensor: converting each image anew in every epoch would take
    # longer than training.
    return TensorDataset((dataset.data[:limit, None] / 255 - MEAN) / STD, dataset.targets[:limit])


class SimpleCNN(nn.Module):
    """Two small blocks of convolution, ReLU, max-pooling; two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3)
        self.pool = nn.MaxPool2d(kernel_size=2)
        self.fc1 = nn.Linear(16 * 5 * 5, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 10)` of `(N, 1, 28, 28)`; sides: 28, 26, 13, 11, 5."""
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        logits: Tensor = self.fc2(self.fc1(x.flatten(1)).relu())
        return logits


def test(
    model: nn.Module, device: torch.device, criterion: nn.Module, loader: Loader
) -> tuple[float, float]:
    """The mean loss and the accuracy over all images of a loader."""
    model.eval()  # nothing here depends on it, but habits do
    loss_sum, right, count = 0.0, 0, 0
    with torch.no_grad():  # nobody wants gradients, so nothing is kept
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            # Weighed by the size of the batch, since the last batch may be
            # smaller.
            loss_sum += criterion(logits, labels).item() * len(labels)
            right += int((logits.argmax(1) == labels).sum())
            count += len(labels)
    return loss_sum / count, right / count


def train(
    model: nn.Module, loader: Loader, optimizer: optim.Optimizer, device: torch.device, epochs: int
) -> list[float]:
    """Train; return the mean loss of every epoch."""
    criterion = nn.CrossEntropyLoss()
    model.train()
    losses = []
    for _ in range(epochs):
        batch_losses = []
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()  # or gradients add up over the batches
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        losses.append(sum(batch_losses) / len(batch_losses))  # equal sizes
    return losses


def main(argv: list[str] | None = None) -> None:
    """Tune, train, compare, draw, save."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, names = parser.add_argument, list(OPTIMIZERS)
    add("--data", type=Path, default="data", help="folder with Fashion-MNIST (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--epochs", type=int, default=3, help="passes over the training images (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and order of images (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 80 or more")
    add("--only", nargs="+", choices=names, default=names, help="compare only these")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)
    criterion = nn.CrossEntropyLoss()

    def trained(name: str, rate: float, images: Any) -> tuple[nn.Module, list[float]]:
        torch.manual_seed(args.seed)  # the same weights and batches for all
        model = SimpleCNN().to(device)
        optimizer = OPTIMIZERS[name][0](model.parameters(), lr=rate)
        # A last batch of 16 images would move the weights as far as one of 64,
        # by a noisier gradient, just before the test. So it is dropped; in the
        # next epoch it is another.
        loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
        return model, train(model, loader, optimizer, device, args.epochs)

    train_set = fashion_mnist(args.data, train=True, limit=args.limit)
    test_set = fashion_mnist(args.data, train=False, limit=args.limit)
    test_loader = DataLoader(test_set, batch_size=1000)
    # The rates are chosen on images held out from training, never on the test
    # set: the best of five on the test set would look better than it is.
    sizes = [len(train_set) - len(train_set) // 6, len(train_set) // 6]
    fixed = torch.Generator().manual_seed(0)  # the same split for every seed
    fit_set, validation_set = random_split(train_set, sizes, generator=fixed)

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    table = []
    for name in args.only:
        rates, accuracies = OPTIMIZERS[name][1], []
        for rate in rates:
            model, _ = trained(name, rate, fit_set)
            accuracies.append(test(model, device, criterion, DataLoader(validation_set, 1000))[1])
            print(f"{name}, learning rate {rate:g}: validation accuracy {accuracies[-1]:.1%}")
        picked = rates[accuracies.index(max(accuracies))]
        model, losses = trained(name, picked, train_set)
        path = args.out / f"iu_c1_{name}.pt"
        torch.save(model.state_dict(), path)
        again = SimpleCNN().to(device)  # the table tells of what was saved
        again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        loss, accuracy = test(again, device, criterion, test_loader)
        edge = "  (at the edge: try further)" if picked in (rates[0], rates[-1]) else ""
        table.append(f"{name:9} {picked:7g} {losses[-1]:14.4f} {loss:10.4f} {accuracy:14.1%}{edge}")
        left.plot(rates, accuracies, "o-", label=name)
        right.plot(range(1, args.epochs + 1), losses, "o-", label=f"{name}, {picked:g}")

    print("optimiser    rate  training loss  test loss  test accuracy", *table, sep="\n")
    left.set(xlabel="learning rate", ylabel="validation accuracy", xscale="log")
    right.set(xlabel="epoch", ylabel="training loss in nats per image")
    right.legend()
    figure.savefig(args.out / "iu_c1_optimizers.png")
    plt.close(figure)


if __name__ == "__main__":
    main()
