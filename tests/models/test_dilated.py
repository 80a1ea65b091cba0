"""The stack of dilated convolutions is circular, and He's start keeps its signal alive."""

import pytest
import torch

from cnnref.models import DilatedStack


def test_a_circular_shift_of_the_image_changes_nothing():
    torch.manual_seed(0)
    model = DilatedStack((1, 2, 4)).double()
    x = torch.randn(2, 1, 8, 32, dtype=torch.float64)
    for shift in ((3, 0), (0, 5), (7, 31)):
        torch.testing.assert_close(model(x.roll(shift, (2, 3))), model(x))


def test_hes_start_keeps_the_energy_of_a_signal_and_torchs_loses_most_of_it():
    energies = {}
    for he in (False, True):
        torch.manual_seed(0)
        y, found = torch.randn(1, 1, 8, 32), []
        for layer in DilatedStack([1] * 8, width=64, he=he).layers:
            y = layer(y)
            found.append(y.square().mean().item())
        energies[he] = found[-1] / found[1]
    assert 0.1 < energies[True] < 10
    assert energies[False] < 1e-2


@pytest.mark.parametrize("dilations", [(), (0, 1)])
def test_dilations_must_be_positive(dilations):
    with pytest.raises(ValueError, match="dilations must be positive and at least one"):
        DilatedStack(dilations)
