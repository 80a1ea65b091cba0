"""A dataset of cats and dogs, made out of CIFAR-10.

Answers the questions UT-P1.1, UT-P1.2, UT-P1.3, UT-P1.4, UT-P1.5, UT-P1.6,
UT-P1.7, UT-P1.8, UT-P1.9, UT-P1.10 and UT-P1.11.

    python ut_p1_dataset.py

It needs torch, torchvision and matplotlib. The first run downloads CIFAR-10
(170 MB) into the folder `data`. It prints sizes, labels and numbers of
mini-batches, and draws the first image into `out/ut_p1_first_image.png`.
Nothing is trained; on a CPU it takes a few seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

# Mean and standard deviation of red, green and blue over the training images,
# on the scale from 0 to 1. Test images are normalised with the same numbers:
# what a network was trained to see must not depend on which images it is
# tested on.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def cifar10(folder: Path, train: bool) -> datasets.CIFAR10:
    """CIFAR-10 as normalised tensors, downloaded where it is missing."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    return datasets.CIFAR10(folder, train=train, download=True, transform=transform)


def imshow(image: Tensor, title: str, path: Path) -> None:
    """Draw a normalised image into a file."""
    # `imshow` clips what lies outside 0 to 1, so the normalisation has to be
    # undone.
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    pixels = (image * std + mean).clamp(0, 1)
    figure, axes = plt.subplots(figsize=(3, 3))
    axes.imshow(pixels.permute(1, 2, 0).numpy())  # channels last
    axes.set_title(title)
    axes.axis("off")
    figure.savefig(path)
    plt.close(figure)


def class_extract(classes: Collection[int], dataset: Any) -> Subset[Any]:
    """The data points of some classes, with the labels that they have."""
    # The list of labels is enough. `dataset[i]` would decode and transform
    # 50,000 images.
    indices = [i for i, label in enumerate(dataset.targets) if label in classes]
    return Subset(dataset, indices)


def main(argv: list[str] | None = None) -> None:
    """Go through the question, item by item."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default="data", help="where CIFAR-10 is (%(default)s)")
    parser.add_argument("--out", type=Path, default="out", help="where to write (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=100, help="images (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffling (%(default)s)")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)  # the order of the batches, always the same

    # 1 and 2. Both sets, and how many images they hold.
    train_set, test_set = cifar10(args.data, train=True), cifar10(args.data, train=False)
    print(f"{len(train_set)} training images, {len(test_set)} test images")

    # 3 and 4. The first data point is a pair of pixels and label; the classes
    # have numbers.
    image, label = train_set[0]
    print(f"the first image is a tensor of shape {tuple(image.shape)}, its label is {label}")
    print("classes:", train_set.class_to_idx)

    # 5. Does the picture fit the label?
    path = args.out / "ut_p1_first_image.png"
    imshow(image, f"label {label}: {train_set.classes[label]}", path)
    print("the first image is drawn in", path)

    # 6 to 9. Cats and dogs alone.
    cls_list = [train_set.class_to_idx["cat"], train_set.class_to_idx["dog"]]
    print("cat and dog are the classes", cls_list)
    train_subset = class_extract(cls_list, train_set)
    test_subset = class_extract(cls_list, test_set)
    found = sorted({train_subset[i][1] for i in range(100)})
    print("labels among the first hundred:", found)
    print(f"{len(train_subset)} training images, {len(test_subset)} test images of cats and dogs")

    # The handout never says that this must be done: binary cross-entropy takes
    # 0 and 1, not 3 and 5. With 3 and 5 its minimum is minus infinity, and the
    # loss falls while nothing is learnt. `[3, 5].index` maps 3 to 0 and 5 to
    # 1; the dataset applies it to each label that it hands out.
    train_set.target_transform = test_set.target_transform = cls_list.index
    found = sorted({train_subset[i][1] for i in range(100)})
    print("labels after remapping:", found)

    # 10 and 11. Mini-batches. Training wants another order in every epoch. For
    # testing the order makes no difference to a mean, so those images keep
    # theirs, and "image 17" stays image 17.
    train_loader = DataLoader(train_subset, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_subset, batch_size=args.batch_size)
    for name, loader, subset in (
        ("training", train_loader, train_subset),
        ("test", test_loader, test_subset),
    ):
        expected = -(-len(subset) // args.batch_size)  # divided and rounded up
        print(f"{len(loader)} {name} batches, {expected} expected")
    images, labels = next(iter(train_loader))
    print(f"one batch: images {tuple(images.shape)}, labels {tuple(labels.shape)}")


if __name__ == "__main__":
    main()
