"""Pairs of training and strategy: what selecting, training and both add."""

import numpy as np
import pandas as pd
import pytest

from labelbench_core.analysis.collected.frames import FINETUNED_COLUMNS
from labelbench_core.analysis.comparisons.combined import compare_combinations
from labelbench_core.analysis.tables import as_latex, as_markdown, combined_tables

IDS = {"dataset": "d", "backbone": "b", "schedule": "s", "split": "test", "metric": "accuracy"}
NO_FINETUNING = pd.DataFrame(columns=list(FINETUNED_COLUMNS))


def rounds(values, seeds=range(4), **ids):
    """`values` {(proxy, strategy, round): mean}; each seed adds its own offset to all of them."""
    rows = [
        {**IDS, "proxy": proxy, "strategy": strategy, "round": number, "seed": seed}
        | {"num_labeled": 100 * (number + 1), "value": mean + 0.01 * seed + 1e-3 * (seed % 2)}
        | ids
        for (proxy, strategy, number), mean in values.items()
        for seed in seeds
    ]
    return pd.DataFrame(rows)


VALUES = {
    ("linear", "random", 0): 0.5,
    ("linear", "random", 1): 0.6,
    ("linear", "margin", 0): 0.5,
    ("linear", "margin", 1): 0.65,
    ("flexmatch", "random", 0): 0.6,
    ("flexmatch", "random", 1): 0.7,
    ("flexmatch", "margin", 0): 0.6,
    ("flexmatch", "margin", 1): 0.8,
}


def row(table, **wanted):
    for key, value in wanted.items():
        table = table[table[key] == value]
    (found,) = table.to_dict("records")
    return found


def test_differences_are_paired_by_seed():
    frame = rounds(VALUES)
    noisy = frame["proxy"] == "flexmatch"
    frame.loc[noisy, "value"] += 1e-3 * frame.loc[noisy, "seed"]
    table = compare_combinations(frame, NO_FINETUNING, "random")
    both = row(table, training="flexmatch", strategy="margin", round=1, compared="both")
    assert (both["reference_training"], both["reference_strategy"]) == ("linear", "random")
    # 0.8 − 0.6, and the mean of 0, 1, 2, 3 thousandths; the seeds' offsets cancel.
    assert both["difference"] == pytest.approx(0.2015)
    half = 3.182446 * np.std([0, 1e-3, 2e-3, 3e-3], ddof=1) / 2
    assert both["half_width"] == pytest.approx(half, rel=1e-6)
    assert both["n_seeds"] == 4
    reference = row(table, training="linear", strategy="random", round=1)
    assert np.isnan(reference["difference"])
    assert reference["compared"] == reference["reference_training"] == ""
    assert reference["mean"] == pytest.approx(0.6155)


def test_what_selecting_training_and_both_add():
    table = compare_combinations(rounds(VALUES), NO_FINETUNING, "random")
    found = table[(table["round"] == 1) & (table["compared"] != "")]
    keys = ["compared", "training", "strategy", "reference_training", "reference_strategy"]
    assert found.set_index(keys)["difference"].round(6).to_dict() == {
        ("selection", "linear", "margin", "linear", "random"): 0.05,
        ("selection", "flexmatch", "margin", "flexmatch", "random"): 0.1,
        ("training", "flexmatch", "random", "linear", "random"): 0.1,
        ("training", "flexmatch", "margin", "linear", "margin"): 0.15,
        ("both", "flexmatch", "margin", "linear", "random"): 0.2,
    }


def test_a_training_is_compared_with_all_before_it():
    third = {("shallow", strategy, 1): 0.75 for strategy in ("random", "margin")}
    table = compare_combinations(rounds({**VALUES, **third}), NO_FINETUNING, "random")
    found = table[(table["compared"] == "training") & (table["training"] == "shallow")]
    assert dict(zip(found["reference_training"], found["difference"].round(6), strict=True)) == {
        "linear": 0.1,
        "flexmatch": -0.05,
    }
    assert len(found) == 4  # two trainings before it, two strategies


def test_each_question_is_corrected_by_itself():
    frame = rounds(VALUES)
    frame["value"] += 0.02 * np.random.default_rng(0).standard_normal(len(frame))
    table = compare_combinations(frame, NO_FINETUNING, "random")
    tested = table[table["compared"] != ""]
    assert set(tested["compared"]) == {"selection", "training", "both"}
    for _, family in tested.groupby("compared"):
        least = family.loc[family["p_value"].idxmin()]
        assert least["p_holm"] == pytest.approx(min(1, len(family) * least["p_value"]))


