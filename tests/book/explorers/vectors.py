"""Golden vectors: what Python computes for the functions of the explorers' JavaScript.

Each generator yields pairs of arguments and outcome: `{"value": ...}`, or `{"refused": field}`
where Python refuses the input, with the field that JavaScript is to blame.
"""

import math
import random
import re
from collections import Counter
from itertools import product

import torch
from torch.nn import functional

from cnnref.convolution import (
    conv1d,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    matrix_of,
)
from cnnref.windows import Window

DOUBLE = torch.float64
NO_NUMBERS: tuple = (2.5, "3", None, True, [], -1, -7)

BLAME = (
    (r"the window of kernel", "fit"),
    (r"the transposed output would have", "empty"),
    (r"padding \(.*exceeds span", "padding"),
    (r"(kernel|stride|dilation|padding|n|i|size|output_padding)(?:_size)? must", r"\1"),
)


def blamed(message):
    """The field that a message of `cnnref.windows` blames."""
    for pattern, field in BLAME:
        if found := re.match(pattern, message):
            return found.expand(field)
    raise AssertionError(f"unknown message: {message}")


def outcome(compute):
    try:
        return {"value": compute()}
    except ValueError as error:
        return {"refused": blamed(str(error))}


def view(kernel=3, stride=1, left=0, right=0, dilation=1):
    """A window as JavaScript has it."""
    return {"kernel": kernel, "stride": stride, "left": left, "right": right, "dilation": dilation}


def window_of(view):
    return Window(view["kernel"], view["stride"], (view["left"], view["right"]), view["dilation"])


def views():
    """Windows of all kinds: small ones without gaps, a sample of large ones, and bad ones."""
    pads = ((0, 0), (1, 1), (0, 2), (3, 1))
    for kernel, stride, pad, dilation in product((1, 2, 3, 4), (1, 2, 3), pads, (1, 2, 3)):
        yield view(kernel, stride, *pad, dilation)
    draw = random.Random(6)
    for _ in range(60):
        yield view(*(draw.randint(low, 40) for low in (1, 1, 0, 0, 1)))


def bad_views():
    for field, value in product(("kernel", "stride", "left", "right", "dilation"), NO_NUMBERS):
        yield view() | {field: value}
    for field in ("kernel", "stride", "dilation"):
        yield view() | {field: 0}
        # The first of two mistakes is the one that is told.
        yield view() | {field: 0, "left": -1}


def spans():
    for v in (*views(), *bad_views()):
        yield [v], outcome(lambda v=v: window_of(v).span)


def sizes(method):
    """For `output_size` and `unused`: lengths around the smallest that fits."""
    for v in views():
        least = max(window_of(v).span - v["left"] - v["right"], 1)
        for n in {1, least - 1, least, least + 1, least + v["stride"], 17}:
            yield [n, v], outcome(lambda n=n, v=v: getattr(window_of(v), method)(n))
    for v in bad_views():
        yield [8, v], outcome(lambda v=v: getattr(window_of(v), method)(8))
    for n in (0, *NO_NUMBERS):
        yield [n, view()], outcome(lambda n=n: getattr(Window(3), method)(n))


def transposed_sizes():
    for v, n in product(views(), (1, 2, 5)):
        for extra in (0, 1, max(v["stride"], v["dilation"]) - 1, max(v["stride"], v["dilation"])):
            expected = outcome(lambda: window_of(v).transposed_size(n, extra))  # noqa: B023
            yield [n, v, extra], expected
    for v in bad_views():
        yield [4, v, 0], outcome(lambda v=v: window_of(v).transposed_size(4))
    for bad in NO_NUMBERS:
        yield [bad, view(), 0], outcome(lambda bad=bad: Window(3).transposed_size(bad))
        yield [4, view(), bad], outcome(lambda bad=bad: Window(3).transposed_size(4, bad))


def same_windows():
    def expected(*arguments):
        window = Window.same(*arguments)
        return view(window.kernel_size, window.stride, window.left, window.right, window.dilation)

    cases = [*product((1, 2, 3, 4, 7), (1, 2, 3), (1, 2, 3), (1, 2, 5, 6, 11))]
    for position, bad in product(range(4), (0, *NO_NUMBERS)):
        if position == 3 and bad is None:
            continue  # Python takes `size=None` for "not given"; JavaScript always has a size
        cases.append((*((3, 2, 1, 8)[:position]), bad, *((3, 2, 1, 8)[position + 1 :])))
    for case in cases:
        yield list(case), outcome(lambda case=case: expected(*case))


def tap_lists():
    for v, i in product(views(), (0, 1, 6)):
        yield [i, v], outcome(lambda i=i, v=v: list(window_of(v).taps(i)))
    for bad in NO_NUMBERS:
        yield [bad, view()], outcome(lambda bad=bad: list(Window(3).taps(bad)))


