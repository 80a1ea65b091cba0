"""The books that a tensor's field keeps: dimensions, and channels with fields of their own."""

import torch
from torch.nn import functional as F

from cnnref.accounting.receptive_fields.joins import combined
from cnnref.accounting.receptive_fields.tensor import TensorField
from tests.accounting.support import row


def test_an_input_sees_itself():
    field = TensorField.of_input((1, 3, 5, 6), {2: 0, 3: 1})
    assert field.axes_of(2) == {0}
    assert field.axes_of(1) == set()
    assert field.union[1].measures() == (1, 1, 1, 0)
    assert field.reshaped((1, 3, 30)).axes_of(2) == {0, 1}
    assert field.reshaped((1, 3, 30)).reshaped((1, 3, 5, 6)).axes_of(3) == {1}
    assert field.permuted([0, 2, 3, 1]).axes_of(1) == {0}
    assert combined([field], (1, 3, 5, 6)) is field


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
