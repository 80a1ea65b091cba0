"""The receptive field's explorer: its networks against the models, and driven as a reader would."""

import re

import pytest
import torch
from torch import nn
from torchvision.models import vgg16

from bookext.explorers.reach import MOST_DRAWN, NETWORKS, layers_of, stack_of, window_of
from cnnref.accounting import summarize
from cnnref.models import CountedCNN, DilatedStack, InceptionBlock, PlainCNN
from cnnref.windows import Window, compose

from ..pages import PHONE
from .reader import Reader
from .vectors_reach import runs

BLOCK_3A = (192, 64, 96, 128, 16, 32, 32)


def counted(name):
    n, channels, text = NETWORKS[name].values()
    return summarize(stack_of(channels, layers_of(text)), (channels, n, n))


# --- the networks to choose from ---------------------------------------------------------------


def models():
    with torch.device("meta"):
        block = InceptionBlock(*BLOCK_3A)
        return {
            "IU-4": CountedCNN(),
            "PlainCNN": PlainCNN(),
            "VGG-16": vgg16(init_weights=False),
            "Dilated stack": DilatedStack((1, 2, 4, 8)),
            "Inception 3a, 1×1 path": block.path1,
            "Inception 3a, 3×3 path": block.path3,
            "Inception 3a, 5×5 path": block.path5,
            "Inception 3a, pooling path": block.pool,
        }


def test_the_networks_are_the_librarys():
    found = models()
    assert found.keys() | {"Short chain"} == NETWORKS.keys()
    for name, model in found.items():
        n, channels, _ = NETWORKS[name].values()
        kinds = re.compile("conv|linear|max_?pool|avgpool2d", re.IGNORECASE)
        rows = [
            row
            for row in summarize(model, (channels, n, n)).layers
            if kinds.match(row.kind) and "Adaptive" not in row.kind
        ]
        if name == "Dilated stack":
            rows.pop()  # its linear layer follows a maximum over all positions
        ours = counted(name).layers
        assert len(rows) == len(ours), name
        for row, our in zip(rows, ours, strict=True):
            assert (row.parameters, row.macs) == (our.parameters, our.macs), (name, row.name)
            if "inear" not in row.kind:
                assert row.output_shape == our.output_shape, (name, row.name)
                # On a torus, which the library does not follow, the dilated stack sees the same.
                if name != "Dilated stack":
                    assert row.receptive_field == our.receptive_field, (name, row.name)
                    assert row.jump == our.jump, (name, row.name)
    windows = [Window(3, dilation=d) for d in (1, 2, 4, 8)]
    fields = [row.receptive_field[0] for row in counted("Dilated stack").layers]
    assert fields == [compose(windows[:depth]).size for depth in range(1, 5)]


# --- the table and the picture -----------------------------------------------------------------


class Stack(Reader):
    """A reader of this explorer."""

    def network(self, name):
        self.see(self.box.get_by_label("Network")).select_option(label=name)

    def rows(self):
        self.unfold()
        found = self.box.locator(".explorer-layers tbody tr").all()
        return [row.locator("td").all_inner_texts() for row in found]

    def lit(self):
        """The lit units as runs, a layer each, from the input up; where every unit is drawn."""
        drawn = self.box.locator("path.lit").get_attribute("d")
        boxes = re.findall(r"M(\S+) (\S+?)h(\S+?)v", drawn)
        rows = {}
        for x, y, width in boxes:
            rows.setdefault(round(float(y)), []).append(float(x) + float(width) / 2 - 0.5)
        return [rows[y] for y in sorted(rows, reverse=True)]

    def mistake(self, name):
        return self.box.locator(f"#{self.box.get_attribute('id')}-{name}-mistake").inner_text()


def listed(summary):
    """The rows of the table."""
    found = []
    for row in summary.layers:
        (field, _), (seen, _) = row.receptive_field, row.clipped
        clipped = f" ({seen} seen)" if seen < field else ""
        found.append([
            f"{row.output_shape[1]} × {row.output_shape[2]}²", f"{field:,}{clipped}",
            f"{row.jump[0]:,}", f"{row.parameters:,}", f"{row.macs:,}",
        ])  # fmt: skip
    return found


