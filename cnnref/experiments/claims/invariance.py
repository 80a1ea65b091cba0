"""Questions IU-2.2 and IU-2.3: what a shift, and a turn, do to the trained plain CNN."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, relu

from cnnref.experiments.claims.claim import Claim, Finding
from cnnref.experiments.runner import load_model

__all__ = ["invariance"]


def invariance() -> Iterator[Claim]:
    """What holds of the one network whose weights are stored; all of it on random fields."""
    chapter = "invariance"
    yield Claim(
        "shift-pooling", chapter,
        "In the trained network a shift by one to four pixels changes less behind each pooling "
        "than before it.",
        _pooling,
    )  # fmt: skip
    yield Claim(
        "shift-instead", chapter,
        "Of the feature maps that the trained network pools first, every second value changes "
        "under a shift by one pixel as much as all of them, within a tenth; means and maxima "
        "change less, and blurred maxima less than maxima.",
        _instead,
    )  # fmt: skip
    yield Claim(
        "shift-kept", chapter,
        "In the trained network max-pooling keeps more than three times as many positive values "
        "through such a shift as the layers that it is compared with.",
        _kept,
    )  # fmt: skip
    yield Claim(
        "shift-logit", chapter,
        "Under shifts by one to three pixels the trained network's logit changes at least three "
        "quarters as much as the pixels.",
        _logit,
    )  # fmt: skip
    yield Claim(
        "turn-larger", chapter,
        "A quarter turn changes the trained network's last feature maps more than four times as "
        "much as a shift by one pixel.",
        _turn,
    )  # fmt: skip


def _fields() -> Tensor:
    """The chapter's images: 48 smooth random fields `(48, 3, 40, 40)`, mean 0, deviation 1."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(48, 3, 56, 56, generator=generator, dtype=torch.float64)
    bell = torch.exp(-0.5 * (torch.arange(-8.0, 9.0, dtype=torch.float64) / 2) ** 2)
    for kernel in (bell.view(1, 1, 1, -1), bell.view(1, 1, -1, 1)):
        noise = conv2d(noise, kernel.expand(3, 1, *kernel.shape[2:]), groups=3)
    return (noise - noise.mean()) / noise.std()


def _activations(images: list[Tensor], stages: list[str]) -> dict[str, list[Tensor]]:
    """What these stages of the stored network make of images `(N, 3, 32, 32)`; the input is one."""
    layers = dict(load_model("cats-dogs-plain").double().named_children())
    found: dict[str, list[Tensor]] = {stage: [] for stage in stages}
    for x in images:
        for stage, step in _STEPS.items():
            with torch.no_grad():
                x = step(layers, x)
            if stage in found:
                found[stage].append(x)
            if stage == stages[-1]:
                break
    return found


_STEPS: dict[str, Callable[[dict[str, nn.Module], Tensor], Tensor]] = {
    "input": lambda _, x: x,
    "conv2": lambda layers, x: relu(layers["conv2"](relu(layers["conv1"](x)))),
    "pool3": lambda _, x: max_pool2d(x, 2),
    "conv5": lambda layers, x: relu(layers["conv5"](relu(layers["conv4"](x)))),
    "pool6": lambda _, x: max_pool2d(x, 2),
    "logit": lambda layers, x: layers["fc8"](relu(layers["fc7"](x.flatten(1)))),
}


def _shifted(*shifts: int) -> list[Tensor]:
    """The fields as they are, then shifted by so many pixels."""
    fields = _fields()
    return [fields[:, :, 4:36, t : t + 32] for t in (0, *shifts)]


def _change(before: Tensor, after: Tensor) -> float:
    """Mean squared change, in units of the one between different images."""
    between = (before - before.roll(1, 0)).square().mean()
    return float((after - before).square().mean() / between)


def _changes(stages: list[Tensor]) -> list[float]:
    """Of all but the first, against the first."""
    before, *after = stages
    return [_change(before, stage) for stage in after]


def _numbers(*numbers: float) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)


def _pooling() -> Finding:
    stages = _activations(_shifted(1, 2, 3, 4), ["conv2", "pool3", "conv5", "pool6"])
    change = {name: _changes(found) for name, found in stages.items()}
    holds = all(
        after < before
        for conv, pool in (("conv2", "pool3"), ("conv5", "pool6"))
        for before, after in zip(change[conv], change[pool], strict=True)
    )
    return Finding(holds, "; ".join(f"{name} {_numbers(*found)}" for name, found in change.items()))


def _blurred(x: Tensor) -> Tensor:
    """The maximum of every window of 2 x 2, then a binomial blur with stride 2."""
    blur = torch.tensor([1.0, 2, 1], dtype=x.dtype)
    kernel = (blur[:, None] * blur / 16).expand(x.shape[1], 1, 3, 3)
    return conv2d(max_pool2d(x, 2, stride=1), kernel, stride=2, groups=x.shape[1])


INSTEAD: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "every 2nd value": lambda x: x[..., ::2, ::2],
    "maximum": lambda x: max_pool2d(x, 2),
    "mean": lambda x: avg_pool2d(x, 2),
    "maximum and blur": _blurred,
}
"""What may stand in the pooling's place."""


def _in_its_place() -> dict[str, tuple[Tensor, Tensor]]:
    """What each of these makes of the maps, before a shift by one pixel and after it."""
    before, after = _activations(_shifted(1), ["conv2"])["conv2"]
    return {name: (pool(before), pool(after)) for name, pool in INSTEAD.items()}


def _instead() -> Finding:
    found = {name: _change(*pair) for name, pair in _in_its_place().items()}
    nothing, values, maximum, mean, blur = found.values()
    holds = abs(values / nothing - 1) < 0.1 and blur < maximum < nothing and mean < nothing
    return Finding(holds, ", ".join(f"{name} {change:.3f}" for name, change in found.items()))


def _kept() -> Finding:
    kept = {
        name: float((after == before)[before > 0].double().mean())
        for name, (before, after) in _in_its_place().items()
    }
    shown = ", ".join(f"{name} {share:.3f}" for name, share in kept.items())
    return Finding(kept.pop("maximum") > 3 * max(kept.values()), shown)


def _logit() -> Finding:
    stages = _activations(_shifted(1, 2, 3), ["input", "logit"])
    pixels, logit = (_changes(found) for found in stages.values())
    holds = all(a > 0.75 * b for a, b in zip(logit, pixels, strict=True))
    return Finding(holds, f"{_numbers(*logit)} against {_numbers(*pixels)}")


def _turn() -> Finding:
    upright, moved = _shifted(1)
    turned = torch.rot90(upright, 1, (2, 3))
    shift, turn = _changes(_activations([upright, moved, turned], ["pool6"])["pool6"])
    return Finding(turn > 4 * shift, f"{turn:.2f} against {shift:.2f}")
