"""Windows against torch, and the algebra of their composition."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

from cnnref.windows import Field, Window, compose, zero_inserted_size
from tests.examples import examples

sizes = st.integers(1, 40)
kernels = st.integers(1, 7)
strides = st.integers(1, 5)
paddings = st.integers(0, 6)
dilations = st.integers(1, 4)
windows = st.builds(Window, kernels, strides, st.tuples(paddings, paddings), dilations)
fields = st.lists(windows, max_size=4).map(compose)


def torch_size(function, *arguments, **options):
    """The length of torch's output, or None where torch refuses."""
    try:
        return function(*arguments, **options).shape[-1]
    except RuntimeError:
        return None


def our_size(function, *arguments):
    try:
        return function(*arguments)
    except ValueError:
        return None


@examples(2000)
@given(sizes, kernels, strides, paddings, dilations)
def test_output_size_is_that_of_torch_convolution(n, k, s, p, d):
    expected = torch_size(
        F.conv1d, torch.zeros(1, 1, n), torch.zeros(1, 1, k), stride=s, padding=p, dilation=d
    )
    assert our_size(Window(k, s, p, d).output_size, n) == expected


@examples(2000)
@given(sizes, kernels, strides, paddings, dilations, st.booleans())
def test_output_size_is_that_of_torch_pooling(n, k, s, p, d, ceil_mode):
    assume(p <= k // 2)  # torch's own limit
    expected = torch_size(F.max_pool1d, torch.zeros(1, 1, n), k, s, p, d, ceil_mode=ceil_mode)
    assert our_size(Window(k, s, p, d, ceil_mode).output_size, n) == expected


@examples(2000)
@given(sizes, kernels, strides, paddings, dilations, st.integers(0, 5))
def test_transposed_size_is_that_of_torch(n, k, s, p, d, extra):
    expected = torch_size(
        F.conv_transpose1d, torch.zeros(1, 1, n), torch.zeros(1, 1, k),
        stride=s, padding=p, dilation=d, output_padding=extra,
    )  # fmt: skip
    assert our_size(Window(k, s, p, d).transposed_size, n, extra) == expected


@given(windows, sizes)
def test_asymmetric_padding_is_padding_by_hand(window, n):
    padded = F.pad(torch.zeros(1, 1, n), (window.left, window.right))
    kernel = torch.zeros(1, 1, window.kernel_size)
    expected = torch_size(F.conv1d, padded, kernel, stride=window.stride, dilation=window.dilation)
    assert our_size(window.output_size, n) == expected


@given(windows, sizes)
def test_taps_and_unused_by_walking(window, n):
    """An oracle without formulas: walk a window over a list and look at what it meets."""
    padded = list(range(-window.left, n + window.right))
    rows = []
    for first in range(0, len(padded), window.stride):
        row = padded[first : first + window.span : window.dilation]
        if first + window.span <= len(padded):
            rows.append(row)
    assume(rows)
    assert window.output_size(n) == len(rows)
    assert [list(window.taps(i)) for i in range(len(rows))] == rows
    assert window.unused(n) == padded[-1] - rows[-1][-1]


@given(kernels, strides, dilations, sizes)
def test_same_keeps_the_size_up_to_the_stride(k, s, d, n):
    window = Window.same(k, s, d, size=n)
    assert window.output_size(n) == -(-n // s)
    assert window.right - window.left in (0, 1)


@given(kernels, dilations, sizes)
def test_same_agrees_with_torch_for_stride_one(k, d, n):
    assert Window.same(k, dilation=d) == Window.same(k, dilation=d, size=n)
    x, w = torch.randn(1, 1, n), torch.randn(1, 1, k)
    window = Window.same(k, dilation=d)
    ours = F.conv1d(F.pad(x, (window.left, window.right)), w, dilation=d)
    # torch pads by itself and warns that it copies; the kernel's parity decides.
    theirs = F.conv1d(
        F.pad(x, ((d * (k - 1)) // 2, d * (k - 1) - (d * (k - 1)) // 2)), w, dilation=d
    )
    torch.testing.assert_close(ours, theirs)
    assert ours.shape == x.shape


@given(windows, sizes, st.integers(0, 4))
def test_transposed_window_is_zero_insertion_and_a_stride_one_window(window, n, extra):
    assume(extra < max(window.stride, window.dilation))
    assume(max(window.padding) <= window.span - 1)
    expected = our_size(window.transposed_size, n, extra)
    assume(expected)
    inserted = zero_inserted_size(n, window.stride)
    assert window.transposed(extra).output_size(inserted) == expected


@given(windows, sizes)
def test_transposed_size_inverts_output_size_up_to_output_padding(window, n):
    assume(our_size(window.output_size, n))
    outputs = window.output_size(n)
    extra = n - ((outputs - 1) * window.stride + window.span - window.left - window.right)
    assert extra == (n + window.left + window.right - window.span) % window.stride
    assert window.transposed_size(outputs, extra) == n


@given(fields, fields, fields)
def test_composition_is_associative(a, b, c):
    assert (a | b) | c == a | (b | c)


@given(fields)
def test_identity_of_composition(a):
    assert a | Field() == a == Field() | a
    assert Window(1).field == Field()


@given(st.lists(windows, min_size=1, max_size=3), st.integers(0, 3))
def test_extent_of_a_chain_by_following_the_taps(chain, i):
    """The oracle: from one output, collect taps layer by layer down to the input."""
    seen = {i}
    for window in reversed(chain):
        # Positions count from the unpadded input of each layer, so they may be negative here.
        seen = {p * window.stride - window.left + t for p in seen
                for t in range(0, window.span, window.dilation)}  # fmt: skip
    assert compose(chain).extent(i) == (min(seen), max(seen))
    assert compose(chain).size == max(seen) - min(seen) + 1


@st.composite
def layers(draw):
    """A convolution or a pooling of torch over one axis."""
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(dilations)
    if draw(st.booleans()):
        padding = draw(st.sampled_from([0, 1, 4, "valid"] + ["same"] * (stride == 1)))
        options = {"stride": stride, "padding": padding, "dilation": dilation}
        return torch.nn.Conv1d(1, 1, kernel, **options)
    padding = draw(st.integers(0, kernel // 2))
    return torch.nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=draw(st.booleans()))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@examples(1000)
@given(st.lists(layers(), max_size=5), sizes)
def test_a_chain_puts_out_what_torchs_layers_put_out(chain, n):
    expected = torch_size(torch.nn.Sequential(*chain), torch.zeros(1, 1, n))
    assert our_size(compose(Window.of(layer)[0] for layer in chain).output_size, n) == expected


@given(fields, fields, fields)
def test_a_field_knows_its_windows_however_it_was_composed(a, b, c):
    assert ((a | b) | c).windows == a.windows + b.windows + c.windows == (a | (b | c)).windows


def test_sizes_of_a_chain_are_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"Field\(size=3, .* made from numbers"):
        Field(3).output_size(8)
    with pytest.raises(ValueError, match="made from numbers"):
        (Window(3) | Field(3)).output_size(8)
    with pytest.raises(ValueError, match=r"window 3 of 3, for n = 7 .* spans 3 positions.* = 2"):
        (Window(2, 2) | Window(2) | Window(3)).output_size(7)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        compose([]).output_size(0)
    assert compose([]).output_size(7) == 7


def test_the_name_of_version_0_1_works_and_says_what_it_is_called_now():
    for make in (Window, Window.valid, Window.full, Window.same):
        with pytest.warns(DeprecationWarning, match="called kernel_size") as told:
            assert make(kernel=3) == make(kernel_size=3) == make(3)
        assert told[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="called kernel_size"):
        assert Window(5).kernel == 5
    with pytest.raises(TypeError, match="kernel"):
        Window(kernel_size=3, kernel=3)


def test_half_integer_centres_are_exact():
    assert Window(2, stride=2).field.start == Fraction(1, 2)
    assert (Window(2, stride=2) | Window(2, stride=2)).start == Fraction(3, 2)
    assert Field(2, 1, 0.5) == Field(2, 1, Fraction(1, 2))


def test_windows_and_fields_mix_and_other_types_do_not():
    assert Window(3) | Window(3) == Window(3) | Window(3).field == Window(3).field | Window(3)
    with pytest.raises(TypeError):
        Window(3) | 3


@pytest.mark.parametrize(
    ("arguments", "named", "echoed"),
    [
        ({"kernel_size": 0}, "kernel_size", "0"),
        ({"kernel_size": 3, "stride": 0}, "stride", "0"),
        ({"kernel_size": 3, "stride": -1}, "stride", "-1"),
        ({"kernel_size": 3, "dilation": -2}, "dilation", "-2"),
        ({"kernel_size": 3, "dilation": 0}, "dilation", "0"),
        ({"kernel_size": 3, "padding": -1}, "padding", "-1"),
        ({"kernel_size": 3, "padding": (0, -1)}, "padding", "-1"),
        ({"kernel_size": 3, "padding": (1, 2, 3)}, "padding", "(1, 2, 3)"),
        ({"kernel_size": 3, "padding": "same"}, "padding", "'same'"),
        ({"kernel_size": 2.0}, "kernel_size", "2.0"),
        ({"kernel_size": "3"}, "kernel_size", "'3'"),
        ({"kernel_size": None}, "kernel_size", "None"),
        ({"kernel_size": True}, "kernel_size", "True"),
        ({"kernel_size": 3, "stride": False}, "stride", "False"),
        ({"kernel_size": 3, "padding": (True, 0)}, "padding", "True"),
        ({"kernel_size": np.float64(3)}, "kernel_size", "3.0"),
        ({"kernel_size": 3, "ceil_mode": 1}, "ceil_mode", "1"),
    ],
)
def test_bad_arguments_are_named_and_echoed(arguments, named, echoed):
    with pytest.raises(ValueError, match=named) as caught:
        Window(**arguments)
    assert echoed in str(caught.value)


@pytest.mark.parametrize("n", [0, -3, 2.5, True, "8"])
def test_bad_input_sizes_are_named_and_echoed(n):
    for method in (Window(1).output_size, Window(1).transposed_size):
        with pytest.raises(ValueError, match="n must be") as caught:
            method(n)
        assert repr(n) in str(caught.value)


def test_a_window_larger_than_its_padded_input_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match=r"spans 9 positions.* 4 \+ 1 \+ 2 = 7"):
        Window(5, dilation=2, padding=(1, 2)).output_size(4)


def test_other_refusals():
    with pytest.raises(ValueError, match="size is needed"):
        Window.same(3, stride=2)
    with pytest.raises(ValueError, match="output_padding must be smaller"):
        Window(3, stride=2).transposed_size(4, 2)
    with pytest.raises(ValueError, match="output_padding must be smaller"):
        Window(3, stride=2).transposed(2)
    with pytest.raises(ValueError, match="would have -3 entries"):
        Window(3, padding=3).transposed_size(1)
    with pytest.raises(ValueError, match="exceeds span - 1"):
        Window(3, padding=3).transposed()
    with pytest.raises(ValueError, match="does not centre"):
        Field(2, 1, 0)
    with pytest.raises(ValueError, match="jump"):
        Field(1, 0)
    with pytest.raises(ValueError, match="start"):
        Field(1, 1, "0")


def test_numpy_integers_are_integers():
    assert Window(np.int64(3), padding=(np.int32(1), 1)) == Window(3, padding=1)
    assert type(Window(np.int64(3)).kernel_size) is int


def test_windows_are_frozen_and_hashable():
    assert len({Window(3), Window(3, padding=0), Window(3, padding=(0, 0))}) == 1
    with pytest.raises(AttributeError):
        Window(3).kernel_size = 5


def test_importing_windows_does_not_import_torch():
    code = "import sys, cnnref.windows; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(
    st.sampled_from(["Conv", "MaxPool", "AvgPool"]),
    st.integers(1, 3),
    st.data(),
)
def test_the_windows_of_a_layer_make_the_sizes_that_it_makes(kind, axes, data):
    def each(low, high):
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    kernel, stride, size, wanted = each(1, 3), each(1, 3), each(5, 9), each(0, 1)
    padding = tuple(min(p, k // 2) for p, k in zip(wanted, kernel, strict=True))
    options = {"stride": stride, "padding": padding}
    if kind != "AvgPool":
        options["dilation"] = each(1, 2)
    if kind == "Conv":
        layer = getattr(torch.nn, f"Conv{axes}d")(1, 1, kernel, **options)
    else:
        options["ceil_mode"] = data.draw(st.booleans())
        layer = getattr(torch.nn, f"{kind}{axes}d")(kernel, **options)
    made = tuple(layer(torch.zeros(1, 1, *size)).shape[2:])
    assert made == tuple(w.output_size(n) for w, n in zip(Window.of(layer), size, strict=True))


def test_the_windows_of_a_layer_whose_padding_is_a_word():
    conv = torch.nn.Conv2d(1, 1, (3, 4), padding="same", dilation=(1, 2))
    assert Window.of(conv) == (Window.same(3), Window.same(4, dilation=2))
    assert Window.of(torch.nn.Conv1d(1, 1, 3, padding="valid")) == (Window(3),)
    assert Window.of(torch.nn.MaxPool2d(2)) == (Window(2, 2),) * 2

    class Mine(torch.nn.Conv2d):
        pass

    assert Window.of(Mine(1, 1, 3)) == (Window(3),) * 2


@pytest.mark.parametrize(
    "layer", [torch.nn.ConvTranspose2d(1, 1, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.ReLU(), 3]
)
def test_what_slides_no_window_has_none(layer):
    with pytest.raises(ValueError, match=f"not in {type(layer).__name__}"):
        Window.of(layer)