def test_the_table_is_what_the_library_counts(visit):
    reader = Stack(visit("reach"), "explorer-receptive-field")
    for name in NETWORKS:
        reader.network(name)
        summary = counted(name)
        assert reader.rows() == listed(summary), name
        total = reader.box.locator("tfoot td").all_inner_texts()[-2:]
        assert total == [f"{summary.total_parameters:,}", f"{summary.total_macs:,}"]
    reader.press("Start again")
    reader.set(n=40, c=2, layers="conv5s2p1c8, conv3d3c4; pool3s2p1")
    assert reader.box.get_by_label("Network").input_value() == "own"
    layers = layers_of("conv5s2p1c8 conv3d3c4 pool3s2p1")
    assert reader.rows() == listed(summarize(stack_of(2, layers), (2, 40, 40)))


def test_the_picture_lights_what_a_unit_depends_on(visit):
    reader = Stack(visit("reach"), "explorer-receptive-field")
    for text, n in (("conv3 conv3 pool2s2 conv3", 32), ("conv3d3p1 conv2s3 conv3p2", 30)):
        reader.set(n=n, layers=text)
        windows = [window_of(layer) for layer in layers_of(text)]
        sizes, starts, jumps = [n], [0.0], [1]
        for window in windows:
            sizes.append(window.output_size(sizes[-1]))
            starts.append(starts[-1] + float(window.field.start) * jumps[-1])
            jumps.append(jumps[-1] * window.stride)
        for unit in range(sizes[-1]):
            reader.slider().fill(str(unit))
            chain = [{unit}]
            for size, window in zip(sizes[-2::-1], windows[::-1], strict=True):
                read = {tap for i in chain[0] for tap in window.taps(i)}
                chain.insert(0, {tap for tap in read if 0 <= tap < size})
            places = [
                [starts[depth] + i * jumps[depth] for i in sorted(units)]
                for depth, units in enumerate(chain)
            ]
            lit = reader.lit()
            assert len(lit) == len(places)
            for found, expected in zip(lit, places, strict=True):
                assert found == pytest.approx(expected)
            first, last = runs(chain[0])[0][0] + 1, runs(chain[0])[-1][1] + 1
            total = len(chain[0])
            told = reader.words()
            if total == last - first + 1 > 2:
                assert f"sees inputs {first} to {last}" in told
            elif total > 4:
                assert f"sees {total} of the inputs {first} to {last}" in told


def test_units_are_drawn_up_to_the_size_at_which_the_figure_draws_them(visit):
    reader = Stack(visit("reach"), "explorer-receptive-field")
    for n, fine in ((MOST_DRAWN, 1), (MOST_DRAWN + 1, 0)):
        reader.set(n=n)
        assert reader.box.locator(".explorer-fine").count() == fine


def test_formulas_and_what_the_layer_does_not_see(visit):
    reader = Stack(visit("reach"), "counted")
    reader.set(layer=4)
    assert reader.formula().splitlines()[0] == "M = ⌊(63 + 2·0 − 2·(3 − 1) − 1) / 1⌋ + 1 = 59"
    row = counted("IU-4").layers[3]
    assert f"r = 13 + 2·(3 − 1)·4 = {row.receptive_field[0]}, j = 4·1 = 4" in reader.formula()
    assert f"= {row.parameters:,}, MACs = 59²·128·64·3² = {row.macs:,}" in reader.formula()
    reader.set(layer=9)
    assert "No unit of this layer sees inputs 255 and 256." in reader.formula()
    assert "254 positions of its field of 257: the rest is padding." in reader.words()


# --- pointing ----------------------------------------------------------------------------------


