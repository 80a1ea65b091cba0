"""The explorer of the matrix: what one takes hold of, presses, and reads in the picture."""

import pytest
import torch

from cnnref.convolution import conv1d, conv1d_kernel_gradient
from cnnref.windows import Window

from ..pages import PHONE
from .reader import Reader

NAME = "explorer-matrix"
X, W = [3.0, 1, 4, 1, 5, 9, 2], [2.0, 3, 5]


@pytest.fixture
def reader(visit):
    return Reader(visit("matrix"), NAME)


def factors(reader):
    """The numbers beside the taps of what is lit, and their products."""
    drawn = reader.box.locator(".factors")
    cells, sums = (drawn.locator(kind).all_text_contents() for kind in (".cell > text", ".sum"))
    return [float(text) for text in cells], [float(text) for text in sums if text != "+"]


@pytest.mark.parametrize("touch", [False, True])
def test_the_window_and_the_weights_are_taken_hold_of(visit, touch):
    reader = Reader(visit("matrix", PHONE, has_touch=touch), NAME)
    scale = reader.box.locator(".explorer-stage svg").evaluate("e => e.getScreenCTM().a")
    reader.drag("window", 3 * 36 * scale, touch=touch)
    assert reader.at() == 3
    reader.drag("window", -36 * scale, touch=touch)
    assert reader.words().startswith("Row 3 of the matrix: ")
    reader.drag("w1", 0, -40 * scale, touch=touch)
    assert reader.value("w") == "2, 7, 5"
    z = conv1d(torch.tensor(X), torch.tensor([2.0, 7, 5]), Window(3)).tolist()
    assert f"= ({', '.join(f'{value:g}' for value in z)})" in reader.formula()
    reader.set(s=2)
    reader.drag("window", -2 * 36 * scale, touch=touch)
    assert reader.at() == 1
    reader.grip("w0").focus()
    for key in ("ArrowDown", "PageDown"):
        reader.page.keyboard.press(key)
    assert reader.value("w") == "-2, 7, 5"
    assert reader.page.evaluate("document.activeElement.dataset.grip") == "w0"


@pytest.mark.parametrize("touch", [False, True])
def test_the_padding_and_the_kernels_edge_are_taken_hold_of(visit, touch):
    reader = Reader(visit("matrix", PHONE, has_touch=touch), NAME)
    scale = reader.box.locator(".explorer-stage svg").evaluate("e => e.getScreenCTM().a")
    reader.drag("l", -2 * 36 * scale, touch=touch)
    reader.drag("r", 36 * scale, touch=touch)
    assert (reader.value("l"), reader.value("r")) == ("2", "1")
    reader.drag("k", 36 * scale, touch=touch)
    assert reader.value("k") == "4"
    w = [float(number) for number in reader.value("w").split(",")]
    z = conv1d(torch.tensor(X), torch.tensor(w), Window(4, 1, (2, 1))).tolist()
    assert f"= ({', '.join(f'{value:g}' for value in z)})" in reader.formula()
    heads = reader.box.locator("tbody th").all_inner_texts()
    assert [float(text.split("\n")[-1].replace("−", "-")) for text in heads] == z
    # However far one drags, the kernel fits, and the padding stays within its limits.
    reader.drag("l", -40 * 36 * scale, touch=touch)
    reader.drag("k", 40 * 36 * scale, touch=touch)
    assert (reader.value("l"), reader.value("k")) == ("4", "5")
    reader.set(x="1 2")
    reader.drag("r", -9 * 36 * scale, touch=touch)
    reader.drag("l", 9 * 36 * scale, touch=touch)
    assert (reader.value("r"), reader.value("l")) == ("0", "3")
    assert reader.box.locator("[aria-invalid=true]").count() == 0


def test_the_padding_and_the_kernels_edge_answer_to_keys(reader):
    for name, key, value, told in (
        ("Kernel: how many taps", "ArrowLeft", "2", "2 wide"),
        ("Padding on the left", "ArrowRight", "1", "1 of padding"),
        ("Padding on the right", "End", "4", "4 of padding"),
    ):
        grip = reader.box.get_by_role("slider", name=name)
        grip.focus()
        reader.page.keyboard.press(key)
        assert (grip.get_attribute("aria-valuenow"), grip.get_attribute("aria-valuetext")) == (
            value,
            told,
        )
        assert grip.evaluate("e => e === document.activeElement")


