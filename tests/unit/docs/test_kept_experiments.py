"""Every experiment whose tables are kept stands on a page, and says what it is made from."""

import json

from docs import kept_results, rehearsed_campaigns
from docs import make_results as results


def test_every_kept_experiment_stands_on_the_page():
    blocks = {
        one.split("/")[0]
        for found in results.BLOCK.finditer(results.PAGE.read_text("utf-8"))
        if found["what"] != "rehearsed"  # which names a table of all that was rehearsed
        for place, one in enumerate(found["of"].split())
        if place == 0 or "/" in one  # others are ids of settings
    }
    folders = {folder.name for folder in kept_results.KEPT.glob("*")}
    assert folders == blocks
    for name in folders:
        made_from = json.loads((kept_results.KEPT / name / "made-from.json").read_text())
        assert set(made_from) >= {"commit", "experiment_sha256", "command", "machine", "metric"}


def test_every_table_of_rehearsed_campaigns_is_shown_and_says_what_it_is_made_from():
    [page] = [page for page in results.PAGES if page.parent.name == "benchmarks"]
    shown = {
        found["of"]
        for found in results.BLOCK.finditer(page.read_text("utf-8"))
        if found["what"] == "rehearsed"
    }
    assert shown == set(rehearsed_campaigns.TABLES)
    folders = {folder.name for folder in rehearsed_campaigns.KEPT.glob("*")}
    assert folders == set(rehearsed_campaigns.settings())
    for name in folders:
        made_from = rehearsed_campaigns.made_from(name)
        assert set(made_from) >= {"commit", "command", "machine", "campaigns", "rows", "data"}
        assert not made_from["commit"].endswith("+")
