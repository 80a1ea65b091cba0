"""What operators do to fields: what is kept, what is lost, and the reason that is told."""

from fractions import Fraction

import pytest
import torch
from torch.nn import functional as F

from tests.accounting.support import row


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        (lambda x: x.flatten(2).unflatten(2, (8, 6)), (1, 1)),
        (lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2), (1, 1)),
        (lambda x: x.roll(1, 2), (1, 1)),
        (lambda x: x + x.roll((1, -2), (2, 3)), (2, 3)),
        (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="circular"), 3, 1), (3, 3)),
        (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1), (3, 3)),
        (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1), (3, 3)),
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
        (lambda x: x.flip(2), "complete", "positions are flipped"),
        (lambda x: x.roll(1), "partial", "positions are rearranged"),
        (lambda x: torch.cat([x, x], 2), "complete", "positions are concatenated along an axis"),
        (lambda x: torch.cat([x.flatten(2)] * 2, 2), "partial", "positions are concatenated along"),
        (lambda x: torch.cat([x, F.avg_pool2d(x, 3, 1, 1)], 2), "partial", "are concatenated"),
        (lambda x: x.repeat(1, 1, 2, 1), "complete", "positions are repeated"),
        (lambda x: F.conv1d(x.flatten(2), torch.zeros(4, 4, 3)), "partial",
         "a window slides over a flattened axis"),
        (lambda x: x[:, 0, :, :1] * x[:, 0, :, 0][:, None], "partial",
         "positions of one axis meet in pairs"),
        (lambda x: x.reshape(1, 4, 3, 16), "unavailable", "a view cuts through an axis"),
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


def test_what_was_repeated_is_laid_end_to_end():
    def run(x):
        twice = x.repeat_interleave(2, 2)
        return torch.cat([twice[:, :, -2:], twice, twice[:, :, :2]], 2)

    field = row(run, 4, 8).fields[0]
    seen = [field.seen(unit) for unit in (0, 2, 3, 4, 19)]
    assert seen == [(7, 7), (0, 0), (0, 0), (1, 1), (0, 0)]


def test_a_view_that_cuts_what_sees_everything_keeps_it():
    def gate(x):
        return (x * x.mean((2, 3), keepdim=True)).view(1, 4, 2, 4, 6).permute(0, 2, 1, 3, 4)

    told = row(gate, 4, 8, 6)
    assert (told.field_status, told.seen) == ("complete", ((0, 7), (0, 5)))
    assert "over all positions" in told.reason
    local = row(lambda x: x.reshape(1, 4, 3, 16), 4, 8, 6)
    assert (local.field_status, local.reason) == ("unavailable", "a view cuts through an axis")


def test_a_slice_after_rearranging_says_no_more_than_it_knows():
    told = row(lambda x: x.index_select(2, torch.arange(7, -1, -1))[:, :, 3], 4, 8)
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
        (lambda x: F.avg_pool1d(x.roll(1), 3).mean(2), "complete"),  # all are read
        (lambda x: x.roll(1)[:, :, ::2].mean(2), "partial"),
        (lambda x: x.index_select(2, torch.tensor([3, 5])).mean(2), "partial"),
        (lambda x: x.roll(1)[:, :, 0], "partial"),
    ],
)
def test_what_is_left_out_after_rearranging_is_not_claimed_to_be_seen(run, status):
    told = row(run, 4, 9)
    assert told.seen == ((0, 8),)
    assert told.field_status == status


