"""The explorer of learning curves: what it tells is what the records say."""

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cnnref.experiments import CATALOGUE, run, store
from cnnref.figures.style import COLOURS

from ..conftest import ROOT
from ..pages import PHONE, STATIC
from .reader import Reader
from .vectors_curves import told

CATS = [name for name in CATALOGUE if name.startswith("cats-dogs-")][:5]  # the handout's own


def history(name, measure, which):
    """A measure by seed and epoch, and its first epoch, from the records."""
    result = run(name, mode="stored")
    metric = "loss" if measure == "loss" else "accuracy"
    values = result.history(f"{'train' if which == 'training' else result.split}_{metric}")
    first = 1
    if which == "test":
        values, first = np.column_stack([result.untrained(metric), values]), 0
    return (1 - values if measure == "error" else values), first


def readings(reader):
    """The rows of the table: name, mean, range and seeds."""
    rows = reader.box.locator("tbody tr").all()
    return [[cell.strip() for cell in row.locator("th, td").all_inner_texts()] for row in rows]


def choose(reader, group, names):
    reader.unfold()
    for box in (
        reader.box.get_by_role("group", name=group, exact=True).get_by_role("checkbox").all()
    ):
        box.set_checked(box.get_attribute("value") in names)


# --- what is told ------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["loss", "accuracy", "error"])
def test_words_and_table_say_what_the_records_say(visit, measure):
    reader = Reader(visit("curves"), "runs")
    choose(reader, "Experiments", CATS)
    choose(reader, "Images", ("training", "test"))
    reader.choose(measure)
    for epoch in (0, 1, 7, 20):
        reader.slider().fill(str(epoch))
        assert reader.box.locator(".explorer-player label").inner_text() == f"Epoch {epoch} of 20"
        words, rows = reader.words(), iter(readings(reader))
        assert words.startswith(f"Epoch {epoch}. Mean training {measure}: ")
        for which in ("training", "test"):
            for name in CATS:
                values, first = history(name, measure, which)
                row = next(rows)
                assert (row[0], row[3]) == (f"{name}, {which}", str(len(values)))
                if epoch < first:
                    assert f"{name} begins at epoch 1" in words
                    assert row[1:3] == ["–", "–"]
                    continue
                at = values[:, epoch - first]
                mean, least, most = (told(f(at), measure) for f in (np.mean, np.min, np.max))
                assert f"{name} {mean} ({least} to {most}, {len(values)} seeds)" in words
                assert row[1] == mean
                assert row[2] == f"{least.removesuffix(' %')}–{most}"


def test_one_seed_has_no_range_and_a_shorter_run_ends(visit):
    page = visit("curves")
    tuned = Reader(page, "tuned")
    tuned.slider().fill("3")
    values, _ = history("tune-adam-1e-3", "error", "test")
    mean = told(values[0, 3], "error")
    assert "Mean validation error: tune-adam-1e-4 " in tuned.words()
    assert f"tune-adam-1e-3 {mean} (one seed)" in tuned.words()
    assert ["tune-adam-1e-3, validation", mean, "–", "1"] in readings(tuned)
    assert tuned.box.locator(".band").count() == 0
    runs = Reader(page, "runs")
    runs.set(dataset="fashion-mnist")
    choose(runs, "Experiments", ("fashion-cnn", "optimizer-sgd"))
    runs.slider().fill("8")
    assert "optimizer-sgd ended at epoch 3" in runs.words()
    assert "fashion-cnn 0." in runs.words()


def test_mini_batches_are_averaged_over_tenths_of_an_epoch(visit):
    reader = Reader(visit("curves", fragment="#stepped"), "stepped")
    reader.slider().fill("2")
    for name in ("optimizer-adam", "optimizer-sgd"):
        steps = run(name, mode="stored").history("step_loss")
        tenth = steps.shape[1] / 30
        part = steps[:, round(19 * tenth) : round(20 * tenth)].mean(1)
        mean, least, most = (told(f(part), "loss") for f in (np.mean, np.min, np.max))
        assert f"{name} {mean} ({least} to {most}, 3 seeds)" in reader.words()
    line = reader.box.locator(".curves .line").first
    assert line.get_attribute("d").count("L") == 29
    reader.choose("error")
    error = run("optimizer-sgd", mode="stored").history("step_error")[:, -94:].mean()
    reader.slider().fill("3")
    assert f"optimizer-sgd {told(error, 'error')} (" in reader.words()


