"""The system's Chromium without a window, for the tests and for printing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

MISSING = (
    "no Chromium found; install it (Debian, Ubuntu: apt install chromium) or set CNNREF_CHROMIUM"
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def program() -> str:
    """The path of Chromium; empty where there is none."""
    # The first is the same engine without the parts for windows, and starts twice as fast.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CNNREF_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")


def launch(playwright: Playwright) -> Browser:
    """Start it; it asks no other host for anything of its own."""
    return playwright.chromium.launch(executable_path=program(), args=FLAGS)
