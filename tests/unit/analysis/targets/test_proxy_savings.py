"""What selecting by proxy saves over fine-tuning in every round: hand-computed."""

import json
import math

import pandas as pd
import pytest

from helpers import fake_results
from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import TEXT_COLUMNS, read_csv, write_csv
from labelbench_core.analysis.results import FLOAT_FORMAT
from labelbench_core.analysis.targets.proxy_savings import PROXY_SAVING_COLUMNS, proxy_savings
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.report.cost_tables import proxy_saving_tables
from labelbench_core.stages.plan import Needs

SETTING = {"dataset": "digits", "backbone": "tiny", "proxy": "linear", "schedule": "small"}
FINETUNE = {"trainers": ["full"], "strategies": ["margin"], "rounds": [1, 3], "seeds": [0, 1]}


def experiment(**changes: object) -> Experiment:
    crossed: dict[str, object] = {
        **{"backbones": ["tiny"], "schedules": ["small"], "strategies": ["random", "margin"]},
        **{"seeds": [0, 1], "rounds": 5, "finetune": FINETUNE},
    }
    return Experiment.from_json(json.dumps(fake_results.experiment(**{**crossed, **changes})))


EXPERIMENT = experiment()
TUNED = {1: (100.0, 200.0), 3: (300.0, 400.0)}
"""Round → seconds of the fine-tunings of two seeds; a hundred times as many FLOPs."""


def job(stage: str, seconds: float, **ids: object) -> dict[str, object]:
    return {"stage": stage, **ids, "seconds": seconds, "flops": 100 * seconds}


@pytest.fixture
def costs() -> pd.DataFrame:
    """Four rounds that select; fine-tunings after rounds 1 and 3."""
    rows = [
        job("extract_embeddings", 50.0, dataset="digits", backbone="tiny"),
        job("extract_embeddings", 9e9, dataset="digits", backbone="other"),
    ]
    for seed in (0, 1):
        ids = {**SETTING, "seed": seed}
        rows.append(job("train_initial", 5.0, **ids))
        for name, seconds in (("random", 1.0), ("margin", 2.0), ("look-ahead", 9e9)):
            for number in (1, 2, 3, 4):
                took = seconds + seed
                rows.append(job("select_round", took, **ids, strategy=name, round=number))
        for number, took in TUNED.items():
            found = {**ids, "trainer": "full", "strategy": "margin", "round": number}
            rows.append(job("finetune_model", took[seed], **found))
            look_ahead = {**found, "strategy": "look-ahead"}
            rows.append(job("finetune_model", 9e9, **look_ahead))
    columns = [name for name in COST_COLUMNS if name != "annotator"]  # all are the exact one's
    frame = pd.DataFrame(rows, columns=columns)
    texts = [name for name in columns if name in TEXT_COLUMNS]
    ids = dict.fromkeys([*texts, "seed", "round"], object)
    return frame.astype(ids).fillna(dict.fromkeys(ids, ""))


def test_rounds_by_the_proxy_and_with_a_fine_tuning_in_each(costs: pd.DataFrame) -> None:
    table = proxy_savings(EXPERIMENT, Needs(), costs)
    assert list(table) == [name for name in PROXY_SAVING_COLUMNS if name != "annotator"]
    assert list(table["strategy"]) == ["random", "margin"]  # ceilings are left out
    margin = table.set_index("strategy").loc["margin"]
    assert (margin["trainer"], margin["rounds"], margin["n_seeds"]) == ("full", 4, 2)
    # One embedding; 5 and four rounds of 2 or 3 seconds, the mean of two seeds.
    proxy = 50 + 5 + 4 * 2.5
    assert margin["proxy_seconds"] == pytest.approx(proxy)
    # Before rounds 1 to 4: on the labels after rounds 0 to 3. After 1 and 3, 150 and 350 seconds
    # were measured; after 0 it is taken as after 1, after 2 as halfway.
    finetuned = 5 + 4 * 2.5 + (150 + 150 + 250 + 350) + 4 * 50
    assert margin["measured_rounds"] == 2
    assert margin["finetuned_seconds"] == pytest.approx(finetuned)
    assert margin["saved_seconds"] == pytest.approx(finetuned - proxy)
    assert margin["saved_each_round_seconds"] == pytest.approx((finetuned - proxy) / 4)
    assert margin["saved_flops"] == pytest.approx(100 * (finetuned - proxy))


