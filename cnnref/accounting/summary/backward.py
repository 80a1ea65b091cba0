"""What a training step adds to the rows of a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cnnref.accounting.summary.blocks import ancestors
from cnnref.accounting.summary.rows import Layer
from cnnref.accounting.tracing.steps import Step

__all__ = ["with_step"]


def with_step(layers: Sequence[Layer], step: Step) -> tuple[Layer, ...]:
    """Rows with the MACs of their backward pass and what autograd keeps for them.

    What functions keep, that a module calls between its layers, stands in the module's own row;
    where it has none, it gets one.

    Args:
        layers: the rows, of layers or of whole blocks.
        step: of the same network.
    """
    numbers = [[0, 0] for _ in layers]
    named: dict[str, list[int]] = {}
    functions: dict[str, list[int]] = {}
    for place, layer in enumerate(layers):
        caller, colon, _ = layer.name.partition(":")
        (functions if colon else named).setdefault(caller, []).append(place)
    new: dict[str, Layer] = {}
    new_numbers: dict[str, list[int]] = {}
    times: Counter[str] = Counter()
    products: dict[str, list[tuple[int, int]]] = {}

    deepest = max((layer.name.partition(":")[0].count(".") + 1 for layer in layers), default=0)

    def row_of(name: str, kind: str, time: int) -> list[int]:
        for known in (name, ".".join(name.split(".")[:deepest])):  # the row of its whole block
            if known in named:
                return numbers[named[known][min(time, len(named[known]) - 1)]]
        new.setdefault(name, Layer(name, kind, None))
        return new_numbers.setdefault(name, [0, 0])

    for call in step.calls:
        time = times[call.name]
        times[call.name] += 1
        alone = call.leaf or call.name not in functions
        if call.saved or (alone and call.backward_macs):
            row = row_of(call.name, call.kind, time)
            row[1] += call.saved
            row[0] += call.backward_macs if alone else 0
        if not alone:
            products.setdefault(call.name, []).extend(call.products)
    for caller, made in products.items():
        places = functions[caller]
        shares = _shared(made, [layers[i].macs or 0 for i in places])
        for place, back in zip(places, shares, strict=True):
            numbers[place][0] += back
    rows = [_filled(layer, *both) for layer, both in zip(layers, numbers, strict=True)]
    for name, layer in new.items():
        inside = (i for i, row in enumerate(rows) if name in ancestors(row.name))
        rows.insert(next(inside, len(rows)), _filled(layer, *new_numbers[name]))
    return tuple(rows)


def _shared(products: Sequence[tuple[int, int]], wanted: Sequence[int]) -> list[int]:
    """The backward MACs of functions, each of one or more products in a row.

    Autograd takes functions apart, so that one row may stand for several products; but their order
    and the sum of their MACs are the same.
    """
    found = [0] * len(wanted)
    place, left = 0, wanted[0]
    for macs, back in products:
        while left < macs and place + 1 < len(wanted):
            place += 1
            left += wanted[place]
        left -= macs
        found[place] += back
    return found


def _filled(layer: Layer, macs: int, saved: int) -> Layer:
    return replace(layer, backward_macs=None if layer.macs is None else macs, saved_bytes=saved)
