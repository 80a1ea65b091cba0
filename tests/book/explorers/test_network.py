"""The network that one looks into: its arithmetic against torch, and driven as a reader would."""

import gzip
import json
import re
from base64 import b64encode
from functools import cache
from itertools import pairwise

import pytest
import torch
from torch.nn import functional

from bookext.explorers.network import (
    DIGITS,
    EXPERIMENT,
    LEVELS,
    NETWORK,
    draw_network,
    levels_of,
    network_data,
)
from cnnref.accounting import summarize
from cnnref.experiments import experiment, run
from cnnref.models import build
from tests.real_data import at_hand

from ..conftest import ROOT
from .reader import Reader, pass_all_explorers
from .vectors_network import parse, prepared

NAME = "explorer-network"
MOMENTS = experiment(EXPERIMENT).keep_moments
LAST = len(MOMENTS) - 1
ORDER = ("conv1", "pool2", "conv3", "pool4", "fc5", "fc6")
# Both compute with the same rounded weights: the page in double precision, torch in single.
FLOAT32 = 2e-5

NET = "const net = cnnref.network.unpack(cnnref.networkWeights);"
SEEN = (
    NET
    + """
  const { forward, terms, field, trail, backward } = cnnref.network;
  const seen = forward(net, net.moments[moment], Float64Array.from(ink), silenced);
  const plain = (all) => Object.fromEntries(
    Object.entries(all).map(([name, values]) => [name, Array.from(values)]));
"""
)


@cache
def model_of(moment, dtype=torch.float32):
    """The network of the moment, its weights rounded as they travel."""
    entry = experiment(EXPERIMENT)
    model = build(entry.model, entry.arguments)
    kept = run(entry, seeds=entry.seeds[:1], mode="stored").records[0].weights(MOMENTS[moment])
    for name, tensor in kept.items():
        if name.endswith("weight"):
            levels, scales = levels_of(tensor)
            kept[name] = (levels * scales[:, None]).view_as(tensor)
    model.load_state_dict({name: tensor.double() for name, tensor in kept.items()})
    return model.to(dtype).eval()


def layers_of(model, x, silenced=()):
    """Sums and values of every layer, by torch."""
    sums, values = {}, {}
    for name in ORDER:
        if name.startswith("pool"):
            sums[name] = x = functional.max_pool2d(x, 2)
        else:
            sums[name] = model.get_submodule(name)(x.flatten(1) if name == "fc5" else x)
            x = sums[name] if name == "fc6" else sums[name].relu()
        for where, number in map(str.split, silenced):
            if where == name:
                keep = torch.ones(x.shape[1], dtype=x.dtype)
                keep[int(number) - 1] = 0
                x = x * keep.view(1, -1, *[1] * (x.dim() - 2))
        values[name] = x
    return sums, values


def digit(k, dtype=torch.float32):
    return torch.from_numpy(prepared(parse(DIGITS[k]))).to(dtype)[None, None]


@pytest.fixture
def page(visit):
    """A page on which the weights have arrived."""
    page = visit("network")
    Reader(page, NAME)
    return page


def ask(page, code, **given):
    return page.evaluate(f"({{ {', '.join(given)} }}) => {{ {code} }}", given)


def given(x, moment, silenced=()):
    return {"ink": x.flatten().tolist(), "moment": moment, "silenced": list(silenced)}


# --- arithmetic --------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [0, 4, LAST])
def test_every_layer_is_as_torch_has_it(page, moment):
    code = SEEN + "return { values: plain(seen.values), sums: plain(seen.sums) };"
    furthest = {torch.float32: 0.0, torch.float64: 0.0}
    for dtype in furthest:
        model = model_of(moment, dtype)
        for k in range(10):
            x = digit(k, dtype)
            silenced = [f"conv1 {k % 8 + 1}", "fc5 4"] if k % 2 else []
            found = ask(page, code, **given(x, moment, silenced))
            with torch.no_grad():
                sums, values = layers_of(model, x, silenced)
                if not silenced:
                    assert torch.equal(values["fc6"], model(x))
            for kind, layers in (("sums", sums), ("values", values)):
                for name, expected in layers.items():
                    off = torch.tensor(found[kind][name]) - expected.flatten()
                    scale = max(1.0, float(expected.abs().max()))
                    furthest[dtype] = max(furthest[dtype], float(off.abs().max()) / scale)
    print(f"moment {moment}: largest difference {furthest}")
    assert furthest[torch.float32] < FLOAT32
    assert furthest[torch.float64] < 1e-6  # the scales travel with seven digits


