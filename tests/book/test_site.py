"""The built book as a reader's browser sees it. Build it first: `make book`."""

import json
import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html import unescape
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from PIL import Image
from pypdf import PdfReader

from .accessibility import BY_WIDTH
from .alike import telling
from .conftest import served_bytes
from .explorers.reader import pass_all_explorers
from .pages import DESK, LAY_OUT_ALL, NEXT_FRAME, PHONE, SCRIPTS_RUN, WATCH_SHIFTS

SITE = Path(__file__).parents[2] / "_build" / "html"
LIMIT = 500_000

PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path.parent.name != "_static"  # holds templates of the theme
    and path.name != "404.html"  # which has no part of the theme: tests/book/test_reading.py
)
GENERATED = {
    start: [name for name in PAGES if name.startswith(start)]
    for start in ("book/api/", "_modules/")
}
"""Pages written by a program, by the folder that they are in."""

OPENED = sorted(
    set(PAGES).difference(*GENERATED.values()).union(
        *(telling({name: (SITE / name).read_text("utf-8") for name in names})
          for names in GENERATED.values())
    )
)  # fmt: skip
"""Pages that a browser opens: all that someone wrote, and of the others those that tell of all."""

FILE_NAME = re.compile(r"\S+\.\w{2,4}|\S*_images/\S*")


def test_there_are_pages(site):
    assert (site / "book" / "questions.html").is_file()
    assert len(PAGES) > 10


@dataclass
class Visit:
    """A page in the browser, what went wrong on the way, and every answer that it got."""

    name: str
    page: Any
    problems: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    shown: Any = None

    def show(self, theme, size):
        """Choose theme and screen, with all that is folded open, and nothing in motion."""
        if self.shown == (theme, size):
            return
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size(size)
        self.page.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
        if self.shown is None:
            self.unfold()
        self.shown = theme, size
        self.page.evaluate(NEXT_FRAME)

    def unfold(self):
        """Open all that is folded, lay out what is far below, and stop all motion."""
        still = "transition: none !important; animation: none !important"
        self.page.add_style_tag(content=f"*, ::before, ::after {{ {still} }} {LAY_OUT_ALL}")
        self.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        pass_all_explorers(self.page)


@dataclass
class Tab:
    """One tab of the browser, which goes from page to page: it has read the scripts already."""

    page: Any
    visit: Visit | None = None

    def go(self, name, address):
        """The page of a name, opened unless it is open."""
        if self.visit is None or self.visit.name != name:
            self.page.goto("about:blank")  # what the last page breaks off counts for that one
            self.page.emulate_media(color_scheme="light")
            self.page.set_viewport_size(DESK)
            self.visit = Visit(name, self.page)
            self.page.goto(f"{address}/{name}")
            self.page.wait_for_function(SCRIPTS_RUN)
        return self.visit

    def wrong(self, text):
        """Note what went wrong."""
        self.visit.problems.append(text)


@pytest.fixture(scope="module")
def tab(browser):
    page = browser.new_context(color_scheme="light", viewport=DESK).new_page()
    tab = Tab(page)
    page.on("console", lambda m: tab.wrong(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: tab.wrong(str(error)))
    page.on("requestfailed", lambda request: tab.wrong(f"failed: {request.url}"))
    page.on("response", lambda answer: tab.visit.answers.append(answer))
    yield tab
    page.context.close()


@pytest.fixture(scope="module", params=OPENED)
def visit(request, tab, address):
    """One page, opened once for all tests that look at it.

    A worker of pytest-xdist may ask again for the page it has, since it does not know which test
    comes next; so the page stays open until another one is asked for.
    """
    return tab.go(request.param, address)


# A theme changes colours and nothing else, a narrow screen what is shown where and no colour.
# Light comes last, for the next test looks at a light page too.
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_violation(visit, accessibility, theme):
    visit.show(theme, DESK)
    accessibility.check(visit.page, structure=theme == "light")


def test_phone_has_no_sideways_scrolling_and_no_violation(visit, accessibility):
    visit.show("light", PHONE)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    accessibility.check(visit.page, colours=False, tags=BY_WIDTH)
    # Some buttons are the phone's alone.
    accessibility.check(visit.page, ".bd-header-article", colours=False)


# The last tests of a page, so that whatever comes late has come.
def test_page_loads_cleanly(visit, address):
    assert visit.problems == []
    assert [a.url for a in visit.answers if not a.url.startswith((address, "data:"))] == []
    assert [a.url for a in visit.answers if a.status >= 400] == []


def test_page_is_light(visit, address, site):
    # What the tab has from an earlier page counts here too, as for a reader's first page.
    names = {a.url.removeprefix(address) for a in visit.answers if a.url.startswith(address)}
    sizes = {name: len(served_bytes(site / unquote(urlsplit(name).path[1:]))) for name in names}
    figures = sum(size for name, size in sizes.items() if name.startswith("/_images/"))
    weight = sum(sizes.values()) - figures
    print(f"{visit.name}: {weight / 1000:.0f} KB and {figures / 1000:.0f} KB of figures")
    assert f"/{visit.name}" in sizes
    assert weight <= LIMIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]


