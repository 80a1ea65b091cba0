"""A residual network from scratch, beside the same network without its skips.

Answers the question IU-C.3.

    python iu_c3_resnet.py

It needs torch, torchvision and matplotlib. The first run downloads
Fashion-MNIST (30 MB) into the folder `data`. It trains both networks, prints a
line for each epoch, draws the training losses into `out/iu_c3_resnet.png` and
saves the weights as `out/iu_c3_resnet.pt` and `out/iu_c3_plain.pt`. At the
depth of 20, four epochs of both take about eight minutes on one core of a CPU;
for a quick look: `--depth 8 --epochs 1 --limit 6000`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets

Loader = DataLoader[Any]

MEAN, STD = 0.2860, 0.3530  # of the training images, pixels from 0 to 1


def fashion_mnist(folder: Path, train: bool, limit: int | None) -> TensorDataset:
    """Fashion-MNIST's clothes, normalised, the first `limit` of them."""
    dataset = datasets.FashionMNIST(folder, train=train, download=True)
    # All in one tensor: converting each image anew in every epoch would cost
    # seconds each time.
    return TensorDataset((dataset.data[:limit, None] / 255 - MEAN) / STD, dataset.targets[:limit])


class ResidualUnit(nn.Module):
    """Two normalised convolutions, plus what went in: He et al. 2016, Fig. 2."""

    def __init__(self, inputs: int, outputs: int, stride: int, skip: bool) -> None:
        super().__init__()
        # Without a bias: the batch normalisation that follows would subtract
        # it again.
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride, self.new_channels, self.skip = stride, outputs - inputs, skip

    def forward(self, x: Tensor) -> Tensor:
        """Where the map is halved, the skip takes every second pixel.

        The new channels are zeros. So the skip has no parameters (their option
        A), and the twin without skips has the very same ones.
        """
        y = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        if self.skip:
            same = x[:, :, :: self.stride, :: self.stride]
            y = y + F.pad(same, (0, 0, 0, 0, 0, self.new_channels))
        activated: Tensor = y.relu()
        return activated


class ResNet(nn.Module):
    """The network of He et al. 2016, Section 4.2, with 6 n + 2 layers.

    From images `(N, 1, 28, 28)` to logits `(N, 10)`. The first convolution has
    stride 2, which makes everything after it four times cheaper; theirs has
    stride 1.
    """

    def __init__(self, depth: int = 20, skip: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        units, inputs = [], 16
        for outputs in (16, 32, 64):
            for _ in range((depth - 2) // 6):
                stride = outputs // inputs  # twice the channels, half the side
                units.append(ResidualUnit(inputs, outputs, stride, skip))
                inputs = outputs
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # so that maps neither grow nor fade
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """The logits; the side of the maps goes 28, 14, 7, 4."""
        x = self.units(self.norm(self.conv(x)).relu())
        logits: Tensor = self.fc(x.mean((2, 3)))  # the mean over all positions
        return logits


def test(
    model: nn.Module, device: torch.device, criterion: nn.Module, loader: Loader
) -> tuple[float, float]:
    """The mean loss and the accuracy over all images of a loader."""
    model.eval()  # batch norm by running statistics, not by the batch
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
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    # The rate falls along half a cosine to zero; it is stepped after every
    # batch.
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
    """Train both networks, test, draw, save."""
    best = "cuda" if torch.cuda.is_available() else "cpu"  # NVIDIA's GPU
    best = "mps" if torch.backends.mps.is_available() else best  # Apple's
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, default="data", help="folder with Fashion-MNIST (%(default)s)")
    add("--out", type=Path, default="out", help="folder to write to (%(default)s)")
    depths = (8, 14, 20, 32, 44, 56)
    add("--depth", type=int, choices=depths, default=20, help="weighted layers (%(default)s)")
    add("--epochs", type=int, default=4, help="passes over the training images (%(default)s)")
    add("--seed", type=int, default=0, help="of weights and order of images (%(default)s)")
    add("--device", default=best, help="cuda, mps or cpu; the best one here is %(default)s")
    add("--limit", type=int, help="take only that many images of each set, 128 or more")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(args.device)

    train_set = fashion_mnist(args.data, train=True, limit=args.limit)
    test_set = fashion_mnist(args.data, train=False, limit=args.limit)
    # 128 does not divide 60,000. A last batch of 96 images would move the
    # weights as far as one of 128, by a noisier gradient, just before the
    # test. So it is dropped, another one each time.
    train_loader = DataLoader(train_set, batch_size=128, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=1000)

    figure, axes = plt.subplots()
    for name, skip in (("resnet", True), ("plain", False)):
        torch.manual_seed(args.seed)  # the same weights and batches for both
        model = ResNet(args.depth, skip).to(device)
        print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters")
        losses, _, _ = train(model, device, args.epochs, train_loader, test_loader)
        axes.plot(range(1, args.epochs + 1), losses, "o-", label=name)

        path = args.out / f"iu_c3_{name}.pt"
        torch.save(model.state_dict(), path)  # batch norm's running statistics are in it
        again = ResNet(args.depth, skip).to(device)
        again.load_state_dict(torch.load(path, map_location=device, weights_only=True))
        _, accuracy = test(again, device, nn.CrossEntropyLoss(), test_loader)
        print(f"saved as {path}; read back, its test accuracy is {accuracy:.1%}")
    axes.set(xlabel="epoch", ylabel="training loss in nats per image")
    axes.legend()
    figure.savefig(args.out / "iu_c3_resnet.png")
    plt.close(figure)


if __name__ == "__main__":
    main()
