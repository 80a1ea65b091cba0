from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
import torch

from cnnref import data
from cnnref.data import ImageSet, UnknownDatasetError

# Written by the dataset's authors, in their own order.
FIRST_LABELS = {
    "mnist": [5, 0, 4, 1, 9],
    "fashion-mnist": [9, 0, 0, 3, 0],
    "cifar10": [6, 9, 9, 4, 1],
    "cats-dogs": [0, 0, 0, 1, 0],
}
SIZES = {
    "mnist": (60000, 10000),
    "fashion-mnist": (60000, 10000),
    "cifar10": (50000, 10000),
    "cats-dogs": (10000, 2000),
}


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str, str], ImageSet]]:
    """`data.load`, which reads a file and checks it each time, here once."""
    once = cache(data.load)
    yield once
    once.cache_clear()


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.usefixtures("real_data")
def test_real_datasets(name, load):
    train, test = load(name, "train"), load(name, "test")
    assert (len(train), len(test)) == SIZES[name]
    assert tuple(train.images.shape[1:]) == data.DATASETS[name].shape
    assert train.class_names == data.DATASETS[name].class_names
    if name != "cats-dogs":
        assert train.labels[:5].tolist() == FIRST_LABELS[name]
        assert test.labels.bincount().sum() == 10000


@pytest.mark.usefixtures("real_data")
def test_cats_and_dogs_are_cifar10s_with_labels_remapped(load):
    for split in ("train", "test"):
        whole, subset = load("cifar10", split), load("cats-dogs", split)
        extracted = data.class_extract([3, 5], whole.as_dataset())
        assert torch.equal(subset.images, whole.images[extracted.indices])
        assert torch.equal(subset.labels, (whole.labels[extracted.indices] == 5).long())
        assert subset.labels.bincount().tolist() == [len(subset) // 2] * 2


@pytest.mark.usefixtures("real_data")
def test_normalization_of_the_real_sets_is_the_published_one(load):
    published = {
        "mnist": ([0.1307], [0.3081]),
        "fashion-mnist": ([0.2860], [0.3530]),
        "cifar10": ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    }
    for name, (mean, std) in published.items():
        found = load(name, "train").normalization()
        np.testing.assert_allclose(found.mean, mean, atol=6e-5)
        np.testing.assert_allclose(found.std, std, atol=6e-5)


def test_names_are_suggested():
    with pytest.raises(UnknownDatasetError, match="did you mean 'cifar10'"):
        data.load("cifar-10", "train")
    with pytest.raises(UnknownDatasetError, match="did you mean 'test'"):
        data.load("mnist", "tests")
    with pytest.raises(UnknownDatasetError, match="did you mean 'mnist'"):
        data.fetch("mnits")
    with pytest.raises(UnknownDatasetError, match="did you mean 'mnist'"):
        data.files_of("mnits")


@pytest.mark.parametrize("parent", data.HELD_OUT)
def test_validation_images_are_held_out_of_the_training_set_alone(parent, load):
    whole = load(parent, "train")
    train, held = (load(f"{parent}-tuning", split) for split in ("train", "validation"))
    assert len(held) == data.HELD_OUT[parent]
    assert len(train) + len(held) == len(whole)
    # Both together are the training images, each once.
    rows = [{image.numpy().tobytes() for image in part.images} for part in (train, held, whole)]
    assert rows[0] | rows[1] == rows[2]
    together = torch.cat([train.labels, held.labels]).bincount()
    assert torch.equal(together, whole.labels.bincount())
    with pytest.raises(UnknownDatasetError, match=f"split of {parent}-tuning 'test'"):
        data.load(f"{parent}-tuning", "test")


@pytest.mark.parametrize("name", data.DATASETS)
def test_the_number_of_training_images_is_known_beforehand(name, load):
    assert len(load(name, "train")) == data.DATASETS[name].train_size


def test_the_first_ten_thousand_are_tested_on_the_whole_test_set(load):
    few, test = load("mnist-first-10000", "train"), load("mnist-first-10000", "test")
    assert torch.equal(few.images, load("mnist", "train").images[:10_000])
    assert test.sha256 == load("mnist", "test").sha256


def test_normalizations_are_known_without_the_data(monkeypatch, tmp_path, real_data, load):
    for name in data.DATASETS:
        assert data.normalization_of(name) == load(name, "train").normalization(), name
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    assert data.normalization_of("cifar10").mean[0] == pytest.approx(0.49, abs=0.01)
    with pytest.raises(data.UnknownDatasetError, match="did you mean 'cifar10'"):
        data.normalization_of("cifar")