def visit_counts():
    def expected(n, v, windows=None):
        window = window_of(v)
        windows = window.output_size(n) if windows is None else windows
        seen = Counter(tap for i in range(windows) for tap in window.taps(i))
        return [seen[position] for position in range(n)]

    for v, n in product(views(), (1, 4, 9)):
        yield [n, v], outcome(lambda n=n, v=v: expected(n, v))
        yield [n, v, 3], outcome(lambda n=n, v=v: expected(n, v, 3))


def axes():
    """All that the picture of one axis rests on, both ways round."""

    def convolution(n, v):
        window = window_of(v)
        short = window.output_size(n)
        taps = [list(window.taps(i)) for i in range(short)]
        return {"long": n, "short": short, "first": -window.left, "last": n - 1 + window.right,
                "unused": window.unused(n), "taps": taps}  # fmt: skip

    def transposed(n, v, extra):
        window = window_of(v)
        long = window.transposed_size(n, extra)
        taps = [list(window.taps(i)) for i in range(n)]
        return {"long": long, "short": n, "first": -window.left, "taps": taps,
                "last": max(long - 1, taps[-1][-1])}  # fmt: skip

    for v, n, extra in product(views(), (1, 5), (0, 1)):
        values = {"n": n, "k": v["kernel"], "s": v["stride"], "d": v["dilation"],
                  "l": v["left"], "r": v["right"], "q": extra}  # fmt: skip
        if not extra:
            yield [values, False], outcome(lambda n=n, v=v: convolution(n, v))
        yield [values, True], outcome(lambda n=n, v=v, q=extra: transposed(n, v, q))


# --- the matrix --------------------------------------------------------------------------------


def numbers(draw, length):
    return [draw.choice((0, 1, -2, 3.5, 0.125, -40, 999)) for _ in range(length)]


def layers():
    """Random inputs, kernels and output gradients that go together, with their window."""
    draw = random.Random(7)
    while True:
        n, kernel = draw.randint(1, 10), draw.randint(1, 5)
        v = view(kernel, *(draw.randint(low, 3) for low in (1, 0, 0, 1)))
        x, w = numbers(draw, n), numbers(draw, kernel)
        fits = n + v["left"] + v["right"] >= window_of(v).span
        g = numbers(draw, window_of(v).output_size(n)) if fits else [1]
        yield x, w, g, v, fits


def some_layers(count=220):
    drawn = layers()
    return [next(drawn) for _ in range(count)]


def tensor(values):
    return torch.tensor(values, dtype=DOUBLE)


def refused(compute, field):
    """The outcome of what Python must refuse too."""
    try:
        compute()
    except ValueError:
        return {"refused": field}
    raise AssertionError(f"Python does not refuse a wrong {field}")


def conv1d_checked(x, w, v):
    """`conv1d`, once more by torch."""
    ours = conv1d(tensor(x), tensor(w), window_of(v))
    padded = functional.pad(tensor(x), (v["left"], v["right"]))[None, None]
    by_torch = functional.conv1d(
        padded, tensor(w)[None, None], stride=v["stride"], dilation=v["dilation"]
    )
    assert torch.allclose(ours, by_torch[0, 0], rtol=0, atol=1e-9)
    return ours.tolist()


def by_matrix(name):
    """The cases of one of the matrix explorer's functions."""
    for x, w, g, v, fits in some_layers():
        n, window = len(x), window_of(v)
        calls = {
            "matrixOf": ([w, n, v], lambda w: matrix_of(tensor(w), n, window).tolist()),  # noqa: B023
            "convolve": ([x, w, v], lambda w: conv1d_checked(x, w, v)),  # noqa: B023
            "inputGradient": (
                [g, w, n, v],
                lambda w: conv1d_input_gradient(tensor(g), tensor(w), window, size=n).tolist(),  # noqa: B023
            ),
            "kernelGradient": (
                [g, x, v],
                lambda w: conv1d_kernel_gradient(tensor(g), tensor(x), window).tolist(),  # noqa: B023
            ),
        }
        arguments, compute = calls[name]
        if not fits:
            yield arguments, refused(lambda: compute(w), "fit")  # noqa: B023
            continue
        yield arguments, {"value": compute(w)}
        if name in ("matrixOf", "convolve", "inputGradient"):
            longer = [[*w, 1] if a is w else a for a in arguments]
            yield longer, refused(lambda: compute([*w, 1]), "w")  # noqa: B023
        if name == "inputGradient":
            shorter = refused(
                lambda: conv1d_input_gradient(tensor([*g, 1]), tensor(w), window, size=n), "g"  # noqa: B023
            )  # fmt: skip
            yield [[*g, 1], w, n, v], shorter
        if name == "kernelGradient":
            wrong = lambda: conv1d_kernel_gradient(tensor([*g, 1]), tensor(x), window)  # noqa: B023, E731
            yield [[*g, 1], x, v], refused(wrong, "g")