WIDTHS = """async (names) => {
  const widths = {};
  for (const name of names) {
    const read = new DOMParser().parseFromString(await (await fetch(name)).text(), "text/html");
    document.querySelector("main").replaceWith(read.querySelector("main"));
    document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
    widths[name] = document.documentElement.scrollWidth;
  }
  return widths;
}"""


@pytest.mark.parametrize("start", GENERATED)
def test_no_generated_page_scrolls_sideways_on_a_phone(page, address, start):
    """Each in its turn takes the place of the text of one of them: names may be long anywhere."""
    page.set_viewport_size(PHONE)
    page.goto(f"{address}/{GENERATED[start][0]}")
    page.add_style_tag(content=LAY_OUT_ALL)
    widths = page.evaluate(WIDTHS, [f"/{name}" for name in GENERATED[start]])
    assert {name: width for name, width in widths.items() if width > PHONE["width"]} == {}


TOKEN = re.compile(r'<span class="\w{1,3}">([^<]*)</span>')
"""A word of highlighted code: an element that has a colour, and nothing that a check looks for."""


@lru_cache(2)
def soup(name):
    """A page, with the words of its code as plain text: half of all elements are such words."""
    html = (SITE / name).read_text(encoding="utf-8")
    return BeautifulSoup(TOKEN.sub(r"\1", html), "html.parser")


@cache
def targets(name):
    html = (SITE / name).read_text(encoding="utf-8")
    return {unescape(name) for name in re.findall(r'\sid="([^"]+)"', html)} | {"", "top"}


@pytest.mark.parametrize("name", PAGES)
def test_images_have_alternative_texts(name, site):
    for image in soup(name).find_all("img"):
        assert image.has_attr("alt"), image["src"]
        # The logo stands beside the book's name and says nothing that the name does not.
        assert image["alt"].strip() or image.find_parent(class_="book-home"), image["src"]
        assert not FILE_NAME.fullmatch(image["alt"].strip()), image["alt"]


PHONE_LINE = 342
"""CSS pixels between the margins of a phone of 390: the widest that a figure can be there."""
LETTERS = re.compile(r"scale\((0\.\d+) -0\.\d+\)")
"""Matplotlib draws letters of so many hundreds of points as outlines."""


def smallest_letters(drawing):
    """CSS pixels of the smallest letters of an SVG on a phone; None if it has none."""
    points = [100 * float(size) for size in LETTERS.findall(drawing)]
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', drawing)[1])
    return min(points) * min(PHONE_LINE / width, 96 / 72) if points else None


@pytest.mark.parametrize("name", PAGES)
def test_the_letters_of_drawings_can_be_read_on_a_phone(name, site):
    small = {}
    for image in soup(name).select('img[src*="_images/"][src$=".svg"]'):
        pixels = smallest_letters(((SITE / name).parent / image["src"]).read_text())
        if pixels and pixels < 7:
            small[image["alt"][:60]] = round(pixels, 1)
    assert small == {}


