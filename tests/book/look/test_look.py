"""The look of pages: drawings in the dark, images that leave nothing to jump."""

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from cnnref.figures.style import COLOURS, Picture, new_figure, style

from ..conftest import served
from ..pages import DESK, PHONE, THEME, WATCH_SHIFTS

EXERCISES = 'extensions.append("sphinx_exercise")\n'
PLACES = ("plain", "note", "answer", "folded")
STEP = 60


def swatches():
    """A drawing as the library makes them: a square of each colour in a row, on white."""
    with style():
        figure, axes = new_figure(STEP * len(COLOURS) / 96, STEP / 96)
        figure.set_layout_engine("none")
        axes.set_position([0, 0, 1, 1])
        axes.axis("off")
        for place, colour in enumerate(COLOURS.values()):
            axes.fill([place + 0.3, place + 0.7, place + 0.7, place + 0.3], [0.3, 0.3, 0.7, 0.7],
                      color=colour)  # fmt: skip
        axes.set(xlim=(0, len(COLOURS)), ylim=(0, 1))
    return Picture(figure, "Squares.")._repr_mimebundle_()[0]["image/svg+xml"]


def boxed(kind, body, title="", options=""):
    return f":::{{{kind}}} {title}\n{options}\n{body}\n:::\n\n"


def image(file, name=""):
    """An image with its name, where it has one."""
    option = f":name: {name}\n" if name else ""
    return f"```{{image}} {file}\n{option}:alt: Squares {name}.\n```\n\n"


def solution(body):
    return boxed("admonition", body, "Solution", ":class: dropdown\n")


def exercise(number):
    return (
        f"```{{exercise}}\n:label: ex-{number}\nWhy?\n```\n\n"
        f"````{{solution}} ex-{number}\n:class: dropdown\nBecause of {number}.\n````\n\n"
    )


EXERCISE_PAGE = (
    "# Page\n\n## Text\n\n```{answer} Q-1\nWhat?\n```\n\n$$\na = b\n$$ (eq-a)\n\n"
    "```{figure} swatches.svg\n:name: fig-a\n:alt: Some squares.\n\nSquares.\n```\n\n"
    f"## Exercises\n\n{exercise(1)}{exercise(2)}{exercise(3)}"
)


def shaded(vector):
    """A word over a black and a white tile."""
    with style():
        figure, axes = new_figure(2, 2)
        axes.imshow([[0, 1]], cmap="gray", aspect="auto")
        axes.set_title("█ word", fontsize=14)
        axes.axis("off")
    return Picture(figure, "Black and white.", vector=vector, shades=True)


@pytest.fixture(scope="module")
def look_book(tiny_book):
    """The address of pages with images."""
    book = tiny_book("look.images", "handouts.lists", "look.pages")
    conf = book.folder / "conf.py"
    conf.write_text(conf.read_text() + THEME + EXERCISES)
    (book.folder / "swatches.svg").write_text(swatches())
    for vector in (True, False):
        shown, _ = shaded(vector)._repr_mimebundle_()[0].values()
        path = book.folder / f"shades.{'svg' if vector else 'png'}"
        path.write_bytes(shown.encode() if vector else shown)
    Image.new("RGB", (90, 90), (200, 60, 40)).save(book.folder / "photograph.png")
    plain, note, answer, folded = (image("swatches.svg", name) for name in PLACES)
    drawings = [
        plain,
        boxed("note", note),
        boxed("admonition", answer, "Answer", ":class: answer\n"),
        solution(folded),
        image("photograph.png", "photograph"),
        *(
            image(f"shades.{ending}", f"shades-{ending}").replace(":alt:", ":class: shades\n:alt:")
            for ending in ("svg", "png")
        ),
    ]
    heavy = [
        f"## Part {i}\n\nWords.\n\n{image('swatches.svg') * 2}{solution('Words.')}"
        for i in range(30)
    ]
    book.write(
        index="# Top\n\n```{toctree}\ndrawings\nheavy\nexercises\n```\n",
        drawings=f"# Drawings\n\n{''.join(drawings)}",
        exercises=EXERCISE_PAGE,
        heavy=f"# Heavy\n\n{''.join(heavy)}",
    )
    book.build()  # which misses answers to the questions
    with served(book.folder / "_build" / "html") as address:
        yield address


