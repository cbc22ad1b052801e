"""What jobs cost: which jobs there are, their seconds and FLOPs, and the tables of them."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import fake_results
from helpers.drawn_text import text_boxes
from helpers.project import PROJECT
from labelbench_core.analysis.collected.costs import (
    NOTED,
    collect_costs,
    cost_by,
    refresh_costs,
    selection_costs,
)
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.entries import needs
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import InputError
from labelbench_core.figures import style
from labelbench_core.figures.costs import draw_costs, operations
from labelbench_core.report.cost_tables import cost_tables
from labelbench_core.stages.plan import ByClassNames, Needs, Refresh, ids_of_jobs

CONFIG = PROJECT / "config"
VALIDATION = {"validation": {"kind": "none", "size": 0, "looks": []}}
CHAIN = "{dataset}/{backbone}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}"
TUNED = "{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}"
PATTERNS = {
    "prepare_dataset": "{dataset}",
    "extract_embeddings": "{dataset}/{backbone}",
    "extract_views": "{dataset}/{backbone}/{augmentation}",
    "build_zero_shot_head": "{dataset}/{backbone}",
    "draw_initial_pool": "{dataset}/{schedule}/seed-{seed}",
    "train_initial": "{dataset}/{backbone}/{proxy}/{schedule}/seed-{seed}",
    "select_round": CHAIN,
    "refresh_embeddings": TUNED,
    "finetune_model": TUNED,
}
NEEDS = Needs(
    augmentation={"views": "once"},
    refresh={"blend": Refresh(every=2, trainer="brief")},
    class_names=ByClassNames(trainers=("full",)),
)


def crossed(**changes: Any) -> Experiment:
    """Two strategies, three seeds, six rounds; three proxies unless changed."""
    values = fake_results.experiment(
        **{
            "proxies": ["linear", "views", "blend"],
            "strategies": ["random", "margin"],
            "seeds": [1, 2, 3],
            "rounds": 6,
            "finetune": None,
            **changes,
        }
    )
    return Experiment.from_json(json.dumps(values))


def collect(folder: Path, experiment: Experiment, found: Needs = NEEDS) -> pd.DataFrame:
    """The table of costs of what lies in `folder`."""
    return collect_costs(
        experiment,
        found,
        [f"{stage}={folder}/{stage}/{path}.tsv" for stage, path in PATTERNS.items()],
        [
            f"{stage}={folder}/{stage}/{path}.json"
            for stage, path in PATTERNS.items()
            if stage not in ("prepare_dataset", "draw_initial_pool", "build_zero_shot_head")
        ],
    )


def note(folder: Path, stage: str, ids: dict[str, Any], seconds: float, record: dict) -> None:
    """Write the benchmark file and the record of one job."""
    path = folder / stage / PATTERNS[stage].format(**ids)
    fake_results.note(Path(f"{path}.json"), NOTED[stage][0], **record)
    Path(f"{path}.tsv").write_text(f"s\tcpu_time\tmax_rss\n{seconds}\t{seconds}\t1024\n")


def test_every_stage_is_there_with_its_jobs(tmp_path: Path) -> None:
    counts = collect(tmp_path, crossed())["stage"].value_counts().to_dict()
    assert counts == {
        "prepare_dataset": 1,
        "extract_embeddings": 1,
        "extract_views": 1,
        "draw_initial_pool": 3,
        "train_initial": 3 * 3,
        "select_round": 3 * 2 * 3 * 5,
        # Round 3 sees what was embedded after round 2, round 5 what was after round 4.
        "refresh_embeddings": 2 * 3 * 2,
        "finetune_model": 2 * 3 * 2,
    }
    # Nothing is embedded for proxies that train on images.
    stages = collect(tmp_path, crossed(), Needs(images=("linear", "views", "blend")))["stage"]
    assert "extract_embeddings" not in set(stages)


def test_finetunings_that_refresh_are_no_second_job(tmp_path: Path) -> None:
    chosen = {"strategies": ["margin"], "rounds": [4, 5], "seeds": [1]}
    experiment = crossed(finetune={"trainers": ["brief", "full"], **chosen})
    table = collect(tmp_path, experiment)
    counts = table["stage"].value_counts()
    # Of three proxies × two trainers × two rounds, one refreshes.
    assert counts["finetune_model"] == 3 * 2 * 2 + 2 * 3 * 2 - 1
    assert counts["build_zero_shot_head"] == 1
    views = table[table["stage"] == "extract_views"].iloc[0]
    assert (views["augmentation"], views["trainer"], views["proxy"]) == ("once", "", "")


def test_needs_come_from_the_catalogue() -> None:
    catalogue = load_catalogue(CONFIG / "catalogue")
    catalogue["proxies"] |= {
        "views": {"implementation": "shallow", "options": {"augmentation": "once"}},
        "blend": {"implementation": "blend", "options": {"trainer": "mine", "refresh_every": 2}},
        "named": {"implementation": "linear", "options": {"start": "zero-shot"}},
        "tuned": {"implementation": "finetune", "options": {"trainer": "mine"}},
    }
    catalogue["trainers"] |= {
        "mine": {"implementation": "supervised"},
        "words": {"implementation": "supervised", "training": {"head": "zero-shot"}},
    }
    finetune = {"trainers": ["mine", "words"], "strategies": ["random"], "rounds": [1]}
    proxies = ["linear", "views", "blend", "named", "tuned"]
    experiment = crossed(proxies=proxies, finetune={**finetune, "seeds": [1]})
    found = needs(experiment, catalogue)
    assert found == {
        "augmentation": {"views": "once"},
        "refresh": {"blend": {"every": 2, "trainer": "mine"}},
        "class_names": {"proxies": ["named"], "trainers": ["words"]},
        "images": ["tuned"],
    }
    again = Needs.from_json(json.dumps(found))
    heads = list(ids_of_jobs("build_zero_shot_head", experiment, again))
    assert {ids["proxy"] for ids in heads} == set(proxies)
    embedded = ids_of_jobs("extract_embeddings", experiment, again)
    assert {ids["proxy"] for ids in embedded} == set(proxies) - {"tuned"}
    with pytest.raises(InputError, match="--needs"):
        Needs.from_json('{"other": 1}')


def test_flops_are_what_the_records_say(tmp_path: Path) -> None:
    experiment = crossed(strategies=["random"], highlight="random", seeds=[1], rounds=4)
    for ids in experiment.selections():
        flops, seconds = (1e9, 2.0) if ids["proxy"] == "linear" else (5e12, 3.0)
        if ids["round"]:
            note(tmp_path, "select_round", ids, seconds, {"fit": {"flops": flops}})
        # Damaged or older records say nothing.
        else:
            note(tmp_path, "train_initial", ids, 1.0, {"fit": {}})
    refreshed = {**ids, "proxy": "blend", "trainer": "brief", "round": 2}
    note(tmp_path, "refresh_embeddings", refreshed, 20.0, {"flops": 4e12})
    note(tmp_path, "finetune_model", refreshed, 300.0, {"training": {"flops": 6e13, **VALIDATION}})
    table = collect(tmp_path, experiment)
    by_proxy = selection_costs(table, "proxy").set_index("proxy")
    assert by_proxy.loc["linear", ["median_seconds", "median_flops"]].tolist() == [2.0, 1e9]
    assert by_proxy.loc["views", ["seconds", "flops"]].tolist() == [9.0, 1.5e13]
    (refresh,) = refresh_costs(table).to_dict("records")
    assert (refresh["proxy"], refresh["seconds"], refresh["flops"]) == ("blend", 320.0, 6.4e13)
    assert math.isnan(cost_by(table, "stage").set_index("stage").loc["train_initial", "flops"])

    shown = cost_tables(table)[-1]
    rows = {cells[0]: dict(zip(shown.columns, cells, strict=True)) for cells in shown.cells}
    assert rows["linear"]["its FLOPs"] == "1 GFLOPs"
    assert rows["views"]["total FLOPs"] == "15 TFLOPs"
    assert (rows["views"]["refreshes"], rows["blend"]["refreshes"]) == ("–", "5 min 20 s")
    table.loc[table["flops"] == 5e12, "flops"] = 99.5e12
    with style.drawing():
        figure = draw_costs(table)
        figure.canvas.draw()
        boxes = [box for axes in figure.axes for box in text_boxes(axes)]
    assert {"FLOPs of the median round", "99.5 TFLOPs"} <= {text for text, _ in boxes}
    assert all(0 <= box.x0 <= box.x1 <= figure.bbox.x1 for _, box in boxes)


def test_an_unknown_part_makes_the_whole_unknown(tmp_path: Path) -> None:
    experiment = crossed(proxies=["linear"], seeds=[1], rounds=3)
    for ids in experiment.selections():
        if ids["round"] and (ids["strategy"], ids["round"]) != ("margin", 2):
            note(tmp_path, "select_round", ids, 2.0, {"fit": {"flops": 10}})
    table = selection_costs(collect(tmp_path, experiment, Needs())).set_index("strategy")
    assert table.loc["random", "flops"] == 20
    assert math.isnan(table.loc["margin", "flops"])
    assert table.loc["margin", "measured"] == 1


@pytest.mark.parametrize(
    ("flops", "text"),
    [
        (0, "0 FLOPs"),
        (999.6, "1 kFLOPs"),
        (8.72e7, "87.2 MFLOPs"),
        (1.352e15, "1.35 PFLOPs"),
        (4.2e21, "4,200 EFLOPs"),
    ],
)
def test_operations(flops: float, text: str) -> None:
    assert operations(flops) == text
