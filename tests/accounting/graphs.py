"""Random networks, each of whose nodes can also be made free of cancellations and so be measured.

A node computes with `real`; with `smooth` it depends on exactly the same entries, but every
derivative is positive: maxima become means, a softmax or a normalisation becomes a sum with the
mean over what it normalises, an attention has no softmax.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

small = st.integers(1, 3)
CHANNELS = 4


def weight(*shape):
    """Positive, all different, and of one column sum about one."""
    generator = torch.Generator().manual_seed(sum(shape))
    values = torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.5
    return values / values[0].numel()


class Node(nn.Module):
    """One layer of a random network."""

    def __init__(self, title, real, smooth=None, whole=False):
        super().__init__()
        self.title, self.real, self.smooth = title, real, smooth or real
        self.whole = whole
        self.measuring = False

    def forward(self, x):
        return (self.smooth if self.measuring else self.real)(x)

    def extra_repr(self):
        return self.title


class Net(nn.Module):
    """A chain of nodes; what branches lies inside a node."""

    def __init__(self, nodes):
        super().__init__()
        self.nodes = nn.ModuleList(nodes)

    def forward(self, x):
        for node in self.nodes:
            x = node(x)
        return x


def convolve(x, w, **options):
    return (F.conv1d, F.conv2d)[x.dim() - 3](x, w, **options)


def average(x, dims):
    return x + x.mean(dims, keepdim=True)


def _conv(draw, shape):
    axes = len(shape) - 2
    groups = draw(st.sampled_from([1, 1, 2, CHANNELS]))
    kernel = draw(st.tuples(*[st.integers(1, 4)] * axes))
    out = draw(st.sampled_from([CHANNELS, 2 * CHANNELS]))
    w = weight(out, shape[1] // groups, *kernel)
    options = {
        "stride": draw(st.tuples(*[small] * axes)),
        "padding": draw(st.tuples(*[st.integers(0, 3)] * axes)),
        "dilation": draw(st.tuples(*[small] * axes)),
        "groups": groups,
    }
    return f"conv {kernel} {options}", lambda x: convolve(x, w, **options)


def _same_conv(draw, shape):
    axes = len(shape) - 2
    kernel = draw(st.tuples(*[st.integers(1, 4)] * axes))
    # The middle tap exists: else, over one position, a layer may see its padding alone.
    dilation = draw(small) if all(k % 2 for k in kernel) else 1
    w = weight(shape[1], shape[1], *kernel)
    return (
        f"same conv {kernel} dilation {dilation}",
        lambda x: convolve(x, w, padding="same", dilation=dilation),
    )


def _padded_conv(draw, shape):
    axes = len(shape) - 2
    pads = draw(st.tuples(*[st.integers(-2, 3)] * (2 * axes)))
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    if mode != "constant":
        pads = tuple(max(p, 0) for p in pads)
    w = weight(shape[1], shape[1], *[3] * axes)
    return f"pad {pads} {mode}, conv 3", lambda x: convolve(F.pad(x, pads, mode), w)


def _pool(draw, shape):
    axes = len(shape) - 2
    k, s = draw(st.integers(1, 4)), draw(small)
    p, ceil = draw(st.integers(0, k // 2)), draw(st.booleans())
    biggest = (F.max_pool1d, F.max_pool2d)[axes - 1]
    mean = (F.avg_pool1d, F.avg_pool2d)[axes - 1]
    smooth = lambda x: mean(x, k, s, p, ceil)  # noqa: E731
    if draw(st.booleans()):
        return f"avg pool {k} {s} {p} {ceil}", smooth
    return f"max pool {k} {s} {p} {ceil}", lambda x: biggest(x, k, s, p, 1, ceil), smooth


def _dilated_pool(draw, shape):
    axes = len(shape) - 2
    k, s, d = draw(st.integers(2, 3)), draw(small), draw(st.integers(2, 3))
    biggest = (F.max_pool1d, F.max_pool2d)[axes - 1]
    taps = torch.ones(shape[1], 1, *[k] * axes, dtype=torch.float64)
    return (
        f"dilated max pool {k} {s} {d}",
        lambda x: biggest(x, k, s, 0, d),
        lambda x: convolve(x, taps, stride=s, dilation=d, groups=x.shape[1]),
    )


def _transposed(draw, shape):
    axes = len(shape) - 2
    k, s, d = draw(st.integers(1, 4)), draw(small), draw(small)
    p, groups = draw(st.integers(0, 2)), draw(st.sampled_from([1, 2]))
    extra = draw(st.integers(0, max(s, d) - 1))
    w = weight(shape[1], CHANNELS // groups, *[k] * axes)
    up = (F.conv_transpose1d, F.conv_transpose2d)[axes - 1]
    return (
        f"transposed {k} stride {s} padding {p} {extra} dilation {d} groups {groups}",
        lambda x: up(x, w, None, s, p, extra, groups, d),
    )


def _interpolation(draw, shape):
    axes = len(shape) - 2
    smooth = ["linear"] if axes == 1 else ["bilinear"]
    mode = draw(st.sampled_from(["nearest", "nearest-exact", *smooth]))
    options = {"mode": mode}
    if mode in smooth:
        options["align_corners"] = draw(st.booleans())
    if draw(st.booleans()):
        options["scale_factor"] = draw(st.sampled_from([2, 3, 1.5, 0.5, 4, 0.75]))
    else:
        options["size"] = draw(st.tuples(*[st.integers(1, 2 * n) for n in shape[2:]]))
    if "nearest" in mode:
        sizes = options.get("size") or [int(n * options["scale_factor"]) for n in shape[2:]]
        ratios = [
            Fraction(n, m) if "size" in options else 1 / Fraction(options["scale_factor"])
            for n, m in zip(shape[2:], sizes, strict=True)
        ]
        if not all(map(as_written, sizes, ratios)):
            return None
    return f"interpolate {options}", lambda x: F.interpolate(x, **options)


def as_written(units, ratio):
    """Whether torch, which multiplies in single precision, finds the units that a ratio means.

    Its unit 11 of 22, of an interpolation from 26, is 12, for 11 times its 26/22 is below 13.
    """
    single = np.float32(float(ratio))
    places = [i + half for i in range(units) for half in (Fraction(0), Fraction(1, 2))]
    return all(int(np.float32(float(at)) * single) == at * ratio // 1 for at in places)


def _pixels(draw, shape):
    if len(shape) != 4:
        return None
    if shape[1] == 4 * CHANNELS and draw(st.booleans()):
        return "pixel shuffle", lambda x: F.pixel_shuffle(x, 2)
    first = draw(st.integers(0, 3))
    return "pixel unshuffle", lambda x: F.pixel_unshuffle(x, 2)[:, first : first + CHANNELS]


def _blocks(draw, shape):
    """Space to depth by views, some of its channels, and what is then done with them."""
    b, axes = draw(st.integers(2, 4)), len(shape) - 2
    how = draw(st.sampled_from(["some", "conv", "back", "grouped", "slid"]))
    first, c = draw(st.integers(0, b)), shape[1]
    w, grouped = weight(c, c * b**axes, *[1] * axes), weight(c * b, c, *[1] * axes)

    def cut(x):
        x = x[(..., *(slice(None, n - n % b) for n in x.shape[2:]))]
        split = [m for n in x.shape[2:] for m in (n // b, b)]
        return x.reshape(*x.shape[:2], *split)

    def run(x):
        y = cut(x)
        if how == "back":
            return y.flip(3).reshape(*y.shape[:2], *(n * b for n in y.shape[2::2]))
        order = (0, 1, *range(3, 3 + 2 * axes, 2), *range(2, 2 + 2 * axes, 2))
        z = y.permute(order).flatten(1, 1 + axes)
        if how == "slid":  # a window over the places within a block
            apart = z.flatten(2).transpose(1, 2)
            wide = F.avg_pool1d(apart, 2, 1).transpose(1, 2)
            return wide.unflatten(2, z.shape[2:])[:, first : first + c]
        if how == "grouped":
            return convolve(z, grouped, groups=b**axes)[:, :c] if axes == 1 else z[:, ::b]
        return convolve(z, w) if how == "conv" else z[:, first : first + c]

    return f"blocks of {b} {how} {first}", run


def _windows(draw, shape):
    """Attention within windows that do not overlap."""
    b, axes = draw(st.integers(2, 4)), len(shape) - 2
    fused, residual = draw(st.booleans()), draw(st.booleans())

    def run(x, mix):
        x = x[(..., *(slice(None, n - n % b) for n in x.shape[2:]))]
        blocks = [n // b for n in x.shape[2:]]
        y = x.reshape(*x.shape[:2], *(m for n in blocks for m in (n, b)))
        order = (0, *range(2, 2 + 2 * axes, 2), *range(3, 3 + 2 * axes, 2), 1)
        windows = y.permute(order)
        tokens = mix(windows.reshape(-1, b**axes, x.shape[1]))
        back = sorted(range(len(order)), key=order.__getitem__)
        z = tokens.reshape(windows.shape).permute(back).reshape(x.shape)
        return x + z if residual else z

    def attention(t):
        if fused:
            return F.scaled_dot_product_attention(t, t, t)
        return (t @ t.transpose(1, 2)).softmax(-1) @ t

    return (
        f"windows of {b}, fused {fused}, residual {residual}",
        lambda x: run(x, attention),
        # A sum, since a product with a unit that is zero would hide what the others see.
        lambda x: run(x, lambda t: t.mean((1, 2), keepdim=True).expand_as(t)),
    )


def _folded(draw, shape):
    """Windows side by side, and put back."""
    if len(shape) != 4:
        return None
    k, s, d = draw(st.integers(1, 3)), draw(small), draw(st.integers(1, 2))
    p, mixed = draw(st.integers(0, 1)), draw(st.booleans())
    size, w = shape[2:], weight(shape[1] * k * k, shape[1] * k * k)

    def run(x):
        columns = F.unfold(x, k, d, p, s)
        return F.fold(w @ columns if mixed else columns, size, k, d, p, s)

    return f"fold of unfold {k} {s} {d} {p} mixed {mixed}", run


def _repeated(draw, shape):
    times, axis = draw(st.integers(1, 3)), draw(st.integers(1, len(shape) - 1))
    return f"repeat_interleave {times} of {axis}", lambda x: x.repeat_interleave(times, axis)


def _antialiased(draw, shape):
    if len(shape) != 4:
        return None
    mode = draw(st.sampled_from(["bilinear", "bicubic"]))
    size = draw(st.tuples(*[st.integers(1, 2 * n) for n in shape[2:]]))
    return f"interpolate antialiased {mode} {size}", lambda x: F.interpolate(
        x, size, mode=mode, antialias=True, align_corners=False
    )


def _residual(draw, shape):
    title, f = _same_conv(draw, shape)[:2]
    if draw(st.booleans()):
        return f"x + {title}", lambda x: x + f(x)
    title2, f2 = _same_conv(draw, shape)[:2]
    return f"{title} + {title2}", lambda x: f(x).add_(f2(x))


def _misaligned(draw, shape):
    lag = draw(st.integers(1, 2))
    return f"x[{lag}:] + x[:-{lag}]", lambda x: x[..., lag:] + x[..., :-lag]


def _dense(draw, shape):
    title, f = _same_conv(draw, shape)[:2]
    return f"cat x, {title}", lambda x: torch.cat([x, f(x)], 1)


def _branches(draw, shape):
    """Channels that see differently, some of which are taken: fields by channel."""
    if shape[1] < 2:
        return None
    title, f = _same_conv(draw, (1, shape[1] // 2, *shape[2:]))[:2]
    how = draw(st.sampled_from(["first", "second", "shuffle", "split", "grouped"]))
    halves = weight(shape[1], shape[1] // 2, *[1] * (len(shape) - 2))

    def run(x):
        a, b = x.chunk(2, 1)
        y = torch.cat([a, f(b)], 1)
        if how == "first":
            return y[:, : y.shape[1] // 2].repeat(1, 2, *[1] * (y.dim() - 2))
        if how == "second":
            return torch.split(y, y.shape[1] // 2, 1)[1]
        if how == "shuffle":
            n, c, *rest = y.shape
            return y.view(n, 2, c // 2, *rest).transpose(1, 2).reshape(y.shape)[:, : c // 2]
        if how == "split":
            return torch.cat(y.split([1, y.shape[1] - 1], 1)[:1] * 4, 1)
        return convolve(y, halves, groups=2)[:, : y.shape[1] // 2]

    return f"branches {how} {title}", run


def _slice(draw, shape):
    first, last = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    step, axis = draw(small), draw(st.integers(2, len(shape) - 1))
    end = shape[axis] - last
    index = (slice(None),) * axis + (slice(first, end, step),)
    return f"slice {first}:-{last}:{step} of {axis}", lambda x: x[index]


def _gate(draw, shape):
    w = weight(shape[1], shape[1], *[1] * (len(shape) - 2))
    pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[len(shape) - 3]
    gate = lambda x: convolve(pool(x, 1), w)  # noqa: E731
    # Measured by a sum: a product with an entry that is zero has no slope.
    return "gate", lambda x: x * torch.sigmoid(gate(x)), lambda x: x + gate(x)


def _mean(draw, shape):
    axis = draw(st.integers(2, len(shape) - 1))
    how = draw(st.sampled_from(["mean", "amax", "added"]))
    if how == "added":
        return f"x + mean over {axis}", lambda x: x + x.mean(axis, keepdim=True)
    if how == "amax":
        return f"max over {axis}", lambda x: x.amax(axis, True), lambda x: x.mean(axis, True)
    return f"mean over {axis}", lambda x: x.mean(axis, keepdim=True)


def _attention(draw, shape):
    how = draw(st.sampled_from(["fused", "matmul", "einsum"]))

    def flat(x):
        return x.flatten(2).transpose(1, 2)

    def scores(t):
        if how == "einsum":
            return torch.einsum("bic,bjc->bij", t, t)
        return t @ t.transpose(1, 2)

    def real(x):
        t = flat(x)
        mixed = (
            F.scaled_dot_product_attention(t, t, t) if how == "fused" else scores(t).softmax(-1) @ t
        )
        return mixed.transpose(1, 2).unflatten(2, x.shape[2:])

    def smooth(x):
        t = flat(x)
        return (scores(t) @ t).transpose(1, 2).unflatten(2, x.shape[2:]) / t.numel()

    return f"attention {how}", real, smooth


def _convnext(draw, shape):
    axes = len(shape) - 2
    c = shape[1]
    deep, wide, narrow = weight(c, 1, *[5] * axes), weight(2 * c, c), weight(c, 2 * c)
    order = (0, *range(2, axes + 2), 1)

    def run(x, norm):
        y = convolve(x, deep, padding=2, groups=c).permute(order)
        y = F.linear(F.gelu(F.linear(norm(y), wide)), narrow)
        return x + y.permute(0, axes + 1, *range(1, axes + 1))

    return (
        "convnext",
        lambda x: run(x, lambda y: F.layer_norm(y, (c,))),
        lambda x: run(x, lambda y: average(y, -1)),
    )


def _reflect(draw, shape):
    pads = draw(st.tuples(*[st.integers(0, 2)] * (2 * (len(shape) - 2))))
    mode = draw(st.sampled_from(["reflect", "replicate", "circular"]))
    return f"{mode} {pads}", lambda x: F.pad(x, pads, mode)


def _adaptive(draw, shape):
    sizes = draw(st.tuples(*[st.integers(1, n + 2) for n in shape[2:]]))
    axes = len(sizes) - 1
    mean = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d)[axes]
    biggest = (F.adaptive_max_pool1d, F.adaptive_max_pool2d)[axes]
    if draw(st.booleans()):
        return f"adaptive mean {sizes}", lambda x: mean(x, sizes)
    return f"adaptive max {sizes}", lambda x: biggest(x, sizes), lambda x: mean(x, sizes)


def _norm(draw, shape):
    how = draw(st.sampled_from(["batch", "group", "instance", "layer"]))
    c, axes = shape[1], tuple(range(2, len(shape)))
    zero, one = torch.zeros(c, dtype=torch.float64), torch.ones(c, dtype=torch.float64)
    if how == "batch":
        # Torch's own slope of it is wrong where an einsum has left unusual strides on one position.
        return "batch norm", lambda x: F.batch_norm(x, zero, one), lambda x: x + 0
    if how == "group":
        return "group norm", lambda x: F.group_norm(x, 2), lambda x: average(x, (1, *axes))
    if how == "instance":
        return "instance norm", lambda x: F.instance_norm(x), lambda x: average(x, axes)
    return (
        "layer norm over all",
        lambda x: F.layer_norm(x, tuple(x.shape[1:])),
        lambda x: average(x, (1, *axes)),
    )


def _steered(draw, shape):
    """Weights are made of the input."""
    how = draw(st.sampled_from(["conv", "transposed", "batch norm", "linear", "bias"]))
    c, axes = shape[1], range(2, len(shape))
    w, square = weight(c, c, *[3 for _ in axes]), weight(c, c)
    zero, one = torch.zeros(c, dtype=torch.float64), torch.ones(c, dtype=torch.float64)
    back = (F.conv_transpose1d, F.conv_transpose2d)[len(axes) - 1]
    run = {
        "conv": lambda x: convolve(x, w * x.mean(), padding=1),
        "bias": lambda x: convolve(x, w, padding=1, bias=x.mean((0, *axes))),
        "transposed": lambda x: back(x, w * x.mean(), padding=1),
        "batch norm": lambda x: F.batch_norm(x, zero, one, x.mean((0, *axes))),
        "linear": lambda x: F.linear(x.movedim(1, -1), square * x.mean()).movedim(-1, 1),
    }[how]
    plain = {
        "conv": lambda x: convolve(x, w, padding=1),
        "bias": lambda x: convolve(x, w, padding=1),
        "transposed": lambda x: back(x, w, padding=1),
        "batch norm": lambda x: x,
        "linear": lambda x: x,
    }[how]
    # Measured by a sum: a product with an entry that is zero has no slope.
    return f"{how} made of the input", run, lambda x: plain(x) + x.mean()


def _softmax(draw, shape):
    dim = draw(st.integers(1, len(shape) - 1))
    return f"softmax over {dim}", lambda x: x.softmax(dim), lambda x: average(x, dim)


def _glu(draw, shape):
    return "glu", lambda x: F.glu(torch.cat([x, x.relu()], 1), 1)


def _einsum(draw, shape):
    w = weight(shape[1], shape[1])
    return "einsum over channels", lambda x: torch.einsum("bc...,cd->bd...", x, w)


def _stack(draw, shape):
    title, f = _same_conv(draw, shape)[:2]
    if draw(st.booleans()):
        return f"max of stack x, {title}", lambda x: torch.stack([x, f(x)], 2).sum(2)
    return f"one of stack x, {title}", lambda x: torch.stack([x, f(x)], 2).unbind(2)[0]


def _unfold(draw, shape):
    k, s = draw(st.integers(1, 3)), draw(small)
    if len(shape) == 3:
        return f"unfold {k} {s}", lambda x: x.unfold(2, k, s).mean(-1)
    w = weight(CHANNELS, shape[1] * k * k)
    p = draw(st.integers(0, 1))

    def run(x):
        n, m = ((size + 2 * p - k) // s + 1 for size in x.shape[2:])
        return (w @ F.unfold(x, k, padding=p, stride=s)).view(1, CHANNELS, n, m)

    return f"im2col {k} {s} {p}", run


def _moved(draw, shape):
    """Positions end up elsewhere: what each unit sees is not followed, what all see is."""
    axis = draw(st.integers(2, len(shape) - 1))
    how = draw(
        st.sampled_from(["flip", "roll", "roll all", "repeat", "index", "cumsum", "outer", "take"])
    )
    n = shape[axis]
    times = [1] * len(shape)
    times[axis] = 2
    run = {
        "flip": lambda x: x.flip(axis),
        "roll": lambda x: x.roll(1, axis),
        "roll all": lambda x: x.roll(1),
        "repeat": lambda x: x.repeat(times),
        "index": lambda x: x.index_select(axis, torch.arange(n - 1, -1, -1)),
        "cumsum": lambda x: x.cumsum(axis),
        "take": lambda x: x.select(axis, n // 2).unsqueeze(axis),
        "outer": lambda x: (x[..., None] * x[..., None, :])[..., 0],
    }[how]
    return f"{how} along {axis}", run


def _end_to_end(draw, shape):
    """Positions are laid end to end along one axis."""
    axis = draw(st.integers(2, len(shape) - 1))
    how = draw(st.sampled_from(["token", "zeros", "twice", "round", "halves", "average"]))
    zeros = torch.zeros(*shape[:axis], 2, *shape[axis + 1 :], dtype=torch.float64)

    def run(x):
        n = x.shape[axis]
        pool = (F.avg_pool1d, F.avg_pool2d)[x.dim() - 3]
        kernel = [1] * (x.dim() - 2)
        kernel[axis - 2] = 2
        parts = {
            "token": [zeros.narrow(axis, 0, 1), x],
            "zeros": [zeros, x, zeros],
            "twice": [x, x],
            "round": [x.narrow(axis, n - 2, 2), x, x.narrow(axis, 0, 2)],
            "halves": [x.narrow(axis, 0, n // 2), zeros, x.narrow(axis, n // 2, n - n // 2)],
            "average": [x, pool(x, kernel)],
        }[how]
        return torch.cat(parts, axis)

    return f"{how} end to end along {axis}", run


EXACT = [
    _conv, _conv, _same_conv, _padded_conv, _pool, _dilated_pool, _transposed, _interpolation,
    _pixels, _residual, _misaligned, _dense, _branches, _slice, _convnext, _reflect, _adaptive,
    _glu, _einsum, _stack, _unfold, _blocks, _folded, _repeated, _antialiased, _windows,
    _end_to_end,
]  # fmt: skip
COMBINING = [_gate, _mean, _attention, _norm, _softmax, _steered]
REARRANGING = [_moved]


@st.composite
def networks(draw, axes=1, builders=(), most=6, sizes=(8, 40)):
    """A network and the size of its input.

    Args:
        draw: hypothesis's.
        axes: of the input.
        builders: of the nodes it may have.
        most: nodes.
        sizes: the least and the greatest length of an axis.
    """
    size = (CHANNELS, *(draw(st.integers(*sizes)) for _ in range(axes)))
    x = torch.ones(1, *size, dtype=torch.float64)
    nodes = []
    for _ in range(draw(st.integers(1, most))):
        built = draw(st.sampled_from(builders))(draw, tuple(x.shape))
        if built is None:
            continue
        try:
            node = Node(*built)
            y = node(x)
            node.smooth(x)
        except (RuntimeError, ValueError, IndexError):  # too small for it: another
            continue
        if y.numel() > 20_000 or not y.numel():
            continue
        nodes.append(node)
        x = y.detach() * 0 + 1
    return Net(nodes), size
