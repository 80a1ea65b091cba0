"""Handwritten digits: linear, fully-connected and convolutional networks.

Answers the questions MIT-5.1, MIT-5.2, MIT-5.3a, MIT-5.3b and MIT-5.4a.

    python mit_5_digits.py

It needs torch, torchvision and matplotlib. The first run downloads MNIST (12
MB) into the folder `data`. It prints the accuracies that the handout asks for,
draws those of twenty epochs into `out/mit_5_digits.png` and saves the
convolutional network as `out/mit_5_digits.pt`. All of it takes about three
minutes on one core of a CPU; for a quick look: `--epochs 2 --limit 6000`, or
`--only 5.1`.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets

Loader = DataLoader[Any]


def mnist(folder: Path, train: bool, limit: int | None) -> TensorDataset:
    """MNIST's first `limit` digits; pixels from 0 to 1, as the handout says."""
    dataset = datasets.MNIST(folder, train=train, download=True)
    # All in one tensor. Through `transforms.ToTensor()` each image would be
    # converted anew in each epoch, which takes longer than training the
    # smaller networks.
    return TensorDataset(dataset.data[:limit, None] / 255, dataset.targets[:limit])


def fully_connected(*hidden: int) -> nn.Sequential:
    """Hidden layers of so many units; with none, a linear classifier."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, units in pairwise([28 * 28, *hidden]):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear([28 * 28, *hidden][-1], 10))


def convolutional() -> nn.Sequential:
    """The network of question 5.4."""
    return nn.Sequential(
        nn.Conv2d(in_channels=1, out_channels=32, kernel_size=3),  # 28 becomes 26
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2),  # 13
        nn.Conv2d(in_channels=32, out_channels=64, kernel_size=3),  # 11
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2),  # 5, since half a window is left out
        nn.Flatten(),  # 64 channels of 5 by 5: 1600
        nn.Linear(64 * 5 * 5, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )


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
    model: nn.Module, device: torch.device, epochs: int, train_loader: Loader, test_loader: Loader
) -> tuple[list[float], list[float], list[float]]:
    """Train; return training losses, test losses, test accuracies by epoch."""
    # Softmax and negative log-likelihood in one, so the networks above end in
    # a linear layer. With a softmax of their own they would have two.
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)  # the handout leaves it open
    train_losses, test_losses, test_accuracies = [], [], []
    for _ in range(epochs):
        model.train()  # each time, since `test` turns it to eval
        batch_losses = []
        for images, labels in train_loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()  # or gradients add up over the batches
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            batch_losses.append(loss.item())
        risk, accuracy = test(model, device, criterion, test_loader)
        train_losses.append(sum(batch_losses) / len(batch_losses))  # equal sizes
        test_losses.append(risk)
        test_accuracies.append(accuracy)
    return train_losses, test_losses, test_accuracies


def main(argv: list[str] | None = None) -> None:
    """Answer the questions one after the other."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = ["5.1", "5.2", "5.3", "5.4"]
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with MNIST (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    add("--epochs", type=int, default=20, help="of question 5.3; all others have one (%(default)s)")
    add("--seed", type=int, default=0, help="of weights, dropout and order (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 128 or more")
    add("--only", nargs="+", choices=parts, default=parts, help="answer only these questions")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)

    # Nothing is chosen by these accuracies, so the test set can be what the
    # handout calls the validation set in one place and the test set in
    # another.
    train_set, test_set = mnist(args.data, True, args.limit), mnist(args.data, False, args.limit)
    # 128 does not divide 60,000. A last batch of 96 images would move the
    # weights as far as one of 128, by a noisier gradient, just before the
    # test. So it is dropped, another one each time.
    train_loader = DataLoader(train_set, batch_size=128, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=1000)

    if "5.1" in args.only:
        torch.manual_seed(args.seed)  # again before each network
        model = fully_connected().to(device)
        _, _, (accuracy,) = train(model, device, 1, train_loader, test_loader)
        print(f"5.1   no hidden layer: {accuracy:.3f}")
    if "5.2" in args.only:
        for units in (128, 256, 512, 1024):
            torch.manual_seed(args.seed)
            model = fully_connected(units).to(device)
            _, _, (accuracy,) = train(model, device, 1, train_loader, test_loader)
            print(f"5.2   {units} hidden units: {accuracy:.3f}")
    if "5.3" in args.only:
        torch.manual_seed(args.seed)
        model = fully_connected(512, 256).to(device)
        _, _, accuracies = train(model, device, args.epochs, train_loader, test_loader)
        print(f"5.3a  512 and 256 hidden units, after one epoch: {accuracies[0]:.3f}")
        asked = [accuracies[epoch - 1] for epoch in (1, 5, 10, 15) if epoch <= args.epochs]
        print("5.3b  after epochs 1, 5, 10, 15:", ", ".join(f"{share:.3f}" for share in asked))
        print(f"      after epoch {args.epochs}: {accuracies[-1]:.3f}")
        figure, axes = plt.subplots()
        axes.plot(range(1, args.epochs + 1), accuracies, "o-")
        axes.set(xlabel="epoch", ylabel="test accuracy", title="512 and 256 hidden units")
        figure.savefig(args.out / "mit_5_digits.png")
        plt.close(figure)
    if "5.4" in args.only:
        torch.manual_seed(args.seed)
        model = convolutional().to(device)
        _, _, (accuracy,) = train(model, device, 1, train_loader, test_loader)
        print(f"5.4a  convolutional: {accuracy:.3f}")
        path = args.out / "mit_5_digits.pt"
        torch.save(model.state_dict(), path)
        again = convolutional().to(device)
        again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        _, accuracy = test(again, device, nn.CrossEntropyLoss(), test_loader)
        print(f"saved as {path}; read back, its test accuracy is {accuracy:.3f}")


if __name__ == "__main__":
    main()
