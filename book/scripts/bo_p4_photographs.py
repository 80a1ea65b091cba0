"""The CNN of the digits on CIFAR-10's photographs.

Answers the question BO-P4.

    python bo_p4_photographs.py

It needs torch, torchvision and matplotlib. The first run downloads CIFAR-10
(170 MB) into the folder `data`. It trains the network three times: at the
learning rate that was best for the digits, which the handout says to keep, at
a tenth of it, and there with dropout and weight decay. It prints each test
accuracy, draws the training losses into `out/bo_p4_photographs.png` and saves
the last weights as `out/bo_p4_photographs.pt`. All of it takes about a quarter
of an hour on one core of a CPU; for a quick look: `--epochs 1 --limit 5000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

Loader = DataLoader[Any]

# Mean and standard deviation of red, green and blue over CIFAR-10's training
# images.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def cifar10(folder: Path, train: bool, limit: int | None) -> Subset[Any]:
    """CIFAR-10 as normalised tensors, the first `limit` images."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    dataset = datasets.CIFAR10(folder, train=train, download=True, transform=transform)
    return Subset(dataset, range(len(dataset))[:limit])


class CNN(nn.Module):
    """The network of the digits, but for what the images force: three channels, and 6 by 6 maps."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 6 * 6, 128)
        self.drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, 10)` of `(N, 3, 32, 32)`; sides: 32, 30, 15, 13, 6."""
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
    model: nn.Module, loader: Loader, optimizer: torch.optim.Optimizer, device: torch.device
) -> float:
    """Train for one epoch; return its mean loss."""
    criterion = nn.CrossEntropyLoss()
    model.train()  # dropout drops again, after `test` has switched to evaluation
    losses: list[float] = []
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()  # or gradients add up over the batches
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)  # equal sizes


def main(argv: list[str] | None = None) -> None:
    """Train three times, test, draw, save."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with CIFAR-10 (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--rate", type=float, default=0.3, help="best learning rate of the digits (%(default)s)")
    add("--epochs", type=int, default=6, help="passes over the training images (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, dropout and order (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 64 or more")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)
    criterion = nn.CrossEntropyLoss()

    train_set = cifar10(args.data, train=True, limit=args.limit)
    test_set = cifar10(args.data, train=False, limit=args.limit)
    # 64 does not divide 50,000. A last batch of 16 images would move the
    # weights as far as one of 64, by a noisier gradient, just before the test.
    # So it is dropped, another one each time.
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=1000)

    figure, axes = plt.subplots()
    for name, rate, dropout, decay in (
        ("the rate of the digits", args.rate, 0.0, 0.0),
        ("a tenth of it", args.rate / 10, 0.0, 0.0),
        ("a tenth, dropout and weight decay", args.rate / 10, 0.5, 5e-4),
    ):
        torch.manual_seed(args.seed)  # the same draws, whatever ran before
        model = CNN(dropout).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=decay)
        losses = []
        for epoch in range(1, args.epochs + 1):
            losses.append(train(model, train_loader, optimizer, device))
            print(f"{name}: epoch {epoch}, training loss {losses[-1]:.4f}")
        # Tested once, at the end. Whoever stops at the best test accuracy has
        # trained on the test.
        _, accuracy = test(model, device, criterion, test_loader)
        print(f"{name}: test accuracy {accuracy:.1%}")
        axes.plot(range(1, args.epochs + 1), losses, "o-", label=name)
    axes.set(xlabel="epoch", ylabel="training loss in nats per image")
    axes.legend()
    figure.savefig(args.out / "bo_p4_photographs.png")
    plt.close(figure)

    path = args.out / "bo_p4_photographs.pt"
    torch.save(model.state_dict(), path)
    again = CNN().to(device)  # dropout has no weights
    again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    _, accuracy = test(again, device, criterion, test_loader)
    print(f"saved as {path}; read back, its test accuracy is {accuracy:.1%}")


if __name__ == "__main__":
    main()
