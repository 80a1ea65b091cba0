"""The explorer that learns a kernel, driven as a reader would, against torch."""

import re

import pytest
import torch
from torch.nn import functional

from bookext.explorers.photograph import SIDE, planes

from .reader import Reader
from .vectors_network import lots

NAME = "explorer-learning"
VERTICAL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)


def photo():
    return torch.from_numpy(planes()[0].copy()).double() / 127.5 - 1


def noise():
    drawn = [-1.0 if lot < 0.5 else 1.0 for lot, _ in zip(lots(), range(SIDE**2), strict=False)]
    return torch.tensor(drawn, dtype=torch.float64).view(SIDE, SIDE)


def descend(plane, rate, steps):
    """The kernel and the loss after so many steps, by torch's automatic differentiation."""
    target = functional.conv2d(plane[None, None], VERTICAL[None, None])
    kernel = torch.zeros(1, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    for step in range(steps + 1):
        loss = functional.mse_loss(functional.conv2d(plane[None, None], kernel), target)
        if step < steps:
            (slope,) = torch.autograd.grad(loss, kernel)
            kernel = (kernel - rate * slope).detach().requires_grad_()
    return kernel.detach()[0, 0], float(loss.detach())


def number(text):
    return float(text.replace("−", "-"))


def told(reader):
    """The steps, the loss, and how far the worst weight is off."""
    found = re.match(r"After (\d+) steps? the loss is ([\d.e−]+); .* off by ([\d.e−]+)\.",
                     reader.words())  # fmt: skip
    return tuple(map(number, found.groups()))


@pytest.mark.parametrize(("kind", "plane"), [("photograph", photo), ("noise", noise)])
def test_it_learns_as_torch_does(visit, kind, plane):
    reader = Reader(visit("learning"), NAME)
    reader.choose(kind)
    slider = reader.slider()
    for steps in (0, 1, 25, 120):
        slider.fill(str(steps))
        kernel, loss = descend(plane(), 0.3, steps)
        off = float((kernel - VERTICAL).abs().max())
        rounded = [pytest.approx(value, rel=0.06, abs=5.1e-4) for value in (loss, off)]
        assert told(reader) == (steps, *rounded)
        cells = reader.box.get_by_role("img", name="ours", exact=True).locator(".weight-cell")
        shown = [number(text) for text in cells.all_text_contents()]
        assert shown == pytest.approx(kernel.flatten().tolist(), abs=0.00501)


@pytest.mark.parametrize(("kind", "plane"), [("photograph", photo), ("noise", noise)])
def test_it_runs_away_above_the_rate_that_it_names(visit, kind, plane):
    reader = Reader(visit("learning"), NAME)
    reader.choose(kind)
    reader.box.locator("summary").click()
    read = functional.unfold(plane()[None, None], 3)[0]
    most = 2 / float(torch.linalg.eigvalsh(2 * read @ read.T / read.shape[1])[-1])
    named = number(re.search(r"2 / λ = ([\d.]+),", reader.formula())[1])
    assert named == pytest.approx(most, abs=5.1e-4)
    slider = reader.slider()
    losses = {}
    for factor in (0.9, 1.2):
        reader.set(rate=f"{factor * most:.4f}")
        last = int(slider.get_attribute("max"))
        slider.fill(str(last))
        losses[factor] = told(reader)[1]
        assert ("the steps grow" in reader.words()) == (factor > 1)
    assert losses[0.9] < descend(plane(), 0.0, 0)[1] < losses[1.2]


def test_a_rate_that_teaches_nothing_is_refused(visit):
    reader = Reader(visit("learning"), NAME)
    reader.set(rate="0")
    assert "Learning rate must be above 0" in reader.words()
