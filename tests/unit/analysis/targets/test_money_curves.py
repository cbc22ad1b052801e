"""The metric against money: hand-computed, with a table of costs and prices."""

import itertools
import json
import math

import pandas as pd
import pytest

from helpers import fake_results
from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import TEXT_COLUMNS
from labelbench_core.analysis.targets.money_curves import MONEY_CURVE_COLUMNS, metric_by_money
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures import style
from labelbench_core.figures.money import UNKNOWN, draw_money
from labelbench_core.stages.plan import Needs

SETTING = {"dataset": "digits", "backbone": "tiny", "proxy": "linear", "schedule": "small"}
PRICES = {"label": 0.5, "gpu_hour": 36.0}
SECONDS = {"random": 100.0, "margin": 300.0}


def experiment(**changes: object) -> Experiment:
    values = fake_results.experiment(strategies=["random", "margin"], finetune=None, **changes)
    return Experiment.from_json(json.dumps(values))


@pytest.fixture
def rounds() -> pd.DataFrame:
    """Three rounds of ten labels; the seeds differ by .02, and `nll` is not asked for."""
    rows = [
        {
            **SETTING,
            **{"strategy": strategy, "seed": seed, "round": number, "split": split},
            **{"num_labeled": 10 + 10 * number, "metric": metric},
            "value": 0.5 + 0.1 * number + 0.02 * seed + (strategy == "margin") * 0.05,
        }
        for strategy, seed, number, split, metric in itertools.product(
            ("random", "margin", "look-ahead"), (0, 1), range(3), ("test",), ("accuracy", "nll")
        )
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def costs() -> pd.DataFrame:
    """Embedding takes 400 s, the first training 100, a round 100 or 300, seed 1 twice as long."""
    rows = [
        {"stage": "extract_embeddings", "dataset": "digits", "backbone": "tiny", "seconds": 400}
    ]
    for seed in (0, 1):
        ids = {**SETTING, "seed": seed}
        rows.append({"stage": "train_initial", **ids, "seconds": 100.0 * (1 + seed)})
        for name, number in itertools.product(SECONDS, (1, 2)):
            found = {**ids, "strategy": name, "round": number}
            rows.append({"stage": "select_round", **found, "seconds": SECONDS[name] * (1 + seed)})
    columns = [name for name in COST_COLUMNS if name != "annotator"]  # all are the exact one's
    frame = pd.DataFrame(rows, columns=columns)
    texts = [name for name in columns if name in TEXT_COLUMNS]
    ids = dict.fromkeys([*texts, "round"], object)
    return frame.astype(ids).fillna(dict.fromkeys(ids, ""))


def test_every_round_has_what_was_spent_by_then(rounds: pd.DataFrame, costs: pd.DataFrame) -> None:
    table = metric_by_money(experiment(), Needs(), rounds, costs, PRICES)
    assert list(table) == [name for name in MONEY_CURVE_COLUMNS if name != "annotator"]
    assert set(table["strategy"]) == {"random", "margin"}  # ceilings are left out
    assert set(table["metric"]) == {"accuracy"}
    margin = table[table["strategy"] == "margin"]
    assert list(margin["num_labeled"]) == [10, 20, 30]
    assert list(margin["mean"]) == pytest.approx([0.56, 0.66, 0.76])
    assert list(margin["n_seeds"]) == [2, 2, 2]
    # Two values .02 apart: t (1 degree, 97.5 %) is 12.7062, the standard error .01.
    assert list(margin["half_width"]) == pytest.approx([0.127062] * 3, rel=1e-4)
    assert list(margin["label_cost"]) == [5, 10, 15]
    # A second costs .01: 400 once, 150 for the first training, 450 for a round, over both seeds.
    assert list(margin["compute_cost"]) == pytest.approx([5.5, 10.0, 14.5])
    assert list(margin["total_cost"]) == pytest.approx([10.5, 20.0, 29.5])
    random = table[table["strategy"] == "random"]
    assert list(random["total_cost"]) == pytest.approx([10.5, 17.0, 23.5])


def test_a_proxy_is_charged_what_it_reads_itself(rounds: pd.DataFrame, costs: pd.DataFrame) -> None:
    """Another proxy of the experiment reads views and embeddings that one on images never sees."""
    whole = {"dataset": "digits", "backbone": "tiny"}
    jobs = [
        {"stage": "prepare_dataset", "dataset": "digits", "seconds": 50.0},
        {"stage": "extract_views", **whole, "augmentation": "flips", "seconds": 1000.0},
        {"stage": "extract_views", **whole, "augmentation": "crops", "seconds": 9e9},
        {"stage": "build_zero_shot_head", **whole, "seconds": 7.0},
    ]
    texts = [name for name in costs if costs[name].dtype == object]
    added = pd.DataFrame(jobs, columns=costs.columns).astype(dict.fromkeys(texts, object))
    added = added.fillna(dict.fromkeys(texts, ""))
    proxies = ("linear", "augmented", "zero-shot", "refreshed", "deep")
    needs = Needs.from_values(
        {
            "augmentation": {"augmented": "flips"},
            "refresh": {"refreshed": {"every": 1, "trainer": "from-names"}},
            "class_names": {"proxies": ["zero-shot"], "trainers": ["from-names"]},
            "images": ["deep"],
        }
    )
    own = {name: costs.replace({"proxy": {"linear": name}}) for name in proxies}
    costs = pd.concat([*own.values(), added]).drop_duplicates()
    rounds = pd.concat([rounds.assign(proxy=name) for name in proxies])
    table = metric_by_money(experiment(), needs, rounds, costs, PRICES)
    first = table[(table["strategy"] == "random") & (table["num_labeled"] == 10)]
    # Seconds, at .01: 50 of preparing, 400 of embedding, 150 for the first training.
    assert first.set_index("proxy")["compute_cost"].to_dict() == pytest.approx(
        {"linear": 6.0, "augmented": 16.0, "zero-shot": 6.07, "refreshed": 6.07, "deep": 2.0}
    )


def test_an_annotators_price_counts_first(rounds: pd.DataFrame, costs: pd.DataFrame) -> None:
    prices = {**PRICES, "annotators": {"exact": {"price": 2.0}}}
    table = metric_by_money(experiment(), Needs(), rounds, costs, prices)
    assert list(table["label_cost"]) == [20, 40, 60] * 2


@pytest.mark.parametrize("known", ["label", "gpu_hour"])
def test_without_a_price_there_is_no_total_and_the_figure_says_so(
    rounds: pd.DataFrame, costs: pd.DataFrame, known: str
) -> None:
    table = metric_by_money(experiment(), Needs(), rounds, costs, {known: 1.0})
    assert table["total_cost"].isna().all()
    assert table["label_cost"].notna().all() == (known == "label")
    with style.drawing():
        figure = draw_money(table, experiment())
    assert [text.get_text() for text in figure.axes[0].texts] == [UNKNOWN]


def test_a_round_that_was_not_measured_has_no_cost(
    rounds: pd.DataFrame, costs: pd.DataFrame
) -> None:
    costs.loc[(costs["strategy"] == "margin") & (costs["round"] == 2), "seconds"] = math.nan
    table = metric_by_money(experiment(), Needs(), rounds, costs, PRICES).set_index("strategy")
    assert table.loc["margin", "total_cost"].isna().tolist() == [False, False, True]
    assert table.loc["random", "total_cost"].notna().all()


def test_the_figure_shows_the_metric_at_its_cost(rounds: pd.DataFrame, costs: pd.DataFrame) -> None:
    table = metric_by_money(experiment(), Needs(), rounds, costs, PRICES)
    with style.drawing():
        figure = draw_money(table, experiment(), "EUR")
    (panel,) = figure.axes
    assert panel.get_xlabel() == "spent, in EUR"
    assert panel.get_ylabel() == "accuracy in %"
    lines = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in panel.lines]
    for name in ("random", "margin"):
        part = table[table["strategy"] == name]
        assert any(
            spent == pytest.approx(part["total_cost"].tolist())
            and mean == pytest.approx((100 * part["mean"]).tolist())
            for spent, mean in lines
        )