def units(k):
    """A unit of every layer."""
    sizes = {"conv1": 5408, "pool2": 1352, "conv3": 1936, "pool4": 400, "fc5": 32, "fc6": 10}
    return [(name, (977 * (k + 1)) % size) for name, size in sizes.items()]


@pytest.mark.parametrize("moment", [0, LAST])
def test_gradients_are_those_of_autograd(page, moment):
    code = SEEN + "return plain(backward(net, net.moments[moment], seen, name, index));"
    furthest = 0.0
    generator = torch.Generator().manual_seed(0)
    for k in range(10):
        for name, index in units(k):
            # On plain paper the maxima are tied, and each is as good as the others.
            noise = torch.rand(1, 1, 28, 28, generator=generator)
            x = (0.8 * digit(k) + 0.2 * noise).requires_grad_()
            silenced = [f"conv1 {k % 8 + 1}", "conv3 4"] if k % 2 else []
            sums, _ = layers_of(model_of(moment), x, silenced)
            (expected,) = torch.autograd.grad(sums[name].flatten()[index], x)
            found = ask(page, code, **given(x.detach(), moment, silenced), name=name, index=index)
            off = torch.tensor(found["input"]) - expected.flatten()
            furthest = max(furthest, float(off.abs().max()) / max(1, float(expected.abs().max())))
    print(f"moment {moment}: largest difference {furthest:.1e}")
    assert furthest < FLOAT32


def test_a_units_terms_add_up_to_its_sum(page):
    code = SEEN + "return terms(net, net.moments[moment], seen, name, index);"
    sums, _ = layers_of(model_of(LAST), digit(3))
    counts = {"conv1": 9, "pool2": 4, "conv3": 72, "pool4": 4, "fc5": 400, "fc6": 32}
    for name, index in units(3):
        found = ask(page, code, **given(digit(3), LAST), name=name, index=index)
        total = sum(term["product"] for term in found["terms"]) + found["bias"]
        assert len(found["terms"]) == counts[name]
        assert total == pytest.approx(float(sums[name].flatten()[index].detach()), abs=1e-4)


