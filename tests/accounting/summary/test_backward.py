"""Rows with what a training step adds."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cnnref.accounting import compare, summarize
from cnnref.models import PlainCNN

STEP = ("name", "backward_macs", "saved_bytes")


class Calls(nn.Module):
    """Calls functions between layers, and one layer twice."""

    def __init__(self):
        super().__init__()
        self.conv, self.body = nn.Conv2d(3, 3, 3, padding=1), nn.Sequential(nn.Linear(8, 8))

    def forward(self, x):
        x = torch.tanh(self.conv(torch.tanh(self.conv(x))))
        return F.linear(self.body(x), self.body[0].weight)


def test_rows_blocks_and_totals_agree():
    told = summarize(Calls(), (3, 8, 8)).with_backward()
    assert sum(row.backward_macs for row in told) == told.total_backward_macs
    assert sum(row.saved_bytes for row in told) == told[""].saved_bytes
    first, second = (row for row in told if row.name == "conv")
    assert second.backward_macs == 2 * first.backward_macs == 2 * first.macs
    assert told[":linear"].backward_macs == 2 * told[":linear"].macs
    assert told["body"].backward_macs == told["body.0"].backward_macs
    # What functions keep stands in the row of the module that calls them: here what each tanh
    # gives, and what the last product takes.
    assert next(row for row in told if row.name == "").saved_bytes == 3 * 3 * 8 * 8 * 4


def test_columns_take_the_step_that_they_need():
    plain = summarize(PlainCNN(), (3, 32, 32))
    assert plain.layers[0].backward_macs is None
    asked = summarize(PlainCNN(), (3, 32, 32), columns=STEP)
    assert asked.layers[0].backward_macs == plain.layers[0].macs
    assert plain.text(columns=STEP) == asked.text()
    assert plain.to_markdown(columns=STEP) == asked.to_markdown()
    assert plain.to_html(columns=STEP) == asked.to_html()
    assert plain.to_latex(columns=STEP) == asked.to_latex()
    assert "saved_bytes" in asked.to_csv().splitlines()[0].split(",")
    assert plain.with_backward() is plain.with_backward()


def test_two_networks_side_by_side():
    one, other = (nn.Sequential(nn.Linear(4, n), nn.Tanh()) for n in (500, 1000))
    told = compare(one, other, (4,)).text(columns=("backward_macs", "saved_bytes"))
    row = next(line for line in told.splitlines() if line.startswith("1 "))
    assert [word for word in row.split() if "." in word] == ["2.0", "4.0"]  # kB of each tanh


def test_blocks_of_a_collapsed_summary_hold_the_sums():
    whole = summarize(nn.Sequential(Calls(), nn.Tanh()), (3, 8, 8))
    rows = whole.with_backward().collapsed(1)
    # Asked the other way round, what a block keeps itself is with the block.
    assert [row.saved_bytes for row in whole.collapsed(1).with_backward()] == [
        row.saved_bytes for row in rows
    ]
    assert sum(row.backward_macs for row in rows) == whole.total_backward_macs


def test_memory_of_a_row():
    row = summarize(nn.Sequential(nn.Linear(4, 6).double()), (4,))["0"]
    assert (row.parameter_bytes, row.output_bytes) == (8 * 30, 8 * 6)


@pytest.mark.parametrize("training", [False, True])
def test_the_mode_is_that_of_the_summary(training):
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5))
    told = summarize(model, (4,), training=training).with_backward()
    assert told["1"].saved_bytes == (24 if training else 0)