def test_the_shared_first_labels_are_tested_once():
    table = compare_combinations(rounds(VALUES), NO_FINETUNING, "random")
    first = table[table["round"] == 0]
    tested = first[first["difference"].notna()]
    assert tested[["training", "strategy"]].to_numpy().tolist() == [["flexmatch", "random"]]
    assert first["mean"].notna().all()
    assert len(first) == 4


def test_proxies_on_images_stand_among_the_fine_tunings_too():
    spent = {"trainer": "supervised", "held_out_labels": 0, "extra_labels": 0}
    tuned = rounds({("linear", "random", 1): 0.8, ("linear", "margin", 1): 0.9}, **spent)
    every_round = {
        ("finetune", strategy, number): 0.6 + 0.2 * number
        for strategy in ("random", "margin")
        for number in (0, 1)
    }
    frame = rounds({**VALUES, **every_round})
    table = compare_combinations(frame, tuned, "random", ["finetune"])
    ends = table[table["trained"] == "end to end"]
    found = row(ends, training="finetune", strategy="margin", compared="training")
    assert found["reference_training"] == "supervised after linear"
    assert found["difference"] == pytest.approx(-0.1)
    first = row(ends, training="finetune", strategy="margin", round=0)
    assert np.isnan(first["difference"])
    proxies = table[table["trained"] == "proxy"]
    assert set(proxies["training"]) == {"linear", "flexmatch", "finetune"}
    alone = compare_combinations(frame, tuned, "random")
    assert set(alone["trained"]) == {"proxy"}


def test_fine_tunings_are_compared_among_themselves_on_shared_seeds():
    spent = {"held_out_labels": 0, "extra_labels": 0}
    tuned = rounds(
        {("linear", "random", 1): 0.8, ("linear", "margin", 1): 0.9}, trainer="supervised", **spent
    )
    semi = rounds(
        {("linear", "random", 1): 0.85, ("linear", "margin", 1): 0.95},
        seeds=range(1, 6),
        trainer="flexmatch",
        held_out_labels=0,
        extra_labels=500,
    )
    table = compare_combinations(rounds(VALUES), pd.concat([tuned, semi]), "random")
    ends = table[table["trained"] == "end to end"]
    found = row(
        ends,
        training="flexmatch (+500 labels) after linear",
        strategy="margin",
        compared="both",
        reference_training="supervised after linear",
        reference_strategy="random",
    )
    assert found["n_seeds"] == 3  # 1, 2, 3
    assert found["difference"] == pytest.approx(0.15)


def test_a_single_training_is_no_comparison():
    alone = {key: value for key, value in VALUES.items() if key[0] == "linear"}
    assert compare_combinations(rounds(alone), NO_FINETUNING, "random").empty


def test_without_the_baseline_the_first_pair_is_the_reference():
    tuned = [
        rounds({("linear", "margin", 1): value}, trainer=name, held_out_labels=0, extra_labels=0)
        for name, value in (("supervised", 0.8), ("flexmatch", 0.9))
    ]
    table = compare_combinations(rounds(VALUES), pd.concat(tuned), "random")
    ends = table[table["trained"] == "end to end"]
    found = row(ends, training="flexmatch after linear", strategy="margin")
    assert found["compared"] == "training"
    assert found["difference"] == pytest.approx(0.1)


def test_the_tables_name_trainings_in_the_order_of_the_experiment():
    third = {("shallow", strategy, 1): 0.75 for strategy in ("random", "margin")}
    table = compare_combinations(rounds({**VALUES, **third}), NO_FINETUNING, "random")
    values, selecting, training, both = combined_tables(table, "accuracy")
    assert values.columns == ("training", "strategy", "100", "200")
    assert [cells[:2] for cells in selecting.cells] == [
        ("linear", "margin"),
        ("flexmatch", "margin"),
        ("shallow", "margin"),
    ]
    assert [cells[:3] for cells in training.cells] == [
        ("flexmatch", "linear", "random"),
        ("flexmatch", "linear", "margin"),
        ("shallow", "linear", "random"),
        ("shallow", "linear", "margin"),
        ("shallow", "flexmatch", "random"),
        ("shallow", "flexmatch", "margin"),
    ]
    assert {cells[2] for cells in both.cells} == {"linear + random"}
    assert "| training | than | strategy | 100 | 200 |\n| --- | --- | --- | ---: | ---: |" in (
        as_markdown([training])
    )
    assert r"\begin{tabular}{lllrr}" in as_latex([training])
