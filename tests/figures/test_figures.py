"""Pictures say in words what they draw; drawing is deterministic."""

from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from cnnref import figures
from cnnref.convolution import matrix_of
from cnnref.data import synthetic
from cnnref.experiments import run
from cnnref.figures import Picture
from cnnref.windows import Window, compose

RESULT = run("cats-dogs-plain", mode="stored")
KERNELS = torch.randn(8, 3, 3, 3)
IMAGES = synthetic((3, 8, 8), 2, 6)

PICTURES = {
    "window": lambda: figures.window_picture(Window(3, 2, 1), 8),
    "matrix": lambda: figures.matrix_picture(matrix_of(torch.tensor([1.0, 2.0]), 4)),
    "chain": lambda: figures.chain_picture([Window(3, padding=1)] * 2, 9, 4),
    "curves": lambda: figures.learning_curves(RESULT, "title"),
    "confusion": lambda: figures.confusion_picture(RESULT, ("cat", "dog")),
    "images": lambda: figures.image_grid(IMAGES, [0, 3], columns=2),
    "filters": lambda: figures.filter_grid(KERNELS, columns=4),
}


@pytest.mark.parametrize("name", PICTURES)
def test_two_drawings_are_the_same_and_have_words(name):
    first, second = (PICTURES[name]()._repr_mimebundle_() for _ in range(2))
    assert first == second
    data, metadata = first
    kind = "image/png" if name in ("images", "filters") else "image/svg+xml"
    assert kind in data
    assert metadata[kind]["alt"] == data["text/plain"]
    assert len(metadata[kind]["alt"]) > 40


WIDE = {
    "a long window": lambda: figures.window_picture(Window(3, dilation=2, padding=2), 10),
    "a long chain": lambda: figures.chain_picture([Window(9), Window(2, 2)] * 3, 100, 2),
    "six neurons": lambda: figures.neurons_picture(Window(3), 8),
}


@pytest.mark.parametrize("name", [*PICTURES, *WIDE])
def test_letters_can_be_read_on_a_phone(name):
    figure = (PICTURES | WIDE)[name]().figure
    figure.draw_without_rendering()
    inches = 342 / 96  # between the margins of a phone of 390 CSS pixels
    smaller = min(1, inches / figure.get_figwidth())
    points = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip()]
    assert all(size * smaller * 96 / 72 >= 7 for size in points)


def test_a_picture_may_say_that_its_shades_mean_something():
    figure = PICTURES["window"]().figure
    _, metadata = figures.Picture(figure, "Dark is 1.", shades=True)._repr_mimebundle_()
    assert metadata == {"image/svg+xml": {"alt": "Dark is 1.", "shades": True}}


def test_a_picture_of_shades_has_a_ground_that_a_page_can_tell_from_them():
    data, metadata = PICTURES["images"]()._repr_mimebundle_()
    opacity = np.asarray(Image.open(BytesIO(data["image/png"])).convert("RGBA"))[..., 3]
    assert metadata["image/png"]["shades"]
    assert opacity[0, 0] == round(0.8 * 255)
    assert opacity.max() == 255
    # Words on it: nearly opaque, and not quite.
    assert 245 <= opacity[opacity < 255].max() <= 252


@pytest.mark.parametrize("columns", [2, 4, 8])
def test_titles_of_images_do_not_run_into_each_other(columns):
    titles = ["automobile", "cat\nsaid automobile"] * 4
    figure = figures.image_grid(IMAGES, [0, 1, 2, 3] * 2, titles, columns=columns).figure
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    rows = [boxes[i : i + columns] for i in range(0, len(boxes), columns)]
    for row in rows:
        assert all(a.x1 <= b.x0 for a, b in pairwise(row))


def test_words_of_a_window_are_its_taps():
    alt = PICTURES["window"]().alt
    assert "stride 2, dilation 1, padding 1 left and 1 right, over 8 inputs" in alt
    assert "output 1 reads positions 0, 1, 2; output 2 reads positions 2, 3, 4" in alt


def test_inserted_zeros_are_named_and_counted():
    picture = figures.window_picture(Window(2), 3, inputs=["x_1", "0", "x_2"])
    assert "over 3 inputs, zeros inserted at positions 2: output 1" in picture.alt
    with pytest.raises(ValueError, match="must name 4 entries, got 1"):
        figures.window_picture(Window(2), 4, inputs=["x_1"])


