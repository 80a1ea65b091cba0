import pytest
import torch
from torch.utils.data import DataLoader
from torchvision import transforms

from cnnref.data import Batches, synthetic

DATA = synthetic((3, 6, 6), 2, 25)
NORMALIZATION = DATA.normalization()


def test_one_epoch_holds_every_image_once():
    batches = Batches(DATA, 10, NORMALIZATION, shuffle_seed=3)
    pairs = list(batches.epoch(0))
    assert [len(labels) for _, labels in pairs] == [10, 10, 5]
    assert len(batches) == 3
    images = torch.cat([images for images, _ in pairs])
    whole = NORMALIZATION(DATA.images)
    order = [(whole == image).flatten(1).all(1).nonzero().item() for image in images]
    assert sorted(order) == list(range(25))
    assert order != list(range(25))


def test_epochs_differ_and_are_the_same_whenever_asked_for():
    first, again = (Batches(DATA, 25, NORMALIZATION, shuffle_seed=3) for _ in range(2))
    by_iteration = [next(iter(first))[1].tolist() for _ in range(3)]
    by_number = [next(again.epoch(i))[1].tolist() for i in (2, 1, 0)][::-1]
    assert by_iteration == by_number
    assert by_iteration[0] != by_iteration[1]
    other = Batches(DATA, 25, NORMALIZATION, shuffle_seed=4)
    assert next(other.epoch(0))[1].tolist() != by_number[0]


def test_without_a_shuffle_seed_it_is_the_textbook_loader():
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(NORMALIZATION.mean, NORMALIZATION.std)]
    )
    textbook = DataLoader(DATA.as_dataset(transform), batch_size=8)
    for ours, theirs in zip(Batches(DATA, 8, NORMALIZATION), textbook, strict=True):
        torch.testing.assert_close(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    list(Batches(DATA, 10, NORMALIZATION, shuffle_seed=3))
    assert torch.equal(before, torch.random.get_rng_state())


def test_type_of_the_images():
    images, labels = next(iter(Batches(DATA, 4, NORMALIZATION, dtype=torch.float64)))
    assert (images.dtype, labels.dtype) == (torch.float64, torch.int64)


@pytest.mark.parametrize(
    ("data", "size"), [(DATA, 0), (DATA, -1), (DATA, 2.5), (DATA.select([]), 4)]
)
def test_refusals(data, size):
    with pytest.raises(ValueError, match=f"batches of {size}"):
        Batches(data, size, NORMALIZATION)


@pytest.mark.parametrize("share", [(3, 2), (-1, 2), (2, 2), (0, 0)])
def test_a_share_is_one_of_all(share):
    with pytest.raises(ValueError, match=r"share must be .*got \("):
        Batches(DATA, 10, NORMALIZATION, share=share)
