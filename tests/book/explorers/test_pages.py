"""Pages with explorers: for everyone, everywhere, and light; and the directive that places them."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bookext.explorers.kind import SHARED

from ..conftest import messages
from ..pages import DESK, NEXT_FRAME, PHONE, STATIC
from .reader import PAGES, Reader, pass_all_explorers

# --- for everyone, everywhere ------------------------------------------------------------------

STATES = {
    "line": ["#explorer-convolution?at=2", "#explorer-convolution?n=abc",
             "#explorer-convolution?n=32&k=7&s=8&d=3&l=18&r=18&counts=1"],
    "tour": ["#explorer-convolution?n=9", "#explorer-convolution?d=2&l=2&k=5"],
    "twice": ["#one?q=1", "#two?n=12&l=18&r=18&n2=12", "#two?operation=transposed&counts=1"],
    "matrix": ["#explorer-matrix?at=2", "#explorer-matrix?view=input",
               "#explorer-matrix?view=kernel&x=1,2,3,4,5,6,7,8,9,-999&l=4&r=4&w=1,2,3,4,5",
               "#explorer-matrix?x=one"],
    "pooling": ["#explorer-pooling?at=2", "#explorer-pooling?move=swap&op=mean&count=none&l=2",
                "#explorer-pooling?x=-1,2,999,-999,.125,6,7,8,9,1,2,3,4,5,6,7&l=16&r=16&fill=infinity",
                "#explorer-pooling?k=2&s=3&r=0&enters=wrap", "#explorer-pooling?move=swap&i=9"],
    "reach": ["#explorer-receptive-field?at=1", "#explorer-receptive-field?layers=conv3+con3",
              "#counted?layer=4", "#counted?layers=conv3p9c4096+pool2&n=512&layer=1&at=1"],
    "curves": ["#runs?at=7", "#runs?sets=training,test&log=1", "#runs?cats-dogs=",
               "#runs?dataset=fashion-mnist&measure=error", "#tuned?measure=accuracy&at=2"],
    "photograph": ["#explorer-photograph?at=1", "#explorer-photograph?channels=two&k=3&flip=1",
                   "#explorer-photograph?d=8&s=8&p=12", "#explorer-photograph?w=1,2"],
    "network": ["#explorer-network?at=0", "#explorer-network?unit=conv3+5+4+7&why=gradient&at=5",
                "#explorer-network?unit=input+1+9+9&x=-10&noise=100&silent=conv1+2",
                "#explorer-network?why=occlusion&unit=fc5+3", "#explorer-network?strokes=1,2,3",
                "#explorer-network?unit=conv9", "#explorer-network?digit=own&strokes="],
    "learning": ["#explorer-learning?at=9", "#explorer-learning?rate=5&at=8",
                 "#explorer-learning?input=noise&hidden=emboss", "#explorer-learning?rate=0"],
}  # fmt: skip


SCROLLED_BY_KEYBOARD = (
    "e => (e.getAttribute('tabindex') === '0') === (e.scrollWidth > e.clientWidth)"
)


LACKING = """boxes => boxes.map((box) =>
  [box.id, Math.round(box.offsetHeight - parseFloat(getComputedStyle(box).minHeight))])"""


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize(("size", "themes"), [(DESK, ["light", "dark"]), (PHONE, ["light"])])
def test_no_violation_and_no_sideways_scrolling_in_any_state(
    visit, accessibility, name, size, themes
):
    page = visit(name, size)
    pass_all_explorers(page)
    # What is below an explorer moves by what it lacks of the room that was kept for it.
    lacking = page.locator(".explorer").evaluate_all(LACKING)
    assert [(place, missing) for place, missing in lacking if missing > 1] == []
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
        for state in STATES[name]:
            page.evaluate("state => { location.hash = state }", state)
            page.wait_for_timeout(50)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], state
            # A picture that scrolls in its box can be scrolled by keyboard.
            for stage in page.locator(".explorer-stage").all():
                stage = stage.element_handle()
                page.wait_for_function(SCROLLED_BY_KEYBOARD, arg=stage, timeout=5000)
            accessibility.check(page, ".explorer", structure=theme == "light")


@pytest.mark.parametrize("screen", [DESK, PHONE])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("line", "explorer-convolution"),
        ("tour", "explorer-convolution"),
        ("twice", "one"),
        ("twice", "two"),
        ("matrix", "explorer-matrix"),
        ("pooling", "explorer-pooling"),
        ("reach", "explorer-receptive-field"),
        ("reach", "counted"),
        ("curves", "runs"),
        ("curves", "tuned"),
        ("photograph", "explorer-photograph"),
        ("learning", "explorer-learning"),
        ("network", "explorer-network"),
    ],
)
def test_nothing_jumps(visit, name, place, screen):
    page = visit(name, screen, fragment=f"#{place}", clock=True)
    reader = Reader(page, place)
    page.evaluate("document.fonts.ready.then(() => {})")
    page.evaluate(NEXT_FRAME)
    reader.press("Play")
    page.clock.run_for(12_000)
    page.evaluate(NEXT_FRAME)
    shifts = page.evaluate("window.shifts")
    assert sum(size for size, _ in shifts) <= 0.02, shifts


MADE = "[...document.querySelectorAll('.explorer')].map((e) => Boolean(e.querySelector('input')))"


@pytest.mark.parametrize(
    ("fragment", "made"),
    [("", [True, False, False]), ("#tuned", [True, True, False]), ("#stepped?at=2", [True] * 3)],
)
def test_an_explorer_is_made_when_it_comes_near(visit, fragment, made):
    page = visit("curves", {"width": 360, "height": 400}, fragment=fragment)
    page.wait_for_function(f"String({MADE}) === '{str(made).lower()[1:-1].replace(' ', '')}'")
    if not all(made):
        assert page.locator("#stepped .explorer-fallback").is_visible()
        page.locator("#stepped").scroll_into_view_if_needed()
        page.locator("#stepped .explorer-foot").wait_for()
        assert not page.locator("#stepped .explorer-fallback").is_visible()


def test_without_scripts_there_is_a_figure_and_a_text(visit):
    page = visit("line", java_script_enabled=False)
    box = page.locator(".explorer")
    picture = box.get_by_role("img")
    assert picture.is_visible()
    assert picture.get_attribute("alt").startswith(
        "The explorer's first setting. A window of 3 taps, stride 2"
    )
    width, height = (int(picture.get_attribute(side)) for side in ("width", "height"))
    drawn = picture.bounding_box()
    assert drawn["width"] == width
    assert abs(drawn["height"] - height) < 2
    assert "In words: three windows." in box.inner_text()
    assert box.locator("input, button").count() == 0
    blank = "e => e.clientHeight - e.querySelector('.explorer-fallback').clientHeight"
    assert box.evaluate(blank) < 100
    running = visit("line").locator(".explorer")
    assert not running.get_by_text("In words").is_visible()


def test_a_figure_of_two_axes_says_that_it_shows_one(visit):
    page = visit("twice", java_script_enabled=False)
    words = [image.get_attribute("alt") for image in page.locator(".explorer img").all()]
    assert ["One of two equal axes. A window" in alt for alt in words] == [False, True]


def test_a_page_loads_only_what_it_uses(explorer_book):
    html = {name: (explorer_book / f"{name}.html").read_text() for name in PAGES}
    loaded = {name: set(re.findall(r"_static/(explorer[\w.-]*)\?", html[name])) for name in PAGES}
    shared = {"explorers.css", *SHARED}
    assert loaded["plain"] == loaded["index"] == set()
    parts = {
        f"explorer-convolution{part}.js"
        for part in ("", "-sums", "-grips", "-line", "-cells", "-grids")
    }
    assert loaded["line"] == loaded["twice"] == shared | parts
    parts = {f"explorer-matrix{part}.js" for part in ("", "-products", "-table", "-drawing")}
    assert loaded["matrix"] == shared | parts
    pixels = {"explorer-photograph-pixels.js", "explorer-photograph.css"}
    assert loaded["photograph"] == shared | pixels | {"explorer-photograph.js"}
    assert loaded["learning"] == shared | pixels | {"explorer-learning.js"}
    names = ("", "-strokes", "-arithmetic", "-units", "-view", "-state")
    names += ("-passes", "-drawing")
    parts = {f"explorer-network{part}.js" for part in names}
    assert loaded["network"] == shared | parts | {"explorer-network.css"}
    parts = {f"explorer-pooling{part}.js" for part in ("", "-arithmetic", "-drawing")}
    assert loaded["pooling"] == shared | parts
    names = ("", "-stack", "-words", "-drawing")
    parts = {f"explorer-receptive-field{part}.js" for part in names}
    assert loaded["reach"] == shared | parts | {"explorer-receptive-field.css"}
    parts = {f"explorer-{part}.js" for part in ("series", "curves-drawing", "curves")}
    assert loaded["curves"] == shared | parts | {"explorer-curves.css"}
    scripts = re.findall(r"<script[^>]*explorer[^>]*>", html["line"])
    assert all('defer="defer"' in script and "module" not in script for script in scripts)


def test_explorers_are_light_and_plain():
    files = sorted(STATIC.glob("explorer*"))
    assert len(files) >= 6
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(gzip.compress(text.encode())) < 8000, path.name
        assert not re.search(r"\bfetch\(|\bimport\b|XMLHttpRequest|https?://(?!www\.w3\.org)", text)


# --- the directive -----------------------------------------------------------------------------


def explorer(kind, options="", text="In words."):
    return f":::{{explorer}} {kind}\n{options}\n{text}\n:::\n\n"


def test_a_bad_directive_is_a_warning(tiny_book):
    book = tiny_book("explorers.directive")
    bad = {
        explorer("riddle"): "there is no explorer 'riddle'; there are: convolution, matrix, ",
        explorer(
            "receptive-field", ":network: none\n"
        ): "there is no network 'none'; there are: Short",
        explorer("matrix", ":axes: 2\n"): "the explorer 'matrix' has no control 'axes'",
        explorer(
            "convolution", ":n: 2\n:name: a\n"
        ): "the window of kernel size 3 and dilation 1 spans 3",
        explorer("convolution", ":k: 0\n:name: b\n"): "kernel_size must be at least 1, got 0",
        explorer("convolution", ":n: many\n:name: c\n"): "needs a number, got 'many'",
        explorer("convolution", text=""): "an explorer needs a text for readers without JavaScript",
        explorer("curves"): "learning curves need experiments, got none",
        explorer("curves", ":experiments: x-*\n"): "no experiment of the catalogue is called x-*",
        explorer("curves", ":experiments: rate-*\n:measure: risk\n"): "got 'risk' and 'test'",
        explorer("curves", ":experiments: rate-*\n:sets: all\n"): "got 'loss' and 'all'",
        explorer("convolution") * 2: "the page has an explorer explorer-convolution already",
    }
    book.write(index="# Top\n\n" + "".join(bad))
    found = messages(book.build())
    assert len(found) == len(bad)
    for expected in bad.values():
        assert sum(expected in message for message in found) == 1, (expected, found)
    assert book.html("index").count('class="explorer"') == 1


def test_an_explorer_can_be_referred_to(tiny_book):
    book = tiny_book("explorers.directive")
    book.write(index="# Top\n\n" + explorer("convolution", ":name: here\n") + "See {ref}`here`.\n")
    assert book.build() == []
    assert 'href="#here"><span class="std std-ref">explorer: Convolution' in book.html("index")
    preset = re.search(r"data-preset='([^']*)'", book.html("index"))[1]
    assert json.loads(preset)["n"] == 8
    assert list(Path(book.folder / "_build" / "html" / "_images").glob("*.svg"))


def test_two_pages_with_one_picture_are_read_once(tiny_book):
    book = tiny_book("explorers.directive")
    toctree = "```{toctree}\none\n```\n"
    book.write(
        one="# One\n\n" + explorer("matrix"), index="# Top\n\n" + explorer("matrix") + toctree
    )
    assert book.build() == []
    read = book.folder / "_build" / "html" / ".doctrees"
    before = {path: path.stat().st_mtime_ns for path in read.glob("*.doctree")}
    assert len(before) == 2
    assert book.build() == []
    assert {path: path.stat().st_mtime_ns for path in read.glob("*.doctree")} == before


# --- tours, and links that set an explorer -----------------------------------------------------


def setting(reader, *names):
    """What controls are set to, and the stop."""
    place = reader.slider().get_attribute("aria-valuetext")
    prefix = reader.box.get_attribute("id")
    return [reader.box.locator(f"#{prefix}-{name}").input_value() for name in names], place


def test_a_tour_asks_and_sets(visit):
    reader = Reader(visit("tour"), "explorer-convolution")
    asked = reader.box.locator(".explorer-question span:not([aria-hidden])")
    current = reader.box.locator(".explorer-tour [aria-current]")
    step = lambda words: reader.box.get_by_role("button", name=words).click()  # noqa: E731
    assert asked.inner_text() == "Who reads the last input?"
    assert current.get_attribute("aria-label") == "1: Who reads the last input?"
    assert setting(reader, "n", "s") == (["8", "2"], "Window 3 of 3")
    step("3: Which inputs")
    assert asked.inner_text() == "Which inputs count for nothing?"
    assert setting(reader, "n", "s", "l") == (["8", "5", "1"], "Window 1 of 2")
    step("2: And with nine?")
    assert setting(reader, "n", "s", "l") == (["9", "2", "0"], "Window 1 of 4")
    # What a reader sets answers the question, which stays.
    reader.set(n=10)
    assert (asked.inner_text(), current.count()) == ("And with nine?", 0)
    reader.press("Start again")
    assert setting(reader, "n", "s") == (["8", "2"], "Window 3 of 3")
    assert current.inner_text() == "1"


def test_links_in_the_text_set_the_explorer(visit):
    page = visit("tour")
    reader = Reader(page, "explorer-convolution")
    page.get_by_role("link", name="nine inputs").click()
    page.wait_for_function("document.querySelector('#explorer-convolution-n').value === '9'")
    assert setting(reader, "n", "s") == (["9", "2"], "Window 2 of 4")
    reader.set(n=12)
    # The address is that of the link already; it sets the explorer again all the same.
    page.get_by_role("link", name="nine inputs").click()
    page.wait_for_function("document.querySelector('#explorer-convolution-n').value === '9'")
    page.get_by_role("link", name="a stride of four").click()
    page.wait_for_function("document.querySelector('#explorer-convolution-s').value === '4'")
    assert setting(reader, "n", "s") == (["8", "4"], "Window 1 of 2")


def test_links_without_scripts_lead_to_the_figure(visit):
    page = visit("tour", {"width": 360, "height": 300}, java_script_enabled=False)
    page.get_by_role("link", name="nine inputs").click()
    box = page.locator(".explorer")
    assert 0 <= box.bounding_box()["y"] < 150
    assert "Who reads the last input?" in box.inner_text()
    assert box.get_by_role("link").count() == 0


SETTINGS = """[...document.querySelectorAll(".explorer[data-tour]")].flatMap(({ id, dataset }) =>
    JSON.parse(dataset.tour).map(({ query }) => `#${id}?${query}`))
  .concat([...document.querySelectorAll("a.explorer-try")].map(({ hash }) => hash))"""


def test_every_question_and_link_of_the_book_sets_what_it_names(browser, address, site):
    pages = [
        page.relative_to(site).as_posix()
        for page in site.rglob("*.html")
        if re.search("data-tour|explorer-try", page.read_text(encoding="utf-8"))
    ]
    assert "book/one-dimensional-convolution.html" in pages
    tab = browser.new_page()
    for page in pages:
        tab.goto(f"{address}/{page}")
        for fragment in tab.evaluate(SETTINGS):
            name, _, query = fragment[1:].partition("?")
            tab.evaluate("hash => { location.hash = hash }", fragment)
            reader = Reader(tab, name)
            given = parse_qs(query, keep_blank_values=True)
            if given:
                tab.wait_for_function("hash => location.hash === hash", arg=fragment)
                tab.evaluate(NEXT_FRAME)
            shown = parse_qs(reader.link().partition("?")[2], keep_blank_values=True)
            for control, values in given.items():
                # What follows from others is not in the link.
                chosen = reader.box.locator(f"#{name}-{control}-{values[0]}")
                if control not in shown and chosen.count():
                    assert chosen.is_checked(), (page, fragment)
                else:
                    found = shown.get(control) or [reader.value(control)]
                    assert found == values, (page, fragment)
            assert reader.box.locator("[aria-invalid=true]").count() == 0, (page, fragment)
    tab.close()


TRY = "{{try}}`words <{}>`\n\n"
OWN = "1. {{try}}`Why? <{}>`"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            TRY.format("elsewhere?n=9"),
            "the page has no explorer 'elsewhere'; it has: ",
        ),
        (TRY.format("explorer-convolution"), "a link that sets nothing of explorer-convolution"),
        (
            TRY.format("explorer-convolution?m=9"),
            "the explorer 'convolution' has no control 'm'",
        ),
        (TRY.format("explorer-convolution?n=nine"), "needs a number, got 'nine'"),
        (
            explorer("convolution", ":name: a\n", OWN.format("?n=9")),
            "so give n as options",
        ),
        (explorer("convolution", ":name: b\n", OWN.format("?at=9") + " and"), "got 'Why? and'"),
        (
            explorer("convolution", ":name: c\n", OWN.format("?k=x")),
            "the control 'k' of the",
        ),
    ],
)
def test_a_bad_link_is_a_warning(tiny_book, text, told):
    book = tiny_book("explorers.directive")
    book.write(index="# Top\n\n" + text + explorer("convolution"))
    (found,) = messages(book.build())
    assert told in found
