"""The fast network: what its start promises."""

import torch

from cnnref.models import FastCNN


def test_whitened_patches_are_uncorrelated_and_of_one_size():
    torch.manual_seed(0)
    smooth = torch.randn(50, 3, 32, 32, dtype=torch.float64).cumsum(3) / 5
    model = FastCNN().double()
    model.whiten(smooth, epsilon=0)
    outputs = model.whitening(smooth).detach().transpose(0, 1).flatten(1)
    half = outputs[:12]
    torch.testing.assert_close(half @ half.T / half.shape[1], torch.eye(12).double())
    torch.testing.assert_close(outputs[12:], -half)
    again = FastCNN().double()
    again.whiten(smooth, epsilon=0)
    assert torch.equal(again.whitening.weight, model.whitening.weight)


def test_the_first_filters_pass_their_channels_on():
    model = FastCNN(widths=(30, 40, 40))
    x = torch.randn(2, 24, 9, 9)
    torch.testing.assert_close(model.blocks[0].conv1(x)[:, :24], x)
    x = torch.randn(2, 40, 5, 5)
    torch.testing.assert_close(model.blocks[2].conv2(x), x)


def test_its_sizes():
    by_hand = 24 * 13 + 9 * (24 * 64 + 64**2 + 64 * 256 + 3 * 256**2) + 4 * (64 + 2 * 256) + 2560
    assert sum(p.numel() for p in FastCNN().parameters()) == by_hand
    assert model_shapes() == [(64, 15, 15), (256, 7, 7), (256, 3, 3)]


def model_shapes():
    model, shapes = FastCNN(), []
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape[1:])))
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    return shapes


def test_neither_the_whitening_kernels_nor_the_scales_of_the_norms_are_trained():
    fixed = {name for name, p in FastCNN().named_parameters() if not p.requires_grad}
    norms = {f"blocks.{i}.norm{j}.weight" for i in range(3) for j in (1, 2)}
    assert fixed == {"whitening.weight"} | norms


def test_without_preparation_it_starts_at_random_and_trains_its_first_layer():
    torch.manual_seed(0)
    model = FastCNN((30, 40, 40), prepared=False)
    assert model.whitening.weight.requires_grad
    for conv in (block.conv2 for block in model.blocks):
        assert (conv.weight != 0).all()
        assert conv.weight.abs().max() <= (9 * conv.in_channels) ** -0.5  # torch's own bound
    fixed = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert fixed == {f"blocks.{i}.norm{j}.weight" for i in range(3) for j in (1, 2)}
