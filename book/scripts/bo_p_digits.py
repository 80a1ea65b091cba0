"""A CNN for digits: its learning rate, its training, its regularisation.

Answers the questions BO-P0, BO-P1, BO-P2 and BO-P3.

    python bo_p_digits.py

It needs torch, torchvision and matplotlib. The first run downloads MNIST (12
MB) into the folder `data`. It prints the validation accuracy of each learning
rate, then the test accuracies at the best one, without and with
regularisation; it draws `out/bo_p1_errors.png` and `out/bo_p2_losses.png`, and
saves the regularised weights as `out/bo_p3_digits.pt`. All of it takes about
twelve minutes on one core of a CPU; for a quick look: `--sweep-epochs 1
--epochs 1 --limit 6000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision import datasets

Loader = DataLoader[Any]

MEAN, STD = 0.1307, 0.3081  # of the training images, pixels from 0 to 1
# Each about three times the last; at 1 most runs fail.
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 5e-1)


def mnist(folder: Path, train: bool, limit: int | None) -> TensorDataset:
    """MNIST's digits, normalised, the first `limit` of them."""
    dataset = datasets.MNIST(folder, train=train, download=True)
    # All in one tensor: converting each image anew in every epoch would double
    # the time.
    return TensorDataset((dataset.data[:limit, None] / 255 - MEAN) / STD, dataset.targets[:limit])


class CNN(nn.Module):
    """Two blocks of convolution, ReLU and max-pooling; two linear layers."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 5 * 5, 128)
        self.drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 10)` of `(N, 1, 28, 28)`; sides: 28, 26, 13, 11, 5."""
        x = self.pool(self.conv1(x).relu())
        x = self.pool(self.conv2(x).relu())
        logits: Tensor = self.fc2(self.drop(self.fc1(x.flatten(1)).relu()))
        return logits


def test(
    model: nn.Module, device: torch.device, criterion: nn.Module, loader: Loader
) -> tuple[float, float]:
    """The mean loss and the accuracy over all images of a loader."""
    model.eval()  # dropout drops nothing now
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
    model: nn.Module, loader: Loader, optimizer: torch.optim.Optimizer, device: torch.device,
    epochs: int,
) -> tuple[list[float], list[float]]:  # fmt: skip
    """Train; return the loss and the share of wrong answers of every iteration."""
    criterion = nn.CrossEntropyLoss()
    losses, errors = [], []
    model.train()
    for _ in range(epochs):
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()  # or gradients add up over the batches
            logits = model(images)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            errors.append((logits.argmax(1) != labels).float().mean().item())
    return losses, errors


def plot(curves: dict[str, list[float]], ylabel: str, path: Path) -> None:
    """Draw curves over the iterations, each as the mean of the last hundred, into a file."""
    figure, axes = plt.subplots(layout="constrained")
    for name, values in curves.items():
        width = min(100, len(values))  # one batch of 64 alone says little
        smooth = np.convolve(values, np.full(width, 1 / width), "valid")
        axes.plot(range(width, len(values) + 1), smooth, label=name)
    axes.set(xlabel="iteration", ylabel=ylabel, yscale="log")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Answer the questions one after the other."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with MNIST (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--sweep-epochs", type=int, default=2, help="with each learning rate (%(default)s)")
    add("--epochs", type=int, default=5, help="with the best learning rate (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, dropout and order (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 80 or more")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)
    criterion = nn.CrossEntropyLoss()

    def loader(images: Any) -> Loader:
        # A last batch of 16 images would move the weights as far as one of 64,
        # by a noisier gradient, just before the test. So it is dropped; in the
        # next epoch it is another.
        return DataLoader(images, batch_size=64, shuffle=True, drop_last=True)

    # BO-P1. The rate is chosen on images held out from the training set.
    # Chosen on the test set, it would fit those very images, and the final
    # accuracy would flatter.
    train_set, test_set = mnist(args.data, True, args.limit), mnist(args.data, False, args.limit)
    sizes = [len(train_set) - len(train_set) // 6, len(train_set) // 6]
    fixed = torch.Generator().manual_seed(0)  # the same split for every seed
    fit_set, validation_set = random_split(train_set, sizes, generator=fixed)
    errors, accuracies = {}, {}
    for rate in RATES:
        torch.manual_seed(args.seed)  # the same weights and order: only the rate differs
        model = CNN().to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        _, errors[f"{rate:g}"] = train(model, loader(fit_set), optimizer, device, args.sweep_epochs)
        accuracies[rate] = test(model, device, criterion, DataLoader(validation_set, 1000))[1]
        print(f"learning rate {rate:g}: validation accuracy {accuracies[rate]:.2%}")
    picked = max(accuracies, key=lambda rate: accuracies[rate])
    print(f"picked: {picked:g}" + " (the largest tried)" * (picked == max(RATES)))
    plot(errors, "training error, mean of 100 batches", args.out / "bo_p1_errors.png")

    # BO-P2 and BO-P3, with all training images: the ones held out have done
    # their work.
    losses = {}
    for name, dropout, decay in (("plain", 0.0, 0.0), ("regularised", 0.5, 5e-4)):
        torch.manual_seed(args.seed)
        model = CNN(dropout).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=picked, weight_decay=decay)
        losses[name], _ = train(model, loader(train_set), optimizer, device, args.epochs)
        _, accuracy = test(model, device, criterion, DataLoader(test_set, 1000))
        print(f"{name}: test accuracy {accuracy:.2%}")
    plot(losses, "training loss in nats, mean of 100 batches", args.out / "bo_p2_losses.png")

    path = args.out / "bo_p3_digits.pt"
    torch.save(model.state_dict(), path)
    again = CNN().to(device)  # dropout has no weights
    again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    _, accuracy = test(again, device, criterion, DataLoader(test_set, 1000))
    print(f"saved as {path}; read back, its test accuracy is {accuracy:.2%}")


if __name__ == "__main__":
    main()
