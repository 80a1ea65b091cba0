"""The explorer of pooling, driven as a reader would, against the library and the chapter."""

import math
import re

import pytest
import torch

from cnnref.convolution import avg_pool, max_pool
from cnnref.windows import Window

from ..pages import PHONE
from .reader import Reader

NAME = "explorer-pooling"
# What has the focus: a control by its id, a grip by its name, all else by its words.
FOCUSED = """() => {
  const { id, tagName, dataset, innerText } = document.activeElement;
  if (id) return id;
  if (dataset.grip) return `${dataset.grip === "x" ? "row of" : "grip"} ${dataset.grip}`;
  return tagName === "SUMMARY" ? "Settings" : innerText;
}"""
ARRAY = [0.4, 0.1, 0.5, 0.9, 0.01, 0.3, 0.8]


@pytest.fixture
def reader(visit):
    return Reader(visit("pooling"), NAME)


def cells(reader, row, kind="entry"):
    """The numbers of one row of the picture, from the top: x, y, y', x'."""
    found = reader.box.locator(f".cell.{kind}").evaluate_all(
        "cells => cells.map(c => [c.getCTM().f, c.textContent])"
    )
    heights = sorted({y for y, _ in found})
    numbers = (text for y, text in found if y == heights[row])
    return [float(text.replace("−", "-").replace("∞", "inf")) for text in numbers]


def brief(values):
    return [round(value, 2) for value in values]


def changed_marks(reader):
    return [mark == "≠" for mark in reader.box.locator(".marks text").all_text_contents()]


SETTINGS = [
    {"k": 1, "s": 1, "l": 0, "r": 0, "by": 1},
    {"k": 3, "s": 1, "l": 0, "r": 2, "by": -1},
    {"k": 7, "s": 1, "l": 0, "r": 6, "by": 2},
    {"k": 2, "s": 2, "l": 1, "r": 1, "by": 4},
    {"k": 4, "s": 3, "l": 5, "r": 2, "by": -9},
]


@pytest.mark.parametrize("around", [False, True])
def test_maxima_before_and_after_a_shift(reader, around):
    x = torch.tensor([0.4, -0.1, 0.5, 0.9, 0.01, -0.3, 0.8], dtype=torch.float64)
    reader.set(x=" ".join(map(str, x.tolist())))
    reader.choose("it wraps round" if around else "zeros enter")
    for setting in SETTINGS:
        reader.set(**setting)
        by, window = setting["by"], Window(setting["k"], setting["s"], (setting["l"], setting["r"]))
        wide = torch.nn.functional.pad(x, (20, 20)).roll(by)
        moved = x.roll(by) if around else wide[20:-20]
        for words, fill in (("padding of zeros", 0.0), ("padding of −∞", -math.inf)):
            reader.choose(words)
            before, after = (max_pool(v, window, fill=fill).tolist() for v in (x, moved))
            rows = [cells(reader, row) for row in range(4)]
            assert rows == [brief(x.tolist()), brief(before), brief(after), brief(moved.tolist())]
            expected = [a != b for a, b in zip(before, after, strict=True)]
            assert changed_marks(reader) == expected
            assert reader.box.locator(".cell.changed").count() == 2 * sum(expected)
            outputs = f"{len(before)} output{'s' * (len(before) != 1)}"
            assert reader.words().startswith(f"{sum(expected)} of {outputs} changed")


def test_means_count_the_padding_or_leave_it_out(reader):
    x = torch.tensor(ARRAY, dtype=torch.float64)
    reader.choose("mean")
    assert reader.words().startswith("7 of 7 outputs changed")  # as the chapter's tour says
    reader.set(k=3, s=2, l=2, r=3, by=2)
    moved = torch.cat([torch.zeros(2), x[:-2]])
    for words, counted in (("padding of zeros", True), ("padding left out", False)):
        reader.choose(words)
        window = Window(3, 2, (2, 3))
        before, after = (avg_pool(v, window, count_padding=counted) for v in (x, moved))
        assert cells(reader, 1) == pytest.approx(before.tolist(), abs=0.00501)
        assert cells(reader, 2) == pytest.approx(after.tolist(), abs=0.00501)
        change = float((after - before).abs().sum())
        told = re.findall(r"\| = ([\d.]+)", reader.formula())
        assert float(told[1]) == pytest.approx(change, abs=0.000501)
    slider = reader.slider()
    slider.fill("0")
    assert "Output 1 was mean(0.4) = 0.4 and is mean(0) = 0. It changed." in reader.words()


def test_the_winner_and_its_window_are_lit(reader):
    reader.set(k=3, r=2, by=0)
    assert reader.words().startswith("0 of 7 outputs changed, and 0 of 7 inputs. ")
    for i, winner in enumerate(("0.5", "0.9", "0.9", "0.9", "0.8", "0.8", "0.8")):
        reader.slider().fill(str(i))
        assert reader.box.locator(".cell.tap").all_text_contents() == [winner] * 2
        assert reader.lit(".cell") == 2 * (3 + 1)
        assert reader.lit("path") == 2


