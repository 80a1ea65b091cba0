"""Pictures of every page for a person to look at: `make screenshots`.

Each page in light, in dark, on a phone and as printed, in `_build/screenshots`; long pages in
pieces, for a picture of thirty thousand pixels shows nothing. `index.html` there has all of them.
"""

import argparse
import sys
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from tqdm import tqdm

from .conftest import SITE
from .explorers.reader import pass_all_explorers
from .pages import DESK, LAY_OUT_ALL, PHONE, SCRIPTS_RUN

from bookext.elsewhere import headless  # isort: skip (found once the lines above have run)

TARGET = SITE.parent / "screenshots"
TALL = 3000
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", "viewport": PHONE},
    "print": {"color_scheme": "light", "viewport": {"width": 794, "height": 1123}},
}
# The camera is faster than images that come only when a reader is near.
LOAD_ALL = """() => {
  for (const image of document.images) image.loading = "eager";
  return Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
}"""


def photograph(browser: Browser, page: Path, look: str) -> list[Path]:
    """The pictures of one page in one look, from its top to its end."""
    context = browser.new_context(**LOOKS[look])
    tab = context.new_page()
    if look == "print":
        tab.emulate_media(media="print")
    tab.goto(page.as_uri())
    tab.wait_for_function(SCRIPTS_RUN)
    tab.wait_for_load_state("networkidle")
    tab.add_style_tag(content=LAY_OUT_ALL)
    pass_all_explorers(tab)
    tab.evaluate(LOAD_ALL)
    height = tab.evaluate("document.documentElement.scrollHeight")
    tab.set_viewport_size({"width": LOOKS[look]["viewport"]["width"], "height": min(height, TALL)})
    name = page.relative_to(SITE).with_suffix("").as_posix().replace("/", "-")
    pictures = []
    for number, top in enumerate(range(0, height, TALL)):
        tab.evaluate("top => window.scrollTo({ top, behavior: 'instant' })", top)
        pictures.append(TARGET / f"{name}-{look}-{number}.png")
        tab.screenshot(path=pictures[-1])
    context.close()
    return pictures


def main() -> None:
    """Photograph the pages."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("pages", nargs="*", help="some pages only, such as book/pooling")
    names = parser.parse_args().pages
    chosen = [SITE / f"{name}.html" for name in names] or sorted(SITE.rglob("*.html"))
    if missing := [str(page) for page in chosen if not page.is_file()]:
        sys.exit(f"no such page: {', '.join(missing)}; run `make book` first")
    if not headless.program():
        sys.exit(headless.MISSING)
    TARGET.mkdir(parents=True, exist_ok=True)
    rows = []
    with sync_playwright() as playwright:
        browser = headless.launch(playwright)
        for page in tqdm(chosen, unit="page"):
            taken = [picture for look in LOOKS for picture in photograph(browser, page, look)]
            images = "".join(
                f'<a href="{p.name}"><img src="{p.name}" width="240"></a>' for p in taken
            )
            rows.append(f"<h2>{escape(str(page.relative_to(SITE)))}</h2>{images}")
        browser.close()
    (TARGET / "index.html").write_text("\n".join(rows), encoding="utf-8")
    print(f"open {TARGET / 'index.html'}")


if __name__ == "__main__":
    main()
