"""The ladder from the records' files, and its operations by walking over the layers by hand.

Nothing here imports cnnref.
"""

import json
import math
from pathlib import Path

import pytest

RESULTS = Path(__file__).parents[2] / "cnnref" / "results"


@pytest.fixture
def page(chapter):
    return chapter("from-60-to-94")


def files(name):
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}/seed-*.json"))]


def macs(widths):
    """Positions times taps times channels, layer by layer."""
    total, side, channels = 31 * 31 * 4 * 3 * 24, 31, 24
    for width in widths:
        total += side * side * 9 * channels * width
        side //= 2
        total += side * side * 9 * width * width
        channels = width
    return total + channels * 10


def test_multiply_accumulates_by_hand(page):
    for name in ("ladder-batch-norm", "ladder-width", "ladder-94"):
        (first, *_) = files(name)
        widths = first["experiment"]["arguments"].get("widths", (64, 256, 256))
        assert page["macs"](page["rungs"][name]) == macs(widths)
    (first, *_) = files("ladder-94")
    epochs = first["experiment"]["recipe"]["epochs"]
    by_hand = 6 * macs((64, 256, 256)) * epochs * 50_000
    assert page["operations"](page["last"]) == by_hand


def test_the_table_from_the_files(page):
    means = {}
    for name in page["LADDER"]:
        accuracies = [record["final"]["accuracy"] for record in files(name)]
        assert len(accuracies) == 3
        means[name] = math.fsum(accuracies) / 3
    for line, name in zip(page["lines"][2:], page["LADDER"], strict=True):
        assert f"| {100 * means[name]:.1f} % |" in line
    assert means["ladder-94"] >= 0.94


def test_seeds_of_the_mirrored_rung_are_those_below_it(page):
    """The same training, asked twice: every training loss is the same."""
    for one, two in zip(files("ladder-smoothing"), files("ladder-mirror"), strict=True):
        assert one["history"]["train_loss"] == two["history"]["train_loss"]
        assert one["final"] != two["final"]


def test_the_gap_of_a_smoothed_label(page):
    assert page["gap"] == pytest.approx(math.log(901), abs=1e-12)


def test_what_the_chapter_prints_is_short():
    """The network and its training: fewer than 200 lines."""
    lines = 0
    for file, start in (
        ("models/fast.py", "    def __init__("),
        ("training/fast.py", "    place = choose_device(device)"),
    ):
        text = (RESULTS.parent / file).read_text()
        lines += text[text.index(start) :].count("\n")
    assert lines < 200
