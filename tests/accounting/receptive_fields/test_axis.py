"""Chains of layers along one axis against sets of positions that plain loops collect."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnref.accounting.receptive_fields.axis import AxisField, joined
from cnnref.accounting.receptive_fields.taps import Taps
from cnnref.windows import Window, compose

small = st.integers(1, 4)
windows = st.builds(
    Window, st.integers(1, 5), small, st.tuples(*[st.integers(0, 4)] * 2), small, st.booleans()
)


def of(window):
    return Taps.window(window.kernel_size, window.stride, window.padding, window.dilation)


def reads_of_window(k, s, p, d):
    return lambda i: {i * s - p + d * t for t in range(k)}


def reads_of_transposed(k, s, p, d):
    """By scattering: unit `i` of the layer below is added to the units `i s - p + d t`."""
    return lambda j: {i for i in range(-50, 200) if j in {i * s - p + d * t for t in range(k)}}


def reads_of_adaptive(n, m):
    return lambda i: set(range(floor(Fraction(i * n, m)), ceil(Fraction((i + 1) * n, m))))


def reads_of_nearest(scale):
    return lambda i: {floor(i * scale)}


def reads_of_linear(scale):
    def read(i):
        place = (i + Fraction(1, 2)) * scale - Fraction(1, 2)
        return {floor(place), ceil(place)}

    return read


@st.composite
def layers(draw):
    """The taps of a layer, what it reads by its definition, and its number of units over `n`."""
    kind = draw(st.sampled_from(["window", "transposed", "nearest", "linear"]))
    k, s, d = draw(small), draw(small), draw(st.integers(1, 3))
    p = draw(st.integers(-2, 3))
    if kind == "window":
        size = lambda n: (n + 2 * p - d * (k - 1) - 1) // s + 1  # noqa: E731
        return Taps.window(k, s, (p, p), d), reads_of_window(k, s, p, d), size
    if kind == "transposed":
        p = max(p, 0)
        size = lambda n: (n - 1) * s - 2 * p + d * (k - 1) + 1  # noqa: E731
        return Taps.transposed(k, s, p, d), reads_of_transposed(k, s, p, d), size
    scale = Fraction(draw(small), draw(small))
    size = lambda n: floor(n / scale)  # noqa: E731
    by = reads_of_nearest if kind == "nearest" else reads_of_linear
    return Taps.interpolation(scale, kind), by(scale), size


def clamped(border, reads, n):
    if border == "clamp":
        return {min(max(t, 0), n - 1) for t in reads}
    return {t for t in reads if 0 <= t < n}


@given(st.lists(layers(), min_size=1, max_size=4), st.integers(4, 30))
def test_chains_against_sets(chain, n):
    field, real = AxisField.of_input(n), [{i} for i in range(n)]
    reads = [read for _, read, _ in chain]

    def endless(level, unit):
        if level < 0:
            return {unit}
        return set().union(*(endless(level - 1, t) for t in reads[level](unit)))

    for level, (taps, read, size) in enumerate(chain):
        below, units = len(real), size(len(real))
        assume(0 < units < 150)
        field = field.through(taps, units)
        real = [
            set().union(*(real[t] for t in clamped(taps.border, read(unit), below)))
            for unit in range(units)
        ]
        assert field.units == units
        for unit, found in enumerate(real):
            assert field.seen(unit) == ((min(found), max(found)) if found else None)
        ideal = [endless(level, unit) for unit in range(min(units, 12))]
        for unit, positions in enumerate(ideal):
            assert field.positions(unit) == sorted(positions)
        seen = [found for found in real if found]
        assert field.clipped == max((max(f) - min(f) + 1 for f in seen), default=0)
        if seen:
            assert field.whole == (min(map(min, seen)), max(map(max, seen)))
        if taps.period * len(chain) <= 4 and len(ideal) >= 12 and all(ideal):
            extent, support, _, start = field.measures()
            assert extent >= max(max(f) - min(f) + 1 for f in ideal)
            assert support >= max(map(len, ideal))
            assert start == Fraction(min(ideal[0]) + max(ideal[0]), 2)


@given(st.lists(windows, max_size=5), st.integers(1, 60))
def test_chains_of_windows_agree_with_their_algebra(chain, n):
    field = AxisField.of_input(n)
    for window in chain:
        try:
            units = window.output_size(field.units)
        except ValueError:
            assume(False)
        field = field.through(of(window), units)
    algebra = compose(chain)
    size, support, jump, start = field.measures()
    assert (size, jump, start) == (algebra.size, algebra.jump, algebra.start)
    assert support <= size
    for unit in (0, field.units - 1):
        positions = field.positions(unit)
        assert (positions[0], positions[-1]) == algebra.extent(unit)


@given(small, st.integers(2, 4), st.integers(20, 30))
def test_dilation_leaves_holes(kernel, dilation, n):
    field = AxisField.of_input(n).through(Taps.window(kernel, dilation=dilation), 5)
    assert field.measures()[:2] == (dilation * (kernel - 1) + 1, kernel)


@given(st.integers(1, 30), st.integers(1, 30))
def test_adaptive_pooling(n, m):
    field = AxisField.of_input(n).through(Taps.adaptive(n, m), m)
    for unit in range(m):
        window = sorted(reads_of_adaptive(n, m)(unit))
        assert field.positions(unit) == window
        assert field.seen(unit) == (window[0], window[-1])


@pytest.mark.parametrize(
    ("border", "expected"),
    [("zeros", (0, 0)), ("clamp", (0, 0)), ("reflect", (0, 2))],
)
def test_what_lies_beyond_a_border(border, expected):
    """A window over three positions before the first."""
    field = AxisField.of_input(6).through(Taps.window(1, 1, (2, 2), 1, border), 10)
    first = field.seen(0), field.seen(2)
    assert first == ({"zeros": None, "clamp": (0, 0), "reflect": (2, 2)}[border], (0, 0))
    both = field.through(Taps.window(3), 8)
    assert both.seen(0) == expected


def test_a_cut_shifts_the_field():
    field = AxisField.of_input(10).through(Taps.window(1, 1, (-3, -2)), 5)
    assert field.measures() == (1, 1, 1, 3)
    assert field.whole == (3, 7)


@given(windows, windows, st.integers(10, 40))
def test_joins_are_unions(one, two, n):
    a, b = AxisField.of_input(n).through(of(one), 8), AxisField.of_input(n).through(of(two), 8)
    both = joined(a, b)
    for unit in range(8):
        seen = [field.seen(unit) for field in (a, b) if field.seen(unit)]
        expected = (min(s[0] for s in seen), max(s[1] for s in seen)) if seen else None
        assert both.seen(unit) == expected
        if one.stride == two.stride:
            assert both.positions(unit) == sorted({*a.positions(unit), *b.positions(unit)})
    if one.stride != two.stride:
        assert both.measures() is None
        assert both.reason == "paths of different jumps meet"


def test_a_join_with_what_sees_everything():
    x = AxisField.of_input(5)
    gate = x.collapsed("global pooling")
    for both in (joined(x, gate), joined(gate, x)):
        assert both.reason == "global pooling"
        assert both.over(5).seen(4) == (0, 4)
        # A window over the result has all its units, not the one that stands for them.
        assert both.over(5).through(Taps.window(2, 2), 2).seen(1) == (0, 4)


def test_sums_so_far_and_rearranged_positions():
    x = AxisField.of_input(6)
    assert x.so_far("sums").seen(3) == (0, 3)
    moved = x.loosened("rearranged")
    assert moved.loose
    assert moved.whole == (0, 5)
    assert not moved.collapsed("all").loose
    assert moved.collapsed("all").reason == "all"
    # Once some are left out, nobody knows which are there.
    some = moved.taken(4, "taken")
    assert some.whole == (0, 5)
    assert some.thinned
    assert some.collapsed("all").loose
    assert some.collapsed("all").reason == "rearranged"
    assert joined(x, some).thinned
    assert x.thin() is x


@pytest.mark.parametrize(
    ("stride", "outputs", "all_read"), [(1, 6, True), (2, 4, True), (3, 2, False)]
)
def test_whether_all_units_are_read(stride, outputs, all_read):
    assert Taps.window(2, stride, (0, 1)).reads_all(7 if stride == 2 else 6, outputs) == all_read


def test_a_pattern_too_long_to_follow_is_told():
    field = AxisField.of_input(100)
    for scale in (Fraction(64, 63), Fraction(62, 61), Fraction(60, 59)):
        field = field.through(Taps.interpolation(scale, "linear"), 90)
    assert field.measures() is None
    assert field.reason == "its pattern does not repeat"
