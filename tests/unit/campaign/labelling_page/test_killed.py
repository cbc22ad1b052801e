"""No answer is lost when the browser is killed; and a large batch opens without all its images."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from helpers import labelling_batches as batches
from helpers.browsing import READY, chromium


class Launched:
    """A browser of its own process group and profile, which can be killed at once."""

    def __init__(self, playwright: Any, profile: Path, page: Path) -> None:
        port = profile / "DevToolsActivePort"
        port.unlink(missing_ok=True)
        options = ["--headless=new", "--no-first-run", "--remote-debugging-port=0"]
        options += ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [chromium(), *options, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while not (port.exists() and port.read_text().count("\n")):
            assert time.monotonic() < deadline, "the browser does not start"
            time.sleep(0.05)
        address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
        self.page = playwright.chromium.connect_over_cdp(address).contexts[0].new_page()
        self.page.goto(page.as_uri())
        self.page.wait_for_selector(READY)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def test_a_killed_browser_has_lost_no_answer_that_the_page_moved_on_from(tmp_path: Path) -> None:
    chromium()
    from playwright.sync_api import sync_playwright

    page = batches.write(tmp_path / "page.html", batches.images())
    profile = tmp_path / "profile"
    with sync_playwright() as playwright:
        for answered in range(3):
            opened = Launched(playwright, profile, page)
            try:
                place = opened.page.evaluate("document.body.dataset.place")
                assert place == str(answered), "where it was"
                if not answered:
                    opened.page.fill("#annotator", "Ada")
                    opened.page.get_by_role("button", name="Begin").click()
                if answered == 2:
                    told = opened.page.locator("#items .told").all_text_contents()
                    assert told[:3] == ["1 ✓ cat", "2 ✓ dog", "3 unanswered"]
                    continue
                opened.page.keyboard.press(str(answered + 1))
                opened.page.wait_for_selector(f"body[data-answered='{answered + 1}']")
            finally:
                opened.kill()


@pytest.mark.thorough
def test_of_five_hundred_images_those_in_sight_are_decoded(tmp_path: Path) -> None:
    """How soon they are open: `benchmarks/labelling_page.py`."""
    from helpers.browsing import Opened, browser
    from labelbench_core.campaign.labelling_page.page import page

    batch = batches.images(500)
    noise = os.urandom(20_000)  # of the size of a thumbnail of 256 pixels
    pictures = {one.item: batches.png(i) + noise for i, one in enumerate(batch.items)}
    path = tmp_path / "page.html"
    path.write_text(page(batch, batches.DIGEST, pictures), encoding="utf-8")
    assert 13e6 < path.stat().st_size < 14.5e6
    with browser() as started:
        opened = Opened(started, path)
        assert opened.page.locator("#items button").count() == 500
        assert opened.page.locator("#items img").count() < 200, "only what is in sight is decoded"
        assert opened.complaints == []