def test_fields_are_the_librarys(page):
    code = NET + "return cnnref.network.field(net, name, index);"
    summary = summarize(build("DigitCNN", {"width": 8}), (1, 28, 28))
    rows = {"conv1": 26, "pool2": 13, "conv3": 11, "pool4": 5}
    windows = {"conv1": (3, 1), "pool2": (4, 2), "conv3": (8, 2), "pool4": (10, 4)}
    for name, side in rows.items():
        size, jump = windows[name]
        if name.startswith("conv"):
            assert summary[name].receptive_field == (size, size)
            assert summary[name].jump == (jump, jump)
        for row, column in ((0, 0), (side - 1, 1), (side // 2, side - 1)):
            found = ask(page, code, name=name, index=(side + row) * side + column)
            assert (found["top"], found["left"]) == (row * jump, column * jump)
            assert (found["bottom"], found["right"]) == (
                row * jump + size - 1,
                column * jump + size - 1,
            )
    assert ask(page, code, name="fc5", index=3) == {"top": 0, "left": 0, "bottom": 25, "right": 25}


def test_the_trail_follows_the_largest_contributions(page):
    code = (
        SEEN
        + """const way = trail(net, net.moments[moment], seen, "fc6", 3);
      return way.map(({ name, index }) => [name, index,
        terms(net, net.moments[moment], seen, name, index).terms]);"""
    )
    way = ask(page, code, **given(digit(3), LAST))
    assert [name for name, _, _ in way] == [*reversed(ORDER), "input"]
    for (_, _, terms), (_, index, _) in pairwise(way):
        largest = max(abs(term["product"]) for term in terms)
        assert [abs(t["product"]) for t in terms if t["index"] == index] == [largest]


def test_it_reads_every_test_digit_as_torch_does(page):
    """Where MNIST is at hand: ten thousand digits, by the page's own arithmetic."""
    images = at_hand("mnist", "test").images
    each = """return coded.map((image) => {
      const ink = Float64Array.from(atob(image), (letter) => letter.charCodeAt(0) / 255);
      const { sums } = cnnref.network.forward(net, net.moments.at(-1), ink);
      return Array.from(sums.fc6);
    });"""
    with torch.no_grad():
        expected = model_of(LAST)(images.float() / 255)
    coded = [b64encode(image.numpy().tobytes()).decode() for image in images]
    parts = [coded[start : start + 1000] for start in range(0, len(coded), 1000)]
    scores = torch.cat([torch.tensor(ask(page, NET + each, coded=part)) for part in parts])
    furthest = float((scores - expected).abs().max() / expected.abs().max())
    print(f"largest difference of a score {furthest:.1e}")
    assert furthest < FLOAT32
    assert torch.equal(scores.argmax(1), expected.argmax(1))


# --- weights -----------------------------------------------------------------------------------


def test_weights_are_light_and_rounded_to_half_a_level(explorer_book):
    script = explorer_book / "_static" / "network-weights.js"
    assert len(gzip.compress(script.read_bytes())) < 150_000
    content = json.loads(re.search(r"= (\{.*\});\n$", script.read_text())[1])
    assert [moment["step"] for moment in content["moments"]] == list(MOMENTS)
    record = run(EXPERIMENT, seeds=[0], mode="stored").records[0]
    for moment in content["moments"]:
        for name, layer in moment["layers"].items():
            weight = record.weights(moment["step"])[f"{name}.weight"].double().flatten(1)
            assert len(layer["letters"]) == weight.numel()
            codes = torch.tensor([sum(ord(x) > y for y in (34, 92)) for x in layer["letters"]])
            ranks = torch.tensor([ord(x) - 32 for x in layer["letters"]]) - codes - LEVELS
            scales = torch.tensor(layer["scales"])[:, None]
            off = (ranks.view_as(weight) * scales - weight).abs()
            assert (off <= scales * 0.5001).all()


def test_other_weights_have_another_address(monkeypatch):
    assert network_data({}) == network_data({})
    ours = network_data({}).content["late"]
    monkeypatch.setattr("bookext.explorers.network.weights_script", lambda: "others")
    assert network_data({}).content["late"] != ours


def test_the_chapter_measures_the_rounding_that_travels():
    text = (ROOT / "book" / "reading-digits.md").read_text()
    assert f"level = rows.abs().amax(1, keepdim=True) / {LEVELS}\n" in text
    assert f"one of {2 * LEVELS + 1} levels" in text


def test_the_explorers_of_a_page_load_the_weights_once(visit):
    page = visit("network")
    pass_all_explorers(page)
    assert page.locator(".explorer[data-explorer=network] .network-pad").count() == 4
    assert page.locator("script[src*=network-weights]").count() == 1


# --- driven ------------------------------------------------------------------------------------


@pytest.fixture
def reader(visit):
    return Reader(visit("network"), NAME)


def maps(reader, name):
    return reader.box.locator(f".maps-{name}")


@pytest.mark.parametrize("k", range(10))
def test_the_books_own_digits_are_read(reader, k):
    reader.choose(str(k))
    with torch.no_grad():
        chances = model_of(LAST)(digit(k)).softmax(1)[0]
    assert int(chances.argmax()) == k
    assert reader.words().startswith(f"It reads {k}, with ")


def draw(reader, points):
    box = reader.box.locator(".network-pad").bounding_box()
    places = [(box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])
              for x, y in points]  # fmt: skip
    mouse = reader.page.mouse
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=4)
    mouse.up()


def test_one_draws_with_the_mouse(reader):
    reader.box.locator(".network-pad").scroll_into_view_if_needed()
    reader.press("Clear")
    assert "Draw a digit on the pad" in reader.words()
    (one,) = parse(DIGITS[1])
    draw(reader, one)
    assert reader.words().startswith("It reads 1")
    assert reader.box.get_by_role("radio", name="yours").is_checked()
    reader.press("Undo")
    assert "Draw a digit on the pad" in reader.words()


def test_one_draws_by_keyboard(reader):
    reader.press("Clear")
    pad = reader.box.locator(".network-pad")
    pad.focus()
    reader.page.keyboard.press(" ")
    for _ in range(15):
        reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press(" ")
    assert reader.words().startswith("It reads 1")
    text = reader.box.locator(f"#{NAME}-strokes").input_value()
    assert parse(text) == [[[50, 20 + 4 * i] for i in range(16)]]


def test_a_press_shows_a_units_sum_and_b_follows_it_back(reader):
    box = maps(reader, "conv3").bounding_box()
    # 8 maps of 11 side by side, a unit apart: map 2, row 4, column 7.
    unit = box["width"] / (8 * 12 - 1)
    maps(reader, "conv3").click(position={"x": (12 + 6.5) * unit, "y": 3.5 * unit})
    sums, values = layers_of(model_of(LAST), digit(3))
    value = float(values["conv3"][0, 1, 3, 6].detach())
    shown = re.search(r"conv3, map 2, row 4, column 7: ([−\d.]+)\.", reader.words())[1]
    total = float(sums["conv3"][0, 1, 3, 6].detach())
    assert float(shown) == pytest.approx(value, abs=6e-4)
    rows = reader.box.locator(".network-sum tbody tr").all_inner_texts()
    added, after = (float(row.split()[-1].replace("−", "-")) for row in rows[-2:])
    assert (added, after) == (pytest.approx(total, abs=6e-4), pytest.approx(value, abs=6e-4))
    maps(reader, "conv3").focus()
    for layer in ("pool2", "conv1", "the pixel"):
        reader.page.keyboard.press("b")
        assert f"You look at {layer}" in reader.words()