def test_the_picture_shows_the_numbers(visit):
    """The dots stand where the axis says that their means are."""
    reader = Reader(visit("curves"), "runs")
    choose(reader, "Experiments", CATS)
    for measure, log in (("loss", False), ("loss", True), ("error", True), ("accuracy", False)):
        reader.choose(measure)
        if measure != "accuracy":
            reader.set(log=log)
        reader.slider().fill("13")
        marks = reader.box.locator(".curves text.value")
        heights = [float(y) for y in marks.evaluate_all("l => l.map(e => e.getAttribute('y'))")]
        texts = [float(text.removesuffix(" %")) for text in marks.all_text_contents()]
        assert len(texts) >= 2
        scale = np.log if log else np.asarray
        slope, start = np.polyfit(heights, scale(texts), 1)
        assert np.allclose(np.polyval([slope, start], heights), scale(texts))
        dots = reader.box.locator(".curves > .cursor ~ .mark")
        assert dots.count() == len(CATS)
        for dot, name in zip(dots.all(), CATS, strict=True):
            y = float(re.search(r"translate\(\S+ ([\d.]+)\)", dot.get_attribute("transform"))[1])
            mean = history(name, measure, "test")[0][:, 13].mean()
            mean *= 1 if measure == "loss" else 100
            assert np.isclose(slope * y + start, scale(mean), rtol=1e-4, atol=1e-6)


def test_zeros_are_left_out_of_a_logarithmic_axis(visit):
    errors, _ = history("kat-features", "error", "training")
    perfect = np.flatnonzero((errors == 0).all(0))
    assert len(perfect)
    reader = Reader(visit("curves"), "runs")
    reader.set(dataset="kats-cat")
    choose(reader, "Images", ("training",))
    reader.choose("error")
    reader.slider().fill(str(perfect[-1] + 1))
    dot = reader.box.locator(".curves > .cursor ~ .mark")
    assert dot.get_attribute("visibility") == "visible"
    reader.set(log=True)
    assert dot.get_attribute("visibility") == "hidden"
    assert "kat-features 0.0 % (0.0 % to 0.0 %, 5 seeds)" in reader.words()
    assert "NaN" not in reader.box.inner_html()
    assert "Infinity" not in reader.box.inner_html()


def test_lines_differ_without_colours(visit):
    reader = Reader(visit("curves"), "runs")
    reader.set(dataset="fashion-mnist")
    samples = reader.box.locator("tbody .sample").all()
    assert len(samples) == 7
    looks = [
        [
            p.get_attribute(key)
            for p in sample.locator("path").all()
            for key in ("d", "stroke-dasharray")
        ]
        for sample in samples
    ]
    assert len({str(look) for look in looks}) == 7
    assert len({look[2] for look in looks}) == 7  # markers
    assert all(a[1] != b[1] for a, b in pairwise(looks))  # dashes


def test_the_colours_are_the_figures():
    css = (STATIC / "explorers.css").read_text("utf-8")
    light = re.findall(r"--curve-\d: (#\w+);", css)[:6]
    names = ("blue", "orange", "green", "purple", "ink", "grey")
    assert light == [COLOURS[name].lower() for name in names]


# --- by pointer and keyboard, mistaken, shared ---------------------------------------------------


def test_pointing_looks_and_pressing_stays(visit):
    page = visit("curves")
    reader = Reader(page, "runs")
    caption = reader.box.locator("caption")
    picture = reader.box.locator(".curves")
    picture.scroll_into_view_if_needed()
    area = picture.bounding_box()
    x = lambda epoch: area["x"] + 46 + (area["width"] - 56) * epoch / 20  # noqa: E731
    link, words = reader.link(), reader.words()
    page.mouse.move(x(5), area["y"] + 100)
    assert caption.inner_text() == "Epoch 5"
    page.mouse.move(x(0), area["y"] + 100)
    assert caption.inner_text() == "Epoch 0, before training"
    assert (reader.link(), reader.words()) == (link, words)
    page.mouse.move(area["x"] + 10, area["y"] - 30)
    assert caption.inner_text() == "Epoch 20"
    page.mouse.move(x(7.3), area["y"] + 100)
    page.mouse.down()
    assert reader.words().startswith("Epoch 7.")
    page.mouse.move(x(9.8), area["y"] + 100)
    assert reader.words().startswith("Epoch 10.")
    page.mouse.up()
    page.mouse.move(area["x"] + 10, area["y"] - 30)
    assert caption.inner_text() == "Epoch 10"
    assert "at=10" in reader.link()


