"""A first CNN that tells clothes apart: Fashion-MNIST.

Answers the question IU-C.2.

    python iu_c2_first_cnn.py

It needs torch, torchvision and matplotlib. The first run downloads
Fashion-MNIST (30 MB) into the folder `data`. It prints a line for each epoch
and the accuracy of each class, draws the curves and a confusion table into
`out/iu_c2_first_cnn.png` and saves the weights as `out/iu_c2_first_cnn.pt`.
Eight epochs take about five minutes on one core of a CPU; for a quick look:
`--epochs 2 --limit 6000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets

Loader = DataLoader[Any]

MEAN, STD = 0.2860, 0.3530  # of the training images, pixels from 0 to 1


def fashion_mnist(folder: Path, train: bool, limit: int | None) -> tuple[TensorDataset, list[str]]:
    """Fashion-MNIST's first `limit` images, normalised, and all class names."""
    dataset = datasets.FashionMNIST(folder, train=train, download=True)
    # All in one tensor: converting each image anew in every epoch would cost
    # seconds each time.
    images = (dataset.data[:limit, None] / 255 - MEAN) / STD
    return TensorDataset(images, dataset.targets[:limit]), dataset.classes


class FirstCNN(nn.Module):
    """Two blocks of convolution, ReLU, max-pooling; a hidden layer that drops."""

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3)
        self.pool = nn.MaxPool2d(kernel_size=2)
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


def confusion(model: nn.Module, loader: Loader, classes: int, device: torch.device) -> Tensor:
    """How often an image of class i (row) was said to be of class j (column)."""
    model.eval()
    counts = torch.zeros(classes, classes, dtype=torch.long)
    with torch.no_grad():
        for images, labels in loader:
            said = model(images.to(device)).argmax(1).cpu()
            pairs = labels * classes + said  # one number for each pair
            counts += torch.bincount(pairs, minlength=classes**2).view(classes, classes)
    return counts


def train(
    model: nn.Module, device: torch.device, epochs: int, train_loader: Loader, test_loader: Loader
) -> tuple[list[float], list[float], list[float]]:
    """Train; return training losses, test losses, test accuracies by epoch."""
    criterion = nn.CrossEntropyLoss()  # takes logits: the softmax is in it
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    # The rate falls along half a cosine to zero, so the last steps are small
    # and the network comes to rest. It is stepped after every batch.
    steps = epochs * len(train_loader)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    train_losses, test_losses, test_accuracies = [], [], []
    for epoch in range(1, epochs + 1):
        model.train()  # each time, since `test` turns it to eval
        batch_losses = []
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()  # or gradients add up over the batches
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            scheduler.step()
            batch_losses.append(loss.item())
        risk, accuracy = test(model, device, criterion, test_loader)
        train_losses.append(sum(batch_losses) / len(batch_losses))  # equal sizes
        test_losses.append(risk)
        test_accuracies.append(accuracy)
        print(f"epoch {epoch}: training loss {train_losses[-1]:.4f}, ", end="")
        print(f"test loss {risk:.4f}, test accuracy {accuracy:.1%}")
    return train_losses, test_losses, test_accuracies


def main(argv: list[str] | None = None) -> None:
    """Train, test, draw, save."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with Fashion-MNIST (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--epochs", type=int, default=8, help="passes over the training images (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, dropout and order (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 64 or more")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)

    torch.manual_seed(args.seed)  # weights, dropout, order: always the same
    train_set, classes = fashion_mnist(args.data, train=True, limit=args.limit)
    test_set, _ = fashion_mnist(args.data, train=False, limit=args.limit)
    # 64 does not divide 60,000. A last batch of 32 images would move the
    # weights as far as one of 64, by a noisier gradient, just before the test.
    # So it is dropped, another one each time.
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=1000)

    model = FirstCNN().to(device)
    train_losses, test_losses, _ = train(model, device, args.epochs, train_loader, test_loader)
    counts = confusion(model, test_loader, len(classes), device)
    shares = (counts.diagonal() / counts.sum(1)).tolist()
    for share, name in sorted(zip(shares, classes, strict=True)):
        print(f"{name:12} {share:6.1%}")

    figure, (axes, table) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
    # The training loss is measured with dropout, so it may well lie above the
    # test loss.
    for losses, name in ((train_losses, "training"), (test_losses, "test")):
        axes.plot(range(1, args.epochs + 1), losses, "o-", label=name)
    axes.set(xlabel="epoch", ylabel="loss in nats per image")
    axes.legend()
    table.imshow(counts.sqrt().numpy(), cmap="Blues")  # the root shows the rare ones, too
    for row, column in counts.nonzero().tolist():
        number = counts[row, column].item()
        colour = "white" if number > counts.max() / 3 else "black"
        table.text(column, row, number, ha="center", va="center", color=colour, fontsize=8)
    places = range(len(classes))
    table.set_xticks(places, classes, rotation=45, ha="right")
    table.set_yticks(places, classes)
    table.set(xlabel="what the network says", ylabel="what it is")
    figure.savefig(args.out / "iu_c2_first_cnn.png")
    plt.close(figure)

    path = args.out / "iu_c2_first_cnn.pt"
    torch.save(model.state_dict(), path)
    again = FirstCNN().to(device)
    again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    _, accuracy = test(again, device, nn.CrossEntropyLoss(), test_loader)
    print(f"saved as {path}; read back, its test accuracy is {accuracy:.1%}")


if __name__ == "__main__":
    main()
