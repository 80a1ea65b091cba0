"""Golden vectors of the convolution explorer's sums: products at the taps, in one axis and two."""

import random

import torch

from cnnref.convolution import conv1d, conv1d_input_gradient, conv2d, conv2d_input_gradient
from cnnref.windows import Window

from .vectors import tensor, view, window_of


def windows(draw):
    """Sizes and windows of one axis or two that go together."""
    while True:
        axes = draw.randint(1, 2)
        views = [
            view(draw.randint(1, 4), *(draw.randint(low, 3) for low in (1, 0, 0, 1)))
            for _ in range(axes)
        ]
        sizes = [draw.randint(1, 8) for _ in views]
        if all(
            size + v["left"] + v["right"] >= window_of(v).span
            for size, v in zip(sizes, views, strict=True)
        ):
            yield sizes, views


def cases(seed, count=220):
    draw = random.Random(seed)
    for _, (sizes, views) in zip(range(count), windows(draw), strict=False):
        outputs = [window_of(v).output_size(n) for n, v in zip(sizes, views, strict=True)]
        total = torch.Size(sizes).numel()
        taps = torch.Size([v["kernel"] for v in views]).numel()
        x = [draw.randint(-9, 9) for _ in range(total)]
        w = [draw.randint(-3, 3) for _ in range(taps)]
        yield draw, sizes, views, outputs, x, w


def convolved(sizes, views, x, w):
    """The convolution, by the library."""
    given, kernel = tensor(x).reshape(sizes), tensor(w).reshape([v["kernel"] for v in views])
    made = list(map(window_of, views))
    return conv1d(given, kernel, *made) if len(made) == 1 else conv2d(given, kernel, tuple(made))


def terms():
    """The last total is the library's output; the totals grow by the products."""
    for draw, sizes, views, outputs, x, w in cases(21):
        at = [draw.randrange(size) for size in outputs]
        places = [list(window_of(v).taps(i)) for v, i in zip(views, at, strict=True)]
        total = float(convolved(sizes, views, x, w)[tuple(at)])
        found, so_far = [], 0
        grid = tensor(x).reshape(sizes)
        for tap, weight in enumerate(w):
            columns = len(places[-1])
            place = [tap % columns] if len(sizes) == 1 else [tap // columns, tap % columns]
            spot = [places[axis][i] for axis, i in enumerate(place)]
            inside = all(0 <= p < size for p, size in zip(spot, sizes, strict=True))
            value = float(grid[tuple(spot)]) if inside else 0.0
            so_far += value * weight
            found.append(
                {"inside": inside, "value": value, "product": value * weight, "total": so_far}
            )
        assert so_far == total
        yield [x, w, sizes, places], {"value": found}


def pasted():
    """A transposed convolution is the gradient of a convolution in its input."""
    for draw, sizes, views, outputs, _, w in cases(22):
        x = [draw.randint(-9, 9) for _ in range(torch.Size(outputs).numel())]
        count = draw.randint(0, len(x))
        made = list(map(window_of, views))
        given = tensor([*x[:count], *[0] * (len(x) - count)]).reshape(outputs)
        kernel = tensor(w).reshape([v["kernel"] for v in views])
        if len(made) == 1:
            out = conv1d_input_gradient(given, kernel, *made, size=sizes[0])
        else:
            out = conv2d_input_gradient(given, kernel, tuple(made), size=tuple(sizes))
        axes = [
            {
                "long": size,
                "window": v,
                "taps": [list(window.taps(i)) for i in range(outputs[axis])],
            }
            for axis, (size, v, window) in enumerate(zip(sizes, views, made, strict=True))
        ]
        yield [x, w, axes, count], {"value": out.flatten().tolist()}


def readers():
    """Which windows look at a position, and with which tap."""
    draw = random.Random(23)
    for _ in range(220):
        window = Window(*(draw.randint(1, 4) for _ in range(2)), (draw.randint(0, 3),) * 2, 1)
        taps = [list(window.taps(i)) for i in range(draw.randint(1, 6))]
        position = draw.randint(-3, 12)
        found = [
            {"window": i, "tap": places.index(position)}
            for i, places in enumerate(taps)
            if position in places
        ]
        yield [{"taps": taps}, position], {"value": found}


def ends():
    """How far a number can go; beyond, the library refuses."""
    draw = random.Random(24)
    limits = {"k": (1, 7), "d": (1, 3), "l": (0, 18), "r": (0, 18)}
    for _, sizes, views, _, _, _ in cases(25, 300):
        (n, *_), (v, *_) = sizes, views
        setting = {"n": n, "k": v["kernel"], "s": v["stride"], "d": v["dilation"],
                   "l": v["left"], "r": v["right"], "q": 0}  # fmt: skip
        name = draw.choice(list(limits))

        def fits(value, setting=setting, name=name):
            now = setting | {name: value}
            try:
                pads = now["l"], now["r"]
                return Window(now["k"], now["s"], pads, now["d"]).output_size(now["n"]) > 0
            except ValueError:
                return False

        least, most = limits[name]
        low = high = setting[name]
        while low > least and fits(low - 1):
            low -= 1
        while high < most and fits(high + 1):
            high += 1
        yield [setting, name, [least, most], False], {"value": [low, high]}


FUNCTIONS = {
    "convolution.terms": terms,
    "convolution.pasted": pasted,
    "convolution.readers": readers,
    "convolution.ends": ends,
}