def test_a_refresh_counts_for_the_proxy_that_asks_for_it(costs: pd.DataFrame) -> None:
    before = proxy_savings(EXPERIMENT, Needs(), costs).set_index("strategy")
    tuned = (costs["stage"] == "finetune_model") & (costs["strategy"] == "margin")
    refreshes = costs[tuned].assign(stage="refresh_embeddings", seconds=7.0, flops=700.0)
    other = costs[tuned].assign(trainer="other", seconds=1e6, flops=1e6)
    table = proxy_savings(
        EXPERIMENT, Needs(), pd.concat([costs, refreshes, other], ignore_index=True)
    )
    after = table[table["trainer"] == "full"].set_index("strategy")
    # Of each seed two refreshes of 7 seconds, and their fine-tunings: 150 and 350 on average.
    assert after.loc["margin", "proxy_seconds"] == pytest.approx(
        before.loc["margin", "proxy_seconds"] + 2 * 7 + 150 + 350
    )
    assert after.loc["random", "proxy_seconds"] == before.loc["random", "proxy_seconds"]
    # The other side is fine-tuned before every round as it is: no refreshes on top of that.
    finetuned = 5 + 4 * 2.5 + (150 + 150 + 250 + 350) + 4 * 50
    assert after.loc["margin", "finetuned_seconds"] == pytest.approx(finetuned)
    saved = finetuned - after.loc["margin", "proxy_seconds"]
    assert after.loc["margin", "saved_seconds"] == pytest.approx(saved)
    assert list(after["finetuned_flops"]) == list(before["finetuned_flops"])


def test_fine_tunings_of_refreshes_alone_have_no_rows(costs: pd.DataFrame) -> None:
    """The experiment does not ask for them: a proxy does."""
    tuned = costs[(costs["stage"] == "finetune_model") & (costs["strategy"] == "margin")]
    refreshes = tuned.assign(stage="refresh_embeddings")
    costs = pd.concat([costs, refreshes], ignore_index=True)
    assert proxy_savings(experiment(finetune=None), Needs(), costs).empty
    other = costs.replace({"trainer": {"full": "other"}})
    other = pd.concat([costs, other[other["trainer"] == "other"]], ignore_index=True)
    assert set(proxy_savings(EXPERIMENT, Needs(), other)["trainer"]) == {"full"}


def test_a_proxy_that_is_trained_on_images_has_no_rows(costs: pd.DataFrame) -> None:
    """Its data set is embedded all the same, for the other proxies of the experiment."""
    both = experiment(proxies=["linear", "deep"])
    of_proxy = costs["proxy"] != ""
    costs = pd.concat([costs, costs[of_proxy].assign(proxy="deep")], ignore_index=True)
    assert set(proxy_savings(both, Needs(), costs)["proxy"]) == {"linear", "deep"}
    table = proxy_savings(both, Needs(images=("deep",)), costs)
    assert list(table["proxy"]) == ["linear", "linear"]


