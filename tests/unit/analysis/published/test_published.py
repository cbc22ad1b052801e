"""Ours against the published curves: differences where they may be told, orders everywhere."""

import dataclasses
import itertools
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import published_runs as runs
from labelbench_core.analysis.published import published_curves
from labelbench_core.analysis.published.orders import compare_orders
from labelbench_core.analysis.published.published_curves import compare_to_published, welch_interval
from labelbench_core.analysis.published.published_results import (
    compare,
    read_comparison,
    write_comparison,
)
from labelbench_core.analysis.published.published_texts import published_sentences, published_tables
from labelbench_core.analysis.ranks import rank_correlations
from labelbench_core.analysis.ranks.rank_correlations import kendall, spearman
from labelbench_core.configuration.references import PublishedReference
from labelbench_core.published.curves import curve

NAME = "cifar10-1000-linear"


def row_of(table: pd.DataFrame, **wanted: object) -> pd.Series:
    for key, value in wanted.items():
        table = table[table[key] == value]
    (found,) = table.to_dict("records")
    return found


def naive_maximum(values: np.ndarray) -> list[list[float]]:
    return [[max(row[: place + 1]) for place in range(len(row))] for row in values.tolist()]


@pytest.mark.parametrize("sizes", [(4, 4), (2, 4), (5, 2)])
def test_the_interval_is_welchs(sizes):
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(0.9, 0.01, sizes[0]), rng.normal(0.91, 0.03, sizes[1])
    difference, half = welch_interval(ours, theirs)
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert difference == pytest.approx(statistics.mean(ours) - statistics.mean(theirs))
    assert (difference - half, difference + half) == pytest.approx(tuple(expected))


def test_one_seed_has_no_interval_and_equal_groups_have_an_empty_one():
    assert math.isnan(welch_interval(np.array([0.9]), np.array([0.8, 0.9]))[1])
    assert welch_interval(np.full(3, 0.75), np.full(2, 0.5)) == (0.25, 0.0)


def test_differences_are_of_raw_with_raw_and_of_maxima_with_maxima():
    values = runs.drawn()
    experiment = runs.experiment(runs.reference())
    table = compare_to_published(experiment, runs.curves(values), runs.nothing())
    theirs = curve(NAME, "bait", "test", "accuracy").values
    for smoothing, smooth in (("raw", np.ndarray.tolist), ("maximum", naive_maximum)):
        ours_now = [row[6] for row in smooth(values["bait-swap"])]
        theirs_now = [row[6] for row in smooth(theirs)]
        row = row_of(table, strategy="bait-swap", smoothing=smoothing, num_labeled=7000)
        assert row["mean"] == pytest.approx(statistics.mean(ours_now))
        assert row["published"] == pytest.approx(statistics.mean(theirs_now))
        expected = stats.ttest_ind(ours_now, theirs_now, equal_var=False)
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected.confidence_interval()))
        assert (row["n_seeds"], row["published_seeds"], row["same_setting"]) == (4, 4, 1)
    raised = table[table["smoothing"] == "maximum"]["mean"].to_numpy()
    assert (raised >= table[table["smoothing"] == "raw"]["mean"].to_numpy())[:10].all()


def test_badges_extra_rows_and_missing_strategies_are_told():
    table = compare_to_published(
        runs.experiment(runs.reference()), runs.curves(runs.drawn()), runs.nothing()
    )
    row = row_of(table, strategy="badge", smoothing="raw", num_labeled=3000)
    assert (row["published_labels"], row["n_seeds"]) == (3002, 0)
    assert math.isnan(row["mean"])
    assert math.isnan(row["difference"])
    assert row["published"] > 0.9
    assert "tcm" not in set(table["strategy"])
    assert {"galaxy", "bait-swap"} <= set(table["strategy"])
    assert "bait" not in set(table["strategy"])


