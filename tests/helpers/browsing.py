"""A real browser for the tests of pages: Chromium, headless, without network."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
READY = "body[data-ready]"
"""What a report sets when all of its figures are drawn."""


def chromium() -> str:
    """Path of the browser; the test is skipped, saying why, where there is none.

    With LABELBENCH_BROWSER=required, as in continuous integration, it fails instead.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    why = "chromium is not installed (apt-get install chromium)" if found is None else ""
    if importlib.util.find_spec("playwright") is None:
        why = "the package playwright is not installed"
    if why and os.environ.get("LABELBENCH_BROWSER") == "required":
        pytest.fail(f"no browser tests: {why}")
    if found is None or why:
        pytest.skip(f"no browser tests: {why}")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """A started Chromium; without its sandbox where the user is root, who cannot have one."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=options)
        yield started
        started.close()


class Opened:
    """A page, and what it did that it should not: errors, messages, requests."""

    def __init__(self, started: Any, path: Path, **options: Any) -> None:
        self.complaints: list[str] = []
        self.context = started.new_context(**{"reduced_motion": "reduce", **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)  # of a page that hangs; machines may do much else
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            self.page.wait_for_selector(READY)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(request.url)
        if request.url.startswith("file:") and not request.is_navigation_request():
            self.complaints.append(request.url)
