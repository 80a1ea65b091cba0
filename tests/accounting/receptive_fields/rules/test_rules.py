"""What operators do to fields: what is kept, what is lost, and the reason that is told."""

import pytest
import torch
from torch.nn import functional as F

from tests.accounting.support import row


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        (lambda x: x.flatten(2).unflatten(2, (8, 6)), (1, 1)),
        (lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2), (1, 1)),
        (lambda x: x.view(1, 2, 2, 8, 6).transpose(1, 2).reshape(1, 4, 8, 6), (1, 1)),
        (lambda x: F.conv2d(x, torch.zeros(4, 4, 3, 1)).flatten(2), (3, 1)),
        (lambda x: torch.cat([x[:, :2], F.conv2d(x, torch.zeros(2, 4, 3, 3), padding=1)], 1)[:, :2],
         (1, 1)),
        (lambda x: torch.cat([x[:, :2], F.conv2d(x, torch.zeros(2, 4, 3, 3), padding=1)], 1)[:, 2:],
         (3, 3)),
        (lambda x: torch.cat([x, F.avg_pool2d(x, 3, 1, 1)], 1), (3, 3)),
        (lambda x: F.pixel_shuffle(F.conv2d(x, torch.zeros(4, 4, 3, 3)), 2), (3, 3)),
        (lambda x: F.pixel_unshuffle(x, 2), (2, 2)),
        (lambda x: x.relu_().mul_(2).add(1), (1, 1)),
        (lambda x: torch.cat((x, x[:, :, :0]), 2), (1, 1)),
        (lambda x: torch.cat((F.avg_pool2d(x, 3), x[:, :0, :2, :2]), 1), (3, 3)),
        (lambda x: F.avg_pool2d(x, 3).detach_(), (3, 3)),
        (lambda x: F.avg_pool2d(x, 3).unsafe_split(2, 1)[1], (3, 3)),
        (lambda x: F.avg_pool2d(x, 3).squeeze_(0).unsqueeze_(0).transpose_(2, 3).mT, (3, 3)),
        (lambda x: torch.split(x, [0, 4], 1)[1] + 1, (1, 1)),
    ],
)  # fmt: skip
def test_views_and_channels_keep_fields(run, fields):
    told = row(run, 4, 8, 6)
    assert told.receptive_field == fields
    assert told.field_status == "complete"


@pytest.mark.parametrize(
    ("run", "status", "reason"),
    [
        (lambda x: x.mean((2, 3)), "complete", "a mean, sum or maximum over all positions"),
        (lambda x: F.adaptive_avg_pool2d(x, 1), "complete", "global pooling"),
        (lambda x: x.flatten(1) @ torch.zeros(192, 3), "complete", "sums over all positions"),
        (lambda x: F.linear(x.flatten(1), torch.zeros(3, 192)), "complete", "reads all positions"),
        (lambda x: x.softmax(2), "complete", "all positions are combined"),
        (lambda x: F.layer_norm(x, (4, 8, 6)), "complete", "the statistics of a normalisation"),
        (lambda x: x.cumsum(2), "complete", "sums over all positions so far"),
        (lambda x: x.flip(2), "partial", "positions are rearranged"),
        (lambda x: x.roll(1), "partial", "positions are rearranged"),
        (lambda x: torch.cat([x, x], 2), "partial", "positions are concatenated along an axis"),
        (lambda x: x.repeat(1, 1, 2, 1), "partial", "positions are repeated"),
        (lambda x: F.conv1d(x.flatten(2), torch.zeros(4, 4, 3)), "partial",
         "a window slides over a flattened axis"),
        (lambda x: x[:, 0, :, :1] * x[:, 0, :, 0][:, None], "partial",
         "positions of one axis meet in pairs"),
        (lambda x: x.view(1, 4, 4, 2, 6), "unavailable", "a view cuts through an axis"),
        (lambda x: F.grid_sample(x, torch.zeros(1, 8, 6, 2), align_corners=False), "unavailable",
         "no rule for grid_sampler_2d"),
        (lambda x: x + F.interpolate(F.max_pool2d(x, 2), scale_factor=3)[:, :, :8, :6], "complete",
         "paths of different jumps meet"),
    ],
)  # fmt: skip
def test_reasons(run, status, reason):
    told = row(run, 4, 8, 6)
    assert told.receptive_field is None
    assert reason in told.reason
    assert told.field_status == status


@pytest.mark.parametrize(
    "run",
    [
        lambda x: torch.stack((x[:, :0], x[:, :0])),
        lambda x: x[..., :0] @ x[..., :0].mT,
        lambda x: x[:, :, :0].reshape(1, 0, 8).permute(0, 2, 1),
        lambda x: F.pad(x[..., :0], (1, 1)),
        lambda x: x[:0].relu().flatten(1).sum(0),
    ],
)
def test_what_has_no_entries_sees_nothing(run):
    told = row(run, 4, 8, 6)
    assert (told.receptive_field, told.seen, told.field_status) == (None, None, "complete")
    assert (told.macs, told.macs_status) == (0, "complete")


def test_a_view_that_cuts_what_sees_everything_keeps_it():
    def gate(x):
        return (x * x.mean((2, 3), keepdim=True)).view(1, 4, 2, 4, 6).permute(0, 2, 1, 3, 4)

    told = row(gate, 4, 8, 6)
    assert (told.field_status, told.seen) == ("complete", ((0, 7), (0, 5)))
    assert "over all positions" in told.reason
    local = row(lambda x: x.view(1, 4, 2, 4, 6), 4, 8, 6)
    assert (local.field_status, local.reason) == ("unavailable", "a view cuts through an axis")


def test_a_slice_after_rearranging_says_no_more_than_it_knows():
    told = row(lambda x: x.flip(2)[:, :, 3], 4, 8)
    assert told.field_status == "partial"
    assert told.seen == ((0, 7),)


def test_an_index_made_of_the_input_steers_what_is_picked():
    told = row(lambda x: x.index_select(1, x.mean((0, 2)).argmax()[None]), 4, 8)
    assert told.receptive_field is None
    assert told.seen == ((0, 7),)
    assert "over all positions" in told.reason


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (lambda x: F.avg_pool1d(x.flip(2), 3).mean(2), "complete"),  # all are read
        (lambda x: x.flip(2)[:, :, ::2].mean(2), "partial"),
        (lambda x: x.index_select(2, torch.tensor([3, 5])).mean(2), "partial"),
        (lambda x: x.roll(1, 2)[:, :, 0], "partial"),
    ],
)
def test_what_is_left_out_after_rearranging_is_not_claimed_to_be_seen(run, status):
    told = row(run, 4, 9)
    assert told.seen == ((0, 8),)
    assert told.field_status == status