@pytest.mark.parametrize("name", PAGES)
def test_internal_links_resolve(name, site):
    broken = []
    for tag, attribute in (("a", "href"), ("link", "href"), ("img", "src"), ("script", "src")):
        for element in soup(name).find_all(tag, attrs={attribute: True}):
            url = urlsplit(urljoin(f"book:///{name}", element[attribute]))
            if url.scheme != "book":
                continue
            path = unquote(url.path.lstrip("/")) or "index.html"
            found = (site / path).is_file()
            if found and path.endswith(".html"):
                found = unquote(url.fragment) in targets(path)
            if not found:
                broken.append(element[attribute])
    assert broken == []


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique(name, site):
    ids = [tag["id"] for tag in soup(name).find_all(id=True)]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []


@pytest.mark.parametrize("name", PAGES)
def test_headings_go_down_one_step_at_a_time(name, site):
    levels = [int(heading.name[1]) for heading in soup(name).main.find_all(re.compile("^h[1-6]$"))]
    assert levels[:1] == [1]
    assert all(below <= above + 1 for above, below in pairwise(levels))


def tex_is_meant(tag):
    return tag.name in {"pre", "code", "script", "style"} or "math-text" in tag.get("class", ())


@pytest.mark.parametrize("name", PAGES)
def test_formulas_are_drawn(name, site):
    page = soup(name)
    for math in page.select(".math"):
        assert math.find("svg"), math
        assert math.select_one(".math-text math"), math
    glyphs = {str(use["xlink:href"]).replace("#", "") for use in page.find_all("use")}
    assert glyphs <= targets(name)
    assert page.find("merror") is None
    raw = page.find_all(string=re.compile(r"\\\(|\\\[|\$\$|\\(?:frac|sum|mathbf|begin)\b"))
    shown = [text for text in raw if not text.find_parent(tex_is_meant)]
    assert shown == []


# --- figures of trained networks ---------------------------------------------------------------

READS_RECORDS = re.compile(r"^from cnnref\.experiments import .*\b(run|load_model)\b", re.MULTILINE)
OF_WINDOWS = re.compile(
    r"^(chain_picture|field_maps|image_grid|pooling_picture|window_picture)\(", re.MULTILINE
)
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHAPTERS = sorted(path.stem for path in (SITE.parents[1] / "book").glob("*.md"))
WITHOUT_RECORDS = {
    "fig-dilation-growth": "sizes of fields",
    "fig-far-field": "a network that the page itself trains, in seconds",
    "fig-far-pairs": "images of a dataset",
    "fig-hard-means": "images of a dataset",
    "fig-inv-diagrams": "a diagram",
    "fig-inv-harm": "a diagram",
    "fig-inv-samples": "classifiers that the page itself fits",
    "fig-ladder-cycle": "two schedules, without a training",
    "fig-optimiser-paths": "steps on a parabola",
    "fig-pooling-arrays": "arrays of a handout",
    "fig-pooling-jitter": "arrays of a handout",
    "fig-vgg-growth": "sizes of fields",
    "fig-kernel-cost": "numbers of weights",
    "fig-deep-gradients": "networks before training",
    "fig-effective-growth": "networks before training",
    "fig-reach-photograph": "a formula for networks before training",
    "fig-residual-gradients": "networks before training",
    "fig-skip-unit": "a diagram",
}
"""Figures that authors draw in chapters with records, and what they show instead."""


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_of_trainings_says_which(name, site):
    """In a chapter that reads records, every figure does that draws more than windows and data."""
    source = (SITE.parents[1] / "book" / f"{name}.md").read_text(encoding="utf-8")
    page = soup(f"book/{name}.html")
    for cell in CELL.findall(source) if READS_RECORDS.search(source) else ():
        label = re.search(r"^    name: (fig-\S+)$", cell, re.MULTILINE)
        figure = page.find("figure", id=label[1]) if label else None
        # A figure of data that are not at hand is not on the page.
        if figure and not OF_WINDOWS.search(cell):
            told = figure.find_next_sibling()
            says = told is not None and told.get("class") == ["trained"]
            # `.drawn_from(...)` at the end of its cell has it say so.
            assert says != (label[1] in WITHOUT_RECORDS), label[1]


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_figures_say_of_records_is_in_the_records(name, site):
    results = SITE.parents[1] / "cnnref" / "results"
    for told in soup(f"book/{name}.html").select("details.trained"):
        dates, devices, counts = set(), set(), set()
        for line in told.select("li"):
            experiment, files, command = (code.get_text() for code in line.select("code"))
            start, seeds = re.fullmatch(
                r"cnnref/results/(.*)/seed-\{?([\d,]+)\}?.json", files
            ).groups()
            assert start == experiment
            assert command == f"cnnref run {experiment}"
            records = [
                json.loads((results / experiment / f"seed-{seed}.json").read_text())
                for seed in seeds.split(",")
            ]
            here = {record["provenance"]["date"][:10] for record in records}
            there = {record["provenance"]["device_name"] for record in records}
            assert f": {', '.join(sorted(here))}, {', '.join(sorted(there))};" in line.get_text()
            dates, devices, counts = dates | here, devices | there, counts | {len(records)}
        summary = told.summary.get_text()
        assert f", {' or '.join(map(str, sorted(counts)))} seed" in summary
        when = " to ".join(dict.fromkeys([min(dates), max(dates)]))
        assert summary.endswith(f", {', '.join(sorted(devices))}, {when}")


