"""The CNN with a skip connection, plain and regularised: cats and dogs.

Answers the questions UT-P3.1, UT-P3.2, UT-P3.3, UT-P3.4, UT-P3.5 and UT-P3.6.

    python ut_p3_skip_connection.py

It needs torch, torchvision and matplotlib. The first run downloads CIFAR-10
(170 MB) into the folder `data`. It trains three networks (`--only skip` trains
the first alone), prints a line for each epoch and a table at the end, draws
the curves into `out/ut_p3_skip_connection.png` and saves the weights as
`out/ut_p3_*.pt`. Twenty epochs of all three take about half an hour on one
core of a CPU; for a quick look: `--epochs 2 --limit 1000`.
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


def cats_and_dogs(folder: Path, train: bool, limit: int | None) -> Subset[Any]:
    """CIFAR-10's first `limit` cats (now label 0) and dogs (label 1)."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    dataset = datasets.CIFAR10(folder, train=train, download=True, transform=transform)
    cls_list = [dataset.class_to_idx["cat"], dataset.class_to_idx["dog"]]
    indices = [i for i, label in enumerate(dataset.targets) if label in cls_list]
    # The handout never says that this must be done: the labels are 3 and 5,
    # and binary cross-entropy takes 0 and 1. With 3 and 5 the loss falls for
    # ever, and nothing is learnt.
    dataset.target_transform = cls_list.index
    return Subset(dataset, indices[:limit])


class myResNet(nn.Module):  # noqa: N801 (the handout's name)
    """Layers 1 to 8; from images `(N, 3, 32, 32)` to logits `(N, 1)`.

    The sigmoid of layer 8 is in the loss, where it is exact. With
    `batch_norm`, every weighted layer normalises after its activation, but for
    layer 8: after its sigmoid there is nothing left to normalise but the
    answer. `dropout` comes before the linear operation of layers 1, 5 and 7.
    """

    def __init__(self, batch_norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop1 = nn.Dropout2d(dropout)
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.norm1 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        # Padded, since what goes into the residual unit is added to what comes
        # out of it.
        self.conv2 = nn.Conv2d(32, 32, kernel_size=3, padding=1)
        self.norm2 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.conv3 = nn.Conv2d(32, 32, kernel_size=3, padding=1)
        self.norm3 = nn.BatchNorm2d(32) if batch_norm else nn.Identity()
        self.pool4 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.drop5 = nn.Dropout2d(dropout)
        self.conv5 = nn.Conv2d(32, 64, kernel_size=6)
        self.norm5 = nn.BatchNorm2d(64) if batch_norm else nn.Identity()
        self.pool6 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.drop7 = nn.Dropout(dropout)
        self.fc7 = nn.Linear(64 * 5 * 5, 128)
        self.norm7 = nn.BatchNorm1d(128) if batch_norm else nn.Identity()
        self.fc8 = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits; the side of the maps goes 32, 30, 30, 30, 15, 10, 5."""
        x = self.norm1(self.conv1(self.drop1(x)).relu())
        inside = self.conv3(self.norm2(self.conv2(x).relu()))
        x = self.norm3((x + inside).relu())  # added before the activation
        x = self.pool4(x)
        x = self.pool6(self.norm5(self.conv5(self.drop5(x)).relu()))
        x = self.norm7(self.fc7(self.drop7(x.flatten(1))).relu())
        logits: Tensor = self.fc8(x)
        return logits


# What each network adds: batch normalisation, and the probability of dropping.
NETWORKS = {"skip": (False, 0.0), "skip-bn-dropout": (True, 0.4), "skip-bn": (True, 0.0)}


def test(
    model: nn.Module, device: torch.device, criterion: nn.Module, loader: Loader
) -> tuple[float, float]:
    """The risk (mean loss) and the accuracy over all images of a loader."""
    model.eval()  # drops nothing; batch norm by its running statistics
    loss_sum, right, count = 0.0, 0, 0
    with torch.no_grad():  # nobody wants gradients, so nothing is kept
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            logits = model(images).squeeze(1)
            # The criterion is a mean over the batch. Weighed by the size of
            # the batch, every image counts the same, also where the last batch
            # is smaller.
            loss_sum += criterion(logits, labels.type_as(logits)).item() * len(labels)
            right += int(((logits > 0) == labels.bool()).sum())  # above 0: p > 1/2
            count += len(labels)
    return loss_sum / count, right / count


def train(
    model: nn.Module, device: torch.device, epochs: int, train_loader: Loader, test_loader: Loader
) -> tuple[list[float], list[float], list[float]]:
    """Train; return training losses, test losses, test accuracies by epoch."""
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    train_losses, test_losses, test_accuracies = [], [], []
    for epoch in range(1, epochs + 1):
        model.train()  # each time, since `test` turns it to eval
        batch_losses = []
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()  # or gradients add up over the batches
            logits = model(images).squeeze(1)  # (N, 1) to (N,), as labels are
            loss = criterion(logits, labels.type_as(logits))
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        risk, accuracy = test(model, device, criterion, test_loader)
        train_losses.append(sum(batch_losses) / len(batch_losses))  # equal sizes
        test_losses.append(risk)
        test_accuracies.append(accuracy)
        print(f"epoch {epoch:2}: training loss {train_losses[-1]:.4f}, ", end="")
        print(f"test loss {risk:.4f}, test accuracy {accuracy:.1%}")
    return train_losses, test_losses, test_accuracies


def main(argv: list[str] | None = None) -> None:
    """Build, test, train, draw, save."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with CIFAR-10 (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--epochs", type=int, default=20, help="passes over the training images (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, dropout and order (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 100 or more")
    add("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="train only these")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)

    train_set = cats_and_dogs(args.data, train=True, limit=args.limit)
    test_set = cats_and_dogs(args.data, train=False, limit=args.limit)
    # A last batch of 16 images would move the weights as far as one of 100, by
    # a noisier gradient, just before the test. 100 divides the 10,000 images,
    # so nothing is dropped but by `--limit`.
    train_loader = DataLoader(train_set, batch_size=100, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=100)

    criterion = nn.BCEWithLogitsLoss()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    table = []
    for name in args.only:
        print(name)
        torch.manual_seed(args.seed)  # the same draws, whatever ran before
        model = myResNet(*NETWORKS[name]).to(device)
        train_losses, test_losses, accuracies = train(
            model, device, args.epochs, train_loader, test_loader
        )
        epochs = range(1, args.epochs + 1)
        (line,) = left.plot(epochs, test_losses, "o-", label=f"{name}, test")
        left.plot(epochs, train_losses, "o:", color=line.get_color())
        right.plot(epochs, accuracies, "o-", label=name)

        path = args.out / f"ut_p3_{name}.pt"
        torch.save(model.state_dict(), path)  # the weights, not the class
        again = myResNet(*NETWORKS[name]).to(device)
        again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        risk, accuracy = test(again, device, criterion, test_loader)
        table.append(f"{name:15}  {train_losses[-1]:13.4f}  {risk:9.4f}  {accuracy:13.1%}")

    print("network          training loss  test loss  test accuracy", *table, sep="\n")
    left.set(xlabel="epoch", ylabel="loss in nats per image (training dotted)")
    right.set(xlabel="epoch", ylabel="test accuracy")
    left.legend()
    figure.savefig(args.out / "ut_p3_skip_connection.png")
    plt.close(figure)


if __name__ == "__main__":
    main()
