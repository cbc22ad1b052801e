"""A recorded list in the real workflow: what our own margin bought, bought again."""

import csv
import json

import pytest

SELECTIONS = "results/selections/digits/tiny/linear"
TABLES = "results/reports/smoke/tables"
AGAIN = """
again:
  implementation: replay
  options: {recorded: ours.json, strategy: margin}
"""
SAME_START = """
same-start:
  initial: 20
  batch: 20
  draw: recorded
  list: {recorded: ours.json, strategy: margin}
"""


@pytest.fixture
def recorded(finished):
    """The small experiment after which margin's selections have become a file of lists."""
    folder = finished.folder / SELECTIONS
    lists = {}
    for seed in (0, 1):
        places = [
            f"initial/seed-{seed}/round-0",
            *(f"margin/seed-{seed}/round-{n}" for n in (1, 2)),
        ]
        paths = [folder / "small" / f"{place}.json" for place in places]
        lists[seed] = [row for path in paths for row in json.loads(path.read_text())["bought"]]
    write_lists(finished, lists)
    finished.append("config/catalogue/strategies.yaml", AGAIN)
    finished.append("config/catalogue/schedules.yaml", SAME_START)
    finished.edit("smoke.yaml", "margin, badge]", "margin, badge, again]")
    return finished, lists


def write_lists(workflow, lists):
    content = {"source": "digits", "num_rows": 300, "lists": {"margin": lists}}
    path = workflow.folder / "data" / "ours.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.mark.thorough
def test_what_was_bought_before_is_bought_again_and_is_as_good(recorded):
    workflow, lists = recorded
    workflow.edit("smoke.yaml", "schedules: [small]", "schedules: [small, same-start]")
    workflow.snakemake(f"{TABLES}/replay.md")
    for seed in (0, 1):
        drawn = workflow.folder / f"results/selections/digits/same-start/seed-{seed}/initial.json"
        assert json.loads(drawn.read_text())["labeled"] == lists[seed][:20]
        for schedule, number in (("small", 1), ("same-start", 2)):
            path = f"{SELECTIONS}/{schedule}/again/seed-{seed}/round-{number}.json"
            bought = json.loads((workflow.folder / path).read_text())["bought"]
            assert bought == lists[seed][20 * number : 20 * number + 20]
    with open(workflow.folder / TABLES / "replay.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    rows = [row for row in rows if row["metric"] == "accuracy" and row["schedule"] == "small"]
    assert {row["num_labeled"] for row in rows} == {"40", "60"}
    for row in rows:
        assert (row["strategy"], row["reference_strategy"], row["n_seeds"]) == (
            "again",
            "margin",
            "2",
        )
        assert (row["shared"], row["jaccard"]) == ("1", "1")
        # Another strategy's proxy chooses its penalty by other folds.
        assert abs(float(row["difference"])) < 0.05
        assert row["entropy"] == row["reference_entropy"]
    # Another list of one seed: all that starts from it, and what else buys from it, and no more.
    assert workflow.planned(f"{TABLES}/replay.md") == {}
    lists[1] = [*lists[1][:20], *reversed(lists[1][20:])]
    write_lists(workflow, lists)
    chains = {"draw_initial_pool": 1, "train_initial": 1, "select_round": 2 + 4 * 2}
    tables = {"collect_curves": 1, "compare_replays": 1}
    assert workflow.planned(f"{TABLES}/replay.md") == {**chains, **tables}
