"""A table of times, of numbers that are given."""

import html

import pytest

from cnnref.accounting import AccountingError, Latency
from cnnref.accounting.summary.latencies import Timed

WHOLE = Timed("", "Net", False, (0.010, 0.012, 0.020))
CALLS = (
    Timed("body", "Block", False, (0.006, 0.006, 0.006)),
    Timed("body.conv", "Conv2d", True, (0.003, 0.001, 0.002)),
    Timed("body.act", "ReLU", True, (0.0015, 0.0015, 0.0015)),
    Timed("body.conv", "Conv2d", True, (0.004, 0.004, 0.004)),
    Timed("head", "Linear", True, (0.003, 0.003, 0.003)),
)
TOLD = Latency("Net", ((1, 3, 8, 8), (1, 5)), "cpu", WHOLE, CALLS)


def test_a_row_has_a_median_and_quartiles():
    assert CALLS[1].median == 0.002
    assert CALLS[1].quartiles == (0.0015, 0.0025)
    assert Timed("", "Net", False, (0.5,)).quartiles == (0.5, 0.5)


def test_a_name_is_that_of_its_first_call():
    assert TOLD["body.conv"] is CALLS[1]
    assert TOLD[""] is WHOLE
    assert [*TOLD] == ["", "body", "body.conv", "body.act", "head"]
    assert len(TOLD) == 5
    with pytest.raises(AccountingError, match="unknown layer 'tail'"):
        TOLD["tail"]


def test_rows_are_layers_or_blocks():
    assert TOLD.rows() == [*CALLS[1:]]
    assert TOLD.rows(1) == [CALLS[0], CALLS[4]]
    assert TOLD.rows(2) == [*CALLS[1:]]


def test_the_table():
    rule = 56 * "-"
    assert TOLD.text(depth=1).splitlines() == [
        "Net on 1x3x8x8, 1x5, cpu: milliseconds, 3 repeats",
        rule,
        "layer          kind    median         quartiles    share",
        rule,
        "body           Block    6.000    6.000 to 6.000   50.0 %",
        "head           Linear   3.000    3.000 to 3.000   25.0 %",
        rule,
        "whole network  Net     12.000  11.000 to 16.000  100.0 %",
    ]


def test_what_a_notebook_shows():
    assert repr(TOLD) == "<Latency of Net on cpu: 12.000 ms; layers: 4, repeats: 3>"
    assert repr(WHOLE) == "<Timed '': Net, 12.000 ms>"
    assert TOLD.text() in html.unescape(TOLD._repr_html_())
    assert str(TOLD) == TOLD.text()
