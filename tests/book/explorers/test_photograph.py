"""The explorer of a kernel on a photograph, driven as a reader would, against the library."""

import re

import pytest
import torch

from bookext.explorers.photograph import PHOTOGRAPH, SIDE, draw_photograph, planes
from cnnref.convolution import conv2d
from cnnref.windows import Window

from ..pages import PHONE
from .reader import Reader

NAME = "explorer-photograph"
SOBEL = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)


@pytest.fixture
def reader(visit):
    reader = Reader(visit("photograph"), NAME)
    reader.box.locator("summary").click()
    return reader


def photo():
    return channels()[0]


def channels():
    """Grey, red and green."""
    return torch.from_numpy(planes().copy()).double() / 255


def made(kernel, window=None):
    """The outputs for the photograph."""
    return conv2d(photo(), kernel, window or Window(len(kernel), padding=1))


def cell(reader, row, column, kernel="kernel"):
    grid = reader.box.get_by_role("group", name=kernel, exact=True)
    return grid.get_by_role("slider", name=f"Weight in row {row}, column {column}", exact=True)


def told(reader):
    """Row and column, counted from 1, and the output there."""
    row, column, value = re.match(
        r"Row (\d+), column (\d+): .* add up to ([−\d.]+)\.(?: |$)", reader.words()
    ).groups()
    return int(row), int(column), float(value.replace("−", "-"))


def agrees(reader, outputs):
    row, column, value = told(reader)
    assert value == pytest.approx(float(outputs[row - 1, column - 1]), abs=0.000501)


def test_it_starts_with_what_the_library_computes(reader):
    agrees(reader, made(SOBEL))
    slider = reader.slider()
    for at in (0, 81, SIDE * SIDE - 1):
        slider.fill(str(at))
        assert told(reader)[:2] == (at // SIDE + 1, at % SIDE + 1)
        agrees(reader, made(SOBEL))
    assert "5 taps lie in the padding" in reader.words()


def test_a_weight_is_changed_by_keys_and_by_dragging(reader):
    kernel = SOBEL.clone()
    middle = cell(reader, 2, 2)
    middle.focus()
    for key, by in (("ArrowUp", 0.25), ("PageUp", 0.75), ("ArrowLeft", -0.25)):
        reader.page.keyboard.press(key)
        kernel[1, 1] += by
        assert middle.get_attribute("aria-valuetext") == f"{kernel[1, 1]:g}"
        agrees(reader, made(kernel))
    box = middle.bounding_box()
    reader.page.mouse.move(box["x"] + 20, box["y"] + 20)
    reader.page.mouse.down()
    reader.page.mouse.move(box["x"] + 20, box["y"] + 60, steps=4)
    reader.page.mouse.up()
    kernel[1, 1] -= 1
    assert middle.get_attribute("aria-valuetext") == f"{kernel[1, 1]:g}".replace("-", "−")
    agrees(reader, made(kernel))
    reader.page.keyboard.press("Home")
    assert middle.get_attribute("aria-valuetext") == "−9"
    kernel[1, 1] = -9
    agrees(reader, made(kernel))
    assert reader.box.locator("select").input_value() == "own"


def test_presets_sizes_and_the_window(reader):
    reader.box.locator("select").select_option("identity")
    agrees(reader, photo())
    reader.choose("5 × 5")
    assert reader.box.get_by_role("slider", name="Weight in row").count() == 25
    reader.set(p=2, s=3, d=2)
    centre = torch.zeros(5, 5, dtype=torch.float64)
    centre[2, 2] = 1
    window = Window(5, 3, (2, 2), 2)
    outputs = made(centre, window)
    assert f"= {len(outputs)}" in reader.formula()
    agrees(reader, outputs)


def test_a_true_convolution_turns_the_kernel(reader):
    skew = torch.arange(9, dtype=torch.float64).view(3, 3) - 2
    reader.set(w=", ".join(str(int(value)) for value in skew.flatten()))
    agrees(reader, made(skew))
    reader.set(flip=True)
    agrees(reader, made(skew.rot90(2)))
    assert "turned" in reader.words()


def test_two_channels_are_added(reader):
    reader.choose("red and green")
    _, red, green = channels()
    both = torch.stack([red, green])[None]
    kernels = torch.stack([SOBEL, -SOBEL])[None]
    agrees(reader, conv2d(both, kernels, Window(3, padding=1))[0, 0])
    cell(reader, 2, 2, "kernel on green").focus()
    reader.page.keyboard.press("PageUp")
    kernels[0, 1, 1, 1] += 0.75
    agrees(reader, conv2d(both, kernels, Window(3, padding=1))[0, 0])
    parts = reader.box.locator(".explorer-sum").inner_text().replace("−", "-").split(" = ")
    red_sum, green_sum = (float(part.strip("()")) for part in parts[0].split(" + "))
    assert red_sum + green_sum == pytest.approx(float(parts[1]), abs=0.015)
    reader.choose("5 × 5")
    assert reader.box.get_by_role("slider", name="Weight in row").count() == 50
    wider = torch.nn.functional.pad(kernels, (1, 1, 1, 1))
    agrees(reader, conv2d(both, wider, Window(5, padding=1))[0, 0])


def test_a_press_on_the_picture_moves_the_window(reader):
    for label, side in (("A photograph", SIDE + 2), ("What the kernel", SIDE)):
        picture = reader.box.get_by_role("img", name=re.compile(label))
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        unit = box["width"] / side
        border = (side - SIDE) / 2
        reader.page.mouse.click(
            box["x"] + (20.5 + border) * unit, box["y"] + (10.5 + border) * unit
        )
        assert told(reader)[:2] == (11, 21)


def test_mistakes_are_told_and_the_fold_opens(visit):
    reader = Reader(visit("photograph", fragment=f"#{NAME}?w=1,2"), NAME)
    assert "Weights must hold 9 numbers, not 2" in reader.words()
    assert reader.box.locator("details").get_attribute("open") is not None


def test_the_picture_comes_first(visit):
    reader = Reader(visit("photograph", PHONE), NAME)
    stage, settings = (
        reader.box.locator(part).bounding_box() for part in (".explorer-stage", "details")
    )
    assert stage["y"] < settings["y"]
    assert not reader.box.locator(f"#{NAME}-s").is_visible()


def test_its_figure_refuses_what_is_no_kernel():
    with pytest.raises(ValueError, match="a kernel of 5 by 5 has 25 weights, got 9"):
        draw_photograph(PHOTOGRAPH.preset | {"k": "5"})
