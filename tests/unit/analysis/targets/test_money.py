"""Costs in money: what it takes to reach a level, and when saving labels pays."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from benchmarks._simulated_curves import Case, draw
from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import TEXT_COLUMNS, by_seed, read_csv, write_csv
from labelbench_core.analysis.results import FLOAT_FORMAT
from labelbench_core.analysis.savings.label_savings import curve, label_savings
from labelbench_core.analysis.savings.saving_intervals import (
    AT_BASELINE,
    compute_savings,
    labels_to_reach,
    saved_labels,
)
from labelbench_core.analysis.tables import TextTable, as_latex, as_markdown
from labelbench_core.analysis.targets.money import (
    MONEY_COLUMNS,
    cost_to_reach,
    money_tables,
    pays_above,
    price_text,
)
from labelbench_core.seeds import rng_for
from labelbench_core.stages.plan import Needs

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
    table = cost_to_reach(savings, rounds, costs, Needs(), PRICES).set_index("strategy")
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
    table = cost_to_reach(savings, rounds, costs, Needs(), PRICES).set_index("strategy")
    even = {**PRICES, "label": table.loc["margin", "pays_above"]}
    again = cost_to_reach(savings, rounds, costs, Needs(), even).set_index("strategy")["total_cost"]
    assert again["margin"] == pytest.approx(again["random"])
    assert math.isnan(table.loc["random", "pays_above"])


def test_a_dash_stands_where_something_is_not_known(savings, rounds, costs):
    table = cost_to_reach(savings, rounds, costs, Needs(), {"gpu_hour": 2.0})
    assert table["label_cost"].isna().all()
    assert table["compute_cost"].notna().any()
    costs.loc[(costs["stage"] == "select_round") & (costs["round"] == 1), "seconds"] = np.nan
    table = cost_to_reach(savings, rounds, costs, Needs(), PRICES).set_index("strategy")
    assert math.isnan(table.loc["margin", "hours"])
    assert table.loc["margin", "label_cost"] == pytest.approx(10)
    (shown,) = money_tables(table.reset_index(), "EUR")
    assert shown.title.startswith("to reach 80.05 % test accuracy, digits")
    cells = {row[0]: row[1:] for row in shown.cells}
    assert cells["margin"] == ("20", "–", "10.00", "–", "–", "–")
    # It certainly does not get there with the last labels.
    assert cells["coreset"] == ("– (> 40)", "–", "–", "–", "–", "–")
    assert "in all in EUR" in shown.columns


def test_each_metric_has_a_table_of_its_own(savings, rounds, costs):
    losses = rounds.assign(metric="nll", value=1 - rounds["value"])
    both = pd.concat([rounds, losses], ignore_index=True)
    saved = pd.concat([savings, label_savings(losses, "random")], ignore_index=True)
    shown = money_tables(cost_to_reach(saved, both, costs, Needs(), PRICES), "EUR")
    what = [table.title.partition(",")[0] for table in shown]
    assert what == ["to reach 80.05 % test accuracy", "to reach 0.199 nats test nll"]
    assert shown[0].cells == shown[1].cells


@pytest.mark.parametrize(
    ("price", "text"),
    [(0, "0"), (1.653e-05, "0.000017"), (0.0051, "0.0051"), (1234.56789, "1,234.5679")],
)
def test_a_price_above_zero_does_not_look_like_zero(price, text):
    assert price_text(price) == text
    assert price_text(math.nan) == "–"


@pytest.mark.parametrize(
    ("saved", "extra", "price"), [(20, 4, 0.2), (20, -4, 0), (0, 4, None), (-3, -4, None)]
)
def test_saving_labels_pays_above_a_price(saved, extra, price):
    found = pays_above(saved, extra)
    assert math.isnan(found) if price is None else found == price


def test_equal_seeds_leave_nothing_open(savings, rounds, costs):
    table = cost_to_reach(savings, rounds, costs, Needs(), PRICES).set_index("strategy")
    margin = table.loc["margin"]
    assert margin["labels_low"] == margin["labels_high"] == pytest.approx(margin["labels"])
    assert margin["total_low"] == margin["total_high"] == pytest.approx(margin["total_cost"])
    assert margin["pays_above_low"] == margin["pays_above_high"] == margin["pays_above"]
    coreset = table.loc["coreset"]
    assert (coreset["labels_low"], coreset["labels_high"], coreset["high_bound"]) == (
        *(40, 40),
        "more than",
    )
    assert coreset[["pays_above_low", "pays_above_high"]].isna().all()  # it saves none
    one = rounds[rounds["seed"] == 0]
    table = cost_to_reach(label_savings(one, "random"), one, costs, Needs(), PRICES)
    ends = [name for name in MONEY_COLUMNS if name.endswith(("_low", "_high"))]
    assert len(ends) == 6
    assert table[ends].isna().all(axis=None)


def test_an_end_that_is_open_is_said_to_be(rounds, costs):
    """Margin reaches the level for certain or not, by how much its seeds differ."""
    wide = rounds.copy()
    chosen = (wide["strategy"] == "margin") & (wide["seed"] == 1) & (wide["round"] > 0)
    wide.loc[chosen, "value"] -= 0.4
    wide.loc[(wide["strategy"] == "margin") & (wide["seed"] == 0), "value"] += 0.3
    found = label_savings(wide, "random")
    table = cost_to_reach(found, wide, costs, Needs(), PRICES).set_index("strategy")
    margin = table.loc["margin"]
    assert margin["high_bound"] == "more than"
    assert (margin["labels_low"], margin["labels_high"]) == (10, 40)
    assert margin["total_high"] == pytest.approx(40 * 0.5 + 2 * (0.1 + (30 + 3 * 3600) / 3600))
    assert margin["total_low"] == pytest.approx(10 * 0.5 + 2 * (0.1 + 30 / 3600))
    assert margin["pays_above_low"] == 0
    assert math.isinf(margin["pays_above_high"])
    (shown,) = money_tables(table.reset_index())
    cells = {row[0]: row[1:] for row in shown.cells}
    assert cells["margin"][0].endswith("(10 to > 40)")
    assert cells["margin"][-1].endswith("(more than 0)")


def curves_as_table(baseline, strategy, number):
    """One simulated experiment as rows of `collect_curves`."""
    rows = [
        {
            **SETTING,
            **{"strategy": name, "seed": seed, "round": place, "num_labeled": int(2 * budget)},
            **{"split": "test", "metric": "accuracy", "value": curve.values[number, seed, place]},
        }
        for name, curve in (("random", baseline), ("margin", strategy))
        for seed in range(curve.values.shape[1])
        for place, budget in enumerate(curve.budgets)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("saving", "seeds"), [(1.0, 5), (1.5, 5), (2.0, 3), (2.0, 10), (4.0, 5)])
def test_intervals_hold_the_true_labels_as_often_as_they_say(saving, seeds):
    """Labels needed, labels saved: at least about 95 % of 2,000 simulated experiments."""
    case = Case(saving, seeds, rounds=11, noise=0.05, strategy_noise=0.05)
    baseline, strategy = draw(case, 2000, rng_for("money", saving, seeds))
    needed, own = labels_to_reach(baseline, strategy)
    last = baseline.budgets[-1]
    assert np.mean((own.low <= last / saving) & (last / saving <= own.high)) > 0.93
    low, high = saved_labels(baseline, needed, own)
    saved = last - last / saving
    slack = 1e-9
    assert np.mean((low <= saved + slack) & (saved <= high + slack)) > 0.93
    # What the savings call certain is certain here.
    found = compute_savings(baseline, strategy, AT_BASELINE)
    assert ((found.low > 1) == (low > 0)).mean() > 0.99


@pytest.mark.thorough
def test_the_price_at_which_it_pays_is_held_as_often(costs):
    """Of 200 experiments in money: the price that an endless number of seeds would give."""
    case = Case(2.0, 5, rounds=4, noise=0.05, strategy_noise=0.05)
    baseline, strategy = draw(case, 200, rng_for("money", "pays"))
    # The level is reached with 3.5 of 7 labels: in the third round, of an hour each.
    true = 2 * ((30 + 2 * 3600) - (30 + 3 * 60)) / 3600 / 3.5
    held = []
    for number in range(200):
        rounds = curves_as_table(baseline, strategy, number)
        table = cost_to_reach(label_savings(rounds, "random"), rounds, costs, Needs(), PRICES)
        margin = table.set_index("strategy").loc["margin"]
        held.append(margin["pays_above_low"] <= true <= margin["pays_above_high"])
        assert not margin["pays_above"] < margin["pays_above_low"]
        assert not margin["pays_above"] > margin["pays_above_high"]
    assert np.mean(held) > 0.93


def test_an_annotators_price_and_time_are_those_of_its_labels(savings, rounds, costs):
    for frame in (savings, rounds, costs):
        frame.insert(0, "annotator", "crowd")
    prices = {**PRICES, "annotators": {"crowd": {"price": 0.05, "seconds": 36}}}
    del prices["label"]
    table = cost_to_reach(savings, rounds, costs, Needs(), prices).set_index("strategy")
    assert table.loc["random", "label_cost"] == pytest.approx(40 * 0.05)
    assert table.loc["random", "label_hours"] == pytest.approx(0.4)
    (shown,) = money_tables(table.reset_index())
    assert shown.columns[:3] == ("strategy", "labels", "hours of labelling")
    assert next(row for row in shown.cells if row[0] == "random")[2] == "0.40"
    others = {**PRICES, "annotators": {"other": {"price": 9}}}
    table = cost_to_reach(savings, rounds, costs, Needs(), others).set_index("strategy")
    assert table.loc["random", "label_cost"] == 20


def test_open_ends_survive_the_table_in_a_file(rounds, costs, tmp_path):
    table = cost_to_reach(label_savings(rounds, "random"), rounds, costs, Needs(), PRICES)
    table.loc[0, "pays_above_high"] = math.inf
    write_csv(table, tmp_path / "money.csv", FLOAT_FORMAT)
    columns = [name for name in MONEY_COLUMNS if name != "annotator"]
    read = read_csv(tmp_path / "money.csv", columns)
    assert math.isinf(read.loc[0, "pays_above_high"])
    assert read["high_bound"].tolist().count("more than") == 1


def without_seed(rounds, strategy, seed):
    return rounds[(rounds["strategy"] != strategy) | (rounds["seed"] != seed)]


def test_every_row_has_the_level_of_its_own_seeds(rounds, costs):
    """The seeds of each strategy lie at another level of the baseline."""
    rounds.loc[(rounds["strategy"] == "random") & (rounds["seed"] == 1), "value"] += 0.05
    uneven = without_seed(without_seed(rounds, "margin", 0), "coreset", 1)
    table = cost_to_reach(label_savings(uneven, "random"), uneven, costs, Needs(), PRICES)
    rows = table.set_index("strategy")
    assert rows["n_seeds"].to_dict() == {"random": 2, "margin": 1, "coreset": 1}
    levels = {"random": 0.8255, "margin": 0.851, "coreset": 0.8}
    assert rows["level"].to_dict() == pytest.approx(levels)
    (shown,) = money_tables(table)
    assert shown.title.startswith("to reach the last test accuracy of random, digits")
    assert shown.columns[:4] == ("strategy", "seeds", "level", "labels")
    assert {row[:3] for row in shown.cells} == {
        ("random", "2", "82.55 %"),
        ("margin", "1", "85.10 %"),
        ("coreset", "1", "80.00 %"),
    }
    assert {len(row) for row in shown.cells} == {len(shown.columns)}


def test_the_baseline_is_over_all_of_its_seeds_where_no_comparison_is(rounds, costs):
    falls = (rounds["strategy"] == "random") & (rounds["seed"] == 1) & (rounds["round"] == 3)
    rounds.loc[falls, "value"] = 0.55  # both seeds' mean is at its last level before the end
    uneven = rounds[(rounds["strategy"] == "random") | (rounds["seed"] == 0)]
    table = cost_to_reach(label_savings(uneven, "random"), uneven, costs, Needs(), PRICES)
    random = table.set_index("strategy").loc["random"]
    assert (random["n_seeds"], random["level"]) == (2, pytest.approx((0.8 + 0.55) / 2))
    whole, _ = labels_to_reach(*[curve(by_seed(uneven[uneven["strategy"] == "random"]))] * 2)
    assert random["labels"] == pytest.approx(whole.estimate[0])
    assert random["labels"] < 40
    assert random["labels_low"] == pytest.approx(whole.low[0])
    assert random["labels_low"] <= random["labels"] <= random["labels_high"]


def test_what_hours_cost_more_is_over_the_seeds_that_both_have(rounds, costs):
    """Where the baseline's other seed took long, the strategy is no cheaper for not having it."""
    other = (costs["strategy"] == "random") & (costs["seed"] == 1)
    costs.loc[other, "seconds"] *= 1000
    uneven = without_seed(rounds, "margin", 1)
    ran = costs[(costs["strategy"] != "margin") | (costs["seed"] == 0)]
    paired = rounds[rounds["seed"] == 0]
    found, expected = (
        cost_to_reach(label_savings(some, "random"), some, seconds, Needs(), PRICES).set_index(
            "strategy"
        )
        for some, seconds in ((uneven, ran), (paired, ran[ran["seed"] != 1]))
    )
    assert found.loc["margin", "pays_above"] == pytest.approx(expected.loc["margin", "pays_above"])
    assert found.loc["margin", "pays_above"] > 0
    assert found.loc["random", "hours"] > 100 * expected.loc["random", "hours"]  # over all seeds


def test_an_open_end_is_at_the_strategys_own_last_labels(rounds, costs):
    few = rounds[(rounds["strategy"] != "coreset") | (rounds["round"] < 2)]
    table = cost_to_reach(label_savings(few, "random"), few, costs, Needs(), PRICES)
    assert table.set_index("strategy").loc["coreset", "labels_high"] == 20
    (shown,) = money_tables(table)
    assert {row[0]: row[1] for row in shown.cells}["coreset"] == "– (> 20)"


def test_signs_that_mean_something_in_a_format_are_escaped(savings, rounds, costs):
    tables = money_tables(cost_to_reach(savings, rounds, costs, Needs(), PRICES), "a|b")
    head = next(line for line in as_markdown(tables).splitlines() if line.startswith("| strategy"))
    assert r"labels in a\|b" in head
    assert head.replace(r"\|", "").count("|") == len(tables[0].columns) + 1
    infinite = [TextTable("∞", ("name",), (("∞",),))]
    assert as_latex(infinite).count(r"$\infty$") == 2
    assert "∞" not in as_latex(infinite)
