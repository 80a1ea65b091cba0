"""The explorers: their arithmetic against the library's, and their controls as a reader would."""

import re
from functools import cache

import pytest
import torch

from cnnref.convolution import (
    conv1d,
    conv1d_input_gradient,
    conv1d_kernel_gradient,
    conv2d,
    matrix_of,
)
from cnnref.windows import Window

from . import (
    vectors,
    vectors_curves,
    vectors_network,
    vectors_photograph,
    vectors_pooling,
    vectors_reach,
    vectors_sums,
)
from .reader import Reader
from .vectors import agrees

FUNCTIONS = (
    vectors.FUNCTIONS
    | vectors_curves.FUNCTIONS
    | vectors_network.FUNCTIONS
    | vectors_photograph.FUNCTIONS
    | vectors_pooling.FUNCTIONS
    | vectors_reach.FUNCTIONS
    | vectors_sums.FUNCTIONS
)
# The page that loads a script; the others are on every page with an explorer.
PAGE_OF = {
    "learning": "learning",
    "matrix": "matrix",
    "photograph": "photograph",
    "pooling": "pooling",
    "series": "curves",
    "stack": "reach",
    "strokes": "network",
}

REPLAY = """([path, cases]) => {
  const replayed = path.split(".").reduce((part, name) => part[name], window.cnnref);
  return cases.map((given) => {
    try {
      return { value: replayed(...given) };
    } catch (error) {
      if (!(error instanceof window.cnnref.Refusal)) return { thrown: String(error) };
      return { refused: error.field, words: error.message };
    }
  });
}"""


# --- arithmetic --------------------------------------------------------------------------------


@cache
def cases_of(function):
    """What a function is asked and what it must answer."""
    return list(FUNCTIONS[function]())


@pytest.fixture(scope="module")
def asked(browser, explorer_book):
    """Pages whose functions are asked and nothing else, so that each is opened once."""

    def open_page(name):
        page = context.new_page()
        page.goto((explorer_book / f"{name}.html").as_uri())
        return page

    context = browser.new_context()
    yield cache(open_page)
    context.close()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_golden_vectors(asked, function):
    page = asked(PAGE_OF.get(function.partition(".")[0], "line"))
    cases = cases_of(function)
    assert len(cases) >= 200
    replayed = page.evaluate(REPLAY, [function, [given for given, _ in cases]])
    for (given, expected), found in zip(cases, replayed, strict=True):
        if "refused" in expected:
            assert found.get("refused") == expected["refused"], (given, found)
            assert found["words"]
        else:
            assert "value" in found, (given, found, expected)
            assert agrees(found["value"], expected["value"]), (given, found, expected)


def test_there_are_enough_golden_vectors():
    assert sum(len(cases_of(function)) for function in FUNCTIONS) >= 2000


# --- convolution arithmetic, driven ------------------------------------------------------------

SETTINGS = [
    {"n": 8, "k": 3, "s": 2, "d": 1, "l": 0, "r": 0},
    {"n": 5, "k": 4, "s": 1, "d": 1, "l": 3, "r": 0},
    {"n": 12, "k": 3, "s": 4, "d": 2, "l": 1, "r": 2},
    {"n": 9, "k": 1, "s": 3, "d": 3, "l": 0, "r": 1},
    {"n": 32, "k": 7, "s": 8, "d": 3, "l": 18, "r": 18},
    {"n": 1, "k": 1, "s": 1, "d": 1, "l": 0, "r": 0},
]


def window_of(setting):
    pads = setting["l"], setting["r"]
    return Window(setting["k"], setting["s"], pads, setting["d"])


def in_words(positions):
    """Positions from 1, as a sentence lists them."""
    *most, last = [str(position + 1) for position in positions]
    return f"{', '.join(most)} and {last}" if most else last