@pytest.mark.parametrize("digit_read", [3, 8])
def test_the_softmax_of_a_score_is_written_out(reader, digit_read):
    reader.set(unit=f"fc6 {digit_read}")
    with torch.no_grad():
        scores = model_of(LAST)(digit(3))[0]
    rows = reader.box.locator(".network-sum tbody tr").all_inner_texts()
    score, power, powers, share = (row.split("\t")[-1].replace("−", "-") for row in rows[-4:])
    assert float(score) == pytest.approx(float(scores[digit_read]), abs=6e-4)
    # A power of ten is told by its exponent, in small letters: 1.208 · 10 and 10.
    for shown, expected in ((power, scores[digit_read].exp()), (powers, scores.exp().sum())):
        number, _, exponent = shown.partition(" · 10")
        assert float(number) * 10 ** int(exponent or 0) == pytest.approx(float(expected), rel=2e-3)
    expected = float(scores.softmax(0)[digit_read])
    assert share == ("over 0.999" if expected > 0.9995 else f"{round(expected, 3):g}")


def test_the_keyboard_goes_on_from_sum_to_sum(reader):
    first = reader.box.locator(".network-sum button").first
    first.focus()
    for layer in ("unit", "pool4", "conv3", "pool2", "conv1", "the pixel"):
        reader.page.keyboard.press("Enter")
        assert f"You look at {layer}" in reader.words()
    focused = reader.page.evaluate("document.activeElement.className")
    assert "maps-input" in focused


