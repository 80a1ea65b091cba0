"""What tests of any page share: screens, a theme for tiny books, and what to wait for."""

from pathlib import Path

STATIC = Path(__file__).parents[2] / "book" / "_static"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}

THEME = f"""
html_theme = "sphinx_book_theme"
html_static_path = [{str(STATIC)!r}]
html_css_files = ["book.css", ["print.css", {{"media": "print"}}]]
html_js_files = [["book.js", {{"defer": "defer"}}]]
html_context = {{"default_mode": "auto"}}
"""
# The scripts of the real site come once the page is shown.
SCRIPTS_RUN = """() => !document.querySelector("script[type=late]")
  || document.documentElement.dataset.scripts === "run"
"""
LAY_OUT_ALL = "section { content-visibility: visible !important }"
NEXT_FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"

WATCH_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      const nodes = sources.map(({ node }) => node?.className || node?.nodeName);
      if (!hadRecentInput) window.shifts.push([value, String(nodes)]);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""