@pytest.mark.parametrize(("padding", "drawn"), [("0", "$0$"), (r"-\infty", r"$-\infty$"), ("", "")])
def test_padding_shows_what_it_holds(padding, drawn):
    picture = figures.window_picture(Window(3, padding=(0, 2)), 4, padding=padding)
    texts = [text.get_text() for text in picture.figure.axes[0].texts]
    assert texts[:6] == ["$x_{1}$", "$x_{2}$", "$x_{3}$", "$x_{4}$", drawn, drawn]


def test_words_of_a_matrix_are_its_rows():
    assert "row 1: 1 2 0 0; row 2: 0 1 2 0; row 3: 0 0 1 2." in PICTURES["matrix"]().alt


def test_the_numbers_of_a_matrix_can_be_read_by_day_and_by_night():
    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    # `invert(1) hue-rotate(180deg)`, with which the style sheet turns drawings round, as a matrix.
    turn = [(-0.574, 1.430, 0.144), (0.426, 0.430, 0.144), (0.426, 1.430, -0.856)]
    (image,) = figures.matrix_picture(torch.tensor([[-1.0, 1.0]])).figure.axes[0].images
    for cell in image.to_rgba(image.get_array())[0, :, :3]:
        night = [sum(w * (1 - c) for w, c in zip(row, cell, strict=True)) for row in turn]
        assert (luminance(cell) + 0.05) / 0.05 > 4.5
        assert 1.05 / (luminance([min(max(c, 0), 1) for c in night]) + 0.05) > 4.5


def test_a_matrix_may_be_cut_into_blocks():
    picture = figures.matrix_picture(torch.ones(4, 9), blocks=(2, 3))
    lines = [tuple(map(list, line.get_data())) for line in picture.figure.axes[0].lines]
    assert lines == [([0, 1], [1.5, 1.5]), ([2.5, 2.5], [0, 1]), ([5.5, 5.5], [0, 1])]
    assert picture.alt.endswith("Lines cut it into blocks of 2 rows and 3 columns.")


def test_words_of_a_chain_are_its_field():
    windows = [Window(3, dilation=d, padding=d) for d in (1, 2, 4)]
    alt = figures.chain_picture(windows, 40, 20).alt
    low, high = compose(windows).extent(20)
    assert f"sees {high - low + 1} of the inputs, from position {low} to {high}" in alt
    clipped = figures.chain_picture(windows, 40, 0).alt
    assert "from position 0 to 7" in clipped


def test_words_of_curves_are_the_records():
    alt = PICTURES["curves"]().alt
    accuracy = RESULT.history("test_accuracy").mean(0)
    assert f"mean of {len(RESULT.records)} seeds" in alt
    assert f"most {accuracy.max():.3f} at epoch {accuracy.argmax() + 1}" in alt
    assert f"to {accuracy[-1]:.3f} at epoch 20" in alt


def test_curves_draw_what_the_records_hold():
    axes = PICTURES["curves"]().figure.axes[1]
    train, test = axes.lines
    assert train.get_ydata() == pytest.approx(RESULT.history("train_accuracy").mean(0))
    assert test.get_ydata()[1:] == pytest.approx(RESULT.history("test_accuracy").mean(0))
    assert test.get_ydata()[0] == pytest.approx(RESULT.untrained().mean())
    assert [axes.get_xlabel(), axes.get_ylabel()] == ["epoch", "accuracy"]


def test_words_of_a_confusion_table_are_its_counts():
    counts = RESULT.confusion
    alt = PICTURES["confusion"]().alt
    assert f"{counts[0, 1]:,} of true class cat predicted dog" in alt
    assert f"{counts[1, 0]:,} of true class dog predicted cat" in alt


def test_words_of_images_name_each():
    assert "image 0: pattern 0; image 3: pattern 1" in PICTURES["images"]().alt


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="alternative text"):
        Picture(Figure(), "  ")


def test_save(tmp_path):
    target = tmp_path / "window.png"
    PICTURES["window"]().save(target)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_style_is_left_as_it_was():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    PICTURES["curves"]()
    assert dict(mpl.rcParams) == before