def height_of(reader, name, epoch):
    """Where a mean stands on the page."""
    reader.slider().fill(str(epoch))
    dots = reader.box.locator(".curves > .cursor ~ .mark")
    names = [row[0] for row in readings(reader)]
    box = dots.nth(names.index(name)).bounding_box()
    return box["y"] + box["height"] / 2


def test_a_curve_that_is_pressed_is_singled_out(visit):
    page = visit("curves")
    reader = Reader(page, "runs")
    picture = reader.box.locator("svg.curves")
    picture.scroll_into_view_if_needed()
    area = picture.bounding_box()
    x = area["x"] + 46 + (area["width"] - 56) * 15 / 20
    page.mouse.click(x, height_of(reader, "cats-dogs-skip", 15))
    assert re.fullmatch(r"Epoch 15. Mean test loss: cats-dogs-skip [^;]*", reader.words())
    assert picture.locator(".pale").count() == 1
    pressed = reader.box.get_by_role("button", pressed=True)
    assert pressed.inner_text().strip() == "cats-dogs-skip"
    assert "single=cats-dogs-skip" in reader.link()
    # Dragging reads values, and singles nothing out.
    page.mouse.move(x, height_of(reader, "cats-dogs-plain", 15))
    page.mouse.down()
    page.mouse.move(x + 40, area["y"] + 100)
    page.mouse.up()
    assert pressed.inner_text().strip() == "cats-dogs-skip"
    pressed.focus()
    page.keyboard.press("Space")
    assert picture.locator(".pale").count() == pressed.count() == 0
    assert page.evaluate("document.activeElement.innerText").strip() == "cats-dogs-skip"
    assert "; cats-dogs-skip " in reader.words()
    # It goes with what is shown.
    reader.set(single="optimizer-adam")
    assert picture.locator(".pale").count() == 0


@pytest.mark.parametrize("touch", [False, True])
def test_the_strip_looks_closer(visit, touch):
    page = visit("curves", PHONE, has_touch=touch)
    reader = Reader(page, "runs")
    choose(reader, "Experiments", CATS[:1])
    width = reader.box.locator("svg.curves").bounding_box()["width"]
    per = (width - 56) / 20
    reader.drag("from", 5 * per, touch=touch)
    reader.drag("to", -8 * per, touch=touch)
    assert (reader.value("from"), reader.value("to")) == ("5", "12")
    values, _ = history(CATS[0], "loss", "test")
    texts = reader.box.locator(".curves text.value").all_text_contents()
    assert float(texts[-1]) <= values[:, 5:13].max() < values.max()
    words = reader.box.locator("svg.curves").get_attribute("aria-label")
    assert "from epoch 5 to 12" in words
    assert "epochs 5 to 12" in reader.box.locator("summary").inner_text()
    reader.drag("interval", 3 * per, touch=touch)
    assert (reader.value("from"), reader.value("to")) == ("8", "15")
    # The end of one is where the other begins.
    reader.drag("to", -400, touch=touch)
    assert (reader.value("from"), reader.value("to")) == ("8", "9")
    reader.grip("to").focus()
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    assert reader.value("to") == "19"
    assert page.evaluate("document.activeElement.dataset.grip") == "to"
    # A stop outside is told all the same, and not drawn.
    reader.slider().fill("2")
    assert reader.words().startswith("Epoch 2.")
    assert reader.box.locator(".cursor").get_attribute("visibility") == "hidden"
    other = Reader(visit("curves", PHONE, fragment=reader.link()), "runs")
    assert (other.link(), other.value("from")) == (reader.link(), "8")
    reader.set(**{"from": 19})
    told = "must be less than the last epoch in view, 19"
    assert reader.box.locator("#runs-from-mistake").inner_text() == told
    reader.press("Start again")
    reader.set(dataset="fashion-mnist")
    assert reader.value("from") == "0"