def test_pointing_at_a_unit_shows_it_and_pressing_keeps_it(visit):
    page = visit("reach")
    reader = Stack(page, "explorer-receptive-field")
    page.wait_for_function("document.querySelector('.explorer-reach svg')")
    before = reader.words()
    assert before.startswith("Unit 7 of layer 4 reads units 7 to 9 of layer 3")
    picture = reader.box.locator(".explorer-reach svg")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    # Layer 1 is the fourth of five rows from above; its unit 10 stands above input 11.
    x, y = box["x"] + box["width"] * 10.5 / 32, box["y"] + box["height"] * 3.5 / 5
    page.mouse.move(x, y)
    assert reader.words() == "Unit 10 of layer 1 sees inputs 10 to 12."
    assert [len(row) for row in reader.lit()] == [3, 1]
    assert reader.box.get_by_role("status").get_attribute("aria-live") == "off"
    page.mouse.move(box["x"] + 9, box["y"] - 60)
    assert reader.words() == before
    page.mouse.click(x, y)
    assert (reader.value("layer"), reader.value("at")) == ("1", "9")
    page.mouse.move(box["x"] + 9, box["y"] - 60)
    assert reader.words() == "Unit 10 of layer 1 sees inputs 10 to 12."


def test_a_row_of_the_table_shows_and_chooses_its_layer(visit):
    page = visit("reach")
    reader = Stack(page, "counted")
    reader.unfold()
    page.mouse.move(0, 0)  # a row under the pointer would speak, too
    before = reader.words()
    button = reader.box.get_by_role("button", name="2 conv5s2c64")
    button.focus()
    assert reader.words().startswith("Unit 64 of layer 2 ")
    page.keyboard.press("Tab")
    assert reader.words().startswith("Unit 32 of layer 3 ")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert (reader.value("layer"), reader.value("k"), reader.value("o")) == ("2", "5", "64")
    focused = page.evaluate("document.activeElement.innerText")
    assert focused == "2 conv5s2c64"
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    assert reader.words() != before
    page.keyboard.press("Tab")
    reader.slider().focus()
    assert reader.words().startswith("Unit 64 of layer 2 ")


# --- editing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, PHONE])
def test_layers_are_edited_and_removed(visit, size):
    reader = Stack(
        visit("reach", **({"viewport": size} if size else {})), "explorer-receptive-field"
    )
    text = lambda: reader.value("layers")  # noqa: E731
    reader.set(layer=3)
    assert (reader.value("k"), reader.value("s")) == ("2", "2")
    assert not reader.box.get_by_label("Channels out").is_visible()
    reader.set(k=3, p=1)
    assert text() == "conv3 conv3 pool3s2p1 conv3"
    reader.set(layer=2)
    reader.set(o=8, d=2)
    assert text() == "conv3 conv3d2c8 pool3s2p1 conv3"
    reader.choose("pooling")
    assert text() == "conv3 pool3d2 pool3s2p1 conv3"
    reader.set(layer=4)
    reader.press("Remove")
    assert (text(), reader.value("layer")) == ("conv3 pool3d2 pool3s2p1", "3")
    layers = layers_of(text())
    assert reader.rows() == listed(summarize(stack_of(1, layers), (1, 32, 32)))
    for left in ("conv3 pool3d2", "conv3", "conv3"):  # the last one stays
        reader.press("Remove")
        assert text() == left
    assert reader.value("layer") == "1"
    reader.set(layers="")
    assert reader.mistake("layers") == "must hold 1 to 24 layers, not 0"
    reader.press("Start again")
    assert reader.box.locator("[aria-invalid=true]").count() == 0