def _space_to_depth(x, b=4):
    n, c, h, w = x.shape
    apart = x.view(n, c, h // b, b, w // b, b).permute(0, 1, 3, 5, 2, 4)
    return apart.reshape(n, c * b * b, h // b, w // b)


@pytest.mark.parametrize("blocks", [_space_to_depth, lambda x: F.pixel_unshuffle(x, 4)])
def test_space_to_depth_by_views_is_what_torchs_is(blocks):
    after = row(lambda x: F.conv2d(blocks(x), torch.zeros(5, 48, 3, 3)), 3, 32, 32)
    assert (after.receptive_field, after.jump) == ((12, 12), (4, 4))
    assert (after.clipped, after.field_status) == ((12, 12), "complete")
    # One channel holds one place of each block.
    some = row(lambda x: F.conv2d(blocks(x)[:, 5:6], torch.zeros(5, 1, 3, 3)), 3, 32, 32)
    assert (some.receptive_field, some.support) == ((9, 9), (3, 3))
    assert some.seen == ((1, 29), (1, 29))


@pytest.mark.parametrize(
    ("run", "size", "jump"),
    [
        (lambda x: x.view(1, 4, 2, 4, 8).reshape(x.shape), 1, 1),
        (lambda x: F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3),
                            torch.zeros(4, 4, 3, 3)), 2, Fraction(1, 2)),
        (lambda x: F.fold(F.unfold(x, 3, padding=1), (8, 8), 3, padding=1), 1, 1),
        (lambda x: F.fold(torch.zeros(36, 36) @ F.unfold(x, 3, padding=1), (8, 8), 3, padding=1),
         5, 1),
        (lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True), 4, 2),
        (lambda x: F.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True), 8, 2),
        (lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2), 1, 1),
        (lambda x: x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)), 2, 2),
    ],
)  # fmt: skip
def test_what_stays_local(run, size, jump):
    told = row(run, 4, 8, 8)
    assert (told.receptive_field, told.jump) == ((size, size), (jump, jump))
    assert told.field_status == "complete"


def test_more_fields_than_are_followed_are_told_as_a_bound():
    told = row(lambda x: F.unfold(x, (40, 40)), 1, 50, 50)
    assert told.field_status == "partial"
    assert told.clipped == (50, 40)  # a window of the one axis, and any of the other
    cut = row(lambda x: x.view(1, 1, 2, 2000), 1, 4000)
    assert (cut.field_status, cut.reason) == ("unavailable", "a view cuts through an axis")


def test_a_single_window_that_is_folded_is_told_as_a_bound():
    """A corner sees itself alone, and not what else the window's taps have seen."""
    told = row(lambda x: F.fold(F.unfold(x, 3, 2, 0, 2), (6, 6), 3, 2, 0, 2).relu(), 1, 6, 6)
    assert (told.field_status, told.reason) == ("partial", "a single window is folded")


def _two_kinds(x):
    """Channels that see themselves, and as many that see three by three."""
    return torch.cat([x[:, :2], F.avg_pool2d(x[:, 2:], 3, 1, 1)], 1)


@pytest.mark.parametrize(
    "run",
    [
        lambda y: F.interpolate(y, size=(1, 1)).softmax(2),
        lambda y: F.interpolate(y, size=(1, 1)).softmax(3).cumsum(2),
        lambda y: F.group_norm(F.interpolate(y, size=(1, 1)), 2),
        lambda y: F.adaptive_avg_pool2d(y[:, :, :1, :1], 1),
        lambda y: F.interpolate(y, size=(1, 1)).cumsum(3),
    ],
)
def test_channels_keep_their_fields_where_only_positions_meet(run):
    told = row(lambda x: run(_two_kinds(x))[:, :2], 4, 8, 6)
    assert (told.seen, told.field_status) == (((0, 0), (0, 0)), "complete")
    others = row(lambda x: run(_two_kinds(x))[:, 2:], 4, 8, 6)
    assert others.seen == ((0, 1), (0, 1))


def test_instance_norm_keeps_channels_apart():
    kinds = lambda x: torch.cat([x[:, :2, :4], x[:, 2:, 4:]], 1)  # noqa: E731
    told = row(lambda x: F.instance_norm(kinds(x))[:, :2], 4, 8, 6)
    assert told.seen == ((0, 3), (0, 5))
    assert row(lambda x: F.group_norm(kinds(x), 1)[:, :2], 4, 8, 6).seen == ((0, 7), (0, 5))


def test_an_axis_along_two_dimensions_all_of_whose_positions_see_alike():
    def run(x):
        y = F.conv1d((x * x.mean((2, 3), keepdim=True)).flatten(2), torch.zeros(4, 4, 1))
        return F.conv2d(y.unflatten(2, (8, 6)) + x, torch.zeros(4, 4, 3, 3), stride=2)

    told = row(run, 4, 8, 6)
    assert (told.seen, told.field_status) == (((0, 7), (0, 5)), "complete")


def test_a_window_all_of_whose_positions_lie_in_the_padding_sees_nothing():
    told = row(lambda x: F.unfold(x * x.mean(), 1, padding=1).unflatten(2, (10, 8)), 4, 8, 6)
    assert [told.fields[0].seen(unit) for unit in (0, 1, 9)] == [None, (0, 7), None]
