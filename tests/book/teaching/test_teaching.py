"""What a teacher takes along: all figures, all exercises, and a book without solutions."""

from io import BytesIO
from zipfile import ZipFile

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from ..conftest import notebook, served
from ..look.test_look import EXERCISES
from ..pages import PHONE, THEME

DRAWN = """```{code-cell} ipython3
---
tags: [remove-input]
mystnb:
  figure:
    name: fig-%s
    caption: |
      A square of side $%s$, see {doc}`two` and {ref}`here <top>`.
---
from IPython.display import display
data = "<svg xmlns='http://www.w3.org/2000/svg' width='60pt' height='30pt'>"
data += "<rect width='60' height='30' fill='#0072B2'/></svg>"
display({"image/svg+xml": data}, raw=True, metadata={"image/svg+xml": {"alt": "A square."}})
```

"""
EXERCISE = """:::{{exercise}} About ${0}$
:label: ex-{0}

*{1}.* Why? See {{doc}}`two`.
:::

```{{solution-start}} ex-{0}
:label: sol-{0}
:class: dropdown
```

Because of {0}, by {{eq}}`eq-{0}`:

$$
{0} = 1
$$ (eq-{0})

```{{code-cell}} ipython3
:tags: [answer]
answer_{0} = 1
```

```{{solution-end}}
```

"""
PAGES = {
    "index": "# Top\n\n```{toctree}\n:numbered:\none\ntwo\n```\n\n"
    "```{toctree}\nfigures\nexercises\n```\n",
    "one": notebook(
        "(top)=\n# One\n\n## Text\n\n" + DRAWN % ("a", "a")
        + "```{figure} photo.png\n:name: fig-photo\n:alt: A photograph.\n\nA photograph.\n```\n\n"
        + "## Exercises\n\n" + EXERCISE.format("a", "Easy") + EXERCISE.format("b", "Hard")
        + "After them.\n"
    ),
    "two": notebook("# Two\n\n" + EXERCISE.format("c", "Odd") + "No figure.\n"),
    "figures": "(page-figures)=\n# All figures\n\n```{figures}\n```\n",
    "exercises": "# All exercises\n\n```{exercises}\n```\n",
}  # fmt: skip
PARTS = (
    "look.images", "look.pages", "folding.checks", "folding.folds", "chapters.chaptermap",
    "teaching.exercises", "teaching.figures", "elsewhere.notebooks",
)  # fmt: skip
SHEETS = 'html_css_files.append("pages.css")\n'
MORE = 'numfig = True\nhtml_baseurl = "https://book.example/"\nproject = "A book"\n'


def make(tiny_book, **pages):
    book = tiny_book(*PARTS)
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + THEME + EXERCISES + SHEETS + MORE)
    Image.new("RGB", (90, 60), (200, 60, 40)).save(book.folder / "photo.png")
    book.write(**PAGES)
    return book


@pytest.fixture(scope="module")
def book(tiny_book):
    book = make(tiny_book)
    assert book.build() == []
    return book


@pytest.fixture(scope="module")
def closed(tiny_book):
    """The same book for a course: without its solutions."""
    book = make(tiny_book)
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + "exercises_solutions = False\n")
    assert book.build() == []
    return book


@pytest.fixture(scope="module")
def web(book):
    with served(book.folder / "_build" / "html") as address:
        yield address


def soup(book, name):
    return BeautifulSoup(book.html(name), "html.parser")


def words(element):
    for formula in element.select(".math"):
        formula.replace_with("FORMULA")
    for link in element.select(".headerlink"):
        link.decompose()
    return " ".join(element.get_text().split())


# --- figures -----------------------------------------------------------------------------------


def test_each_figure_has_its_caption_source_and_files(book):
    listed = soup(book, "figures")
    (section,) = listed.select("section section")
    assert words(section.h2) == "1. One"
    assert section.h2.a["href"] == "one.html"
    drawn, photo = section.select(".take-card")
    assert drawn["id"] == "take-fig-a"
    caption = drawn.select_one(".take-caption")
    assert [link["href"] for link in caption.select("a")] == [
        "one.html#fig-a", "two.html", "one.html#top"
    ]  # fmt: skip
    assert words(caption) == "Fig. 1.1: A square of side FORMULA, see Two and here."
    assert words(drawn.select_one(".take-source")) == (
        "From A book, https://book.example/one.html#fig-a, CC BY 4.0"
    )
    assert drawn.img["alt"] == "A square."
    links = [(a["href"], a["download"]) for a in listed.select(".take-card .take-files a")]
    assert links == [(drawn.img["src"], "fig-1-1.svg"), (photo.img["src"], "fig-1-2.png")]
    assert photo.select(".save-png") == []


def test_a_figure_leads_to_its_files(book):
    page = soup(book, "one")
    links = [caption.select_one("a.take-link") for caption in page.select("figcaption")]
    assert [link["href"] for link in links] == [
        "figures.html#take-fig-a", "figures.html#take-fig-photo"
    ]  # fmt: skip
    places = {card["id"] for card in soup(book, "figures").select(".take-card")}
    assert {link["href"].partition("#")[2] for link in links} == places
    notebook = (book.folder / "_build" / "html" / "_sources" / "one.ipynb").read_text()
    assert "for slides" not in notebook


