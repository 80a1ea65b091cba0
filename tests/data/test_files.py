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
from cnnref.data import DamagedDataError, MissingDataError, files


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


@pytest.mark.parametrize("name", data.HELD_OUT)
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