def pixels(page, selector):
    """What is on the screen where an element is."""
    return Image.open(BytesIO(page.locator(selector).screenshot())).convert("RGB")


def luminance(colour):
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


# --- drawings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_drawing_stands_on_the_ground_of_its_page(look_book, page, theme):
    page.emulate_media(color_scheme=theme)
    page.goto(f"{look_book}/drawings.html")
    page.locator("summary").click()
    page.wait_for_timeout(500)
    for place in PLACES:
        found = pixels(page, f"#{place}")
        box = page.locator(f"#{place}").bounding_box()
        page.mouse.move(0, 0)
        screen = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        scroll = page.evaluate("scrollY")
        beside = screen.getpixel((int(box["x"]) - 3, int(box["y"] + scroll) + 5))
        ground = found.getpixel((3, 3))
        assert max(abs(a - b) for a, b in zip(ground, beside, strict=True)) <= 2, place
        drawn = {
            name: found.getpixel((int((i + 0.5) * STEP), STEP // 2))
            for i, name in enumerate(COLOURS)
        }
        # Words are in ink and grey, lines and marks in any colour; pale is for areas.
        told = {name: contrast(colour, ground) for name, colour in drawn.items() if name != "pale"}
        assert min(told.values()) >= 3, (place, told)
        assert min(told["ink"], told["grey"]) >= 4.5, (place, told)
        # A hue stays itself: the largest part of its colour is the same in both themes.
        for name in ("blue", "orange", "green"):
            before = tuple(int(COLOURS[name][i : i + 2], 16) for i in (1, 3, 5))
            assert drawn[name].index(max(drawn[name])) == before.index(max(before)), name


def test_a_photograph_is_not_turned_round(look_book, page):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{look_book}/drawings.html")
    red, green, blue = pixels(page, "#photograph").getpixel((40, 40))
    assert red > 170 > 70 > max(green, blue)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_where_shades_mean_something_only_words_turn_light(look_book, page, ending):
    page.goto(f"{look_book}/drawings.html")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
        box = page.locator(f"#shades-{ending}").bounding_box()
        screen = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        left, top = int(box["x"]), int(box["y"] + page.evaluate("scrollY"))
        width, height = int(box["width"]), int(box["height"])
        ground = screen.getpixel((left - 3, top + 5))
        inside = screen.getpixel((left + 3, top + 3))
        assert max(abs(a - b) for a, b in zip(inside, ground, strict=True)) <= 2
        # Above stands a word, below lie a black and a white tile.
        words = screen.crop((left, top, left + width, top + height // 4))
        told = max(contrast(colour, ground) for _, colour in words.getcolors(100_000))
        assert told >= 7
        tiles = [screen.getpixel((left + width * i // 4, top + height * 5 // 8)) for i in (1, 3)]
        assert luminance(tiles[0]) < 0.01
        assert luminance(tiles[1]) > 0.95


# --- sizes -------------------------------------------------------------------------------------


def shifts(page, address, screen, fragment):
    """How far the parts of a page move, when its images come after everything else."""
    page.set_viewport_size(screen)
    page.add_init_script(WATCH_SHIFTS)
    waiting, released = [], []
    hold = lambda route: route.continue_() if released else waiting.append(route)  # noqa: E731
    page.route("**/_images/**", hold)
    page.goto(f"{address}{fragment}", wait_until="domcontentloaded")
    page.wait_for_timeout(600)
    assert waiting
    released.append(True)
    for route in waiting:
        route.continue_()
    page.wait_for_load_state("load")
    page.wait_for_timeout(600)
    return page.evaluate("window.shifts")


@pytest.mark.parametrize("screen", [DESK, PHONE])
@pytest.mark.parametrize("fragment", ["", "#part-28"])
def test_nothing_jumps_when_images_arrive(look_book, page, screen, fragment):
    found = shifts(page, f"{look_book}/heavy.html", screen, fragment)
    assert sum(size for size, _ in found) <= 0.02, found


def test_images_say_their_size_and_come_when_they_are_near(look_book, page):
    page.goto(f"{look_book}/heavy.html")
    images = page.locator("article img")
    sizes = images.evaluate_all("all => all.map(i => [i.width, i.height])")
    assert set(map(tuple, sizes)) == {(STEP * len(COLOURS), STEP)}
    assert images.first.get_attribute("loading") is None
    assert images.last.get_attribute("loading") == "lazy"
    assert {i.get_attribute("decoding") for i in images.all()} == {"async"}


# --- solutions and addresses -------------------------------------------------------------------


def test_one_button_shows_and_hides_all_solutions(look_book, page):
    page.goto(f"{look_book}/exercises.html")
    button = page.get_by_role("button", name="all solutions")
    assert button.inner_text() == "Show all solutions"
    folded = page.locator(".solution:not([open])")
    assert (page.locator(".solution").count(), folded.count()) == (3, 3)
    button.focus()
    page.keyboard.press("Enter")
    assert (button.inner_text(), folded.count()) == ("Hide all solutions", 0)
    assert page.get_by_text("Because of 3.").is_visible()
    page.keyboard.press("Space")
    assert (button.inner_text(), folded.count()) == ("Show all solutions", 3)

    # Those that a reader opened stay open, and the words follow.
    for fold in page.locator(".solution > summary").all():
        fold.click()
    expect(button).to_have_text("Hide all solutions")
    page.locator(".solution > summary").first.click()
    expect(button).to_have_text("Show all solutions")
    button.click()
    assert folded.count() == 0


def test_the_button_is_only_where_solutions_are_and_where_scripts_run(look_book, page, browser):
    page.goto(f"{look_book}/heavy.html")
    assert page.locator(".show-solutions").count() == 0
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{look_book}/exercises.html")
    assert not plain.locator(".show-solutions").is_visible()
    plain.locator(".solution > summary").first.click()
    assert plain.get_by_text("Because of 1.").is_visible()
    context.close()


@pytest.mark.parametrize(
    ("around", "address"),
    [("#answer-q-1 > p", "#answer-q-1"), ("div.math", "#equation-eq-a"), ("#fig-a", "#fig-a"),
     ("h2", "#text")],
)  # fmt: skip
def test_addresses_appear_for_pointer_and_keyboard(look_book, page, around, address):
    page.goto(f"{look_book}/exercises.html")
    part = page.locator(f"article {around}").first
    link = part.locator("a.headerlink").first
    assert link.get_attribute("href") == address
    seen = "link => getComputedStyle(link).opacity"
    assert link.evaluate(seen) == "0"
    part.hover()
    assert link.evaluate(seen) == "1"
    page.mouse.move(0, 0)
    page.keyboard.press("Tab")  # so that the browser shows where the focus is
    link.focus()
    assert link.evaluate(seen) == "1"


def test_who_wants_no_motion_gets_none(look_book, page):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{look_book}/exercises.html")
    moving = """() => [...document.querySelectorAll("*")].filter((part) => {
      const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(part);
      return parseFloat(transitionDuration) || animationName !== "none"
        || scrollBehavior === "smooth";
    }).length"""
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(look_book, accessibility, page, theme):
    page.emulate_media(color_scheme=theme)
    page.goto(f"{look_book}/exercises.html")
    page.get_by_role("button", name="all solutions").click()
    accessibility.check(page, "article")
