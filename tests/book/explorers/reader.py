"""Pages with explorers, and a reader who uses them."""

import re

from ..pages import NEXT_FRAME

AFTER = "\n## After\n\nWords after it.\n"
PAGES = {
    "index": "# Top\n\n```{toctree}\nline\ntour\ntwice\nmatrix\npooling\nreach\ncurves\n"
    "photograph\nlearning\nnetwork\nplain\n```\n",
    "plain": "# Plain\n\nNo explorer here.\n",
    "line": """# Line

:::{explorer} convolution
:s: 2

In words: three windows.
:::
""" + AFTER,
    "tour": """# Tour

Try {try}`a stride of four <explorer-convolution?s=4>`, or
{try}`nine inputs <explorer-convolution?n=9&at=2>`.

:::{explorer} convolution
:s: 2

In words: three windows.

1. {try}`Who reads the last input? <?at=3>`
2. {try}`And with nine? <?n=9>`
3. {try}`Which inputs count for nothing? <?s=5&l=1>`
:::
""" + AFTER,
    "twice": """# Twice

:::{explorer} convolution
:name: one
:operation: transposed
:n: 4
:s: 2
:l: 1
:r: 1

In words: a transposed convolution.
:::

:::{explorer} convolution
:name: two
:axes: 2
:n: 5

In words: two axes.
:::
""" + AFTER,
    "matrix": """# Matrix

:::{explorer} matrix

In words: a matrix.
:::
""" + AFTER,
    "pooling": """# Pooling

:::{explorer} pooling
:k: 3
:r: 2

In words: seven windows.
:::
""" + AFTER,
    "reach": """# Reach

:::{explorer} receptive-field

In words: a short chain.
:::

:::{explorer} receptive-field
:name: counted
:network: IU-4

In words: the network of IU-4.
:::
""" + AFTER,
    "photograph": """# Photograph

:::{explorer} photograph

In words: edges.
:::
""" + AFTER,
    "learning": """# Learning

:::{explorer} learning

In words: a loss that falls.
:::
""" + AFTER,
    "network": """# Network

:::{explorer} network

In words: a three.

1. {try}`What does it read? <?at=9>`
2. {try}`And moved? <?x=6>`
:::

:::{explorer} network
:name: plain-layers
:shows: layers
:digit: 7

In words: layers.
:::

:::{explorer} network
:name: one-sum
:shows: sums
:unit: conv3 5 4 7
:why: gradient

In words: one unit.
:::

:::{explorer} network
:name: by-shift
:shows: shifts
:digit: 1
:x: 4

In words: a shift.
:::
""" + AFTER,
    "curves": """# Curves

:::{explorer} curves
:name: runs
:experiments: cats-dogs-plain cats-dogs-plain-bn-dropout cats-dogs-skip cats-dogs-skip-bn* \
optimizer-* fashion-cnn kat-features
:chosen: cats-dogs-plain cats-dogs-skip optimizer-*
:at: 20

In words: test losses.
:::

:::{explorer} curves
:name: tuned
:experiments: tune-adam-1e-*
:sets: training test
:measure: error

In words: errors of single runs.
:::

:::{explorer} curves
:name: stepped
:experiments: optimizer-adam optimizer-sgd
:sets: steps

In words: mini-batches.
:::
""" + AFTER,
}  # fmt: skip


def pass_all_explorers(page):
    """Scroll past every explorer of a page: it is made when it comes near."""
    for explorer in page.locator(".explorer").all():
        explorer.scroll_into_view_if_needed()
        explorer.locator(".explorer-controls").wait_for(state="attached")


class Reader:
    """What a reader does with an explorer, and sees of it."""

    def __init__(self, page, name):
        self.page, self.box = page, page.locator(f"#{name}")
        self.box.locator(".explorer-words").wait_for()  # it is made when it comes near

    def unfold(self):
        fold = self.box.locator("details")
        if fold.get_attribute("open") is None:
            fold.locator("summary").click()

    def see(self, control):
        """Unfold the settings if that is where a control is."""
        if not control.is_visible():
            self.unfold()
        return control

    def set(self, **values):
        for name, value in values.items():
            control = self.field(name)
            if control.get_attribute("type") == "checkbox":
                control.set_checked(value)
            elif control.evaluate("e => e.localName") == "select":
                control.select_option(value)
            else:
                control.fill(str(value))

    def choose(self, words):
        label = f"label:has(input[type=radio]):text-is('{words}')"
        self.see(self.box.locator(f":not([hidden]) > {label} input")).check()

    def press(self, words):
        self.see(self.box.locator("button", has_text=re.compile(f"^{words}$"))).click()

    def press_named(self, words):
        """A button whose name is not what it shows."""
        self.box.get_by_role("button", name=words, exact=True).click()

    def field(self, name):
        """A control, unfolded."""
        return self.see(self.box.locator(f"#{self.box.get_attribute('id')}-{name}"))

    def formula(self):
        return self.see(self.box.locator(".explorer-formula")).inner_text()

    def words(self):
        return self.box.get_by_role("status").inner_text()

    def link(self):
        return self.box.get_by_role("link", name="Link to this setting").get_attribute("href")

    def grip(self, name):
        """A part of the picture to take hold of."""
        return self.box.locator(f"[data-grip='{name}']")

    def drag(self, name, right=0, down=0, touch=False):
        """Take hold of a grip and move it by so many pixels, with a mouse or a finger."""
        grip = self.grip(name)
        grip.scroll_into_view_if_needed()
        parts = [grip.locator(f".{kind}") for kind in ("tap", "bar", "frame")]
        box = next((part.first for part in parts if part.count()), grip).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        way = [(x + right * i / 8, y + down * i / 8) for i in range(9)]
        if not touch:
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            for place in way:
                self.page.mouse.move(*place)
            self.page.mouse.up()
            self.page.evaluate(NEXT_FRAME)
            return
        session = self.page.context.new_cdp_session(self.page)
        for kind, places in [("touchStart", way[:1]), *(("touchMove", [p]) for p in way[1:])]:
            points = [{"x": x, "y": y} for x, y in places]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        session.detach()
        self.page.evaluate(NEXT_FRAME)  # when it is let go, it is drawn once more

    def value(self, name):
        return self.box.locator(f"#{self.box.get_attribute('id')}-{name}").input_value()

    def slider(self):
        """The player's."""
        return self.box.locator(f"#{self.box.get_attribute('id')}-at")

    def at(self):
        """The stop, from 0."""
        return int(self.value("at"))

    def lit(self, which):
        return self.box.locator(f".explorer-stage {which}.lit").count()

    def painted(self, grid):
        """The cells on the canvas of a grid: the first, the middle, or the last."""
        return self.box.locator("canvas").nth(grid).evaluate("canvas => canvas.cells()")
