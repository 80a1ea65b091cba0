"""One result and its images: the right split, the right cells, the right mistakes."""

import pytest
import torch
from torch import nn

from cnnref import data
from cnnref.data import DATASETS, synthetic
from cnnref.experiments import reliability, run
from cnnref.figures import (
    confusion_picture,
    feature_maps,
    filter_grid,
    learning_curves,
    mistakes_picture,
    reliability_picture,
)
from cnnref.models import DigitCNN
from cnnref.training import History, Recipe, fit

CLOTHES = DATASETS["fashion-mnist"].class_names


def test_learning_curves_of_tuning_are_called_validation(validated):
    picture = learning_curves(validated)
    assert "validation accuracy goes from 0.100 at epoch 0 to 0.925 at epoch 2" in picture.alt
    assert "test" not in picture.alt
    loss, accuracy = picture.figure.axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert accuracy.lines[1].get_ydata()[1:] == pytest.approx(
        validated.history("validation_accuracy").mean(0)
    )


def test_learning_curves_of_something_else_are_refused():
    with pytest.raises(TypeError, match="what run.* or fit.* returned, got a list"):
        learning_curves([1.0, 0.5])


def test_learning_curves_of_a_history_of_ones_own():
    images = synthetic((1, 2, 2), 2, 20)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    history = fit(net, images, images, Recipe(epochs=3), device="cpu")
    picture = learning_curves(history, "Mine")
    loss, accuracy = picture.figure.axes
    assert (loss.get_ylabel(), accuracy.get_xlabel()) == ("loss (nats per image)", "epoch")
    assert loss.lines[0].get_ydata().tolist() == history.train_loss
    assert accuracy.lines[1].get_ydata().tolist() == [
        history.untrained.accuracy, *history.test_accuracy
    ]  # fmt: skip
    assert picture.alt.startswith("Learning curves of one run: training loss goes from ")
    with pytest.raises(ValueError, match="no epoch to draw"):
        learning_curves(History(history.untrained))


def test_learning_curves_without_classes_show_the_loss_alone():
    x = torch.linspace(-1, 1, 16)[:, None]
    recipe = Recipe(epochs=2, loss=nn.functional.mse_loss)
    history = fit(nn.Linear(1, 1), (x, 2 * x), (x, 2 * x), recipe, device="cpu")
    picture = learning_curves(history, loss="squared error (m²)")
    (axes,) = picture.figure.axes
    assert axes.get_ylabel() == "squared error (m²)"
    assert axes.get_xlabel() == "epoch"
    assert "accuracy" not in picture.alt


def test_ten_classes_have_a_number_or_a_dot_in_every_cell(two):
    picture = confusion_picture(two["first"], CLOTHES)
    (axes,) = picture.figure.axes
    counts = two["first"].confusion
    cells = [text.get_text() for text in axes.texts]
    assert cells == [str(n) if n else "·" for n in counts.flatten().tolist()]
    assert len(picture.alt) < 1000


def test_words_of_ten_classes_are_what_is_right_and_the_commonest_mistakes(two):
    counts = two["first"].confusion
    words = confusion_picture(two["first"], CLOTHES).alt
    assert (
        f"on the test set over 3 seeds: right by class: T-shirt/top {counts[0, 0]} of 300" in words
    )
    worst = max((counts[i, (i + 1) % 10], -i) for i in range(10))
    i = -worst[1]
    name = f"{worst[0]} of true class {CLOTHES[i]} predicted {CLOTHES[(i + 1) % 10]}"
    assert f"The commonest mistakes: {name}; " in words


def test_the_number_of_class_names_must_fit(two):
    with pytest.raises(ValueError, match="10 classes need as many names, got 2"):
        confusion_picture(two["first"], ("cat", "dog"))


def test_the_worst_mistakes_are_shown_with_what_was_said(trained, tiny):
    result = run(tiny, mode="stored")
    test = data.load("synthetic", "test")
    for seed, record in zip((0, 1), result.records, strict=True):
        if not record["mistakes"]:
            with pytest.raises(ValueError, match=f"tiny seed {seed} made no mistake"):
                mistakes_picture(result, test, seed=seed)
            continue
        picture = mistakes_picture(result, test, 2, seed=seed, columns=2)
        for axes, mistake in zip(picture.figure.axes, record["mistakes"][:2], strict=False):
            true, said = mistake["label"], mistake["predicted"]
            assert axes.get_title().startswith(f"pattern {true}\nsaid pattern {said}\n")
            shown = torch.tensor(axes.images[0].get_array().data).permute(2, 0, 1)
            assert torch.equal(shown, test.images[mistake["index"]].float() / 255)
            assert f"pattern {true}, said to be pattern {said} with " in picture.alt
        assert f"of tiny, seed {seed}, on the test set" in picture.alt