def test_the_keyboard_alone_will_do(visit):
    page = visit("reach")
    reader = Stack(page, "explorer-receptive-field")
    prefix = "explorer-receptive-field-"
    focused = lambda: page.evaluate("document.activeElement.id || document.activeElement.innerText")  # noqa: E731
    reader.unfold()
    reader.box.get_by_role("button", name="Insert a layer above layer 4").focus()
    stops = [focused()]
    while stops[-1] != "Start again" and len(stops) < 50:
        page.keyboard.press("Tab")
        stops.append(focused())
    assert [stop.removeprefix(prefix) for stop in stops] == [
        *"+++++", "4 conv3", "3 pool2s2", "2 conv3", "1 conv3", "Play", "Back", "Step", "at",
        "Settings4 layers over 32 inputs; layer 4 has a field of 10 and a jump of 2",
        "network", "n", "c", "layers", "layer", "kind-conv", "k", "s", "p", "d", "o",
        "Remove", "1 conv3", "2 conv3", "3 pool2s2", "4 conv3", "Link to this setting",
        "Start again",
    ]  # fmt: skip
    page.locator(f"#{prefix}s").focus()
    page.keyboard.press("ArrowUp")
    assert reader.value("layers") == "conv3 conv3 pool2s2 conv3s2"
    page.locator(f"#{prefix}kind-conv").focus()
    page.keyboard.press("ArrowRight")
    assert reader.value("layers") == "conv3 conv3 pool2s2 pool3s2"
    page.locator(f"#{prefix}layer").focus()
    page.keyboard.press("ArrowDown")
    assert reader.value("k") == "2"
    page.locator(f"#{prefix}at").focus()
    before = reader.words()
    page.keyboard.press("ArrowRight")
    assert reader.words() != before


# --- taken hold of -----------------------------------------------------------------------------


@pytest.mark.parametrize("touch", [False, True])
def test_a_layer_is_dragged_to_its_place(visit, touch):
    reader = Stack(visit("reach", PHONE, has_touch=touch), "explorer-receptive-field")
    row = reader.box.locator(".explorer-layer").first.bounding_box()["height"]
    reader.drag("layer-3", down=2 * row, touch=touch)
    assert (reader.value("layers"), reader.value("layer")) == ("pool2s2 conv3 conv3 conv3", "1")
    # It keeps its grip wherever it stands.
    reader.drag("layer-3", down=-1 * row, touch=touch)
    assert (reader.value("layers"), reader.value("layer")) == ("conv3 pool2s2 conv3 conv3", "2")
    layers = layers_of(reader.value("layers"))
    assert reader.rows() == listed(summarize(stack_of(1, layers), (1, 32, 32)))
    # A press without a move chooses a layer.
    grip = reader.box.locator(".explorer-layer").first
    (grip.tap if touch else grip.click)()
    assert (reader.value("layers"), reader.value("layer")) == ("conv3 pool2s2 conv3 conv3", "4")


def test_a_layer_is_inserted_moved_and_removed_in_the_picture(visit):
    page = visit("reach")
    reader = Stack(page, "explorer-receptive-field")
    reader.press_named("Insert a layer above layer 2")
    assert reader.value("layers") == "conv3 conv3 conv3p1 pool2s2 conv3"
    assert reader.value("layer") == "3"
    reader.press_named("Insert a layer above the input")
    assert reader.value("layers") == "conv3p1 conv3 conv3 conv3p1 pool2s2 conv3"
    layer = reader.box.get_by_role("slider", name="Layer pool2s2")
    layer.focus()
    for key, expected in (("ArrowUp", 6), ("ArrowDown", 5), ("Home", 1), ("End", 6)):
        page.keyboard.press(key)
        assert (layer.get_attribute("aria-valuenow"), reader.value("layer")) == (str(expected),) * 2
        assert layer.evaluate("e => e === document.activeElement")
    assert layer.get_attribute("aria-valuetext") == "place 6 of 6"
    page.keyboard.press("Delete")
    assert reader.value("layers") == "conv3p1 conv3 conv3 conv3p1 conv3"


def test_a_layer_is_not_put_where_it_does_not_fit(visit):
    page = visit("reach")
    reader = Stack(page, "explorer-receptive-field")
    reader.set(n=12, layers="conv3 pool2s2 conv5")
    reader.box.get_by_role("slider", name="Layer conv3").focus()
    page.keyboard.press("End")
    assert reader.words() == (
        "That cannot be: in layer 3, the window spans 3 positions, but the input has only 2."
    )
    assert reader.value("layers") == "conv3 pool2s2 conv5"
    assert reader.box.locator("[aria-invalid=true]").count() == 0


