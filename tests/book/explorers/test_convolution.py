"""The explorer of windows: its numbers against the library's, and taken hold of by a reader."""

from io import BytesIO

import pytest
import torch
from pypdf import PdfReader

from cnnref.convolution import conv1d, conv1d_input_gradient
from cnnref.windows import Window

from ..pages import NEXT_FRAME, PHONE
from .reader import Reader

NAME = "explorer-convolution"
CELL = 36
SETTINGS = [
    {"n": 8, "k": 3, "s": 2, "d": 1, "l": 0, "r": 0},
    {"n": 12, "k": 3, "s": 4, "d": 2, "l": 1, "r": 2},
    {"n": 9, "k": 1, "s": 3, "d": 3, "l": 0, "r": 1},
    {"n": 20, "k": 7, "s": 1, "d": 1, "l": 3, "r": 3},
]


def numbers(texts):
    return [float(text.replace("−", "-")) for text in texts]


def row(reader, name):
    return numbers(reader.grip(name).locator("text").all_text_contents())


def painted_numbers(reader, grid):
    return numbers(cell["text"] for cell in reader.painted(grid))


def press_cell(reader, row, at, columns):
    """Press the middle of a cell of a grid whose cells lie side by side."""
    grip = reader.grip(row).locator(".room").first
    side = grip.bounding_box()["width"] / columns
    place = {"x": (at % columns + 0.5) * side, "y": (at // columns + 0.5) * side}
    grip.click(position=place, force=True)


def sums(reader):
    """Products at the taps, then their running total."""
    return numbers(reader.box.locator(".sum text").all_text_contents())


def given(reader, name, length):
    return torch.tensor(
        reader.page.evaluate(f"window.cnnref.convolution.{name}([{length}])"), dtype=torch.float64
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_sum_is_shown_where_it_happens(visit, setting):
    reader = Reader(visit("line"), NAME)
    reader.set(**setting)
    window = Window(setting["k"], setting["s"], (setting["l"], setting["r"]), setting["d"])
    x, w = given(reader, "inputsOf", setting["n"]), given(reader, "weightsOf", window.kernel_size)
    assert row(reader, "long") == x.tolist()
    assert numbers(reader.grip("window").locator("text").all_text_contents()) == w.tolist()
    out = conv1d(x, w, window)
    assert row(reader, "short") == out.tolist()
    for at in range(len(out)):
        reader.slider().fill(str(at))
        shown = sums(reader)
        products = torch.tensor(shown[: window.kernel_size], dtype=torch.float64)
        assert shown[window.kernel_size :] == products.cumsum(0).tolist()
        assert shown[-1] == out[at]
        assert reader.words().endswith(f"= {f'{out[at]:g}'.replace('-', '−')}.")


def test_a_transposed_convolution_adds_up_window_by_window(visit):
    reader = Reader(visit("twice"), "one")
    window = Window(3, 2, 1)
    x, w = given(reader, "inputsOf", 4), given(reader, "weightsOf", 3)
    assert row(reader, "short") == x.tolist()
    for at in range(4):
        reader.slider().fill(str(at))
        so_far = torch.where(torch.arange(4) <= at, x, 0)
        expected = conv1d_input_gradient(so_far, w, window, size=window.transposed_size(4))
        assert row(reader, "long") == expected.tolist()


@pytest.mark.parametrize("touch", [False, True])
def test_the_picture_is_taken_hold_of(visit, touch):
    page = visit("line", PHONE, has_touch=touch)
    reader = Reader(page, NAME)
    scale = reader.box.locator("svg").evaluate("e => e.getScreenCTM().a")
    drag = lambda name, cells: reader.drag(name, CELL * scale * cells, touch=touch)  # noqa: E731
    drag("window", 4)
    assert reader.at() == 2
    drag("window", -2)
    assert reader.at() == 1
    drag("k", 2)
    assert reader.value("k") == "5"
    drag("k", -3)
    assert reader.value("k") == "2"
    drag("d", 1)
    assert (reader.value("k"), reader.value("d")) == ("2", "2")
    drag("l", -1)
    drag("r", 2)
    assert (reader.value("l"), reader.value("r")) == ("1", "2")
    # However far one drags, the kernel fits.
    drag("k", 9)
    assert (reader.value("k"), reader.value("d")) == ("6", "2")
    drag("k", -9)
    drag("l", 9)
    assert (reader.value("k"), reader.value("l")) == ("1", "0")
    assert reader.box.locator("[aria-invalid=true]").count() == 0
    assert "k=1" in reader.link()
    assert page.evaluate("scrollX") == 0


def test_a_number_that_is_pressed_says_whom_it_feeds(visit):
    page = visit("line")
    reader = Reader(page, NAME)
    window = Window(3, 2)
    reader.grip("short").locator(".cell").nth(2).click()
    assert reader.at() == 2
    for position in range(8):
        reader.grip("long").locator(".cell").nth(position).click(force=True)
        reads = [i for i in range(3) if position in window.taps(i)]
        assert (f"Input {position + 1} feeds output" in reader.words()) == bool(reads)
        assert reader.grip("short").locator(".lit").count() == len(reads)
        assert reader.box.locator(".feeding path").count() == len(reads)
        for i in reads:
            assert f"{i + 1} by w{'₁₂₃'[list(window.taps(i)).index(position)]}" in reader.words()
    assert reader.words().endswith("feeds no output: it counts for nothing.")
    reader.press("Step")
    assert reader.box.locator(".feeding path").count() == 0


def test_grips_answer_to_keys_and_keep_the_focus(visit):
    page = visit("line")
    reader = Reader(page, NAME)
    kernel = reader.box.get_by_role("slider", name="Kernel: how many taps")
    kernel.focus()
    for key, expected in (("ArrowRight", 4), ("ArrowLeft", 3), ("End", 7), ("Home", 1)):
        page.keyboard.press(key)
        assert (reader.value("k"), kernel.get_attribute("aria-valuenow")) == (str(expected),) * 2
        assert page.evaluate("document.activeElement.dataset.grip") == "k"
    assert kernel.get_attribute("aria-valuetext") == "1 wide"
    page.keyboard.press("Control+ArrowRight")
    assert reader.value("k") == "1"
    inputs = reader.box.get_by_role("slider", name="Input: whom it feeds")
    inputs.focus()
    page.keyboard.press("End")
    assert inputs.get_attribute("aria-valuetext") == reader.words()
    assert reader.words().startswith("Input 8 feeds no output")
    assert reader.box.get_by_role("status").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("touch", [False, True])
def test_two_axes_are_taken_hold_of(visit, touch):
    page = visit("twice", has_touch=touch)
    reader = Reader(page, "two")
    scale = reader.box.locator("svg").first.evaluate("e => e.getScreenCTM().a")
    drag = lambda name, right, down=0: reader.drag(  # noqa: E731
        name, CELL * scale * right, CELL * scale * down, touch=touch
    )
    drag("window", 1, 2)
    assert reader.words().startswith("Output (3, 2) reads")
    assert sum(painted_numbers(reader, 1)) == painted_numbers(reader, 2)[7]
    drag("d", 1)
    drag("d2", 0, 1)
    assert (reader.value("d"), reader.value("d2")) == ("2", "2")
    drag("d", -1)
    drag("d2", 0, -1)
    drag("k", 1)
    drag("k2", 0, -1)
    drag("l2", 0, -1)
    named = ("k", "k2", "d", "d2", "l", "l2")
    assert [reader.value(name) for name in named] == ["4", "2", "1", "1", "0", "1"]
    press_cell(reader, "short", 3, columns=2)
    assert reader.at() == 3
    # Cells that were painted while the setting changed show what new ones would.
    again = Reader(visit("twice", fragment=reader.link()), "two")
    for grid in range(3):
        assert again.painted(grid) == reader.painted(grid)
        pixels = [
            each.box.locator("canvas").nth(grid).evaluate("canvas => canvas.toDataURL()")
            for each in (again, reader)
        ]
        assert pixels[0] == pixels[1]


def two_axes(visit, operation):
    """An explorer of two axes, and its windows down and across."""
    page = visit(
        "twice", fragment=f"#two?operation={operation}&n=5&n2=4&k=2&k2=3&s=2&l=1&l2=1&at=2"
    )
    return Reader(page, "two"), Window(3, 1, (1, 0)), Window(2, 2, (1, 0))


@pytest.mark.parametrize("operation", ["convolution", "transposed"])
def test_a_number_of_a_grid_that_is_pressed_says_whom_it_feeds(visit, operation):
    reader, down, across = two_axes(visit, operation)
    sizes = [(w.output_size(n), n) for w, n in ((down, 4), (across, 5))]
    if operation == "transposed":
        sizes = [(n, w.transposed_size(n)) for w, n in ((down, 4), (across, 5))]
    (rows, tall), (columns, wide) = sizes
    # Row by row, those of the border among them; under the frame, too.
    long, short = (2, 0) if operation == "transposed" else (0, 2)
    entries = [cell for cell in reader.painted(long) if cell["kind"].startswith("entry")]
    assert len(entries) == tall * wide
    for r, c in ((0, 0), (0, 2), (tall - 1, wide - 1), (1, wide - 1), (tall - 1, 0)):
        box = reader.grip("long").locator(".room").bounding_box()
        side = box["width"] / wide
        reader.page.mouse.click(box["x"] + (c + 0.5) * side, box["y"] + (r + 0.5) * side)
        reads = {
            i * columns + j
            for i in range(rows)
            for j in range(columns)
            if r in down.taps(i) and c in across.taps(j)
        }
        verb = "is fed by" if operation == "transposed" else "feeds"
        assert f"put ({r + 1}, {c + 1}) {verb}" in reader.words()
        assert (f"{verb} no" in reader.words()) == (not reads)
        lit = [i for i, cell in enumerate(reader.painted(short)) if cell["lit"]]
        assert lit == sorted(reads)
    reader.press("Step")
    assert reader.at() == 2


def test_arrow_keys_move_from_number_to_number_of_a_grid(visit):
    reader, _, _ = two_axes(visit, "convolution")
    inputs = reader.box.get_by_role("slider", name="Input: whom it feeds")
    inputs.focus()
    for key, place in (
        ("ArrowRight", "(1, 2)"), ("ArrowDown", "(2, 2)"), ("ArrowLeft", "(2, 1)"),
        ("ArrowUp", "(1, 1)"), ("End", "(4, 5)"),
    ):  # fmt: skip
        reader.page.keyboard.press(key)
        assert reader.words().startswith(f"Input {place} feeds")
        assert inputs.get_attribute("aria-valuetext") == reader.words()
    assert reader.box.get_by_role("status").get_attribute("aria-live") == "polite"
    spread = reader.box.get_by_role("slider", name="Dilation down: how far the taps are apart")
    spread.focus()
    reader.page.keyboard.press("ArrowRight")
    assert (reader.value("d2"), reader.value("d")) == ("2", "1")
    assert reader.page.evaluate("document.activeElement.dataset.grip") == "d2"


@pytest.mark.parametrize("operation", ["convolution", "transposed"])
def test_a_screen_reader_is_told_the_numbers_of_the_grids_row_by_row(visit, operation):
    reader, _, _ = two_axes(visit, operation)
    names = ["input", "The products of the window", "output"]
    for _ in range(2):
        for grid, name in enumerate(names):
            rows = {}
            for cell in reader.painted(grid):
                if cell["kind"] not in ("padding", "cut"):
                    rows.setdefault(cell["y"], []).append(cell["text"])
            told = f"{name}, row by row: " + "; ".join(map(", ".join, rows.values()))
            reader.box.get_by_role("img", name=told, exact=True).wait_for()
            assert all(text.strip() for texts in rows.values() for text in texts)
        reader.press("Step")  # other products, and another output of a transposed one


def test_numbers_of_grids_are_printed_as_letters_and_on_white(visit):
    page = visit("twice", color_scheme="dark")
    reader = Reader(page, "two")
    page.evaluate(NEXT_FRAME)
    # How light the opaque dots of a canvas are, from 0 to 1.
    page.evaluate("""() => {
      window.lightness = () => [...document.querySelectorAll("#two canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const opaque = data.filter((_, i) => data[i - (i % 4) + 3] === 255 && i % 4 < 3);
        return opaque.reduce((sum, shade) => sum + shade, 0) / opaque.length / 255;
      });
    }""")
    before = page.evaluate("lightness()")
    assert max(before) < 0.4
    pages = PdfReader(BytesIO(page.pdf(format="A4"))).pages
    letters = "".join(page.extract_text() for page in pages).split()
    for grid in range(3):
        texts = [cell["text"] for cell in reader.painted(grid)]
        assert all(letters.count(text) >= texts.count(text) for text in texts)
    # To look at the dots makes them dots on paper, too; so this is looked at the second time.
    page.evaluate(
        """() => addEventListener("beforeprint", () => { window.printed = lightness(); })"""
    )
    page.pdf()
    assert min(page.evaluate("printed")) > 0.7
    page.evaluate(NEXT_FRAME)
    assert page.evaluate("lightness()") == before