def test_near_certainty_is_not_written_as_certainty(two):
    images = data.synthetic((1, 28, 28), 10, 20)
    result = two["first"]
    for record in result.records:
        record.content["dataset"]["test_sha256"] = images.sha256
    picture = mistakes_picture(result, images)
    shown = [axes.images[0].get_array() for axes in picture.figure.axes[:3]]
    assert all(
        (tile == (images.images[k, 0].float() / 255).numpy()).all() for k, tile in enumerate(shown)
    )
    words = picture.alt
    assert "pattern 0, said to be pattern 1 with over 99.9 %" in words
    assert "pattern 1, said to be pattern 2 with 98.7 %" in words


def test_mistakes_on_other_images_are_refused(two):
    with pytest.raises(ValueError, match=r"load\('fashion-mnist', 'test'\)"):
        mistakes_picture(two["first"], data.synthetic((1, 28, 28), 10, 20))
    with pytest.raises(ValueError, match=r"has the seeds \(0, 1, 2\), got 7"):
        mistakes_picture(two["first"], data.synthetic((1, 28, 28), 10, 20), seed=7)


@pytest.fixture
def network():
    """A network whose first convolution copies the image, negates it, and sees nothing."""
    model = DigitCNN(width=3, dropout=0.5)
    with torch.no_grad():
        model.conv1.weight.zero_()
        model.conv1.bias.zero_()
        model.conv1.weight[:2, 0, 1, 1] = torch.tensor([2.0, -1.0])
    return model.train()


def test_feature_maps_are_the_layers_output_on_one_scale(network):
    image = torch.zeros(1, 28, 28)
    image[0, 10, 10] = 1.5
    picture = feature_maps(network, image, "conv1", columns=3)
    drawn = [axes.images[0] for axes in picture.figure.axes[:3]]
    assert drawn[0].get_array()[9, 9] == 3
    assert drawn[1].get_array().max() == 0
    assert {image.get_clim() for image in drawn} == {(0, 3)}
    assert picture.alt.startswith("3 feature maps of conv1 after ReLU, 26 by 26 each")
    assert "2 maps are 0 everywhere, and the largest value is in map 0." in picture.alt
    assert network.training
    assert not network.conv1._forward_hooks


def test_feature_maps_without_relu_are_centred_on_zero(network):
    picture = feature_maps(network, torch.ones(1, 28, 28), "conv1", relu=False, columns=3)
    assert picture.figure.axes[1].images[0].get_clim() == (-2, 2)
    assert picture.figure.axes[1].images[0].get_array().min() == -1
    assert "scale from -1 to 2. 33 % of all values are positive, 1 maps" in picture.alt


def test_feature_maps_refuse_what_has_none(network):
    with pytest.raises(ValueError, match="unknown layer of DigitCNN 'conv2'; did you mean 'conv"):
        feature_maps(network, torch.ones(1, 28, 28), "conv2")
    with pytest.raises(ValueError, match=r"'fc5' has output of shape \(1, 12\), not"):
        feature_maps(network, torch.ones(1, 28, 28), "fc5")
    with pytest.raises(ValueError, match=r"\(C, H, W\), got \(1, 1, 28, 28\)"):
        feature_maps(network, torch.ones(1, 1, 28, 28), "conv1")
    idle = nn.Sequential(nn.Conv2d(1, 1, 3))
    idle.unused = nn.Conv2d(1, 1, 3)
    idle.forward = lambda x: x
    with pytest.raises(ValueError, match="layer 'unused' has no output"):
        feature_maps(idle, torch.ones(1, 28, 28), "unused")


def test_a_kernel_of_equal_weights_is_drawn_too():
    (tile,) = filter_grid(torch.ones(1, 1, 3, 3), columns=1).figure.axes[0].images
    assert not tile.get_array().mask.any()


def test_a_reliability_diagram_says_what_it_draws():
    p = [[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.3, 0.7]]
    picture = reliability_picture(p, [0, 0, 0, 1], bins=4)
    found = reliability(p, [0, 0, 0, 1], bins=4)
    above, below = picture.figure.axes
    network = next(line for line in above.lines if line.get_label() == "the network")
    assert network.get_xdata().tolist() == found.confidence
    assert network.get_ydata().tolist() == found.accuracy
    assert [bar.get_height() for bar in below.patches] == found.images
    assert "4 images in 2 bins: 2 images at mean confidence 65.0 %, 100.0 % of th" in picture.alt
    assert f"is {100 * found.error:.1f} percentage points." in picture.alt
    assert f"error: {100 * found.error:.1f} percentage points" in below.get_xlabel()
