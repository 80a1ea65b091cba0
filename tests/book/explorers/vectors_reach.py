"""Golden vectors of the receptive field's explorer: stacks of layers as text, counted, and seen
through."""

import random

import pytest

from bookext.explorers.reach import layers_of, stack_of, window_of
from cnnref.accounting import AccountingError, summarize
from cnnref.windows import Window

from .vectors import NO_NUMBERS, blamed

LIMITS = {"k": (1, 31), "s": (1, 16), "p": (0, 99), "d": (1, 32), "c": (1, 4096)}
LEFT_OUT = {"s": 1, "p": 0, "d": 1, "c": 1}


def layer(kind="conv", k=3, s=1, p=0, d=1, c=1):
    """A layer as JavaScript has it."""
    made = {"kind": kind, "k": k, "s": s, "p": p, "d": d}
    return made | {"c": c} if kind == "conv" else made


def drawn_layer(draw, most):
    kind = draw.choice(("conv", "conv", "pool"))
    k, d = draw.randint(1, most), draw.choice((1, 1, 2, 3))
    p = draw.randint(0, most)
    if kind == "pool":
        p = min(p, k // 2 + (draw.random() < 0.1))
    return layer(kind, k, draw.choice((1, 1, 2, 3)), p, d, draw.randint(1, 6))


def stacks(count, seed):
    """Random inputs and stacks; not in all does every window fit."""
    draw = random.Random(seed)
    for _ in range(count):
        layers = [drawn_layer(draw, draw.choice((3, 5))) for _ in range(draw.randint(1, 6))]
        yield draw.randint(1, 60), draw.randint(1, 4), layers


# --- counted -----------------------------------------------------------------------------------


def refusal(n, layers):
    """The field to blame and the number of the layer, where not all windows fit."""
    for made in layers:
        try:
            n = window_of(made).output_size(n)
        except ValueError as error:
            return blamed(str(error))
        if made["kind"] == "pool" and made["p"] > made["k"] // 2:
            return "padding"
    return None


def counted(n, channels, layers):
    """What the library counts, row by row, the input first."""
    shape = (channels, n, n)
    if field := refusal(n, layers):
        with pytest.raises((AccountingError, RuntimeError, TypeError, ValueError)):
            summarize(stack_of(channels, layers), shape)
        return {"refused": field}
    summary = summarize(stack_of(channels, layers), shape)
    rows = [{"size": n, "channels": channels, "jump": 1, "field": 1, "start": 0, "clipped": 1,
             "bounds": [[i, i] for i in range(n)]}]  # fmt: skip
    for row in summary.layers:
        reach = row.fields[0]
        seen = [reach.seen(unit) for unit in range(reach.units)]
        rows.append({
            "size": row.output_shape[-1], "channels": row.output_shape[1],
            "jump": row.jump[0], "field": row.receptive_field[0], "start": float(row.start[0]),
            "clipped": row.clipped[0], "parameters": row.parameters, "macs": row.macs,
            "bounds": [list(ends) if ends else None for ends in seen],
        })  # fmt: skip
    totals = {"parameters": summary.total_parameters, "macs": summary.total_macs}
    return {"value": {"rows": rows} | totals}


def accounts():
    for n, channels, layers in stacks(260, seed=11):
        yield [n, channels, layers], counted(n, channels, layers)
    for n in (0, *NO_NUMBERS):
        with pytest.raises(ValueError, match="^n must"):
            Window(1).output_size(n)
        yield [n, 3, [layer()]], {"refused": "n"}
        yield [8, n, [layer()]], {"refused": "channels"}
        yield [8, 3, [layer(), layer(c=n)]], {"refused": "channels"}
    for name in ("k", "s", "p", "d"):
        for bad in NO_NUMBERS if name == "p" else (0, *NO_NUMBERS):
            layers = [layer(), layer() | {name: bad}]
            yield [8, 3, layers], {"refused": refusal(8, layers)}
    # Beyond what JavaScript can hold exactly: the stride alone, and the products alone.
    wide = layer(k=31, p=15, c=4096)
    for layers in ([layer(k=1, s=16)] * 14, [wide] * 24):
        yield [512, 4096, layers], {"refused": "large"}
    yield [512, 3, [layer(k=1, s=16)] * 13], counted(512, 3, [layer(k=1, s=16)] * 13)


# --- seen through ------------------------------------------------------------------------------


def runs(positions):
    """A set as runs of neighbours, first and last."""
    found = []
    for position in sorted(positions):
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return found


def chains():
    """The units on which a unit depends, layer by layer, by sets."""
    draw = random.Random(12)
    # Here a run lies within another that starts with it.
    nested = (20, 1, [layer(k=2, d=d) for d in (3, 2, 3)])
    for n, _, layers in (nested, *stacks(330, seed=13)):
        if refusal(n, layers):
            continue
        sizes = [n]
        for made in layers:
            sizes.append(window_of(made).output_size(sizes[-1]))
        depth = draw.randint(min(3, len(layers)), len(layers))
        unit = draw.randrange(sizes[depth])
        chain = [{unit}]
        for size, made in zip(sizes[depth - 1 :: -1], layers[depth - 1 :: -1], strict=True):
            read = {tap for i in chain[0] for tap in window_of(made).taps(i)}
            chain.insert(0, {tap for tap in read if 0 <= tap < size})
        yield [sizes, layers, depth, unit], {"value": [runs(units) for units in chain]}


# --- as text -----------------------------------------------------------------------------------


def written(made, draw=None):
    """The text of a layer: the shortest, or one of the many that mean the same."""
    pairs = [
        f"{name}{made[name]}"
        for name, value in LEFT_OUT.items()
        if name in made and (made[name] != value or (draw and draw.random() < 0.5))
    ]
    if draw:
        draw.shuffle(pairs)
    text = f"{made['kind']}{made['k']}{''.join(pairs)}"
    return draw.choice((text, text, text.title(), text.upper())) if draw else text


def some_layers(draw):
    made = [drawn_layer(draw, 31) for _ in range(draw.randint(1, 24))]
    for one in made:
        one["s"] = draw.randint(*LIMITS["s"]) if draw.random() < 0.3 else 1
        if one["kind"] == "conv":
            one["c"] = draw.choice((1, 16, 512, 4096))
    return made


def texts():
    draw = random.Random(14)
    for _ in range(120):
        made = some_layers(draw)
        words = [written(one, draw) for one in made]
        yield [draw.choice((" ", ", ", "; ", "\n", "  ")).join(words)], {"value": made}
    for name, (least, most) in LIMITS.items():
        for value in (least, most):
            made = layer(**{name: value})
            yield [written(made)], {"value": [made]}
        for value in (least - 1, most + 1, 999_999_999, 1_000_000_000):
            if value >= 0:
                yield [written(layer(**{name: value}))], {"refused": "value"}
    for word in (
        "", " ", "conv", "pool", "3", "k3s2", "conv3x2", "conv3s", "conv-3", "conv3s-1", "conv3.5",
        "conv3s2s2", "conv3c4p1c4", "pool2c4", "pool2s2c1", "convolution3", "dense10", "conv3 x",
        "conv3s2p1d2c64k3", "conv 3", "conv3()", "NaN", "conv1e2", "conv３", "٣", "conv0x3",
        "pool2s2.", "[object Object]", "conv3_s2", "conv3/pool2",
    ):  # fmt: skip
        yield [word], {"refused": "value"}
        for good in ("conv3", "pool2s2"):
            if word.strip():
                yield [f"{good} {word}"], {"refused": "value"}
                yield [f"{word} {good}"], {"refused": "value"}
    for many in (25, 40):
        yield [" ".join(["pool1"] * many)], {"refused": "value"}


def writings():
    draw = random.Random(15)
    for _ in range(200):
        made = some_layers(draw)
        text = " ".join(map(written, made))
        assert layers_of(text) == made
        yield [made], {"value": text}


FUNCTIONS = {
    "stack.account": accounts,
    "stack.sees": chains,
    "stack.parseLayers": texts,
    "stack.writeLayers": writings,
}
