import functools
import gzip
import hashlib
import http.server
import shutil
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from cnnref import data
from cnnref.data import DamagedDataError, MissingDataError, UnknownDatasetError, files

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


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.usefixtures("real_data")
def test_real_datasets(name):
    train, test = data.load(name, "train"), data.load(name, "test")
    assert (len(train), len(test)) == SIZES[name]
    assert tuple(train.images.shape[1:]) == data.DATASETS[name].shape
    assert train.class_names == data.DATASETS[name].class_names
    if name != "cats-dogs":
        assert train.labels[:5].tolist() == FIRST_LABELS[name]
        assert test.labels.bincount().sum() == 10000


@pytest.mark.usefixtures("real_data")
def test_cats_and_dogs_are_cifar10s_with_labels_remapped():
    for split in ("train", "test"):
        whole, subset = data.load("cifar10", split), data.load("cats-dogs", split)
        extracted = data.class_extract([3, 5], whole.as_dataset())
        assert torch.equal(subset.images, whole.images[extracted.indices])
        assert torch.equal(subset.labels, (whole.labels[extracted.indices] == 5).long())
        assert subset.labels.bincount().tolist() == [len(subset) // 2] * 2


@pytest.mark.usefixtures("real_data")
def test_normalization_of_the_real_sets_is_the_published_one():
    published = {
        "mnist": ([0.1307], [0.3081]),
        "fashion-mnist": ([0.2860], [0.3530]),
        "cifar10": ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    }
    for name, (mean, std) in published.items():
        found = data.load(name, "train").normalization()
        np.testing.assert_allclose(found.mean, mean, atol=6e-5)
        np.testing.assert_allclose(found.std, std, atol=6e-5)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    return tmp_path


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.fixture
def small_mnist(folder, monkeypatch) -> Path:
    """A whole MNIST of ten images, whose digests are accepted."""
    raw = folder / "MNIST" / "raw"
    images = np.random.default_rng(0).integers(0, 256, (10, 28, 28))
    for prefix in ("train", "t10k"):
        write_idx(raw / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte.gz", np.arange(10))
    expected = data.ImageSet(
        torch.from_numpy(images.astype(np.uint8))[:, None],
        torch.arange(10),
        tuple("0123456789"),
        "",
    )
    for split in ("train", "test"):
        monkeypatch.setitem(files._SHA256, ("mnist", split), expected.sha256)
    assert data.load("mnist", "train").sha256 == expected.sha256
    return raw


@pytest.fixture
def small_cifar10(folder, monkeypatch) -> Path:
    """A whole CIFAR-10 of twenty images, as `fetch` writes it from torchvision's download."""

    class Fake:
        def __init__(self, root, train, download):
            assert download
            self.data = np.random.default_rng(train).integers(0, 256, (20, 32, 32, 3), np.uint8)
            self.targets = [i % 10 for i in range(20)]
            self.classes = list(data.DATASETS["cifar10"].class_names)

    monkeypatch.setattr(datasets, "CIFAR10", Fake)
    assert data.fetch("cats-dogs") == folder
    assert not list(folder.rglob("*.partial"))
    return folder / "cifar10" / "train.npz"


def test_fetch_writes_what_load_reads(small_cifar10):
    assert len(data.load("cifar10", "train")) == 20
    assert data.load("cats-dogs", "test").labels.tolist() == [0, 1, 0, 1]


def test_fetch_leaves_whole_data_alone(small_cifar10, monkeypatch):
    monkeypatch.delattr(datasets, "CIFAR10")
    data.fetch("cifar10")


def test_fetch_of_mnist_repairs_the_damaged_file_alone(small_mnist, monkeypatch, tmp_path):
    """torchvision's downloader fetches, from a local mirror, the file whose MD5 is wrong."""
    mirror = tmp_path / "mirror"
    shutil.copytree(small_mnist, mirror)
    resources = [
        (path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in mirror.iterdir()
    ]
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    asked = []

    class Mirror(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path.split("/")[-1])

    handler = functools.partial(Mirror, directory=mirror)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(datasets.MNIST, "mirrors", [there + "nowhere/", there])
        damaged = small_mnist / "train-images-idx3-ubyte.gz"
        damaged.write_bytes(damaged.read_bytes()[:-100])
        with pytest.raises(DamagedDataError):
            data.load("mnist", "train")
        data.fetch("mnist")
        server.shutdown()
    assert len(data.load("mnist", "train")) == 10
    assert set(asked) == {damaged.name}


def test_fetch_that_fails_says_why(folder, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["file:///nowhere/"])
    with pytest.raises(MissingDataError, match="could not download mnist.*nowhere"):
        data.fetch("mnist")


def test_names_are_suggested():
    with pytest.raises(UnknownDatasetError, match="did you mean 'cifar10'"):
        data.load("cifar-10", "train")
    with pytest.raises(UnknownDatasetError, match="did you mean 'test'"):
        data.load("mnist", "tests")
    with pytest.raises(UnknownDatasetError, match="did you mean 'mnist'"):
        data.fetch("mnits")
    with pytest.raises(UnknownDatasetError, match="did you mean 'mnist'"):
        data.files_of("mnits")


@pytest.mark.parametrize("name", SIZES)
def test_missing_data_names_the_file_and_the_command(folder, name):
    parent = data.DATASETS[name].parent or name
    with pytest.raises(MissingDataError, match=f"`cnnref data fetch {parent}`") as caught:
        data.load(name, "train")
    assert str(folder) in str(caught.value)
    with pytest.raises(MissingDataError, match=f"`cnnref data fetch {parent}`"):
        data.files_of(name)


def test_the_files_of_a_dataset_are_those_that_it_is_read_from(small_mnist, small_cifar10, folder):
    assert data.files_of("mnist-tuning") == data.files_of("mnist")
    assert len(data.files_of("mnist")) == 4
    assert set(data.files_of("mnist")) == set(small_mnist.glob("*.gz"))
    assert data.files_of("cats-dogs") == [folder / "cifar10" / f"{s}.npz" for s in data.SPLITS]
    assert data.files_of("kats-cat") == []
    (small_mnist / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(MissingDataError, match="t10k-labels"):
        data.files_of("mnist-first-10000")


def test_truncated_and_altered_idx_files(small_mnist):
    images = small_mnist / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    raw = gzip.decompress(whole)
    cases = {
        "cannot be unpacked": whole[: len(whole) // 2],
        "cannot be unpacked: Not a gzipped": b"<html>not found</html>",
        "not a whole IDX file": gzip.compress(raw[:-1]),
        "is not a whole IDX file of bytes": gzip.compress(b"\x00"),
        "altered": gzip.compress(raw[:-1] + bytes([raw[-1] ^ 1])),
        "do not go together": gzip.compress(
            struct.pack(">HBB3I", 0, 8, 3, 9, 28, 28) + raw[16 : 16 + 9 * 784]
        ),
    }
    for message, content in cases.items():
        images.write_bytes(content)
        with pytest.raises(DamagedDataError, match=message) as caught:
            data.load("mnist", "train")
        assert str(images) in str(caught.value)
        assert "cnnref data fetch mnist" in str(caught.value)


def test_truncated_and_altered_npz_files(small_cifar10):
    whole = small_cifar10.read_bytes()
    with np.load(small_cifar10) as arrays:
        good = dict(arrays)

    def rewritten(**changes):
        np.savez(small_cifar10, **{**good, **changes})
        return small_cifar10.read_bytes()

    flipped = good["images"].copy()
    flipped[3, 4, 5, 1] ^= 1
    bare = {key: value for key, value in good.items() if key != "labels"}
    np.savez(small_cifar10, **bare)
    no_labels = small_cifar10.read_bytes()
    middle = bytearray(whole)
    middle[len(middle) // 2] ^= 255
    cases = [
        ("cannot be read", whole[: len(whole) // 2]),
        ("cannot be read", bytes(middle)),
        ("cannot be read", b""),
        ("cannot be read", no_labels),
        ("cannot be read.*allow_pickle", rewritten(images=np.array([{}], dtype=object))),
        ("has been altered", rewritten(images=flipped)),
        ("has been altered", rewritten(labels=good["labels"][::-1])),
        ("does not hold CIFAR-10", rewritten(labels=good["labels"] + 3)),
        ("does not hold CIFAR-10", rewritten(images=good["images"].astype(float))),
    ]
    for message, content in cases:
        small_cifar10.write_bytes(content)
        with pytest.raises(DamagedDataError, match=message) as caught:
            data.load("cifar10", "train")
        assert str(small_cifar10) in str(caught.value)


def test_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    assert data.data_folder() == tmp_path
    monkeypatch.delenv("CNNREF_DATA")
    assert data.data_folder().parts[-2:] == ("cnnref", "data")


@pytest.mark.parametrize("parent", data.HELD_OUT)
def test_validation_images_are_held_out_of_the_training_set_alone(parent):
    whole = data.load(parent, "train")
    train, held = (data.load(f"{parent}-tuning", split) for split in ("train", "validation"))
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
def test_the_number_of_training_images_is_known_beforehand(name):
    assert len(data.load(name, "train")) == data.DATASETS[name].train_size


def test_the_first_ten_thousand_are_tested_on_the_whole_test_set():
    few, test = data.load("mnist-first-10000", "train"), data.load("mnist-first-10000", "test")
    assert torch.equal(few.images, data.load("mnist", "train").images[:10_000])
    assert test.sha256 == data.load("mnist", "test").sha256


def test_normalizations_are_known_without_the_data(monkeypatch, tmp_path, real_data):
    for name in data.DATASETS:
        assert data.normalization_of(name) == data.load(name, "train").normalization(), name
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    assert data.normalization_of("cifar10").mean[0] == pytest.approx(0.49, abs=0.01)
    with pytest.raises(data.UnknownDatasetError, match="did you mean 'cifar10'"):
        data.normalization_of("cifar")
