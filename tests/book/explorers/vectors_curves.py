"""Golden vectors for `explorer-series.js`: statistics over seeds, ticks, and values in words."""

import math
import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product

import numpy as np

from cnnref.experiments import CATALOGUE, run
from cnnref.figures import series
from cnnref.figures.style import COLOURS

BAD = (None, "3", math.nan, math.inf, -math.inf)


def over_seeds():
    def expected(values):
        found = zip(values.mean(0), values.min(0), values.max(0), strict=True)
        keys = ("mean", "least", "most")
        return {"value": [dict(zip(keys, map(float, point), strict=True)) for point in found]}

    draw = np.random.default_rng(5)
    for _ in range(200):
        shape = draw.integers(1, 6), draw.integers(1, 40)
        values = draw.normal(scale=10.0 ** draw.integers(-6, 4), size=shape)
        # Ties, and seeds that are alike.
        values = values.round(2) if draw.random() < 0.3 else values
        yield [values.tolist()], expected(values)
    for name in ("cats-dogs-plain", "optimizer-adam", "rate-1e-1", "tune-sgd-1e0", "kat-filter"):
        result = run(name, mode="stored")
        for metric in ("train_loss", f"{result.split}_loss", "train_accuracy"):
            values = result.history(metric)
            yield [values.tolist()], expected(values)
    for bad in BAD:
        yield [[[1.0, bad], [1.0, 2.0]]], {"refused": "value"}
    yield [[]], {"refused": "seeds"}
    yield [[[1.0], [1.0, 2.0]]], {"refused": "seeds"}


def multiples(low, high, step):
    """The multiples of a step from `low` to `high`, exactly."""
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def linear(low, high, most):
    """By trial, from steps that are far too close."""
    low, high = Fraction(str(low)), Fraction(str(high))
    power = Fraction(10) ** (math.floor(math.log10(high - low)) - 3)
    while True:
        for factor in (1, 2, 5):
            found = multiples(low, high, factor * power)
            if len(found) <= most:
                return [float(tick) for tick in found]
        power *= 10


def intervals(*, positive):
    draw = random.Random(7)
    for _ in range(300):
        places = draw.randint(0, 4)
        scale = 10.0 ** draw.randint(-4, 3)
        ends = [round(draw.uniform(0 if positive else -1, 1) * scale, 4 + places) for _ in "ab"]
        low, high = sorted(ends)
        if low < high and (low > 0 or not positive):
            yield low, high, draw.choice((5, 7, 9))
    # Ends that are ticks themselves.
    for low, high in product((0.1, 0.2, 0.3, 0.6, 1.0), (0.7, 0.9, 1.1, 3.0, 20.0, 1000.0)):
        if low < high:
            yield low, high, 7


def bad_intervals():
    for low, high in ((1, 1), (2, 1), *((bad, 1.0) for bad in (math.nan, math.inf))):
        yield [low, high, 7], {"refused": "interval"}
    for bad in (math.nan, math.inf):
        yield [1.0, bad, 7], {"refused": "interval"}


def linear_ticks():
    yield from bad_intervals()
    yield [-math.inf, 1.0, 7], {"refused": "interval"}
    for last in range(1, 41):
        yield [0, last, 9], {"value": linear(0, last, 9)}
    for low, high, most in intervals(positive=False):
        yield [low, high, most], {"value": linear(low, high, most)}


def logarithmic_ticks():
    yield from bad_intervals()
    for low in (0, -1.0, -math.inf):
        yield [low, 1.0, 7], {"refused": "interval"}
    for low, high, most in intervals(positive=True):
        grid = [Fraction(10) ** power * factor for power in range(-12, 7) for factor in (1, 2, 5)]
        fine = [tick for tick in grid if Fraction(str(low)) <= tick <= Fraction(str(high))]
        powers = [tick for tick in fine if math.log10(tick).is_integer()]
        found = powers if len(fine) > most else fine
        ticks = [float(tick) for tick in found] if len(found) > 1 else linear(low, high, most)
        yield [low, high, most], {"value": ticks}


def told(value, measure):
    """A value as a reader is told it; what lies exactly between two goes up."""
    if measure != "loss":
        return f"{Decimal(100 * value).quantize(Decimal('0.1'), ROUND_HALF_UP)} %"
    exact = Decimal(value)
    place = exact.adjusted() if value else 0
    found = exact.quantize(Decimal(1).scaleb(min(place - 2, 0)), ROUND_HALF_UP)
    if value and found.adjusted() > place:  # 0.9996 became 1.000
        found = exact.quantize(Decimal(1).scaleb(min(place - 1, 0)), ROUND_HALF_UP)
    return f"{found:f}"


def values_in_words():
    draw = random.Random(8)
    shares = [0, 1, 0.5, 0.0005, 0.00049, 0.7135, 0.99949, 0.9995, *(k / 8 for k in range(8))]
    shares += [draw.randint(0, 8000) / 8000 for _ in range(120)]
    for share in shares:
        for measure in ("accuracy", "error"):
            yield [share, measure], {"value": told(share, measure)}
    losses = [0, 1, 2.5, 1.125, 0.9996, 9.995, 99.95, 99.96, 100, 100.5, 12345.6, 0.0625, 1e-6]
    losses += [10 ** draw.uniform(-6, 3) for _ in range(150)]
    for loss in losses:
        yield [loss, "loss"], {"value": told(loss, "loss")}
    for bad, measure in product(BAD, ("loss", "accuracy", "error")):
        yield [bad, measure], {"refused": "value"}


def looks():
    hues = [COLOURS[name] for name in ("blue", "orange", "green", "purple", "ink", "grey")]
    lines, markers = ["-", "--", ":", "-."], ["o", "s", "^", "D", "v", "P", "X"]
    for index in range(max(200, len(CATALOGUE))):
        look = series.look(index, markers=True)
        yield [index], {"value": {
            "hue": hues.index(look["color"]), "dash": lines.index(look["linestyle"]),
            "marker": markers.index(look["marker"]),
        }}  # fmt: skip


FUNCTIONS = {
    "series.overSeeds": over_seeds,
    "series.ticks": linear_ticks,
    "series.logTicks": logarithmic_ticks,
    "series.told": values_in_words,
    "series.look": looks,
}