def test_products_stand_at_the_taps(reader):
    window = Window(3)
    for i in range(5):
        reader.slider().fill(str(i))
        taps = window.taps(i)
        assert factors(reader) == (W, [w * X[k] for w, k in zip(W, taps, strict=True)])
    reader.set(w="2 -3 5")
    assert "−" in "".join(reader.box.locator(".factors .sum").all_text_contents())
    reader.set(w="2 3 5")
    reader.choose("back to the input")
    reader.set(g="1 10 100 -1 4")
    reader.slider().fill("2")
    assert factors(reader) == ([5, 3, 2], [5, 30, 200])
    reader.choose("back to the kernel")
    reader.slider().fill("1")
    g = torch.tensor([1.0, 10, 100, -1, 4])
    slopes = conv1d_kernel_gradient(g, torch.tensor(X), window)
    products = [text.replace("−", "-") for text in
                reader.box.locator(".factors .sum").all_text_contents()]  # fmt: skip
    assert sum(float(text) for text in products if text != "+") == slopes[1]
    assert reader.box.locator(".cell.tap-2.lit").all_text_contents()[-1] == f"{slopes[1]:g}"


def test_a_pressed_number_says_where_it_goes(reader):
    before = reader.words()
    reader.grip("position").locator(".cell").nth(2).click()
    assert reader.words() == "x₃ feeds z₁ by w₃, z₂ by w₂ and z₃ by w₁."
    assert factors(reader) == ([5, 3, 2], [20, 12, 8])
    assert reader.box.locator("td.lit").all_inner_texts() == ["w₃\n5", "w₂\n3", "w₁\n2"]
    reader.grip("i").locator(".cell").nth(3).click()
    assert reader.words().startswith("Row 4 of the matrix: ")
    # The same numbers can be pressed in the matrix.
    reader.box.locator("thead th[scope]").nth(6).click()
    assert reader.words() == "x₇ feeds z₅ by w₃."
    reader.box.locator("td.tap-2").first.click()
    assert reader.words().startswith("w₂ stands in every row of A. It joins x₂ to z₁, x₃ to z₂")
    assert reader.lit("td") == 5
    reader.box.locator("tbody th").first.click()
    assert reader.words() == before
    reader.set(s=3)
    reader.grip("position").locator(".cell").nth(6).click()
    assert reader.words() == "No window reads x₇: its column of A holds zeros alone."
    reader.set(s=1)
    reader.choose("back to the input")
    reader.grip("i").locator(".cell").first.click()
    assert reader.words() == "g₁ flows back to x₁ by w₁, x₂ by w₂ and x₃ by w₃."
    reader.grip("position").locator(".cell").nth(4).click()
    assert reader.words().startswith("Row 5 of the transposed matrix")


def test_the_keys_look_at_inputs_and_weights(reader):
    page, before = reader.page, reader.words()
    row = reader.box.get_by_role("slider", name="Input", exact=True)
    reader.box.locator(f"#{NAME}-view-forward").focus()
    page.keyboard.press("Tab")
    assert row.evaluate("e => e === document.activeElement")
    assert reader.words() == "x₁ feeds z₁ by w₁."
    page.keyboard.press("ArrowRight")
    assert reader.words() == row.get_attribute("aria-valuetext")
    assert reader.words() == "x₂ feeds z₁ by w₂ and z₂ by w₁."
    for name in ("Padding on the left", "Padding on the right", "Weight 1"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == name
    assert reader.words().startswith("w₁ stands in every row of A.")
    reader.slider().focus()
    assert reader.words() == before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_number_is_read_in_the_colours_that_a_reader_forces(visit, theme):
    page = visit("matrix", forced_colors="active", color_scheme="dark")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    grounds = page.locator(".explorer-stage .cell").evaluate_all("""cells => cells.map((cell) => {
      const [rect, text] = [cell.querySelector("rect"), cell.querySelector("text")];
      return [getComputedStyle(rect).fill, getComputedStyle(text).fill];
    })""")
    assert len(grounds) > 10
    assert {tuple(pair) for pair in grounds} <= {
        ("rgb(0, 0, 0)", "rgb(255, 255, 255)"),
        ("none", "rgb(255, 255, 255)"),
    }