def test_arrow_keys_move_from_unit_to_unit(reader):
    reader.set_unit = reader.box.locator(f"#{NAME}-unit")
    maps(reader, "pool4").focus()
    reader.page.keyboard.press("ArrowDown")  # the liveliest of the layer
    start = reader.set_unit.input_value().split()
    assert start[0] == "pool4"
    _, values = layers_of(model_of(LAST), digit(3))
    best = int(values["pool4"].flatten().argmax())
    assert start[1:] == [str(best // 25 + 1), str(best % 25 // 5 + 1), str(best % 5 + 1)]
    reader.page.keyboard.press("PageUp" if best // 25 else "PageDown")
    moved = reader.set_unit.input_value().split()
    assert abs(int(moved[1]) - int(start[1])) == 1
    assert moved[2:] == start[2:]


def test_the_least_of_it_still_shows_what_a_unit_sees(visit):
    """The landing page's: two layers, and no sums."""
    reader = Reader(visit("network"), "plain-layers")
    assert reader.box.locator(".network-layer").evaluate_all(
        "rows => rows.map(({ dataset }) => dataset.layer)"
    ) == ["fc6", "conv1", "conv3"]
    assert reader.box.locator("table, .network-curve").count() == 0
    field = maps(reader, "input").locator(".mark-dark.mark-field")
    maps(reader, "conv3").focus()
    for key in ("ArrowDown", "b", "b"):
        reader.page.keyboard.press(key)
    assert "You look at conv1" in reader.words()
    assert [field.get_attribute(side) for side in ("width", "height")] == ["3", "3"]
    reader.set(turn=180)
    assert "turned 180" in reader.box.inner_text()
    assert not reader.box.get_by_role("radio", name="occlusion").is_visible()


def test_who_looks_from_unit_to_unit_has_nothing_computed_anew(reader):
    page = reader.page
    reader.box.locator(f"#{NAME}-at").fill("3")
    page.evaluate("""() => {
      const { forward } = cnnref.network;
      window.before = window.passes = 0;
      cnnref.network.forward = (...given) => { window.passes += 1; return forward(...given); };
    }""")
    reader.set(x=1)
    # This picture, each moment, and each shift of it: until nothing more comes.
    page.wait_for_function("passes > 20 && passes === (before ?? 0) || void (before = passes)",
                           polling=1000)  # fmt: skip
    done = page.evaluate("passes")
    for name in ("conv1", "pool2", "conv3"):
        maps(reader, name).focus()
        page.keyboard.press("ArrowDown")
        assert f"You look at {name}" in reader.words()
    page.wait_for_timeout(1000)
    assert page.evaluate("passes") == done


def test_moments_show_the_network_of_their_time(reader):
    slider = reader.box.locator(f"#{NAME}-at")
    x = digit(3)
    for moment in (0, 3, LAST):
        slider.fill(str(moment))
        with torch.no_grad():
            chances = model_of(moment)(x).softmax(1)[0]
        assert f"It reads {int(chances.argmax())}, with " in reader.words()
        step = MOMENTS[moment]
        assert ("Before the first step" if not step else f"After {step:,} steps") in reader.words()


def test_occlusion_is_what_the_score_loses(reader):
    reader.choose("occlusion")
    picture = maps(reader, "input")
    picture.locator("xpath=self::*[not(@aria-busy)]").wait_for(timeout=20_000)
    code = """box => {
      const canvas = box.querySelector("canvas");
      return Array.from(canvas.getContext("2d").getImageData(0, 0, 28, 28).data);
    }"""
    shades = torch.tensor(picture.evaluate(code)).view(28, 28, 4)
    model, x = model_of(LAST), digit(3)
    drops = torch.zeros(28, 28)
    with torch.no_grad():
        whole = model(x)[0, 3]
        for r in range(0, 25, 2):
            for c in range(0, 25, 2):
                covered = x.clone()
                covered[0, 0, r : r + 4, c : c + 4] = 0
                drops[r + 1 : r + 3, c + 1 : c + 3] = whole - model(covered)[0, 3]
    part = (drops.abs() / drops.abs().max())[..., None]
    ink = torch.where(drops[..., None] < 0, torch.tensor([179, 88, 6]), torch.tensor([64, 16, 118]))
    expected = (255 + (ink - 255) * part) * (1 - 0.3 * x[0, 0, ..., None])
    assert (shades[..., :3] - expected).abs().max() < 2


def test_what_if_changes_the_picture_and_the_answer(reader):
    reader.set(x=10)
    x = torch.zeros(1, 1, 28, 28)
    x[..., 10:] = digit(3)[..., :-10]
    with torch.no_grad():
        chances = model_of(LAST)(x).softmax(1)[0]
    assert f"It reads {int(chances.argmax())}" in reader.words()
    reader.set(x=0, turn=90)
    turned = reader.words()
    reader.set(turn=0, noise=90)
    assert reader.words() != turned
    assert "noisy 90 %" in reader.box.inner_text()


def test_a_map_is_silenced_and_woken(reader):
    box = maps(reader, "conv1")
    box.scroll_into_view_if_needed()
    box.click(position={"x": 5, "y": 5})
    reader.press("Silence this map")
    with torch.no_grad():
        sums, _ = layers_of(model_of(LAST), digit(3), ["conv1 1"])
    best = int(sums["fc6"].argmax())
    assert reader.words().startswith(f"It reads {best}")
    assert reader.box.locator(f"#{NAME}-silent").input_value() == "conv1 1"
    assert reader.words().endswith("Silenced: conv1 1.")
    reader.press("Wake this map")
    assert reader.box.locator(f"#{NAME}-silent").input_value() == ""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("unit=conv9", "Unit must begin with a layer: input, conv1"),
        ("unit=conv1+9+1+1", "must be a whole number from 1 to 8"),
        ("strokes=1,2,3", "“1,2,3” is no point"),
        ("silent=pool2+1", "Silenced maps must name maps that there are, as in conv1 3, conv3 5"),
        ("silent=conv1+9", "Silenced maps must name maps that there are, as in conv1 3, conv3 5"),
    ],
)
def test_mistakes_are_told(visit, setting, words):
    reader = Reader(visit("network", fragment=f"#{NAME}?{setting}"), NAME)
    assert words in reader.words()
    assert reader.box.locator("details").get_attribute("open") is not None


def test_a_link_brings_the_drawing_back(visit, reader):
    reader.choose("7")
    reader.set(turn=20)
    maps(reader, "pool2").click(position={"x": 9, "y": 9})
    again = Reader(visit("network", fragment=reader.link()), NAME)
    assert again.words() == reader.words()


@pytest.mark.parametrize("digit", ["own", "12"])
def test_its_figure_knows_the_books_digits(digit):
    with pytest.raises(ValueError, match=f"the book's own digits are 0 to 9, got '{digit}'"):
        draw_network(NETWORK.preset | {"digit": digit})
    with pytest.raises(ValueError, match="shows everything, layers, sums, shifts; got 'all'"):
        draw_network(NETWORK.preset | {"shows": "all"})
