"""Golden vectors for the explorers on a photograph: what the library and torch compute."""

import random

import torch
from torch.nn import functional

from cnnref.convolution import conv2d, conv2d_kernel_gradient
from cnnref.windows import Window

from .vectors import NO_NUMBERS, outcome, tensor, view, window_of


def planes(draw, n, channels):
    return [[round(draw.uniform(-1, 1), 3) for _ in range(n * n)] for _ in range(channels)]


def layers(count):
    """Squares of one or two channels, with kernels and windows, of which some do not fit."""
    draw = random.Random(21)
    for _ in range(count):
        n, k, channels = draw.randint(1, 9), draw.choice((1, 2, 3, 5)), draw.randint(1, 2)
        pad = draw.randint(0, 4)
        v = view(k, draw.randint(1, 4), pad, pad, draw.randint(1, 3))
        weights = draw.choices((-2, -0.25, 0, 0.5, 1), k=k * k * channels)
        kernels = [weights[c * k * k : (c + 1) * k * k] for c in range(channels)]
        yield planes(draw, n, channels), kernels, v


def outputs():
    for x, w, v in layers(300):

        def by_both(x=x, w=w, v=v):
            n, k = round(len(x[0]) ** 0.5), v["kernel"]
            signal, kernel = tensor(x).view(1, -1, n, n), tensor(w).view(1, -1, k, k)
            window_of(v).output_size(n)  # refuses in the library's words
            ours = conv2d(signal, kernel, window_of(v))
            sizes = {"stride": v["stride"], "padding": v["left"], "dilation": v["dilation"]}
            assert torch.allclose(ours, functional.conv2d(signal, kernel, **sizes), atol=1e-9)
            return ours.flatten().tolist()

        yield [x, w, v], outcome(by_both)
    for bad in NO_NUMBERS:
        found = outcome(lambda bad=bad: window_of(view() | {"stride": bad}).output_size(2))
        yield [[[1, 2, 3, 4]], [[1] * 9], view() | {"stride": bad}], found


def sizes():
    draw = random.Random(22)
    for _ in range(220):
        was, now = draw.choice((1, 3, 5, 7)), draw.choice((1, 3, 5, 7))
        kernel = [draw.randint(-9, 9) for _ in range(was * was)]
        by = (now - was) // 2
        resized = functional.pad(tensor(kernel).view(was, was), (by, by, by, by))
        yield [kernel, now], {"value": resized.flatten().tolist()}


def turns():
    draw = random.Random(23)
    for _ in range(200):
        k = draw.randint(1, 7)
        kernel = [draw.randint(-9, 9) for _ in range(k * k)]
        yield [kernel], {"value": tensor(kernel).view(k, k).rot90(2).flatten().tolist()}


def mean_squared(x, w, target):
    """The loss, by torch, and both ways to its gradient."""
    n = round(len(x) ** 0.5)
    plane, goal = tensor(x).view(n, n), tensor(target).view(n - 2, n - 2)
    kernel = tensor(w).view(3, 3).requires_grad_()
    made = functional.conv2d(plane[None, None], kernel[None, None])[0, 0]
    loss = functional.mse_loss(made, goal)
    loss.backward()
    errors = (made - goal).detach()
    ours = 2 * conv2d_kernel_gradient(errors, plane, Window(3)) / errors.numel()
    assert torch.allclose(ours, kernel.grad, atol=1e-12)
    return float(loss.detach()), kernel.grad.flatten().tolist()


def tasks(count, seed):
    draw = random.Random(seed)
    for _ in range(count):
        n = draw.randint(5, 9)
        (x,) = planes(draw, n, 1)
        yield draw, x, [draw.choice((-2, -1, 0, 0.5, 1, 3)) for _ in range(9)]


def bends(x):
    """Second derivatives of the mean squared error, which do not depend on the kernel."""
    n = round(len(x) ** 0.5)
    read = functional.unfold(tensor(x).view(1, 1, n, n), 3)[0]
    return 2 * read @ read.T / read.shape[1]


def curvatures():
    for _, x, _ in tasks(200, 25):
        yield [x], {"value": bends(x).tolist()}


def descents():
    for draw, x, hidden in tasks(200, 26):
        rate, n = draw.choice((0.05, 0.2, 0.6)), round(len(x) ** 0.5)
        plane, goal = tensor(x).view(1, 1, n, n), tensor(hidden).view(1, 1, 3, 3)
        target = functional.conv2d(plane, goal).flatten().tolist()
        kernel, way = [0.0] * 9, []
        for _ in range(6):
            loss, gradient = mean_squared(x, kernel, target)
            way.append({"kernel": kernel, "loss": loss, "gradient": gradient})
            kernel = [w - rate * g for w, g in zip(kernel, gradient, strict=True)]
        yield [bends(x).tolist(), hidden, rate, 5], {"value": way}


FUNCTIONS = {
    "learning.curvature": curvatures,
    "learning.descend": descents,
    "photograph.filtered": outputs,
    "photograph.resized": sizes,
    "photograph.turned": turns,
}