def test_views_and_head_count_for_the_proxy_that_reads_them(costs: pd.DataFrame) -> None:
    before = proxy_savings(EXPERIMENT, Needs(), costs).iloc[0]
    embedded = costs[(costs["stage"] == "extract_embeddings") & (costs["backbone"] == "tiny")]
    views = embedded.assign(stage="extract_views", augmentation="flips", seconds=80.0, flops=8000.0)
    head = embedded.assign(stage="build_zero_shot_head", seconds=3.0, flops=math.nan)
    others = [
        views.assign(augmentation="crops", seconds=9e9, flops=9e9),
        views.assign(backbone="other", seconds=9e9, flops=9e9),
        head.assign(backbone="other", seconds=9e9),
    ]
    costs = pd.concat([costs, views, head, *others], ignore_index=True)

    def changes(**values: object) -> tuple[float, ...]:
        row = proxy_savings(EXPERIMENT, Needs.from_values(values), costs).iloc[0]
        names = ("proxy_seconds", "finetuned_seconds", "proxy_flops", "finetuned_flops")
        return tuple(row[name] - before[name] for name in names)

    assert changes() == (0, 0, 0, 0)
    assert changes(augmentation={"linear": "flips"}) == (80, 0, 8000, 0)
    # FLOPs of the head are not estimated.
    assert changes(class_names={"proxies": ["linear"]}) == (3, 0, 0, 0)
    assert changes(class_names={"trainers": ["full"]}) == (0, 3, 0, 0)
    refresh = {"linear": {"every": 1, "trainer": "full"}}
    assert changes(refresh=refresh, class_names={"trainers": ["full"]}) == (3, 3, 0, 0)


def test_an_annotators_setting_has_its_own_rows(costs: pd.DataFrame) -> None:
    of_setting = costs["proxy"] != ""
    costs.insert(2, "annotator", "")
    costs.loc[of_setting, "annotator"] = "crowd"
    table = proxy_savings(experiment(annotators=["exact", "crowd"]), Needs(), costs)
    assert list(table["annotator"]) == ["crowd", "crowd"]
    assert proxy_savings(EXPERIMENT, Needs(), costs).empty


def test_what_is_not_measured_is_not_known(costs: pd.DataFrame) -> None:
    costs.loc[costs["stage"] == "select_round", "flops"] = math.nan
    costs.loc[costs["stage"] == "finetune_model", "seconds"] = math.nan
    table = proxy_savings(EXPERIMENT, Needs(), costs)
    assert table["proxy_seconds"].notna().all()
    assert (
        table[["finetuned_seconds", "saved_seconds", "proxy_flops", "saved_flops"]]
        .isna()
        .all(axis=None)
    )
    (shown,) = proxy_saving_tables(table)
    assert shown.cells[1][4:8] == ("1 min 05 s", "–", "–", "–")


@pytest.mark.parametrize("stage", ["extract_embeddings", "finetune_model", "select_round"])
def test_without_embedding_fine_tuning_or_selection_there_is_nothing(
    costs: pd.DataFrame, stage: str
) -> None:
    table = proxy_savings(EXPERIMENT, Needs(), costs[costs["stage"] != stage])
    assert table.empty
    assert proxy_saving_tables(table) == []


def test_money_is_saved_seconds_at_the_price_of_an_hour(
    costs: pd.DataFrame, tmp_path: object
) -> None:
    path = f"{tmp_path}/proxy_savings.csv"
    write_csv(proxy_savings(EXPERIMENT, Needs(), costs), path, FLOAT_FORMAT)
    table = read_csv(path, PROXY_SAVING_COLUMNS)
    (shown,) = proxy_saving_tables(table, 36.0, "EUR")
    cells = dict(zip(shown.columns, shown.cells[1], strict=True))
    assert shown.title == "selecting by the proxy, digits / tiny / linear / small"
    assert cells == {
        "trainer": "full",
        "strategy": "margin",
        "rounds": "4",
        "of them measured": "2",
        "by the proxy": "1 min 05 s",
        "fine-tuned in every round": "18 min 35 s",
        "times as long": "17.2",
        "saved in a round": "4 min 22 s",
        "saved in a round in EUR": "2.6250",
        "saved in all in EUR": "10.50",
        "FLOPs by the proxy": "6.5 kFLOPs",
        "FLOPs fine-tuned": "112 kFLOPs",
        "times as many FLOPs": "17.2",
    }
    (plain,) = proxy_saving_tables(table)
    assert not any("EUR" in name for name in plain.columns)
