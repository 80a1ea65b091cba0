"""Measuring a model: every image weighs the same, and nothing is left changed."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from cnnref.data import Batches
from cnnref.training import (
    VIEWS,
    evaluate,
    predict,
    probabilities,
)
from tests.training.small import TEST, TRAIN, binary, small


def test_evaluate_weighs_every_image_the_same_and_restores_the_mode():
    model = nn.Sequential(nn.Dropout(0.9), small()).double()
    model.train()
    batches = Batches(TEST, 7, TRAIN.normalization(), dtype=torch.float64)
    found = evaluate(model, batches)
    assert model.training
    model.eval()
    logits = model(TRAIN.normalization()(TEST.images, torch.float64))
    assert found.loss == pytest.approx(binary(logits, TEST.labels).item())
    assert found.accuracy == ((logits[:, 0] > 0) == TEST.labels.bool()).double().mean()


def test_evaluate_takes_a_data_loader():
    normalization = TRAIN.normalization()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(normalization.mean, normalization.std)]
    )
    loader = DataLoader(TEST.as_dataset(transform), batch_size=8)
    ours = evaluate(small(), Batches(TEST, 8, normalization))
    assert evaluate(small(), loader) == pytest.approx(ours, rel=1e-6)


def test_predict_makes_no_gradients_and_restores_the_mode_after_an_error():
    logits, labels = predict(small(), Batches(TEST, 8, TRAIN.normalization()))
    assert not logits.requires_grad
    assert torch.equal(labels, TEST.labels)
    model = nn.Linear(1, 1)
    with pytest.raises(RuntimeError):
        predict(model, Batches(TEST, 8, TRAIN.normalization()))
    assert model.training


def test_views_are_averaged():
    model, images = small().double(), TRAIN.normalization()(TEST.images, torch.float64)
    by_hand = (model(images) + model(images.flip(3))) / 2
    batches = Batches(TEST, 8, TRAIN.normalization(), dtype=torch.float64)
    torch.testing.assert_close(predict(model, batches, views="mirror")[0], by_hand)
    found = evaluate(model, batches, views="mirror")
    assert found.loss == pytest.approx(binary(by_hand, TEST.labels).item())
    assert found.loss != evaluate(model, batches).loss
    for views in VIEWS.values():
        assert sum(weight for weight, _ in views(images)) == 1
        assert all(view.shape == images.shape for _, view in views(images))
    assert len(VIEWS["six"](images)) == 6
    with pytest.raises(ValueError, match="did you mean 'mirror'"):
        predict(model, batches, views="mirrored")


def test_probabilities():
    logits = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    torch.testing.assert_close(probabilities(logits), probabilities(two))
    assert probabilities(two).sum(1).tolist() == pytest.approx([1, 1])


def test_evaluate_refuses():
    with pytest.raises(ValueError, match="did you mean 'cross-entropy'"):
        evaluate(small(), Batches(TEST, 8, TRAIN.normalization()), "crossentropy")
    with pytest.raises(TypeError, match="a torch.nn.Module, is needed, got None"):
        predict(None, [])
    x, y = torch.zeros(3, 1, 6, 6), torch.zeros(3, dtype=torch.long)
    for batches in ((x, y), [x], [(x, y, y)]):
        with pytest.raises(TypeError, match=r"a pair \(inputs, labels\), .* is \[\(x, y\)\]"):
            evaluate(small(), batches)
    with pytest.raises(ValueError, match="no batch"):
        evaluate(small(), [])