# --- mistakes, and sharing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "place", "told"),
    [
        ({"layers": "conv3 con3"}, "layers", "“con3” is not a layer"),
        ({"layers": ""}, "layers", "must hold 1 to 24 layers, not 0"),
        ({"layers": "pool2 " * 25}, "layers", "must hold 1 to 24 layers, not 25"),
        ({"layers": "conv3s0"}, "layers", "“conv3s0” needs a stride from 1 to 16"),
        ({"layers": "pool2c4"}, "layers", "a pooling keeps its input’s"),
        ({"n": 5}, "layers", "in layer 3, the window spans 2 positions, but the input has only 1"),
        ({"layers": "conv3 conv31 conv3 conv31"}, "layers", "in layer 2, the window spans 31"),
        ({"k": 15}, "k", "the window spans 15 positions, but the input has only 14"),
        ({"k": 0}, "k", "must be a whole number from 1 to 31"),
        ({"s": ""}, "s", "must be a whole number from 1 to 16"),
        ({"layer": 5}, "layer", "must be at most 4, the number of layers"),
        ({"n": 513}, "n", "must be a whole number from 1 to 512"),
        ({"layer": 3, "p": 2}, "p", "the padding of a pooling must be at most half its kernel, 1"),
        ({"layers": "conv1s16 " * 24}, "layers", "in layer 14, its numbers are too large"),
    ],
)
def test_a_mistake_is_told_beside_the_control(visit, edit, place, told):
    reader = Stack(visit("reach"), "explorer-receptive-field")
    reader.set(**edit)
    assert told in reader.mistake(place)
    assert told in reader.words()
    assert reader.box.locator("[aria-invalid=true]").count() == 1
    assert "NaN" not in reader.box.inner_text()
    # The other controls still work, and the way back is the same as the way there.
    reader.press("Start again")
    assert reader.box.locator("[aria-invalid=true]").count() == 0
    assert reader.value("layers") == NETWORKS["Short chain"]["layers"]
    assert reader.words().startswith("Unit 7 of layer 4")


def test_a_stack_can_be_shared(visit):
    page = visit("reach")
    reader = Stack(page, "counted")
    reader.set(n=64, layers="conv3p1c8 pool2s2 conv5s2", layer=2, s=3)
    reader.slider().fill("4")
    link = reader.link()
    assert link == "#counted?n=64&c=3&layers=conv3p1c8+pool2s3+conv5s2&layer=2&at=5"
    other = Stack(visit("reach", fragment=link), "counted")
    assert (other.words(), other.link(), other.rows()) == (reader.words(), link, reader.rows())
    first = Stack(other.page, "explorer-receptive-field")
    assert first.value("layers") == NETWORKS["Short chain"]["layers"]
    for nonsense in (
        "#counted?layers=%3Cb%3E&layer=7&n=x", "#counted?at=NaN&layer=0&k=3",
        "#counted?n=1&layers=conv3",
    ):  # fmt: skip
        other.page.evaluate("hash => { location.hash = hash }", nonsense)
        other.page.wait_for_timeout(50)
        assert "NaN" not in other.box.inner_text()
    other.page.evaluate("location.hash = '#counted?n=9&layers=conv3+conv3&layer=1&at=2'")
    other.page.wait_for_function("document.querySelector('#counted-n').value === '9'")
    assert other.words() == "Unit 2 of layer 1 sees inputs 2 to 4."


def test_layers_of_torch_are_the_layers_of_the_text():
    stack = stack_of(3, layers_of("conv3s2p1d2c64 pool2s2"))
    conv, pool = stack
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(pool, nn.MaxPool2d)
    assert (conv.in_channels, conv.out_channels, conv.kernel_size) == (3, 64, (3, 3))
    assert (conv.stride, conv.padding, conv.dilation) == ((2, 2), (1, 1), (2, 2))
    assert (pool.kernel_size, pool.stride, pool.padding, pool.dilation) == (2, 2, 0, 1)
