"""What axe finds in a page, with the colours of every kind of text measured once.

Nearly all of axe's time goes into the contrast of one word after another, and thousands of words
look alike. Two texts are of one kind where their own style, the grounds behind them, and the names
of their element and of the one around it agree; then one of them speaks for all, on every page that
a test's process sees. All other rules look at everything, everywhere, but for the words that code
and the strokes that formulas are made of, which have no meaning of their own.
"""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe

COLOURS = ["color-contrast", "link-in-text-block"]
BY_WIDTH = ["cat.keyboard", "cat.tables"]
"""Tags of the rules that a narrow screen can break: what scrolls, and tables that lose columns."""

# Of each kind of text the first: it is marked with the kind's number.
MARK_KINDS = """(within) => {
  const styles = new Map(), kinds = [];
  const named = (e) => `${e.tagName}.${e.getAttribute("class") || ""}`;
  const seen = (e) => {
    const s = getComputedStyle(e);
    const ground = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode];
    const plain = "rgba(0, 0, 0, 0) none 1 none normal";
    return ground.join(" ") === plain ? "" : ground.join(" ");
  };
  const grounds = (e) => {
    if (!e) return "";
    if (!styles.has(e)) styles.set(e, grounds(e.parentElement) + (seen(e) && `/${seen(e)}`));
    return styles.get(e);
  };
  const known = new Set();
  // The words of a formula are spoken, never shown.
  document.querySelectorAll("[data-kind]").forEach((e) => e.removeAttribute("data-kind"));
  for (const e of document.querySelectorAll(`${within} :not(math, math *)`)) {
    const words = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (!words && !e.matches("input, select, textarea") || !e.checkVisibility()) continue;
    const s = getComputedStyle(e);
    const own = [s.color, s.fill, s.fontSize, s.fontWeight, s.textShadow, s.textDecoration];
    const kind = [named(e), named(e.parentElement), own.join(" "), grounds(e)].join("|");
    if (known.has(kind)) continue;
    known.add(kind);
    e.dataset.kind = kinds.push(kind) - 1;
  }
  return kinds;
}"""
# Contrast is measured where a kind is marked, whatever else is looked at.
ONLY_MARKED = """() => axe.configure({ rules: [
  { id: "color-contrast", selector: "[data-kind]" },
  { id: "link-in-text-block", selector: "a[href][data-kind]" },
] })"""
FORGET = """(known) => {
  const passed = new Set(known);
  for (const e of document.querySelectorAll("[data-kind]")) {
    if (passed.has(e.dataset.kind)) e.removeAttribute("data-kind");
  }
}"""
DISSOLVE_FORMULAS = """() => {
  for (const drawn of document.querySelectorAll(".math svg")) drawn.replaceChildren();
}"""
DISSOLVE_CODE = """() => {
  for (const token of document.querySelectorAll("pre span:not([id], [data-kind], :has(*))")) {
    token.replaceWith(...token.childNodes);
  }
}"""


class Accessibility:
    """Asks axe, and remembers the kinds of text that passed."""

    def __init__(self) -> None:
        self.axe = Axe()
        self.passed: set[str] = set()

    def check(self, page, within="body", *, structure=True, colours=True, tags=None):
        """No rule is broken by what a selector finds: of structure, of colours, or of both.

        Of the rules of structure, all are asked, or those with a tag.

        Everything in question must be unfolded, and nothing may move. The page loses the strokes
        of its formulas and, with its structure, the colours of its code.
        """
        page.evaluate(DISSOLVE_FORMULAS)
        kinds = page.evaluate(MARK_KINDS, within) if colours else []
        known = [str(number) for number, kind in enumerate(kinds) if kind in self.passed]
        page.evaluate(FORGET, known)
        new = len(known) < len(kinds)
        if structure:
            page.evaluate(DISSOLVE_CODE)
            options = {"rules": {rule: {"enabled": new} for rule in COLOURS}}
            if tags:
                options["runOnly"] = {"type": "tag", "values": tags}
            self._ask(page, [[within]], options)
        elif new:
            only = {"type": "rule", "values": COLOURS}
            self._ask(page, [["[data-kind]"]], {"runOnly": only})
        self.passed |= set(kinds)

    def _ask(self, page, include, options):
        if not page.evaluate("Boolean(window.axe)"):
            page.evaluate(self.axe.axe_script)
            page.evaluate(ONLY_MARKED)
        # Without preloading: axe would fetch style sheets, which a page on a disk must not.
        options = {"resultTypes": ["violations"], "preload": False, **options}
        question = "([include, options]) => axe.run({ include }, options)"
        found = AxeResults(page.evaluate(question, [include, options]))
        assert found.violations_count == 0, found.generate_report()