def test_fewer_rounds_and_splits_are_compared_where_there_are_any():
    values = runs.drawn(seeds=2, rounds=3)
    rounds = runs.curves(values, splits=("test", "pool", "shifted"))
    experiment = runs.experiment(runs.reference(), rounds=3)
    table = compare_to_published(experiment, rounds, runs.nothing())
    assert set(table["split"]) == {"test", "pool"}
    told = table[table["difference"].notna()]
    assert set(told["num_labeled"]) == {1000, 2000, 3000}
    assert (told["n_seeds"] == 2).all()
    assert told["half_width"].notna().all()


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = runs.drawn()
    values["margin"][2:, 4:] = np.nan
    table = compare_to_published(
        runs.experiment(runs.reference()), runs.curves(values), runs.nothing()
    )
    row = row_of(table, strategy="margin", smoothing="raw", num_labeled=6000)
    assert row["n_seeds"] == 2
    assert row["mean"] == pytest.approx(values["margin"][:2, 5].mean())
    again = compare_orders(runs.experiment(runs.reference()), runs.curves(values), runs.nothing())
    assert set(again["n_seeds"]) == {2}
    assert again["correlation"].notna().all()


def test_another_setting_has_no_difference():
    other = runs.reference(differs=runs.DIFFERS)
    experiment = runs.experiment(other)
    table, ordered = compare(experiment, runs.curves(runs.drawn()), runs.nothing())
    assert table["published"].notna().all()
    for column in ("mean", "difference", "half_width", "low", "high"):
        assert table[column].isna().all()
    assert not table["same_setting"].any()
    assert len(ordered) == 4
    assert ordered["correlation"].notna().all()
    titles = [one.title for one in published_tables(experiment, table)]
    assert not any("difference" in title for title in titles)
    assert all(f"another setting: {runs.DIFFERS[0]}" in title for title in titles)
    sentences = " ".join(published_sentences(experiment, table, ordered))
    assert f"is another setting ({runs.DIFFERS[0]})" in sentences
    assert "Ours is within" not in sentences


def test_fine_tunings_are_compared_where_the_reference_names_their_trainer():
    name = "cifar10-1000-shallow-finetune"
    asked = runs.reference(name, trainer="full")
    values = runs.drawn(rounds=10, strategies=("random", "margin", "coreset"))
    tuned = runs.curves({"margin": values["margin"][:, 8:9]}, trainer="full")
    tuned["num_labeled"] = 9000
    table = compare_to_published(runs.experiment(asked), runs.curves(values), tuned)
    told = table[table["difference"].notna() & (table["smoothing"] == "raw")]
    assert told[["strategy", "num_labeled", "trainer"]].to_numpy().tolist() == [
        ["margin", 9000, "full"]
    ]
    theirs = curve(name, "margin", "test", "accuracy").values[:, 8]
    expected = values["margin"][:, 8].mean() - theirs.mean()
    assert told["difference"].item() == pytest.approx(expected)


def test_a_metric_that_was_not_published_leaves_nothing_to_compare():
    experiment = runs.experiment(runs.reference(), metric="nll")
    rounds = runs.curves(runs.drawn()).assign(metric="nll")
    table, ordered = compare(experiment, rounds, runs.nothing())
    assert table.empty
    assert ordered.empty
    (sentence,) = published_sentences(experiment, table, ordered)
    assert "no published curve of nll" in sentence