def test_windows_slide_where_the_library_says(visit):
    reader = Reader(visit("line"), "explorer-convolution")
    for setting in SETTINGS:
        reader.set(**setting)
        n, window = setting["n"], window_of(setting)
        outputs = window.output_size(n)
        assert re.search(rf"= {outputs}\n", reader.formula() + "\n")
        slider = reader.slider()
        for i in dict.fromkeys((0, outputs // 2, outputs - 1)):
            slider.fill(str(i))
            assert slider.get_attribute("aria-valuetext") == f"Window {i + 1} of {outputs}"
            assert reader.lit(".cell") == window.kernel_size + 1
            real = [tap for tap in window.taps(i) if 0 <= tap < n]
            if real:
                assert f"Output {i + 1} reads input{'s' * (len(real) > 1)} {in_words(real)}" in (
                    reader.words()
                )
        lost = window.unused(n)
        told = f"{lost} position{'s' * (lost != 1)} after the last window"
        assert (told in reader.formula()) == (lost > 0)
        never = [p for p in range(n) if all(p not in window.taps(i) for i in range(outputs))]
        assert reader.box.locator(".idle").count() == len(never)
        assert not never or f"{in_words(never)}." in reader.formula()


def test_transposed_windows_paste_where_the_library_says(visit):
    reader = Reader(visit("twice"), "one")
    for setting in SETTINGS:
        for extra in (0, 1):
            reader.set(**setting, q=extra)
            window = window_of(setting)
            try:
                size = window.transposed_size(setting["n"], extra)
            except ValueError:
                assert reader.box.locator("[aria-invalid=true]").count() == 1
                assert reader.words().startswith(("Pad left: ", "Output pad"))
                continue
            assert re.search(rf"= {size}\n", reader.formula() + "\n")
            reader.slider().fill("0")
            outputs = [tap for tap in window.taps(0) if 0 <= tap < size]
            found = [int(number) - 1 for number in re.findall(r"to output (\d+)", reader.words())]
            assert found == outputs


def test_two_axes_have_their_own_settings(visit):
    reader = Reader(visit("twice"), "two")
    reader.set(n=6, s=2, l=1, n2=5, k2=2, d2=3)
    across, down = Window(3, 2, (1, 0)), Window(2, dilation=3)
    sizes = down.output_size(5), across.output_size(6)
    assert reader.formula().count(f"= {sizes[0]}\n") == 1
    assert "width" in reader.formula()
    reader.slider().fill(str(sizes[1]))  # the first window of the second row
    x, w = (
        reader.page.evaluate(f"window.cnnref.convolution.{given}")
        for given in ("inputsOf([5, 6])", "weightsOf([2, 3])")
    )
    out = conv2d(
        torch.tensor(x).double().reshape(5, 6),
        torch.tensor(w).double().reshape(2, 3),
        (down, across),
    )
    total = f"{out[1, 0]:g}".replace("-", "−")
    assert reader.words() == (
        "Output (2, 1) reads input rows 2 and 5, columns 1 and 2; 2 taps in the padding. "
        f"The products add up to {total}."
    )
    assert [sum(cell["lit"] for cell in reader.painted(grid)) for grid in range(3)] == [6, 0, 1]
    reader.set(counts=True)
    counts = [cell["text"] for cell in reader.painted(0) if cell["kind"].startswith("entry")]
    reads = [
        sum(r in down.taps(i) for i in range(sizes[0]))
        * sum(c in across.taps(j) for j in range(sizes[1]))
        for r in range(5) for c in range(6)
    ]  # fmt: skip
    assert [int(count) for count in counts] == reads


def test_padding_at_a_press(visit):
    reader = Reader(visit("line"), "explorer-convolution")
    reader.set(n=11, k=4, s=3)
    reader.press("Same padding")
    same = Window.same(4, 3, size=11)
    padding = [reader.box.locator(f"#explorer-convolution-{end}").input_value() for end in "lr"]
    assert padding == [str(same.left), str(same.right)]
    assert "= 4\n" in reader.formula() + "\n"
    reader.press("No padding")
    reader.press("Start again")
    assert reader.box.locator("#explorer-convolution-n").input_value() == "8"


# --- what is mistaken is told in words ---------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "typed", "told"),
    [
        ("n", "abc", "must be a whole number from 1 to 32"),
        ("n", "", "must be a whole number from 1 to 32"),
        ("k", "0", "must be a whole number from 1 to 7"),
        ("s", "1.5", "must be a whole number from 1 to 8"),
        ("l", "-1", "must be a whole number from 0 to 18"),
        ("n", "2", "the window spans 3 positions, but the input has only 2"),
    ],
)
def test_a_mistake_is_told_beside_the_control(visit, control, typed, told):
    page = visit("line")
    reader = Reader(page, "explorer-convolution")
    reader.unfold()
    field = page.locator(f"#explorer-convolution-{control}")
    field.press("Control+a")
    field.press("Delete")
    field.press_sequentially(typed)
    blamed = page.locator("#explorer-convolution [aria-invalid=true]")
    assert blamed.count() == 1
    description = blamed.get_attribute("aria-describedby")
    assert page.locator(f"#{description}").inner_text() == told
    assert told in reader.words()
    assert "NaN" not in reader.box.inner_text()
    field.fill("3")
    assert page.locator("#explorer-convolution [aria-invalid=true]").count() == 0
    assert reader.words().startswith("Output 1 reads")


def test_lists_of_numbers_are_checked(visit):
    page = visit("matrix")
    reader = Reader(page, "explorer-matrix")
    for typed, told in (
        ("1, two, 3", "“two” is not a number"),
        ("", "must hold 1 to 10 numbers, not 0"),
        ("1 2 3 4 5 6 7 8 9 10 11", "must hold 1 to 10 numbers, not 11"),
        ("4000", "4000 is beyond ±999"),
    ):
        reader.set(x=typed)
        assert page.locator("#explorer-matrix-x-mistake").inner_text() == told
    reader.set(x="1 -1 .5 2")
    assert page.locator("#explorer-matrix-n").input_value() == "4"
    reader.choose("back to the input")
    reader.set(g="1 2 3")
    told = "must hold 2 numbers, one for each output, not 3"
    assert page.locator("#explorer-matrix-g-mistake").inner_text() == told
    reader.set(w="1 2 3 4 5")
    assert reader.words() == "Kernel: the window spans 5 positions, but the input has only 4."
    assert "NaN" not in reader.box.inner_text()


# --- the matrix, driven ------------------------------------------------------------------------


def test_the_matrix_shows_the_numbers_of_the_library(visit):
    reader = Reader(visit("matrix"), "explorer-matrix")
    reader.set(x="1 2 3 4 5 6", w="2 3 5", s=2, l=1, r=2)
    x, w, g = (torch.tensor(v) for v in ([1.0, 2, 3, 4, 5, 6], [2.0, 3, 5], [1.0, 10, 100, -1]))
    window = Window(3, 2, (1, 2))
    matrix = matrix_of(w, 6, window)

    def table():
        rows = reader.box.locator("tbody tr").all()
        cells = [row.locator("td").all_inner_texts() for row in rows]
        return [[float(text.split()[-1].replace("−", "-")) for text in row] for row in cells]

    def result():
        listed = re.search(r"= \((.*?)\)", reader.formula())[1].replace("−", "-")
        return [float(number) for number in listed.split(", ")]

    assert table() == matrix.tolist()
    assert result() == conv1d(x, w, window).tolist()
    reader.press("Step")
    assert reader.words() == (
        "Row 2 of the matrix: z₂ = w₁x₂ + w₂x₃ + w₃x₄ = 2·2 + 3·3 + 5·4 = 33."
    )
    reader.choose("back to the input")
    reader.set(g="1 10 100 -1")
    assert table() == matrix.T.tolist()
    assert result() == conv1d_input_gradient(g, w, window, size=6).tolist()
    reader.choose("back to the kernel")
    assert result() == conv1d_kernel_gradient(g, x, window).tolist()
    assert sum(map(sum, table())) == sum(result())
    assert "give the same numbers" in reader.formula()


def test_sizes_and_numbers_follow_each_other(visit):
    page = visit("matrix")
    reader = Reader(page, "explorer-matrix")
    value = lambda name: page.locator(f"#explorer-matrix-{name}").input_value()  # noqa: E731
    reader.set(n=9, k=2)
    assert len(value("x").split(",")) == 9
    assert len(value("w").split(",")) == 2
    reader.choose("back to the kernel")
    assert len(value("g").split(",")) == 8
    reader.set(s=3)
    assert len(value("g").split(",")) == 3
    assert reader.box.locator("[aria-invalid=true]").count() == 0


# --- by keyboard, in motion, shared ------------------------------------------------------------


def test_the_keyboard_alone_will_do(visit):
    page = visit("line")
    reader = Reader(page, "explorer-convolution")
    reader.unfold()
    focused = lambda: page.evaluate("document.activeElement.id || document.activeElement.innerText")  # noqa: E731
    reader.box.get_by_role("button", name="Play").focus()
    stops = [focused()]
    while stops[-1] != "Start again" and len(stops) < 40:
        page.keyboard.press("Tab")
        stops.append(focused())
    prefix = "explorer-convolution-"
    names = [stop.removeprefix(prefix) for stop in stops]
    assert names == ["Play", "Back", "Step", "at",
                     "Settings8 inputs, kernel 3, stride 2: 3 outputs",
                     "operation-convolution", "axes-1", "counts", "n", "k", "s", "d", "l", "r",
                     "No padding", "Same padding", "Link to this setting",
                     "Start again"]  # fmt: skip
    page.locator(f"#{prefix}n").focus()
    page.keyboard.press("ArrowUp")
    assert f"= {Window(3, 2).output_size(9)}" in reader.formula()
    page.locator(f"#{prefix}at").focus()
    page.keyboard.press("ArrowRight")
    assert reader.words().startswith("Output 2 reads inputs 3, 4 and 5")
    page.get_by_role("button", name="Step").focus()
    page.keyboard.press("Enter")
    assert reader.words().startswith("Output 3")
    page.locator(f"#{prefix}operation-convolution").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(f"#{prefix}q").is_visible()
    assert reader.words().startswith("Input 3 adds")


@pytest.mark.parametrize(("motion", "tick"), [("no-preference", 900), ("reduce", 2000)])
def test_it_plays_to_the_end_and_can_be_paused(visit, motion, tick):
    page = visit("line", clock=True, reduced_motion=motion)
    reader = Reader(page, "explorer-convolution")
    reader.set(n=9)
    glides = page.locator(".sliding").first.evaluate("e => getComputedStyle(e).transitionDuration")
    assert (glides == "0s") == (motion == "reduce")
    assert reader.words().startswith("Output 1")
    reader.press("Play")
    status = reader.box.get_by_role("status")
    page.clock.run_for(tick + 10)
    assert reader.words().startswith("Output 2")
    assert status.get_attribute("aria-live") == "off"
    reader.press("Pause")
    page.clock.run_for(5 * tick)
    assert reader.words().startswith("Output 2")
    reader.press("Play")
    page.clock.run_for(5 * tick)
    assert reader.words().startswith("Output 4")
    assert reader.box.get_by_role("button", name="Play").is_visible()
    reader.press("Step")
    assert reader.words().startswith("Output 1")
    assert status.get_attribute("aria-live") == "polite"


def test_a_setting_can_be_shared(visit):
    page = visit("twice")
    reader = Reader(page, "two")
    reader.set(n=7, k=2, k2=3, s=2, r2=1)
    reader.slider().fill("4")
    link, formula, words = reader.link(), reader.formula(), reader.words()
    other = Reader(visit("twice", fragment=link), "two")
    assert (other.formula(), other.words(), other.link()) == (formula, words, link)
    assert other.box.evaluate("e => Math.abs(e.getBoundingClientRect().top) < innerHeight")
    assert Reader(other.page, "one").link().startswith("#one?operation=transposed")
    # The address may also change while the page is open, or be nonsense.
    page.evaluate("location.hash = '#one?n=3&s=1'")
    page.wait_for_function("document.querySelector('#one-n').value === '3'")
    for nonsense in ("#one?n=99&k=%20&at=x&nobody=1", "#one?", "#two?axes=7&at=-3", "#%E0?n=3"):
        page.evaluate("hash => { location.hash = hash }", nonsense)
    page.wait_for_function("document.querySelector('#one-n').value === '99'")
    assert page.locator("#one-n-mistake").inner_text() == "must be a whole number from 1 to 32"
    assert "NaN" not in page.locator("body").inner_text()