def test_a_chapter_s_figures_are_in_one_archive(book):
    site = book.folder / "_build" / "html"
    (link,) = soup(book, "figures").select("section > p.take-files > a")
    with ZipFile(site / link["href"]) as archive:
        assert archive.namelist() == ["captions.txt", "fig-1-1.svg", "fig-1-2.png"]
        told = archive.read("captions.txt").decode()
        drawing = archive.read("fig-1-1.svg").decode()
    assert told.startswith(
        "fig-1-1.svg\nFig. 1.1: A square of side $a$, see Two and here.\n"
        "From A book, https://book.example/one.html#fig-a, CC BY 4.0\n\nfig-1-2.png\n"
    )
    assert "#0072B2" in drawing


def test_a_click_makes_a_png(book, web, page):
    page.goto(f"{web}/figures.html")
    with page.expect_download() as started:
        page.get_by_role("button", name="PNG of Fig. 1.1").click()
    assert started.value.suggested_filename == "fig-1-1.png"
    image = Image.open(BytesIO(started.value.path().read_bytes())).convert("RGB")
    assert image.size == (2400, 1200)
    assert image.getpixel((1200, 300)) == (0, 0x72, 0xB2)
    assert image.getpixel((2390, 1190)) == (255, 255, 255)


def test_all_figures_of_a_chapter_as_png(book, web, page):
    page.goto(f"{web}/figures.html")
    names = []
    page.on("download", lambda download: names.append(download.suggested_filename))
    page.get_by_role("button", name="All as PNG").click()
    for _ in range(100):  # a busy machine takes its time
        page.wait_for_timeout(100)
        if len(names) == 2:
            break
    assert sorted(names) == ["fig-1-1.png", "fig-1-2.png"]


def test_a_page_from_a_disk_says_why_it_makes_no_png(book, page):
    page.goto((book.folder / "_build" / "html" / "figures.html").as_uri())
    page.get_by_role("button", name="PNG of Fig. 1.1").click()
    page.get_by_role("status").filter(has_text="opened from a disk").wait_for()


def test_only_the_list_of_figures_loads_its_script(book):
    loaded = {name for name in PAGES if "figures.js" in book.html(name)}
    assert loaded == {"figures"}


# --- exercises ---------------------------------------------------------------------------------


def test_the_list_has_every_exercise_with_its_grade(book):
    listed = soup(book, "exercises")
    jumps = [words(line) for line in listed.select("ul.question-jumps > li")]
    assert jumps == ["1. One: 1.1 easy 1.2 hard", "2. Two: 2.1"]
    ids = {element["id"] for element in listed.select("[id]")}
    links = [link["href"] for link in listed.select("ul.question-jumps a")]
    assert all(link[1:] in ids for link in links)
    entry = listed.select_one("#all-ex-a")
    name = entry.select_one(".exercise-name")
    assert name.a["href"] == "one.html#ex-a"
    assert words(name) == "Exercise 1.1 · About FORMULA"
    assert "Why? See Two." in words(entry)


def test_a_solution_waits_in_a_fold(book):
    folds = soup(book, "exercises").select(".exercise-entry > details")
    assert [words(fold.summary) for fold in folds] == [
        f"Solution of exercise {number}" for number in ("1.1", "1.2", "2.1")
    ]
    assert not any(fold.has_attr("open") for fold in folds)
    assert "Because of a, by (1.1):" in words(folds[0])
    assert "answer_a = 1" in folds[0].pre.get_text()
    assert [link["href"] for link in folds[0].select("p a")] == ["one.html#equation-eq-a"]


def test_on_paper_the_list_is_a_sheet_without_solutions(web, page):
    page.goto(f"{web}/exercises.html")
    page.wait_for_function("document.querySelector('.btn-show-all[aria-pressed]')")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.get_by_text("Why?").first.is_visible()
    assert not page.get_by_text("Because of a").is_visible()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Show all proofs and checks").click()
    page.emulate_media(media="print")
    assert page.get_by_text("Because of a").is_visible()


def test_nothing_is_on_two_pages(book):
    for name in ("exercises", "figures"):
        ids = [element["id"] for element in soup(book, name).select("[id]")]
        assert len(ids) == len(set(ids))
    assert soup(book, "one").select_one("#ex-a, #fig-a") is not None


@pytest.mark.parametrize("name", ["exercises", "figures"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_is_wide_enough(web, page, accessibility, theme, name):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(PHONE)
    page.goto(f"{web}/{name}.html")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    accessibility.check(page, "article")


def test_a_book_for_a_course_has_no_solution_anywhere(book, closed):
    for name in ("one", "two", "exercises"):
        assert "Because of" in book.html(name)
        assert "Why?" in closed.html(name)
    site = closed.folder / "_build" / "html"
    texts = [*site.rglob("*.html"), *site.rglob("*.ipynb"), *site.rglob("*.md"),
             site / "searchindex.js"]  # fmt: skip
    assert len(texts) > len(PAGES)
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert "Because of" not in text, path
        assert "answer_a" not in text, path
        assert "sol-a" not in text, path
    assert "show-solutions" not in closed.html("one")
    cells = nbformat.read(site / "_sources" / "one.ipynb", as_version=4).cells
    assert any("Why?" in cell["source"] for cell in cells)
    assert any("After them." in cell["source"] for cell in cells)


def test_a_book_for_a_course_offers_no_source(book, closed):
    assert "download-source-button" in book.html("one")
    assert "download-source-button" not in closed.html("one")
    assert "download-notebook-button" in closed.html("one")