def test_a_late_peak_as_in_the_chapter(reader):
    reader.choose("swap two")
    reader.set(i=4)
    for taps, changes, distance in ((1, 2, 1.78), (3, 2, 0.5), (7, 1, 0.1)):
        reader.set(k=taps)
        reader.press("F − 1 at the end")
        assert f"{changes} of 7 outputs changed, and 2 of 7 inputs" in reader.words()
        assert f"| = {distance}\n" in reader.formula()
    assert "TV(x) = 2.78, TV(y) = 0.1" in reader.formula()
    reader.press("Left")
    assert reader.box.locator(f"#{NAME}-i").input_value() == "3"
    assert reader.box.locator(".entered").count() == 2


def test_buttons_stop_at_the_ends(reader):
    by = reader.box.locator(f"#{NAME}-by")
    reader.set(by=15)
    for value in ("16", "16"):
        reader.press("Right")
        assert by.input_value() == value
    reader.choose("swap two")
    reader.set(i=6)
    reader.press("Right")
    assert reader.box.locator(f"#{NAME}-i").input_value() == "6"
    reader.press("Same padding")
    same = Window.same(3, size=7)
    pads = [reader.box.locator(f"#{NAME}-{end}").input_value() for end in "lr"]
    assert pads == [str(same.left), str(same.right)]
    reader.press("No padding")
    assert reader.words().startswith("0 of 5 outputs changed")


def test_strides_and_shifts(reader):
    reader.set(x="0 0 1 1 0 0 1 1 0 0 1 1", k=2, s=2, r=0, by=1)
    reader.choose("it wraps round")
    assert reader.words().startswith("3 of 6 outputs changed, and 6 of 12 inputs")
    assert "only if the stride, 2, divides the shift" in reader.formula()
    reader.press("Right")
    told = "The outputs move along by 1 place: of the 5 that stay in view, 5 keep their value."
    assert told in reader.formula()
    reader.set(by=4)
    assert reader.words().startswith("0 of 6 outputs changed")
    reader.set(x="0 1 0 1 0 1 1", k=1, s=3, by=0)
    assert "Crossed out: 4 inputs that no window reads." in reader.formula()
    assert reader.box.locator(".idle").count() == 8  # in both inputs


def test_padding_that_wins_is_told(reader):
    reader.set(x="-.5 -.3 -.8 -.2 -.6", k=3, l=1, r=1)
    assert "In y, 2 outputs come from the padding." in reader.formula()
    reader.choose("padding of −∞")
    assert "come from the padding" not in reader.formula()
    reader.set(l=3)
    assert "In y, 1 output comes from the padding." in reader.formula()
    assert "TV(y) = undefined" in reader.formula()
    assert "NaN" not in reader.box.inner_text()


@pytest.mark.parametrize(
    ("control", "typed", "told"),
    [
        ("x", "", "must hold 1 to 16 numbers, not 0"),
        ("x", "1 2 x", "“x” is not a number"),
        ("k", "10", "the window spans 10 positions, but the input with its padding has only 9"),
        ("by", "17", "must be a whole number from -16 to 16"),
        ("by", "1.5", "must be a whole number from -16 to 16"),
        ("s", "0", "must be a whole number from 1 to 8"),
    ],
)
def test_a_mistake_is_told_beside_the_control(reader, control, typed, told):
    good = reader.words()
    field = reader.field(control)
    value = field.input_value()
    field.fill("")
    field.press_sequentially(typed)
    assert reader.box.locator(f"#{NAME}-{control}-mistake").inner_text() == told
    assert reader.box.locator("[aria-invalid=true]").count() == 1
    assert told in reader.words()
    field.fill(value)
    assert reader.words() == good


def test_entries_to_swap_must_exist(reader):
    reader.choose("swap two")
    mistake = reader.box.locator(f"#{NAME}-i-mistake")
    reader.set(i=7)
    assert mistake.inner_text() == "must be a whole number from 1 to 6"
    reader.set(i=1, x="5")
    assert mistake.inner_text() == "needs an input of two entries or more"
    reader.set(x="5 4", k=1)
    assert reader.words().startswith("2 of 4 outputs changed")


