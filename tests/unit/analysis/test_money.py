"""Costs in money: what it takes to reach a level, and when saving labels pays."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from labelbench_core.analysis.costs import COST_COLUMNS
from labelbench_core.analysis.frames import TEXT_COLUMNS
from labelbench_core.analysis.money import MONEY_COLUMNS, cost_to_reach, money_tables, pays_above
from labelbench_core.analysis.savings import label_savings

SETTING = {"dataset": "digits", "backbone": "tiny", "proxy": "linear", "schedule": "small"}
CURVES = {"random": [0.5, 0.6, 0.7, 0.8], "margin": [0.5, 0.8, 0.85, 0.9], "coreset": [0.5] * 4}
SECONDS = {"random": 60, "margin": 3600, "coreset": 1}
PRICES = {"label": 0.5, "gpu_hour": 2.0, "currency": "EUR"}


@pytest.fixture
def rounds():
    """Two seeds with equal curves: 10 labels at the start, 10 a round."""
    rows = [
        {
            **SETTING,
            **{"strategy": strategy, "seed": seed, "round": number},
            **{"num_labeled": 10 + 10 * number, "split": "test", "metric": "accuracy"},
            "value": CURVES[strategy][number] + 1e-3 * seed,
        }
        for strategy, seed, number in itertools.product(CURVES, (0, 1), range(4))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def costs():
    """A job of every stage: seconds, and ids where a stage has them."""
    rows = [{"stage": "prepare_dataset", "dataset": "digits", "seconds": 36.0}]
    rows += [{"stage": "extract_embeddings", **dict(list(SETTING.items())[:2]), "seconds": 324.0}]
    rows += [{"stage": "extract_embeddings", "dataset": "digits", "backbone": "b", "seconds": 9e9}]
    for seed in (0, 1):
        ids = {**SETTING, "seed": seed}
        rows.append({"stage": "train_initial", **ids, "seconds": 30.0})
        rows += [
            {"stage": "select_round", **ids, "strategy": name, "round": number, "seconds": seconds}
            for name, seconds in SECONDS.items()
            for number in (1, 2, 3)
        ]
        # Evaluates what was bought; nothing was selected with it.
        rows.append(
            {
                **{"stage": "finetune_model", **ids, "trainer": "full", "seconds": 9e9},
                **{"strategy": "margin", "round": 1},
            }
        )
    columns = [name for name in COST_COLUMNS if name != "annotator"]  # all are the exact one's
    frame = pd.DataFrame(rows, columns=columns)
    texts = [name for name in columns if name in TEXT_COLUMNS]
    return frame.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))


@pytest.fixture
def savings(rounds):
    return label_savings(rounds, "random")


def test_labels_and_hours_up_to_the_level(savings, rounds, costs):
    table = cost_to_reach(savings, rounds, costs, PRICES).set_index("strategy")
    assert table.columns.tolist() == [
        name for name in MONEY_COLUMNS if name not in ("strategy", "annotator")
    ]
    random, margin, coreset = (table.loc[name] for name in ("random", "margin", "coreset"))
    assert random["level"] == pytest.approx(0.8005)
    assert (random["labels"], margin["labels"]) == (40, pytest.approx(20))
    assert random["hours"] == pytest.approx((30 + 3 * 60) / 3600)
    assert margin["hours"] == pytest.approx((30 + 3600) / 3600)
    assert (table["shared_hours"] == 0.1).all()
    assert random["label_cost"] == 20
    assert margin["total_cost"] == pytest.approx(10 + 2 * (0.1 + margin["hours"]))
    assert coreset[["labels", "hours", "total_cost", "pays_above"]].isna().all()


def test_at_the_price_where_it_pays_both_cost_the_same(savings, rounds, costs):
    table = cost_to_reach(savings, rounds, costs, PRICES).set_index("strategy")
    even = {**PRICES, "label": table.loc["margin", "pays_above"]}
    again = cost_to_reach(savings, rounds, costs, even).set_index("strategy")["total_cost"]
    assert again["margin"] == pytest.approx(again["random"])
    assert math.isnan(table.loc["random", "pays_above"])


def test_a_dash_stands_where_something_is_not_known(savings, rounds, costs):
    table = cost_to_reach(savings, rounds, costs, {"gpu_hour": 2.0})
    assert table["label_cost"].isna().all()
    assert table["compute_cost"].notna().any()
    costs.loc[(costs["stage"] == "select_round") & (costs["round"] == 1), "seconds"] = np.nan
    table = cost_to_reach(savings, rounds, costs, PRICES).set_index("strategy")
    assert math.isnan(table.loc["margin", "hours"])
    assert table.loc["margin", "label_cost"] == pytest.approx(10)
    (shown,) = money_tables(table.reset_index(), "EUR")
    assert shown.title.startswith("to reach 80.05 % test accuracy, digits")
    cells = {row[0]: row[1:] for row in shown.cells}
    assert cells["margin"] == ("20", "–", "10.00", "–", "–", "–")
    assert cells["coreset"] == ("–",) * 6
    assert "in all in EUR" in shown.columns


@pytest.mark.parametrize(
    ("saved", "extra", "price"), [(20, 4, 0.2), (20, -4, 0), (0, 4, None), (-3, -4, None)]
)
def test_saving_labels_pays_above_a_price(saved, extra, price):
    found = pays_above(saved, extra)
    assert math.isnan(found) if price is None else found == price
