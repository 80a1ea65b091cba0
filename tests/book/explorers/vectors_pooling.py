"""Golden vectors for the explorer of pooling: the library's numbers, checked by torch."""

import math
import random

import torch
from torch.nn import functional

from cnnref.convolution import avg_pool, max_pool

from .vectors import NO_NUMBERS, bad_views, outcome, tensor, view, window_of

FILLS = (-math.inf, 0.0, -3.0)


def arrays(draw, count):
    """Arrays with ties, signs, and the handout's decimals."""
    for _ in range(count):
        values = draw.choice(((0, 1), (-2, -0.5, -40), (0.4, 0.1, 0.5, 0.9, 0.01, 0.3, 0.8)))
        yield [draw.choice(values) for _ in range(draw.randint(1, 16))]


def layers(count):
    """Arrays with windows, of which some do not fit."""
    draw = random.Random(11)
    for x in arrays(draw, count):
        yield x, view(draw.randint(1, 7), *(draw.randint(low, 4) for low in (1, 0, 0, 1)))


def bad_layers():
    for v in bad_views():
        yield [3.0, 1.0, 4.0], v
    yield [], view()
    yield [1.0, 2.0], view()


def padded(x, v, fill):
    return functional.pad(tensor(x), (v["left"], v["right"]), value=fill)[None]


def torch_max_pool(x, v, fill):
    """Values and positions of the maxima, by torch on the input padded beforehand."""
    values, positions = functional.max_pool1d(
        padded(x, v, fill), v["kernel"], v["stride"], dilation=v["dilation"], return_indices=True
    )
    return values[0].tolist(), (positions[0] - v["left"]).tolist()


def max_pools():
    for x, v in (*layers(260), *bad_layers()):
        for fill in FILLS:

            def by_both(x=x, v=v, fill=fill):
                ours = max_pool(tensor(x), window_of(v), fill=fill).tolist()
                assert ours == torch_max_pool(x, v, fill)[0]
                return ours

            yield [x, v, fill], outcome(by_both)
        yield [x, v], outcome(lambda x=x, v=v: max_pool(tensor(x), window_of(v)).tolist())


def winning_positions():
    for x, v in (*layers(260), *bad_layers()):
        for fill in FILLS:

            def by_torch(x=x, v=v, fill=fill):
                window_of(v).output_size(len(x))  # refuses in the library's words
                return torch_max_pool(x, v, fill)[1]

            found = outcome(by_torch)
            # torch names no position where all entries are -inf; ours is the window's first.
            if "value" in found:
                found["value"] = [
                    window_of(v).taps(i)[0]
                    if all(not 0 <= tap < len(x) for tap in window_of(v).taps(i))
                    else position
                    for i, position in enumerate(found["value"])
                ]
            yield [x, v, fill], found


def avg_pools():
    for x, v in (*layers(260), *bad_layers()):
        for counted in (True, False):

            def by_both(x=x, v=v, counted=counted):
                ours = avg_pool(tensor(x), window_of(v), count_padding=counted)
                taps = v["kernel"]
                share = torch.full((1, 1, taps), 1 / taps, dtype=torch.float64)
                sizes = {"stride": v["stride"], "dilation": v["dilation"]}
                means = functional.conv1d(padded(x, v, 0.0)[None], share, **sizes)[0, 0]
                if not counted:
                    inside = padded([1.0] * len(x), v, 0.0)[None]
                    means = means / functional.conv1d(inside, share, **sizes)[0, 0]
                assert torch.allclose(ours, means.nan_to_num(0.0), rtol=0, atol=1e-9)
                return ours.tolist()

            yield [x, v, counted], outcome(by_both)


def shifts():
    draw = random.Random(12)
    for x in arrays(draw, 120):
        by = draw.randint(-18, 18)
        ring = tensor(x).roll(by).tolist()
        yield [x, by, "wrap"], {"value": ring}
        # Far enough from the ends, a ring of zeros is a line.
        wide = functional.pad(tensor(x), (99, 99)).roll(by)[99:-99]
        yield [x, by], {"value": wide.tolist()}
        yield [x, by, "zeros"], {"value": wide.tolist()}
    for bad in (*(n for n in NO_NUMBERS if not isinstance(n, int) or n is True), 100, -100):
        yield [[1, 2, 3], bad, "zeros"], {"refused": "by"}


def swaps():
    draw = random.Random(13)
    for x in arrays(draw, 240):
        first = draw.randint(-1, len(x) + 1)
        if not 1 <= first < len(x):
            yield [x, first], {"refused": "i"}
            continue
        swapped = tensor(x)
        swapped[[first - 1, first]] = swapped[[first, first - 1]]
        yield [x, first], {"value": swapped.tolist()}
    for bad in NO_NUMBERS:
        yield [[1, 2, 3], bad], {"refused": "i"}


def pooled_pairs():
    """Outputs before and after a shift; some with -inf, some with the rounding of means."""
    draw = random.Random(14)
    for x, v in layers(300):
        by, window = draw.randint(-5, 5), window_of(v)
        if len(x) + window.left + window.right >= window.span:
            pool = draw.choice((max_pool, avg_pool))
            before, after = (pool(signal, window) for signal in (tensor(x), tensor(x).roll(by)))
            yield before.tolist(), after.tolist()
    yield [0.3, 1.0], [0.1 + 0.2, 1.0 + 1e-6]


def same(a, b):
    return a == b or abs(a - b) < 1e-9


def changes():
    for before, after in pooled_pairs():
        pairs = enumerate(zip(before, after, strict=True))
        yield [before, after], {"value": [i for i, (a, b) in pairs if not same(a, b)]}


def distances():
    for before, after in pooled_pairs():
        sums = sum(0 if a == b else abs(a - b) for a, b in zip(before, after, strict=True))
        yield [before, after], {"value": sums}


def variations():
    for x in arrays(random.Random(15), 240):
        values = tensor(x)
        yield [x], {"value": float((values[1:] - values[:-1]).abs().sum())}


def follows():
    draw = random.Random(16)
    for before, after in pooled_pairs():
        places = draw.randint(-4, 4)
        kept = range(max(places, 0), len(after) + min(places, 0))
        equal = sum(same(before[i - places], after[i]) for i in kept)
        yield [before, after, places], {"value": {"pairs": len(kept), "equal": equal}}
    for bad in (2.5, "3", None, True, 100):
        yield [[1, 2], [2, 1], bad], {"refused": "places"}


FUNCTIONS = {
    "pooling.maxPool": max_pools,
    "pooling.winners": winning_positions,
    "pooling.avgPool": avg_pools,
    "pooling.shifted": shifts,
    "pooling.swapped": swaps,
    "pooling.changed": changes,
    "pooling.distance": distances,
    "pooling.totalVariation": variations,
    "pooling.follow": follows,
}