def test_correlations_of_rows_are_scipys():
    rng = np.random.default_rng(2)
    first = rng.permuted(np.tile([0.1, 0.1, 0.2, 0.3, 0.3, 0.4], (200, 1)), axis=1)
    second = rng.normal(size=(200, 6))
    for mine, scipys in ((spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        found = mine(first, second)
        expected = [scipys(a, b).statistic for a, b in zip(first, second, strict=True)]
        np.testing.assert_allclose(found, expected)
    constant = np.ones((1, 5))
    for mine in (spearman, kendall):
        assert np.isnan(mine(constant, constant)).all()
        assert mine(first, first)[:3] == pytest.approx(1)


def test_the_order_is_of_means_with_the_last_common_labels():
    values = runs.drawn(rounds=4)
    ordered = compare_orders(
        runs.experiment(runs.reference(), rounds=4), runs.curves(values), runs.nothing()
    )
    names = ["random", "margin", "coreset", "bait"]
    ours = [values[{"bait": "bait-swap"}.get(name, name)] for name in names]
    theirs = [curve(NAME, name, "test", "accuracy").values[:, :4] for name in names]
    for measure, of in (
        ("final", lambda v: v[:, -1].mean()),
        ("area", lambda v: np.mean([(a + b) / 2 for a, b in itertools.pairwise(v.mean(axis=0))])),
    ):
        pair = [of(one) for one in ours], [of(one) for one in theirs]
        for statistic, scipys in (("spearman", stats.spearmanr), ("kendall", stats.kendalltau)):
            row = row_of(ordered, measure=measure, statistic=statistic)
            assert row["correlation"] == pytest.approx(scipys(*pair).statistic)
            assert row["num_strategies"] == 4
            assert row["low"] <= row["correlation"] + 1e-9
            assert row["contains_zero"] == float(row["low"] <= 0 <= row["high"])
    assert set(ordered["strategies"].iloc[0].split()) == set(names)


def test_another_setting_is_ordered_by_its_own_last_labels():
    values = runs.drawn(rounds=3)
    other = runs.reference("cifar10-200-linear", differs=("budgets: …",))
    rounds = runs.curves(values, batch=60)
    ordered = compare_orders(runs.experiment(other, rounds=3), rounds, runs.nothing())
    names = ["random", "margin", "coreset"]
    ours = [values[name][:, -1].mean() for name in names]
    theirs = [
        curve("cifar10-200-linear", name, "test", "accuracy").values[:, -1].mean() for name in names
    ]
    row = row_of(ordered, measure="final", statistic="spearman")
    assert row["correlation"] == pytest.approx(stats.spearmanr(ours, theirs).statistic)
    assert row["num_strategies"] == 3  # bait was not published there


def test_intervals_resample_seeds_jointly(monkeypatch):
    """Noise that all strategies of a seed share does not blur their order."""
    rng = np.random.default_rng(3)
    levels = np.array([0.1, 0.2, 0.3, 0.4])
    shared = rng.normal(0, 1.0, (6, 1)) + levels
    apart = rng.normal(0, 1.0, (6, 4)) + levels

    def interval(ours: np.ndarray, seeds: list[tuple[int, ...]]) -> float:
        mine = [rank_correlations.Measured(ours[:, k], seeds[k]) for k in range(4)]
        theirs = [rank_correlations.Measured(np.full(2, level), (1, 2)) for level in levels]
        found = rank_correlations.correlations(mine, theirs, np.random.default_rng(0))["kendall"]
        assert found["contains_zero"] == float(found["low"] <= 0 <= found["high"])
        return found["low"]

    same = [tuple(range(6))] * 4
    assert interval(shared, same) == 1.0
    assert interval(apart, same) < 0.5
    assert interval(shared, [tuple(range(k, 6 + k)) for k in range(4)]) < 0.5


def test_too_few_seeds_or_strategies_have_no_interval_or_no_correlation():
    one_seed = runs.drawn(seeds=1)
    experiment = runs.experiment(runs.reference())
    ordered = compare_orders(experiment, runs.curves(one_seed), runs.nothing())
    assert ordered["correlation"].notna().all()
    assert ordered[["low", "high", "contains_zero"]].isna().all(axis=None)
    two = {name: runs.drawn()[name] for name in ("random", "margin")}
    ordered = compare_orders(experiment, runs.curves(two), runs.nothing())
    assert ordered["correlation"].isna().all()
    assert set(ordered["num_strategies"]) == {2}


def test_equal_inputs_give_equal_intervals():
    arguments = (runs.experiment(runs.reference()), runs.curves(runs.drawn()), runs.nothing())
    pd.testing.assert_frame_equal(compare_orders(*arguments), compare_orders(*arguments))


def test_sentences_say_what_the_tables_say():
    reference = runs.reference(validation_labels=5000)
    experiment = runs.experiment(reference)
    table, ordered = compare(experiment, runs.curves(runs.drawn()), runs.nothing())
    raw = table[(table["smoothing"] == "raw") & table["half_width"].notna()]
    outside = raw[(raw["low"] > 0) | (raw["high"] < 0)]
    assert 0 < len(outside) < len(raw) == 40
    sentences = published_sentences(experiment, table, ordered)
    within = f"in {40 - len(outside)} of 40 differences"
    assert within in sentences[0]
    assert "If nothing differed, about 2 intervals would not" in sentences[0]
    assert "+5,000 validation labels, not counted by the original" in sentences[0]
    farthest = outside.loc[(outside["difference"].abs() / outside["half_width"]).idxmax()]
    assert f"{farthest['strategy']} with {farthest['num_labeled']:,} labels" in sentences[0]
    spearmans = ordered[ordered["statistic"] == "spearman"]
    for sentence, (_, row) in zip(sentences[1:3], spearmans.iterrows(), strict=True):
        assert f"correlation {row['correlation']:.2f}" in sentence
        words = "contains 0" if row["contains_zero"] else "does not contain 0"
        assert f"which {words}" in sentence
    assert any("not in this experiment: confidence, entropy" in one for one in sentences)
    assert any(f"Without a curve in {NAME}: tcm" in one for one in sentences)


def test_tables_are_written_and_read_again(tmp_path):
    experiment = runs.experiment(runs.reference(validation_labels=5000))
    tables = compare(experiment, runs.curves(runs.drawn()), runs.nothing())
    write_comparison(*tables, experiment, tmp_path)
    for written, read in zip(tables, read_comparison(tmp_path), strict=True):
        pd.testing.assert_frame_equal(read, written, check_dtype=False, rtol=1e-9)
    text = (tmp_path / "reference.md").read_text(encoding="utf-8")
    assert text.startswith("- Ours is within the spread of the seeds")
    assert "difference to cifar10-1000-linear, test accuracy in points, raw" in text
    assert "running maximum of each seed" in text
    assert "+5,000 validation labels, not counted by the original" in text
    row = row_of(tables[0], strategy="margin", smoothing="raw", num_labeled=4000)
    assert f"{100 * row['difference']:+.2f} ± {100 * row['half_width']:.2f}" in text
    assert r"$\pm$" in (tmp_path / "reference.tex").read_text(encoding="utf-8")


def test_a_curve_that_ended_early_counts_the_seeds_that_are_left():
    asked = PublishedReference("fmow-3000-linear", runs.IDS, strategies={"random": "random"})
    experiment = runs.experiment(asked)
    rounds = runs.curves(runs.drawn(), batch=3000)
    table = compare_to_published(experiment, rounds, runs.nothing())
    chosen = table[(table["strategy"] == "confidence") & (table["smoothing"] == "maximum")]
    chosen = chosen[chosen["split"] == "test"]
    assert chosen["published_seeds"].tolist() == [4] * 6 + [2] * 4
    theirs = curve("fmow-3000-linear", "confidence", "test", "accuracy").values
    expected = [max(row) for row in theirs[:2].tolist()]
    assert chosen["published"].iloc[-1] == pytest.approx(statistics.mean(expected))


def test_experiments_with_references_go_through_json():
    experiment = runs.experiment(runs.reference(differs=runs.DIFFERS))
    assert type(experiment).from_json(experiment.to_json()) == experiment
    plain = runs.experiment()
    assert "references" not in plain.to_json()
    assert "panels" not in plain.to_json()
    assert type(plain).from_json(plain.to_json()) == plain
    assert dataclasses.replace(experiment, references=()).to_json() == plain.to_json()
    ids = [name for name in published_curves.REFERENCE_COLUMNS if name != "annotator"]
    assert ids[:4] == list(runs.IDS)
