"""The paper's experiments are planned by Snakemake where no data and no weights are."""

from collections import Counter

import pytest

from helpers.checkouts import jobs_in
from helpers.paper_files import can_be_planned, load, recipes
from labelbench_core.configuration import entries
from labelbench_core.stages.plan import Needs, planned_jobs
from labelbench_core.stages.table import stage_of
from labelbench_core.storage import files

KINDS = {
    ("cifar10-1000-finetune", "ours"): {
        **{"prepare_dataset": 1, "draw_initial_pool": 4, "build_zero_shot_head": 1},
        **{"train_initial_deep": 4, "select_round_deep": 288},
    },
    ("cifar10-200-shallow-finetune", "faithful"): {
        **{"prepare_dataset": 1, "draw_initial_pool": 4, "build_zero_shot_head": 1},
        **{"extract_embeddings": 1, "extract_views": 1},
        **{"train_initial_deep": 4, "select_round_deep": 532, "finetune_model_passing": 560},
    },
    ("imagenet-50000-coca-linear", "faithful"): {
        **{"prepare_dataset": 1, "draw_initial_pool": 2, "extract_embeddings": 1},
        **{"extract_views": 1, "train_initial_deep": 2, "select_round_deep": 84},
    },
    ("fmow-3000-noisy", "ours"): {
        **{"prepare_dataset": 1, "annotate": 1, "draw_initial_pool": 4, "build_zero_shot_head": 1},
        **{"train_initial_deep": 4, "select_round_deep": 180},
    },
    ("iwildcam-3000-shallow", "faithful"): {
        **{"prepare_dataset": 1, "draw_initial_pool": 4, "extract_embeddings": 1},
        **{"extract_views": 1, "train_initial_deep": 4, "select_round_deep": 168},
    },
    ("figure-1", "faithful"): {
        **{"prepare_dataset": 2, "draw_initial_pool": 6, "build_zero_shot_head": 3},
        **{"extract_embeddings": 2, "extract_views": 2},
        **{"train_initial_deep": 16, "select_round_deep": 792, "plot_panels": 1},
    },
}
"""Jobs of the rules that are no part of the report, one experiment of each kind."""
MANY_JOBS = {("cifar10-200-shallow-finetune", "faithful"), ("figure-1", "faithful")}
"""Whose plans have about a thousand jobs, and take several times as long as the others'."""
PLANNED = {file.stem: file for file in can_be_planned()}


MISSING = {
    "imagenet": "data set 'imagenet{}': nowhere/imagenet/train: no such folder; download ImageNet",
    "iwildcam": "data set 'iwildcam{}': nowhere/iwildcam_v2.0/metadata.csv: not found; get iWild",
    "fmow": "data set 'fmow{}': nowhere/fmow_v1.1/rgb_metadata.csv: not found; get FMoW 1.1",
}
"""What is told of data sets that nothing can download, without what follows their names."""
NOTE = "planned with published sizes, but a run would stop: "


def planned(workflow, shared, name, recipe):
    """Number of jobs by rule, and the last line; a dry run says how to estimate the costs.

    Each plan is made once for all tests, whose checkouts are equal, and kept in `shared`.
    """
    options = ["--config", f"recipe={recipe}"] if recipe else []
    kept = shared / f"plan-{name}-{recipe}.txt"
    with files.exclusive(kept):
        if not kept.exists():
            text = workflow.snakemake(
                "-n", *options, config=f"config/paper/{name}.yaml", LABELBENCH_DATA="nowhere"
            )
            kept.write_text(text, encoding="utf-8")
    text = kept.read_text(encoding="utf-8")
    command = f"workflow_scripts.estimate_costs --configfile config/paper/{name}.yaml"
    assert " ".join([command, *options]) in text
    return jobs_in(text), text.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        pytest.param(*one, id="-".join(one), marks=pytest.mark.thorough if one in MANY_JOBS else ())
        for one in KINDS
        if one[0] in PLANNED
    ],
)
def test_one_of_each_kind(fresh, shared, name, recipe):
    found, last = planned(fresh, shared, name, recipe)
    expected = KINDS[name, recipe]
    assert {rule: found.get(rule) for rule in expected} == expected
    rest = {rule: count for rule, count in found.items() if rule not in expected}
    assert set(rest.values()) == {1}  # of the report
    assert {"collect_curves", "tabulate", "render_report"} <= set(rest)
    data = "imagenet" if name == "figure-1" else name.partition("-")[0]
    assert last.startswith(NOTE) == (data in MISSING)
    if data in MISSING:
        assert missing(last, data)


def missing(line, data):
    """Whether a line says which file of a data set is missing."""
    before, after = MISSING[data].split("{}")
    return before in line and after in line


def test_a_run_stops_at_the_missing_files_and_has_started_nothing(fresh):
    text = fresh.snakemake(
        config="config/paper/fmow-3000-noisy.yaml", LABELBENCH_DATA="nowhere", check=False
    )
    (line,) = (line for line in text.splitlines() if line.startswith("error:"))
    assert missing(line, "fmow")
    assert NOTE not in text
    assert not (fresh.folder / "results").exists()


def in_turn():
    """Every file with one of its recipes, so that each recipe is planned as often."""
    known = {name: recipes(file) for name, file in PLANNED.items()}
    return [(name, each[place % len(each)]) for place, (name, each) in enumerate(known.items())]


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "recipe"), in_turn())
def test_every_file_by_a_recipe(fresh, shared, name, recipe):
    """Numbers of jobs by stage are those of the published settings: test_paper.py of the units."""
    found, last = planned(fresh, shared, name, recipe)
    assert last.startswith(NOTE) == any(data in last for data in MISSING)
    experiment, catalogue = load(PLANNED[name], recipe)
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    expected = Counter(job.stage.name for job in planned_jobs(experiment, needs))
    by_stage = Counter()
    for rule, count in found.items():
        by_stage[stage_of(rule).name] += count
    assert by_stage == expected