def test_the_keyboard_alone_will_do(reader):
    page = reader.page
    focused = lambda: page.evaluate(FOCUSED)  # noqa: E731
    reader.unfold()
    reader.box.locator("input:visible").first.focus()
    stops = [focused()]
    while stops[-1] != "Start again" and len(stops) < 40:
        page.keyboard.press("Tab")
        stops.append(focused())
    assert [stop.removeprefix(f"{NAME}-") for stop in stops] == [
        "op-max", "move-shift", "row of x", "grip by", "grip k", "grip l", "grip r",
        "Play", "Back", "Step", "at", "Settings", "x", "k", "s", "l", "r", "fill-zeros",
        "No padding", "F − 1 at the end", "Same padding", "by", "enters-zeros", "Left", "Right",
        "Link to this setting", "Start again",
    ]  # fmt: skip
    before = reader.words()
    page.locator(f"#{NAME}-by").focus()
    page.keyboard.press("ArrowDown")
    assert reader.words().startswith("0 of 7 outputs changed")
    page.get_by_role("button", name="Right").focus()
    page.keyboard.press("Space")
    assert reader.words() == before
    page.locator(f"#{NAME}-op-max").focus()
    page.keyboard.press("ArrowRight")
    assert "Output 1 was mean(0.4, 0.1, 0.5)" in reader.words()
    page.locator(f"#{NAME}-at").focus()
    page.keyboard.press("End")
    assert "Output 7 was mean(0.8, 0, 0)" in reader.words()


# --- taken hold of -------------------------------------------------------------------------------


@pytest.mark.parametrize("touch", [False, True])
def test_the_picture_is_taken_hold_of(visit, touch):
    reader = Reader(visit("pooling", PHONE, has_touch=touch), NAME)
    cell = 36 * reader.box.locator(".explorer-stage svg").evaluate("e => e.getScreenCTM().a")
    drag = lambda name, right: reader.drag(name, right * cell, touch=touch)  # noqa: E731
    drag("window", 2)
    assert reader.at() == 2
    drag("k", -1)
    assert reader.value("k") == "2"
    drag("k", 1)
    drag("by", 2)
    assert reader.value("by") == "3"
    assert "shifted 3 places to the right" in reader.grip("by").get_attribute("aria-valuetext")
    drag("by", -3)
    assert reader.words().startswith("0 of 7 outputs changed, and 0 of 7 inputs.")
    drag("l", -2)
    assert reader.value("l") == "2"
    reader.drag("x3", 0, -40 * cell / 36, touch)  # five tenths up
    assert reader.value("x").split(", ")[3] == "1.4"
    x = torch.tensor([*ARRAY[:3], 1.4, *ARRAY[4:]], dtype=torch.float64)
    assert cells(reader, 1) == brief(max_pool(x, Window(3, 1, (2, 2)), fill=0.0).tolist())
    reader.choose("swap two")
    drag("i", -2)
    assert reader.value("i") == "2"


def test_a_pressed_entry_tells_who_reads_it(reader):
    picture = reader.box.locator(".explorer-stage svg")
    picture.scroll_into_view_if_needed()
    before = reader.words()
    reader.grip("x3").click()
    assert reader.words() == "Input 4, 0.9, is read by outputs 2, 3 and 4 and decides 2, 3 and 4."
    assert picture.locator(".cell.lit").all_text_contents() == ["0.9", "0.9", "0.9", "0.9"]
    reader.grip("x4").click()
    assert reader.words() == "Input 5, 0.01, is read by outputs 3, 4 and 5 and decides none."
    picture.locator(".changed").first.click()
    assert reader.words() == before
    row = reader.box.get_by_role("slider", name="Input", exact=True)
    row.focus()
    read = "Input 7, 0.8, is read by outputs 5, 6 and 7"
    for key, told in (("End", read), ("ArrowLeft", "Input 6")):
        reader.page.keyboard.press(key)
        assert reader.words().startswith(told)
        assert row.get_attribute("aria-valuetext") == reader.words()
    reader.page.keyboard.press("Tab")
    assert reader.words() == before
    reader.choose("mean")
    reader.set(s=3)
    reader.grip("x0").click()
    assert reader.words() == "Input 1, 0.4, is read by output 1 and counts in each."


def test_an_edge_stops_where_a_window_would_not_fit(reader):
    reader.drag("k", 2000)
    assert reader.value("k") == "9"  # seven entries and two of padding
    reader.drag("window", 2000)
    assert reader.at() == 0
    assert reader.box.locator("[aria-invalid=true]").count() == 0
    reader.grip("k").focus()
    reader.page.keyboard.press("Home")
    assert reader.value("k") == "1"
    assert reader.page.evaluate("document.activeElement.dataset.grip") == "k"


def test_a_setting_can_be_shared(reader, visit):
    reader.choose("swap two")
    reader.set(x="1 -2 .5 4", k=2, s=2, r=1, i=2)
    reader.choose("mean")
    reader.choose("padding left out")
    reader.press("Step")
    link = reader.link()
    other = Reader(visit("pooling", fragment=link), NAME)
    assert (other.words(), other.formula(), other.link()) == (
        reader.words(), reader.formula(), link
    )  # fmt: skip
    assert "by=" not in link
