"""Chromium without a window, for the benchmarks of pages."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def fresh_browsers() -> Iterator[Any]:
    """What starts a browser at each call; exits where none is installed."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        sys.exit("chromium is not installed")
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []  # which root cannot have
    with sync_playwright() as playwright:
        yield lambda: playwright.chromium.launch(executable_path=path, args=options)
