"""The plain CNN of the Toronto handout, trained to tell cats from dogs.

Answers the questions UT-P2.1, UT-P2.2, UT-P2.3, UT-P2.4, UT-P2.5, UT-P2.6 and
UT-P2.7.

    python ut_p2_plain_cnn.py

It needs torch, torchvision and matplotlib. The first run downloads CIFAR-10
(170 MB) into the folder `data`. It prints what the untrained network scores
and then a line for each epoch, draws the curves into `out/ut_p2_plain_cnn.png`
and saves the weights as `out/ut_p2_plain_cnn.pt`. Twenty epochs take about
five minutes on one core of a CPU; for a quick look: `--epochs 2 --limit 1000`.
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


class myCNN(nn.Module):  # noqa: N801 (the handout's name)
    """Layers 1 to 8; from images `(N, 3, 32, 32)` to logits `(N, 1)`.

    The handout ends in a sigmoid. Here the loss applies it:
    `BCEWithLogitsLoss` is the sigmoid and the binary cross-entropy in one. On
    paper that is the same, in float32 it is not: a sigmoid rounds to 1 above
    17 or so, and this network becomes that sure. Its mistakes would then get a
    wrong loss and no gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 32, kernel_size=3)
        self.pool3 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv4 = nn.Conv2d(32, 64, kernel_size=3)
        self.conv5 = nn.Conv2d(64, 64, kernel_size=3)
        self.pool6 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc7 = nn.Linear(64 * 5 * 5, 128)
        self.fc8 = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits; the side of the maps goes 32, 30, 28, 14, 12, 10, 5."""
        x = self.pool3(self.conv2(self.conv1(x).relu()).relu())
        x = self.pool6(self.conv5(self.conv4(x).relu()).relu())
        logits: Tensor = self.fc8(self.fc7(x.flatten(1)).relu())
        return logits


def test(
    model: nn.Module, device: torch.device, criterion: nn.Module, loader: Loader
) -> tuple[float, float]:
    """The risk (mean loss) and the accuracy over all images of a loader."""
    model.eval()  # nothing here depends on it, but habits do
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


def plot(
    path: Path, train_losses: list[float], test_losses: list[float], test_accuracies: list[float]
) -> None:
    """Draw the lists over the epochs into a file."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    epochs = range(1, len(train_losses) + 1)
    left.plot(epochs, train_losses, "o-", label="training")
    left.plot(epochs, test_losses, "o-", label="test")
    left.set(xlabel="epoch", ylabel="loss in nats per image")
    left.legend()
    right.plot(epochs, test_accuracies, "o-")
    right.set(xlabel="epoch", ylabel="test accuracy")
    figure.savefig(path)
    plt.close(figure)


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
    add("--seed", type=int, default=0, help="of weights and order of images (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 100 or more")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)

    # Initial weights and the order of the batches are drawn. With a seed,
    # always the same ones.
    torch.manual_seed(args.seed)
    train_set = cats_and_dogs(args.data, train=True, limit=args.limit)
    test_set = cats_and_dogs(args.data, train=False, limit=args.limit)
    # A last batch of 16 images would move the weights as far as one of 100, by
    # a noisier gradient, just before the test. 100 divides the 10,000 images,
    # so nothing is dropped but by `--limit`.
    train_loader = DataLoader(train_set, batch_size=100, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=100)

    model = myCNN().to(device)
    risk, accuracy = test(model, device, nn.BCEWithLogitsLoss(), test_loader)
    print(f"untrained: test loss {risk:.4f} (ln 2 is 0.6931), test accuracy {accuracy:.1%}")

    history = train(model, device, args.epochs, train_loader, test_loader)
    _, test_losses, _ = history
    turn = min(range(args.epochs), key=lambda epoch: test_losses[epoch])
    print(f"the test loss was least after epoch {turn + 1}: {test_losses[turn]:.4f}")
    plot(args.out / "ut_p2_plain_cnn.png", *history)

    path = args.out / "ut_p2_plain_cnn.pt"
    torch.save(model.state_dict(), path)  # the weights, not the class
    again = myCNN().to(device)
    again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    _, accuracy = test(again, device, nn.BCEWithLogitsLoss(), test_loader)
    print(f"saved as {path}; read back, its test accuracy is {accuracy:.1%}")


if __name__ == "__main__":
    main()
