"""Data of one's own, and what is refused of it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from cnnref.data import Examples, ImageSet, collected, paired, synthetic

BYTES = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
LABELS = torch.tensor([1, 0])


class Pictures:
    """A dataset as torchvision's are."""

    classes = ("cat", "dog")

    def __init__(self, mode="RGB", labels=(0, 1)):
        self.mode, self.labels = mode, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        pixels = BYTES[i].permute(1, 2, 0).numpy()
        return Image.fromarray(pixels).convert(self.mode), self.labels[i]


@given(
    st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8]),
    st.lists(st.integers(1, 3), min_size=1, max_size=3).filter(lambda shape: len(shape) != 2),
    st.integers(1, 5),
)
def test_every_form_of_the_same_tensors_is_the_same(dtype, shape, count):
    x = torch.arange(count * math.prod(shape)).reshape(count, *shape).to(dtype)
    y = torch.arange(count) % 3
    first = collected((x, y))
    assert first.class_names == tuple(map(str, range(min(count, 3))))
    assert first.are_bytes == (dtype == torch.uint8 and len(shape) == 3)
    forms = [
        TensorDataset(x, y),
        (x.numpy(), y.numpy().astype("uint8")),
        Examples(x, y),
        [(x[i], int(y[i])) for i in range(count)],
    ]
    assert {collected(form).sha256 for form in forms} == {first.sha256}


def test_pil_images_become_bytes_with_their_channels_first():
    whole = collected(Pictures())
    assert torch.equal(whole.inputs, BYTES)
    assert whole.class_names == ("cat", "dog")
    part = collected(Subset(Pictures(), [1]))
    assert torch.equal(part.inputs, BYTES[1:])
    assert part.class_names == ("cat", "dog")
    assert collected(Pictures("L")).inputs.shape == (2, 1, 4, 5)


def test_an_image_set_stays_what_it_is():
    images = synthetic((1, 2, 2), 2, 4)
    assert collected(images) is images
    assert collected(images.as_dataset()).inputs.equal(images.images)


def test_float_targets_are_no_classes():
    x = torch.rand(3, 2)
    assert collected((x, torch.rand(3))).class_names == ()
    assert collected([(x[0], 0.5), (x[1], 1.5), (x[2], 2.0)]).targets.dtype == torch.float32
    assert collected((x, torch.tensor([-1, 0, 1]))).class_names == ()


class Stream(IterableDataset):
    def __iter__(self):
        return iter([])


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        ((torch.rand(3, 2), torch.zeros(2)), ValueError, "3 inputs and 2 targets"),
        ((torch.rand(0, 2), torch.zeros(0)), ValueError, "there are no examples"),
        ((BYTES[:, 0], LABELS), ValueError, r"\(2, 4, 5\); grey ones need an axis"),
        ((torch.tensor([[1.0], [torch.nan]]), LABELS), ValueError, "inputs must .* example 1 is"),
        ((torch.rand(2, 2), torch.tensor([0.0, torch.inf])), ValueError, "targets must be finite"),
        (TensorDataset(LABELS), ValueError, "got 1 tensors"),
        (DataLoader(TensorDataset(BYTES, LABELS)), TypeError, "give its dataset"),
        (Stream(), TypeError, "a dataset with a length, or a DataLoader of one, got Stream"),
        (7, TypeError, "got int"),
        ([torch.rand(2)] * 3, ValueError, "item 0 is a Tensor"),
        ([({}, 0), ({}, 1), ({}, 1)], ValueError, "images or tensors, item 0 is a dict"),
        ([(torch.rand(2), 0), (torch.rand(3), 1)], ValueError, r"\(2,\) and torch.float32 \(3,\)"),
        ([(torch.rand(2), 0), (torch.rand(2), 0.5)], ValueError, "targets of one shape and type"),
        ([], ValueError, "is empty: the list has no items"),
        ("cifar10", TypeError, "got str 'cifar10'; `cnnref.data.load`"),
        ({"x": BYTES, "y": LABELS}, TypeError, "got dict"),
        ((BYTES, ["cat", "dog"]), ValueError, r"targets of numbers, .* got \['cat', 'dog'\]"),
        ((BYTES, np.array(["cat", "dog"])), ValueError, "by its number, from 0"),
        (([torch.rand(2), torch.rand(3)], LABELS), ValueError, "inputs of numbers, all of one"),
        ([({"x": 1, "y": 2})] * 3, ValueError, "item 0 is a dict of x, y"),
        ((torch.zeros(2, 6, 5, 3, dtype=torch.uint8), LABELS), ValueError,
         r"data: images .* got \(2, 6, 5, 3\), whose channels seem to be last"),
        (Pictures("F"), ValueError, "mode 'F'; convert it"),
        (Pictures(labels=(0, 2)), ValueError, "labels run to 2, but there are 2 class names"),
    ],
)  # fmt: skip
def test_what_is_refused(data, error, told):
    with pytest.raises(error, match=told):
        collected(data)


def test_lists_beside_an_array_are_a_pair_too():
    expected = collected((BYTES, LABELS))
    for pair in ((BYTES, LABELS.tolist()), ([*BYTES], LABELS), ([*BYTES.numpy()], LABELS)):
        found = collected(pair)
        assert found.inputs.equal(expected.inputs)
        assert found.targets.equal(expected.targets)
        assert found.class_names == expected.class_names


def test_an_item_that_cannot_be_read_is_named():
    class Broken(Pictures):
        def __getitem__(self, i):
            if i:
                raise OSError("truncated")
            return super().__getitem__(i)

    with pytest.raises(OSError, match="truncated") as caught:
        collected(Broken("L"), "the test set")
    assert caught.value.__notes__ == ["this was item 1 of the test set"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"class_names": "ab"}, "one name per class, got 'ab'"),
        ({"targets": torch.rand(2), "class_names": ("a",)}, "classes must be int64"),
        ({"targets": torch.tensor(3)}, "the single number 3"),
    ],
)
def test_examples_that_are_refused(values, told):
    with pytest.raises(ValueError, match=told):
        Examples(**{"inputs": torch.rand(2, 2), "targets": LABELS, **values})
    with pytest.raises(TypeError, match="inputs must be a tensor, got list"):
        Examples([1], LABELS)


def test_a_string_is_not_two_class_names():
    with pytest.raises(ValueError, match="one name per class, got 'ab'"):
        ImageSet(BYTES, LABELS, "ab", "here")


def test_training_and_test_set_speak_of_the_same_classes():
    three = (torch.rand(3, 2), torch.tensor([0, 1, 2]))
    two = (torch.rand(2, 2), torch.tensor([0, 1]))
    assert paired(three, two)[1].class_names == ("0", "1", "2")
    with pytest.raises(ValueError, match=r"same classes, got 2 \(0, 1\) and 3 \(0, 1, 2\)"):
        paired(two, three)
    with pytest.raises(ValueError, match=r"got 2 .pattern 0, pattern 1. and 3"):
        paired(synthetic((1, 2, 2), 2, 4), synthetic((1, 2, 2), 3, 4))
    with pytest.raises(ValueError, match=r"got 2 .0, 1. and none"):
        paired(two, (two[0], torch.rand(2)))
    with pytest.raises(ValueError, match="scaled alike: the first is images as bytes"):
        paired((BYTES, LABELS), (BYTES / 255, LABELS))
