"""All that is said of one row, in whatever table, agrees."""

import csv
import io
import json
from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, given
from torchvision import models

from cnnref.accounting import summarize
from cnnref.accounting.summary.columns import COLUMNS
from tests.accounting.graphs import COMBINING, EXACT, REARRANGING, networks
from tests.examples import examples

# Torch warns that it pads by itself for "same" and an even kernel.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
SINGLE = ("receptive_field", "support", "jump", "start")


def agrees(row, summary):
    """The rules that the values of one row keep."""
    n = len(row.fields)
    assert len({getattr(row, name) is None for name in SINGLE}) == 1
    for name in (*SINGLE, "clipped", "seen", "field_inputs"):
        assert len(getattr(row, name) or ()) in (0, n)
    assert (row.seen is None) == (row.clipped is None) == (not n)
    if row.receptive_field is not None:
        assert (row.reason, row.field_status) == ("", "complete")
        assert all(s <= size for s, size in zip(row.support, row.receptive_field, strict=True))
        assert all(jump >= 0 for jump in row.jump)
    elif n:
        assert row.reason
    if row.field_status == "unavailable":
        assert any(word in row.reason for word in ("no rule", "cuts", "in place", "spread"))
    for (first, last), clipped, (name, size) in zip(
        row.seen or (), row.clipped or (), row.axes, strict=True
    ):
        assert name in summary.inputs
        assert 0 <= clipped <= size
        assert clipped == 0 or (0 <= first <= last < size and clipped <= last - first + 1)
    assert row.flops == (None if row.macs is None else 2 * row.macs)
    assert (row.macs is None) == (row.macs_status == "unavailable")
    assert bool(row.uncounted) == (row.macs_status != "complete")
    assert row.trainable <= row.parameters
    shown_alike(row, summary)


def shown_alike(row, summary):
    """What is shown says no more than is known, and no less."""
    cell = COLUMNS["receptive_field"].text(row, summary.whole)
    assert cell.startswith("≤ ") == (bool(row.fields) and row.field_status != "complete")
    assert (cell == "") == (not row.fields)
    whole = tuple((0, size - 1) for _, size in row.axes)
    if cell.startswith("all "):
        assert (row.seen, row.field_status) == (whole, "complete")
        assert all((f.bounds == f.bounds[:, :1]).all() for f in row.fields)
    if "seen)" in cell:
        assert row.clipped < row.receptive_field or row.clipped != row.receptive_field
    ranges = COLUMNS["seen"].text(row, summary.whole)
    assert ranges.startswith("within ") == (row.field_status == "unavailable")
    assert COLUMNS["macs"].text(row, summary.whole).startswith("≥") == (
        row.macs_status == "partial"
    )


def read(cell, value):
    """A cell of a CSV as the kind of value that it should be."""
    if value is None:
        return None if cell == "" else cell
    if isinstance(value, bool):
        return cell == "True"
    if isinstance(value, int):
        return int(cell)
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return tuple(tuple(map(int, part.split(":"))) for part in cell.split("x"))
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return tuple(cell.split(" "))
    if isinstance(value, tuple):
        return tuple(Fraction(part) for part in cell.split("x")) if cell else ()
    return cell


def tables_say_all(summary):
    rows = list(csv.DictReader(io.StringIO(summary.to_csv())))
    told = json.loads(summary.to_json())["layers"]
    frame = summary.to_frame()
    assert len(rows) == len(told) == len(frame) == len(summary)
    for row, cells, values in zip(summary, rows, told, strict=True):
        for name, value in row.values().items():
            if name == "extras":
                value = {f"extras_{kind}": count for kind, count in value.items()}
                assert {key: int(cells[key]) for key in value} == value
                continue
            assert read(cells[name], value) == value, name
            back = values[name]
            if name in ("jump", "start", "jump_without_gates") and back is not None:
                assert [Fraction(each) for each in back] == [*value]
                continue
            assert json.dumps(back, default=str) == json.dumps(
                [*value] if isinstance(value, tuple) else value, default=str
            ), name


@examples(100, suppress_health_check=list(HealthCheck))
@given(networks(2, [*EXACT, *COMBINING, *REARRANGING], sizes=(6, 20)))
def test_rows_of_random_networks(case):
    net, size = case
    summary = summarize(net, inputs=torch.zeros(1, *size, dtype=torch.float64))
    for row in [*summary, *summary.blocks.values()]:
        agrees(row, summary)
    tables_say_all(summary)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("mobilenet_v3_small", 224), ("swin_t", 224), ("shufflenet_v2_x0_5", 64),
        ("efficientnet_b0", 64), ("googlenet", 64), ("densenet121", 64), ("vit_b_32", 224),
    ],
)  # fmt: skip
def test_rows_of_networks_of_others(name, size):
    with torch.device("meta"):
        options = {"init_weights": False} if name == "googlenet" else {}
        network = models.get_model(name, weights=None, **options)
    summary = summarize(network, (3, size, size))
    for row in [*summary, *summary.blocks.values()]:
        agrees(row, summary)
    tables_say_all(summary)
    assert sum(row.macs for row in summary) == summary[""].macs
