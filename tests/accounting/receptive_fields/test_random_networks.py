"""The fields of random networks, against what the gradients of the same networks say."""

from math import ceil

import pytest
import torch
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import summarize
from tests.accounting.graphs import COMBINING, EXACT, REARRANGING, networks
from tests.accounting.support import Does, outputs, sets, slope
from tests.examples import examples

# Torch warns that it pads by itself for "same" and an even kernel.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

many = examples(500, suppress_health_check=list(HealthCheck))


_NOT_ZEROS = ("reflect", "repl", "circular", "roll", "interp")
"""Nodes at whose borders units see positions that are not in their field on an endless input."""


def some(units):
    """The first and the last units, and some in between."""
    return sorted({*range(min(units, 4)), units // 3, units // 2, *range(max(units - 3, 0), units)})


def check(net, size, every=False):
    """Every node's row against the gradients of the node's units."""
    counted = summarize(net, inputs=torch.zeros(1, *size, dtype=torch.float64))
    for node in net.nodes:
        node.measuring = True
    x = torch.ones(1, *size, dtype=torch.float64, requires_grad=True)
    kept = outputs(net, x)
    margin, zeros, blank = [0] * (len(size) - 1), True, False
    for i, node in enumerate(net.nodes):
        row, values = counted[f"nodes.{i}"], kept[f"nodes.{i}"]
        assert row.output_shape == tuple(values.shape)
        if not row.fields:  # of a token before the positions, say, only the token is left
            assert row.receptive_field is None
            assert not (values.requires_grad and slope(values.sum(), x).any())
            continue
        zeros = zeros and not any(word in node.title for word in _NOT_ZEROS)
        # A unit that sees nothing along one axis sees nothing along the others.
        nothing = (bool((r.bounds[0] > -r.bounds[1]).any()) for r in row.fields)
        blank = blank or (len(size) > 2 and any(nothing))
        spread = any(field.units == 1 for field in row.fields)
        for axis, field in enumerate(row.fields):
            measures = field.measures()
            margin[axis] += 0 if measures is None else 4 * ceil(measures[2])
            units = values.shape[2 + axis] if values.dim() > 2 else values.shape[1]
            asked = range(units) if every else some(units)
            told = f"node {i} ({node.title}), axis {axis}, reason {field.reason!r}"
            for unit, found in zip(asked, sets(values, x, asked, axis, 1e-9), strict=True):
                bounds_agree(field, unit, units, found, told, blank, spread)
                if field.unclipped is not None and found:
                    # One unit stands for all of an axis that shrank to one position and was spread.
                    assert field.units in (1, units), told
                    ideal = set(field.positions(unit if field.units == units else 0))
                    told_too = f"{told}, unit {unit}: {sorted(found)}, field {sorted(ideal)}"
                    if zeros:
                        assert found <= ideal, told_too
                    far = margin[axis] + max(ideal, default=0) - min(ideal, default=0)
                    if ideal and far <= min(ideal) and max(ideal) < size[1 + axis] - far:
                        event("far from the borders")
                        assert found == ideal, told_too
        assert (row.receptive_field is None) == any(r.unclipped is None for r in row.fields)
        assert row.receptive_field is not None or row.reason
        event(row.reason or "field")


def bounds_agree(field, unit, units, found, told, blank, spread):
    """What a unit is said to see, against what it was found to depend on."""
    ends = (min(found), max(found)) if found else None
    told = f"{told}, unit {unit} depends on {sorted(found)}"
    if not field.known:
        return
    # A unit all of whose window lies in the padding depends on nothing. That is told for each axis
    # by itself, and not along an axis all of whose units are said to see the same.
    if not found and (spread or blank):
        return
    if field.loose or blank:
        assert field.whole[0] <= ends[0], told
        assert ends[1] <= field.whole[1], told
        return
    if field.units in (1, units):
        seen = field.seen(unit if field.units == units else 0)
    else:  # a view has put the positions of a single block among the channels
        assert units == 1, told
        seen = field.whole
    assert seen == ends, f"{told}, said to see {seen}"


@many
@given(networks(1, EXACT, most=4, sizes=(100, 250)))
def test_fields_far_from_the_borders(case):
    check(*case)


@many
@given(networks(1, [*EXACT]))
def test_fields_along_one_axis(case):
    check(*case, every=True)


@many
@given(networks(2, [*EXACT], sizes=(6, 20)))
def test_fields_along_two_axes(case):
    check(*case)


@many
@given(networks(1, [*EXACT, *COMBINING, *COMBINING]))
def test_what_sees_everything_along_one_axis(case):
    check(*case, every=True)


@many
@given(networks(2, [*EXACT, *COMBINING, *COMBINING], sizes=(6, 20)))
def test_what_sees_everything_along_two_axes(case):
    check(*case)


@many
@given(networks(1, [*EXACT, *REARRANGING, *REARRANGING]))
def test_what_is_rearranged(case):
    check(*case, every=True)


def _goes_round(kernel, stride, dilation, shift):
    """A layer that treats all places alike, and shrinks an input that its stride divides."""
    reach = dilation * (kernel - 1)
    w = torch.ones(1, 1, kernel, dtype=torch.float64)

    def run(x):
        padded = F.pad(x, (shift, reach - shift), mode="circular") if reach else x
        return F.conv1d(padded, w, stride=stride, dilation=dilation).roll(shift, 2)

    return Does(run)


@examples(150)
@given(
    layers=st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([1, 1, 2]), st.integers(1, 3)), min_size=1,
        max_size=4,
    ),
    size=st.integers(2, 4),
    data=st.data(),
)  # fmt: skip
def test_a_network_that_goes_round_sees_its_field_at_every_place(layers, size, data):
    n = size * 16
    net = nn.Sequential(
        *(
            _goes_round(k, s, d, data.draw(st.integers(0, d * (k - 1))))
            for k, s, d in layers
            if d * (k - 1) < size  # no padding goes round more than once
        ),
        nn.Identity(),
    )
    x = torch.ones(1, 1, n, dtype=torch.float64, requires_grad=True)
    row, values = summarize(net, inputs=x.detach()).layers[-1], net(x)
    field = row.fields[0]
    assert (row.field_status, field.unclipped is None) == ("complete", False)
    for unit, found in enumerate(sets(values, x, range(values.shape[2]))):
        assert found == {position % n for position in field.positions(unit)}
        assert field.seen(unit) == (min(found), max(found))