def test_the_keyboard_reads_and_chooses(visit):
    page = visit("curves")
    reader = Reader(page, "runs")
    page.locator("#runs-at").focus()
    page.keyboard.press("ArrowLeft")
    assert reader.words().startswith("Epoch 19. Mean test loss: cats-dogs-plain ")
    page.keyboard.press("Home")
    assert reader.words().startswith("Epoch 0.")
    reader.field("cats-dogs-cats-dogs-skip-bn").focus()
    page.keyboard.press("Space")
    assert [row[0] for row in readings(reader)] == [
        "cats-dogs-plain", "cats-dogs-skip", "cats-dogs-skip-bn",
    ]  # fmt: skip
    page.locator("#runs-measure-loss").focus()
    page.keyboard.press("ArrowRight")
    assert "Mean test accuracy: " in reader.words()
    assert not page.locator("#runs-log").is_visible()


def test_nothing_chosen_is_told(visit):
    page = visit("curves")
    reader = Reader(page, "runs")
    choose(reader, "Experiments", ())
    assert reader.words() == "Experiments must have at least one chosen."
    assert page.locator("#runs .explorer-words").bounding_box()["width"] > 100
    assert page.locator("#runs-cats-dogs-mistake").inner_text() == "must have at least one chosen"
    assert page.locator("#runs-cats-dogs-cats-dogs-skip").get_attribute("aria-invalid") == "true"
    choose(reader, "Experiments", ("cats-dogs-skip",))
    assert page.locator("#runs [aria-invalid]").count() == 0
    assert reader.words().startswith("Epoch 20. Mean test loss: cats-dogs-skip 1.")
    reader.press("Start again")
    assert [row[0] for row in readings(reader)] == ["cats-dogs-plain", "cats-dogs-skip"]


def test_choices_can_be_shared(visit):
    reader = Reader(visit("curves"), "runs")
    choose(reader, "Experiments", CATS[1:4])
    choose(reader, "Images", ("training",))
    reader.set(log=True)
    reader.slider().fill("4")
    link = reader.link()
    assert f"cats-dogs={','.join(CATS[1:4])}&" in link
    assert link.endswith("at=4")
    other = Reader(visit("curves", fragment=link), "runs")
    assert (other.words(), other.link()) == (reader.words(), link)
    nonsense = Reader(
        visit("curves", fragment="#runs?cats-dogs=cats,cats-dogs-skip&at=99&sets=x"), "runs"
    )
    assert nonsense.words() == "Images must have at least one chosen."


# --- the data in the page ------------------------------------------------------------------------


def preset_of(text):
    """The directive of a page, as its explorer gets it."""
    from bookext.explorers.catalogue import EXPLORERS

    body = re.search(r":::\{explorer\} curves\n((?::.*\n)*)", text)[1]
    return EXPLORERS["curves"].preset | dict(re.findall(r":(\w+): (.*)", body))


def test_the_page_of_results_has_every_curve_with_a_band():
    from bookext.explorers.catalogue import EXPLORERS

    data = EXPLORERS["curves"].data(preset_of((ROOT / "book" / "results.md").read_text("utf-8")))
    names = [run["name"] for dataset in data.content["datasets"] for run in dataset["runs"]]
    several = [
        name
        for name, entry in CATALOGUE.items()
        if entry.recipe.epochs > 1 and len(entry.seeds) > 1
    ]
    assert sorted(names) == sorted(several)
    weight = len(gzip.compress(json.dumps(data.content, separators=(",", ":")).encode()))
    assert weight < 60_000
    assert len(data.files) == sum(len(CATALOGUE[name].seeds) for name in several)


def test_a_page_is_read_again_when_a_record_changes(tiny_book):
    book = tiny_book("explorers.directive")
    results = book.folder / "records"
    env = {"CNNREF_RESULTS": str(results)}
    content = dict(store.read(store.find("rate-1e-3", 1)).content)
    for key in ("schema", "checksum", "weights"):
        del content[key]

    def write(loss):
        content["history"] = content["history"] | {"train_loss": [2.5, loss]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CNNREF_RESULTS", str(results))
            store.write(content)

    def losses():
        html = book.html("index")
        data = json.loads(re.search(r'<script type="application/json">(.*)</script>', html)[1])
        return data["datasets"][0]["runs"][0]["loss"]["training"]

    write(0.125)
    book.write(index="# Top\n\n:::{explorer} curves\n:experiments: rate-1e-3\n\nIn words.\n:::\n")
    assert book.build(**env) == []
    assert losses()[1] == [2.5, 0.125]
    write(0.25)
    assert book.build(**env) == []
    assert losses()[1] == [2.5, 0.25]
    Path(results / "rate-1e-3" / "seed-1.json").write_text("{")
    assert any("damaged" in w or "whole JSON" in w for w in book.build(**env))