def tap_tables():
    for x, w, _, v, fits in some_layers():
        numbered = tensor(range(1, len(w) + 1))
        if fits:
            table = matrix_of(numbered, len(x), window_of(v)).int().tolist()
            yield [len(x), v], {"value": table}
        else:
            yield [len(x), v], {"refused": "fit"}


def products():
    """The routes by the matrix, which must give the same as those by the window."""
    for x, w, g, v, fits in some_layers(300):
        if fits:
            matrix = matrix_of(tensor(w), len(x), window_of(v))
            yield [matrix.tolist(), x], {"value": conv1d_checked(x, w, v)}
            gradient = conv1d_input_gradient(tensor(g), tensor(w), window_of(v), size=len(x))
            yield [matrix.T.tolist(), g], {"value": gradient.tolist()}


def tied_sums():
    for x, w, g, v, fits in some_layers(300):
        if fits:
            numbered = tensor(range(1, len(w) + 1))
            table = matrix_of(numbered, len(x), window_of(v)).int().tolist()
            gradient = conv1d_kernel_gradient(tensor(g), tensor(x), window_of(v))
            yield [g, x, table, len(w)], {"value": gradient.tolist()}


def transposes():
    draw = random.Random(8)
    for _ in range(200):
        matrix = [numbers(draw, columns) for columns in [draw.randint(1, 6)] * draw.randint(1, 6)]
        yield [matrix], {"value": [list(column) for column in zip(*matrix, strict=True)]}


# --- what a reader types -----------------------------------------------------------------------

ODD_TEXTS = (
    "", " ", "abc", "1e3", "1.0", "1.", ".5", "--1", "+-1", "1 2", "0x10", "٣", "NaN", "Infinity",
    "-", "+", "1_000", "1,000", "９", "null", "true", "12345678901234567890", "1;2", "−3", "½",
)  # fmt: skip


def integer_texts():
    draw = random.Random(9)
    texts = [*ODD_TEXTS, *(f" {i} " for i in range(-2, 3)), "+4", "007", "-0"]
    texts += [str(draw.randint(-50, 50)) for _ in range(80)]
    for text, (least, most) in product(texts, ((1, 32), (0, 18))):
        plain = text.strip()
        good = re.fullmatch("[+-]?[0-9]{1,9}", plain) and least <= int(plain) <= most
        yield [text, least, most], {"value": int(plain)} if good else {"refused": "value"}


def list_texts():
    draw = random.Random(10)
    texts = [
        *ODD_TEXTS,
        "1, 2,3",
        "1;2;;3",
        " 1\t2 ",
        "1000",
        "-999",
        "999.5",
        "1 x",
        "1 2 3 4 5 6",
    ]
    texts += [", ".join(map(str, numbers(draw, draw.randint(0, 6)))) for _ in range(180)]
    for text in texts:
        words = [word.replace("−", "-", 1) for word in re.split(r"[\s,;]+", text) if word]
        number = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
        good = all(number.fullmatch(word) and abs(float(word)) <= 999 for word in words)
        good = good and 1 <= len(words) <= 5
        yield [text, 1, 5], {"value": [float(w) for w in words]} if good else {"refused": "value"}


FUNCTIONS = {
    "windows.span": spans,
    "windows.outputSize": lambda: sizes("output_size"),
    "windows.unused": lambda: sizes("unused"),
    "windows.transposedSize": transposed_sizes,
    "windows.same": same_windows,
    "windows.taps": tap_lists,
    "windows.visits": visit_counts,
    "convolution.axisOf": axes,
    "controls.parseInteger": integer_texts,
    "controls.parseNumbers": list_texts,
    "matrix.tapTable": tap_tables,
    "matrix.matrixOf": lambda: by_matrix("matrixOf"),
    "matrix.convolve": lambda: by_matrix("convolve"),
    "matrix.inputGradient": lambda: by_matrix("inputGradient"),
    "matrix.kernelGradient": lambda: by_matrix("kernelGradient"),
    "matrix.multiply": products,
    "matrix.tiedSums": tied_sums,
    "matrix.transpose": transposes,
}


def agrees(found, expected):
    """Whether two values are equal: numbers up to rounding, of objects the known fields."""
    if isinstance(expected, dict):
        return all(key in found and agrees(found[key], value) for key, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)
    return found == expected
