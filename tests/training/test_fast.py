"""The sprint learns, repeats itself, and its parts do what they are there for."""

from dataclasses import replace

import pytest
import torch

from cnnref.data import synthetic
from cnnref.models import FastCNN
from cnnref.training import Checkpoint, NonFiniteLossError, Sprint, fast, fit, seeded, sprint

TRAIN, TEST = synthetic((3, 32, 32), 4, 205), synthetic((3, 32, 32), 4, 60, seed=1)
RECIPE = Sprint(
    learning_rate=0.3, epochs=4, batch_size=25, precision="float32", whitening_epochs=1,
    translation=0,
)  # fmt: skip


def trained(recipe=RECIPE, **how):
    with seeded(0):
        model = FastCNN((8, 8, 8), classes=4)
    return model, sprint(model, TRAIN, TEST, recipe, device="cpu", **how)


def test_it_learns_and_repeats_itself():
    seen = []
    model, history = trained(
        record_steps=True, on_epoch=lambda epoch, so_far: seen.append((epoch, len(so_far.seconds)))
    )
    assert seen == [(i, i) for i in (1, 2, 3, 4)]
    assert len(history.step_loss) == len(history.step_error) == 32  # 8 of 8.2 batches an epoch
    assert history.train_loss[-1] < history.train_loss[0]
    assert history.test_accuracy[-1] > history.untrained.accuracy + 0.2
    again, other = trained()
    assert other.test_loss == history.test_loss
    assert other.step_loss is None
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))
    assert trained(replace(RECIPE, seed=1))[1].test_loss != history.test_loss


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    trained(replace(RECIPE, epochs=1))
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_rate_rises_and_falls():
    rates = [fast._rate(p) for p in (0, 0.115, 0.23, 0.615, 1)]
    assert rates == pytest.approx([0.2, 0.6, 1, 0.535, 0.07])


def test_every_weight_decays_at_the_same_speed():
    optimizer = fast._optimizer(FastCNN(), RECIPE)
    assert len({round(g["lr"] * g["weight_decay"], 12) for g in optimizer.param_groups}) == 1
    biases, others = (sum(p.numel() for p in g["params"]) for g in optimizer.param_groups)
    assert biases == 24 + 2 * (64 + 256 + 256)
    trainable = sum(p.numel() for p in FastCNN().parameters() if p.requires_grad)
    assert biases + others == trainable


def test_slow_weights_follow_and_in_the_end_are_the_network():
    model = FastCNN((8, 8, 8))
    slow = [torch.zeros_like(value) for value in fast._averaged(model)]
    first = [value.clone() for value in fast._averaged(model)]
    fast._meet(model, slow, 3, 100)  # no meeting
    assert all(map(torch.equal, fast._averaged(model), first))
    fast._meet(model, slow, 50, 100)
    keep = 0.95**5 / 8
    for now, was in zip(fast._averaged(model), first, strict=True):
        torch.testing.assert_close(now, (1 - keep) * was)
    with torch.no_grad():
        model.fc.weight.fill_(7)
    fast._meet(model, slow, 100, 100)
    torch.testing.assert_close(model.fc.weight, (1 - keep) * first[-1])


def test_images_move_as_the_translation_allows():
    torch.manual_seed(0)
    images = torch.rand(40, 3, 8, 8)
    mirror = torch.arange(40) % 2 == 0
    still = fast._moved(images, mirror, 0)
    assert torch.equal(still[1::2], images[1::2])
    assert torch.equal(still[::2], images[::2].flip(3))
    moved = fast._moved(images, mirror, 2)
    assert moved.shape == images.shape
    inner = torch.isin(moved, images).float().mean()
    assert inner == 1  # a border of reflections holds nothing new


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schedule": "cosine"}, "schedule of a sprint is always 'one-cycle', got 'cosine'"),
        ({"optimizer": "adam"}, "optimizer of a sprint is always 'nesterov', got 'adam'"),
        ({"remainder": "full"}, "remainder of a sprint"),
        ({"augmentation": "flip"}, "augmentation of a sprint"),
        ({"momentum": 1.0}, "momentum must be from 0 to below 1, got 1.0"),
        ({"bias_rate": 0}, "bias_rate must be positive, got 0"),
        ({"translation": -1}, "must not be negative, got 1 and -1"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
    ],
)
def test_a_bad_sprint_names_the_field_and_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, **change)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match="a batch of 1000 needs as many training images, got 205"):
        trained(replace(RECIPE, batch_size=1000))
    with pytest.raises(NonFiniteLossError, match="step [0-9]+ of epoch 1|after epoch 1"):
        trained(replace(RECIPE, learning_rate=1e30, epochs=1))


def test_a_killed_sprint_continues_as_if_it_had_not_been(tmp_path):
    checkpoint = Checkpoint(tmp_path / "state", {"run": 1})
    whole, expected = trained(record_steps=True)

    def stop(epoch, _):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(record_steps=True, checkpoint=checkpoint, on_epoch=stop)
    epochs = []
    resumed, history = trained(
        record_steps=True, checkpoint=checkpoint, on_epoch=lambda epoch, _: epochs.append(epoch)
    )
    assert epochs == [3, 4]
    assert history.step_loss == expected.step_loss
    assert history.test_loss == expected.test_loss
    assert all(map(torch.equal, whole.state_dict().values(), resumed.state_dict().values()))


def test_the_two_loops_refuse_each_others_recipes():
    with pytest.raises(TypeError, match="fit trains by a Recipe, got a Sprint"):
        fit(FastCNN((8, 8, 8), classes=4), TRAIN, TEST, RECIPE)