# --- nothing jumps -----------------------------------------------------------------------------


@pytest.mark.parametrize("screen", [DESK, PHONE])
@pytest.mark.parametrize("place", ["", "#exercises"])
def test_nothing_jumps_on_a_heavy_page(browser, address, screen, place):
    page = browser.new_context(viewport=screen).new_page()
    page.add_init_script(WATCH_SHIFTS)
    page.goto(f"{address}/book/reading-digits.html{place}")
    page.wait_for_function(SCRIPTS_RUN)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    shifts = page.evaluate("window.shifts")
    page.context.close()
    assert sum(size for size, _ in shifts) <= 0.02, shifts


# --- what is far below ---------------------------------------------------------------------------

LAID_OUT = """() => document.querySelector("#exercises p")
  .checkVisibility({ contentVisibilityAuto: true })"""


def test_what_is_far_below_waits_and_can_be_gone_to(browser, address):
    page = browser.new_context(viewport=PHONE).new_page()
    page.goto(f"{address}/book/reading-digits.html")
    page.wait_for_function(SCRIPTS_RUN)
    assert not page.evaluate(LAID_OUT)
    page.evaluate("location.hash = '#exercises'")
    page.wait_for_function(LAID_OUT)
    top = "document.querySelector('#exercises h2').getBoundingClientRect().top"
    page.wait_for_function(f"0 <= {top} && {top} < innerHeight / 2")
    page.context.close()


def test_on_a_phone_an_answer_in_a_table_shows_all_its_columns(browser, address):
    page = browser.new_context(viewport=PHONE).new_page()
    page.goto(f"{address}/book/counting-a-network.html#answer-iu-4")
    page.wait_for_function(SCRIPTS_RUN)
    table = page.locator("table:has(.by-hand)").filter(has_text="fc1")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    heads = table.locator("th").all_inner_texts()
    assert heads == ["layer", "size", "para\N{SOFT HYPHEN}meters", "MACs", "field", "jump"]
    assert 0 <= box["x"] < box["x"] + box["width"] <= PHONE["width"]
    assert not table.locator(".by-hand").first.is_visible()
    page.set_viewport_size(DESK)
    assert table.locator(".by-hand").first.is_visible()
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_drawing_in_a_section_that_waited_stands_on_the_ground_of_its_page(
    browser, address, theme
):
    page = browser.new_context(color_scheme=theme, viewport=DESK).new_page()
    page.goto(f"{address}/book/pooling.html")
    page.wait_for_function(SCRIPTS_RUN)
    drawing = page.locator("article section section img[src$='.svg']").first
    drawing.scroll_into_view_if_needed()
    assert drawing.evaluate("image => image.decode()") is None
    box = drawing.bounding_box()
    screen = Image.open(BytesIO(page.screenshot())).convert("RGB")
    inside, beside = (screen.getpixel((int(box["x"]) + by, int(box["y"]) + 3)) for by in (3, -5))
    page.context.close()
    assert max(abs(a - b) for a, b in zip(inside, beside, strict=True)) <= 2


def test_a_sheet_of_paper_says_which_page_it_is_of(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/book/notation.html")
    (*_, sheet) = PdfReader(BytesIO(page.pdf(format="A4"))).pages
    page.close()
    words = sheet.extract_text()
    assert "Notation" in words
    assert "https://cnnref.github.io/cnnref/book/notation.html" in words
