"""The books that a tensor's field keeps: dimensions, and channels with fields of their own."""

import pytest
import torch
from torch.nn import functional as F

from cnnref.accounting.receptive_fields.joins import combined
from cnnref.accounting.receptive_fields.reading import reshaped
from cnnref.accounting.receptive_fields.tensor import TensorField
from tests.accounting.support import row, sets


def test_an_input_sees_itself():
    field = TensorField.of_input((1, 3, 5, 6), {2: 0, 3: 1})
    assert field.axes_of(2) == {0}
    assert field.axes_of(1) == set()
    assert field.union[1].measures() == (1, 1, 1, 0)
    assert field.permuted([0, 2, 3, 1]).axes_of(1) == {0}
    assert combined([field], (1, 3, 5, 6)) is field


def test_a_view_flattens_axes_and_takes_them_apart_again():
    field = TensorField.of_input((1, 3, 5, 6), {2: 0, 3: 1})
    flat = reshaped(field, (1, 3, 30))
    assert flat.axes_of(2) == {0, 1}
    assert reshaped(flat, (1, 3, 5, 6)).axes_of(3) == {1}


def test_channels_keep_their_fields_through_a_stack_and_groups():
    def stacked(x):
        y = torch.cat([x, F.avg_pool1d(x, 3, 1, 1)], 1)  # channels of 1 and of 3
        return torch.stack([y, F.avg_pool1d(y, 3, 1, 1)], 2)  # and of 3 and of 5

    fields = [[row(lambda x, c=c, s=s: stacked(x)[:, c, s], 2, 8).receptive_field[0]
               for s in range(2)] for c in (0, 2)]  # fmt: skip
    assert fields == [[1, 3], [3, 5]]

    def siamese(x):
        both = torch.cat([x, F.avg_pool1d(x, 3, 1, 1)], 0)
        return F.conv1d(both, torch.zeros(2, 2, 3), padding=1)

    assert [row(lambda x, i=i: siamese(x)[i], 2, 8).receptive_field for i in range(2)] == [
        (3,),
        (5,),
    ]


def test_a_gate_keeps_its_units():
    """Each unit of a strided layer over a gated one sees everything, not only the first."""

    def gated(x):
        return F.avg_pool1d(x * x.mean(2, keepdim=True), 2)

    told = row(gated, 4, 12)
    assert [told.fields[0].seen(unit) for unit in range(6)] == [(0, 11)] * 6


def test_one_position_that_is_spread_has_no_field_of_its_own():
    told = row(lambda x: F.interpolate(F.conv1d(x, torch.zeros(4, 4, 8)), size=5), 4, 8)
    assert (told.receptive_field, told.reason) == (None, "one position is spread over all")
    assert told.seen == ((0, 7),)


def test_channels_of_constants_see_nothing_but_do_not_disturb():
    told = row(lambda x: torch.cat([x, torch.zeros(1, 2, 8)], 1)[:, :4], 4, 8)
    assert told.receptive_field == (1,)


def _blocks(x):
    """Blocks of 4 by 4, whose places are channels; one block is all of the last axis."""
    apart = x[..., :4].reshape(1, 4, 2, 4, 1, 4)
    return apart.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def _widened(x):
    return F.avg_pool2d(x, (1, 3), 1, (0, 1))


def _halves_met(x):
    """Channels that see the left half and the right half, to which positions are added."""
    halves = torch.cat([x[:, :2, :, :2], x[:, :2, :, 2:4]], 1)
    return halves.mean(3, keepdim=True) + x[:, 0, :4, 0][:, :, None, None]


def _turned(x, dim):
    """A square beside itself, turned."""
    square = x[:, :, :6]
    return torch.cat([square, square.transpose(2, 3)], dim).mean(2, keepdim=True)


PARTS = {
    "a channel of blocks": lambda x: _blocks(x)[:, :4].mean((2, 3), keepdim=True),
    "a channel of flipped blocks": lambda x: _blocks(x).flip(1).mean((2, 3), keepdim=True)[:, :4],
    "one of two laid end to end": lambda x: torch.cat([x, _widened(x)], 2)[:, :, :8],
    "one of two that take turns": lambda x: (
        torch.stack([x[..., :3], x[..., 3:]], 3).flatten(2, 3)[:, :, ::2].mean(3, keepdim=True)
    ),
    "a channel that positions were added to": lambda x: _halves_met(x)[:, :1],
    "a channel that an index names": lambda x: torch.cat([x, _widened(x)], 1)[:, [0, 1, 2, 3]],
    "the first of sums so far": lambda x: torch.cat([x, _widened(x)], 1).cumsum(1)[:, :4],
    "one of two of which one is turned": lambda x: _turned(x, 3)[..., :6],
    "channels of which some are turned": lambda x: _turned(x, 1)[:, :4],
    "a tap of more than are followed": lambda x: (
        x.repeat_interleave(150, 2).unfold(2, 1100, 100).mean(2, keepdim=True)[..., 0]
    ),
}


@pytest.mark.parametrize("run", PARTS.values(), ids=PARTS.keys())
def test_a_part_of_what_is_told_in_one_sees_no_more_than_itself(run):
    """Where entries of different fields are told in one, that is a bound for each part of them."""
    x = torch.ones(1, 4, 8, 6, dtype=torch.float64, requires_grad=True)
    values, told = run(x), row(lambda t: run(t.double()), 4, 8, 6)
    for axis, field in enumerate(told.fields):
        assert field.known
        units = range(values.shape[2 + axis])
        for unit, found in enumerate(sets(values, x, units, axis)):
            if field.loose:
                assert field.whole[0] <= min(found) <= max(found) <= field.whole[1]
            else:
                seen = field.seen(unit if field.units == len(units) else 0)
                assert seen == (min(found), max(found)), (axis, unit)
