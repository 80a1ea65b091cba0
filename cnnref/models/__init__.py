"""The networks of the book, each under its own name. All return logits.

`cats_dogs` holds the two networks of the Toronto handout, `digits` those that read digits and tell
clothes apart, `residual` the ResNet and its plain twin, `kats_cat` the four of the MIT handout's
Kat. Three settle arguments: `sharing` (shared weights or not), `dilated` (a wide field or a narrow
one) and `inception` (several reaches side by side or one); the block of the last is GoogLeNet's
module, which returns activations. `counted` is never trained: the IUST handout asks what it costs
and sees. An experiment names its model by a key of `MODELS`. What one is
trained on, and how, is never said here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from cnnref.errors import CnnrefError, unknown
from cnnref.models.cats_dogs import PlainCNN, SkipCNN
from cnnref.models.counted import CountedCNN
from cnnref.models.digits import MLP, DigitCNN
from cnnref.models.dilated import DilatedStack
from cnnref.models.fast import FastCNN
from cnnref.models.inception import InceptionBlock, InceptionNet
from cnnref.models.kats_cat import KatBlocks, KatFeatures, KatFilter, KitDense
from cnnref.models.residual import ResidualUnit, ResNet
from cnnref.models.sharing import LocalLayer, OneLayer

__all__ = [
    "MLP",
    "MODELS",
    "CountedCNN",
    "DigitCNN",
    "DilatedStack",
    "FastCNN",
    "InceptionBlock",
    "InceptionNet",
    "KatBlocks",
    "KatFeatures",
    "KatFilter",
    "KitDense",
    "LocalLayer",
    "OneLayer",
    "PlainCNN",
    "ResNet",
    "ResidualUnit",
    "SkipCNN",
    "UnknownModelError",
    "build",
]


class UnknownModelError(CnnrefError, LookupError):
    """No model of that name is registered."""


MODELS: Mapping[str, Callable[..., nn.Module]] = {
    "PlainCNN": PlainCNN,
    "SkipCNN": SkipCNN,
    "MLP": MLP,
    "DigitCNN": DigitCNN,
    "ResNet": ResNet,
    "OneLayer": OneLayer,
    "InceptionNet": InceptionNet,
    "DilatedStack": DilatedStack,
    "FastCNN": FastCNN,
    "KatFilter": KatFilter,
    "KatFeatures": KatFeatures,
    "KatBlocks": KatBlocks,
    "KitDense": KitDense,
    "CountedCNN": CountedCNN,
}
"""Every model that an experiment, or `cnnref summary cnnref:NAME`, can name."""


def build(name: str, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """The model called `name`, freshly initialised from torch's global generator.

    Args:
        name: a key of `MODELS`.
        arguments: keyword arguments of its constructor.

    Raises:
        UnknownModelError: no such model; the message suggests the nearest.
    """
    if name not in MODELS:
        raise UnknownModelError(unknown("model", name, MODELS))
    return MODELS[name](**(arguments or {}))
