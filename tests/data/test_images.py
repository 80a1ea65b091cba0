import hashlib

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets, transforms

from cnnref.data import ImageSet, class_extract, synthetic


@pytest.fixture
def colours() -> ImageSet:
    return synthetic((3, 8, 8), 4, 20)


def test_normalization_is_the_mean_and_deviation_of_all_pixels(colours):
    found = colours.normalization()
    pixels = colours.images.double() / 255
    np.testing.assert_allclose(found.mean, pixels.mean((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(found.std, pixels.std((0, 2, 3), correction=0), rtol=1e-12)
    normalised = found(colours.images, torch.float64)
    assert normalised.mean((0, 2, 3)).abs().max() < 1e-12
    assert (normalised.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-12


def test_normalization_is_that_of_torchvision(colours):
    found = colours.normalization()
    theirs = transforms.Normalize(found.mean, found.std)(colours.images.float() / 255)
    torch.testing.assert_close(found(colours.images), theirs)


def test_as_dataset_is_like_torchvisions(colours):
    """The same images through torchvision's own class give the same items and attributes."""
    to_tensor = transforms.ToTensor()
    ours = colours.as_dataset(to_tensor)
    theirs = datasets.FakeData(size=20, image_size=(3, 8, 8), num_classes=4, transform=to_tensor)
    assert type(ours[0][0]) is type(theirs[0][0])
    assert ours[0][0].dtype == theirs[0][0].dtype
    assert len(ours) == 20
    assert ours.classes == list(colours.class_names)
    assert ours.class_to_idx == {name: i for i, name in enumerate(colours.class_names)}
    assert ours.targets == colours.labels.tolist()
    image, label = ours[7]
    torch.testing.assert_close(image, colours.images[7].float() / 255)
    assert label == int(colours.labels[7])
    assert colours.as_dataset()[0][0].size == (8, 8)


def test_grey_images_come_as_grey_pictures():
    grey = synthetic((1, 5, 6), 2, 4)
    assert grey.as_dataset()[0][0].mode == "L"
    assert grey.as_dataset(transforms.ToTensor())[3][0].shape == (1, 5, 6)


def test_data_loader_takes_it_and_it_comes_back(colours):
    loader = DataLoader(colours.as_dataset(transforms.ToTensor()), batch_size=8)
    assert [len(labels) for _, labels in loader] == [8, 8, 4]
    back = ImageSet.from_dataset(colours.as_dataset(), colours.class_names)
    assert back.sha256 == colours.sha256
    subset = class_extract([1, 3], colours.as_dataset())
    small = ImageSet.from_dataset(subset, colours.class_names)
    assert small.labels.unique().tolist() == [1, 3]
    grey = synthetic((1, 4, 4), 2, 3)
    assert ImageSet.from_dataset(grey.as_dataset(), "ab").sha256 == grey.sha256


def test_from_dataset_refuses_transformed_images(colours):
    with pytest.raises(ValueError, match="remove its transform"):
        ImageSet.from_dataset(colours.as_dataset(transforms.ToTensor()), colours.class_names)


def test_class_extract_keeps_order_and_labels(colours):
    dataset = colours.as_dataset()
    subset = class_extract([3, 1], dataset)
    expected = [i for i, label in enumerate(dataset.targets) if label in (1, 3)]
    assert subset.indices == expected
    assert {label for _, label in subset} == {1, 3}


def test_class_extract_takes_torchvision_datasets():
    class Fake(datasets.FakeData):
        targets = torch.tensor([0, 1, 2, 1])

    assert class_extract([1], Fake(size=4)).indices == [1, 3]


def test_class_extract_refuses(colours):
    with pytest.raises(ValueError, match=r"no data point of \[9\]"):
        class_extract([1, 9], colours.as_dataset())
    with pytest.raises(ValueError, match="classes"):
        class_extract([], colours.as_dataset())
    with pytest.raises(TypeError, match="targets"):
        class_extract([1], TensorDataset(torch.zeros(3)))


def test_sha256_sees_pixels_labels_and_shape(colours):
    digest = hashlib.sha256(b"(20, 3, 8, 8)")
    digest.update(colours.images.numpy().tobytes() + colours.labels.numpy().tobytes())
    assert colours.sha256 == digest.hexdigest()
    changed = colours.images.clone()
    changed[4, 1, 2, 3] ^= 1
    names, source = colours.class_names, colours.source
    assert ImageSet(changed, colours.labels, names, source).sha256 != colours.sha256
    assert ImageSet(colours.images, colours.labels.flip(0), names, source).sha256 != colours.sha256


def test_select(colours):
    assert torch.equal(colours.select([3, 1]).images, colours.images[[3, 1]])
    assert colours.select(colours.labels == 2).labels.tolist() == [2] * 5
    assert len(colours.select([])) == 0
    for wrong in ([0.5, 1.5], [True, False]):
        with pytest.raises(ValueError, match="whole numbers or a mask of 20"):
            colours.select(wrong)


def test_normalization_refuses_constant_channels_and_other_channels(colours):
    flat = ImageSet(torch.zeros(2, 1, 3, 3).byte(), torch.zeros(2).long(), ("a",), "flat")
    with pytest.raises(ValueError, match="constant"):
        flat.normalization()
    with pytest.raises(ValueError, match=r"must be \(N, 3, H, W\), got \(2, 1, 3, 3\)"):
        colours.normalization()(flat.images)


@pytest.mark.parametrize("change", [{"noise": 2.0}, {"classes": 0}, {"count": 0}])
def test_synthetic_refuses(change):
    with pytest.raises(ValueError, match="noise must be"):
        synthetic((1, 2, 2), **{"classes": 2, "count": 3, **change})


def test_synthetic_is_seeded_and_its_classes_differ():
    assert synthetic((1, 4, 4), 2, 6).sha256 == synthetic((1, 4, 4), 2, 6).sha256
    assert synthetic((1, 4, 4), 2, 6, seed=1).sha256 != synthetic((1, 4, 4), 2, 6).sha256
    pure = synthetic((1, 4, 4), 2, 4, noise=0.0)
    assert torch.equal(pure.images[0], pure.images[2])
    assert not torch.equal(pure.images[0], pure.images[1])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2).long(), "uint8"),
        (torch.zeros(2, 4, 4).byte(), torch.zeros(2).long(), r"\(2, 4, 4\)"),
        (torch.zeros(2, 1, 4, 4).byte(), torch.zeros(3).long(), r"\(3,\)"),
        (torch.zeros(2, 1, 4, 4).byte(), torch.zeros(2), "int64"),
        (torch.zeros(2, 1, 4, 4).byte(), torch.tensor([0, 2]), "0 to 2"),
        (torch.zeros(2, 1, 4, 4).byte(), torch.tensor([-1, 0]), "-1"),
    ],
)
def test_image_set_refuses_what_does_not_go_together(images, labels, message):
    with pytest.raises(ValueError, match=message):
        ImageSet(images, labels, ("a", "b"), "test")
