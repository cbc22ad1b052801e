"""Recorded selections beside ours: overlap, balance and paired differences."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from labelbench_core.analysis.comparisons.paired import paired_test
from labelbench_core.analysis.published.replays import (
    REPLAY_COLUMNS,
    balance,
    compare_replays,
    overlap,
    replay_tables,
)

NAMES = ("dataset", "annotator", "backbone", "proxy", "schedule")
SETTING = ("digits", "exact", "tiny", "linear", "small")
LABELS = np.arange(40) % 4
PAIRS = {"again": ["margin"]}


def test_overlap_counts_what_was_chosen():
    theirs = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])]
    ours = [np.array([0, 1]), np.array([3, 9]), np.array([4, 8])]
    found = overlap(theirs, ours, 12)
    assert found == {"shared": 2 / 4, "jaccard": 2 / 6, "by_chance": 4 / 10}


def test_uniform_draws_share_what_chance_says():
    rng = np.random.default_rng(0)
    shared = []
    for _ in range(400):
        picks = [[np.arange(5), 5 + rng.choice(95, 20, replace=False)] for _ in range(2)]
        found = overlap(*picks, 100)
        shared.append(found["shared"])
    assert np.mean(shared) == pytest.approx(found["by_chance"], abs=0.02)


def test_balance_is_of_all_classes_of_the_pool():
    labels = np.array([0, 0, 0, 1, 3, 3])  # no row of class 2
    assert balance([np.array([0, 1]), np.array([3, 4])], labels) == {
        "smallest_class": 1,
        "largest_class": 2,
        "entropy": 1.5,
    }
    assert balance([np.array([0, 1])], labels)["smallest_class"] == 0
    every = np.arange(40)
    assert balance([every], LABELS)["entropy"] == pytest.approx(math.log2(4))
    many = np.eye(4, dtype=int)[LABELS]
    assert balance([every[:6]], many) == balance([every[:6]], LABELS)


@pytest.fixture
def rounds():
    """Metrics of three strategies and three seeds; margin lacks no seed."""
    rng = np.random.default_rng(1)
    ids = itertools.product(("random", "margin", "again"), (0, 1, 2), (0, 1, 2), ("test", "pool"))
    rows = [
        {
            **dict(zip(NAMES, SETTING, strict=True)),
            **{"strategy": strategy, "seed": seed, "round": number, "num_labeled": 4 + 6 * number},
            **{"split": split, "metric": "accuracy", "value": rng.random()},
        }
        for strategy, seed, number, split in ids
    ]
    return pd.DataFrame(rows).drop(columns="annotator")  # all are the exact one's


@pytest.fixture
def picks():
    """What was bought: 4 labels at the start, the same for all, and 6 a round."""
    found = {}
    for strategy, seed in itertools.product(("margin", "again"), (0, 1, 2)):
        start = np.random.default_rng(seed).permutation(40)
        rest = np.random.default_rng([seed, len(strategy)]).permutation(start[4:])
        found[(*SETTING, strategy, seed)] = [
            start[:4],
            rest[:6],
            rest[6:12],
        ]
    return found


def test_pairs_are_compared_budget_by_budget(rounds, picks):
    table = compare_replays(rounds, PAIRS, picks, {"digits": LABELS})
    assert list(table.columns) == [name for name in REPLAY_COLUMNS if name != "annotator"]
    assert table["num_labeled"].tolist() == [10, 16, 10, 16]
    row = table[(table["split"] == "pool") & (table["round"] == 2)].iloc[0]
    values = rounds[(rounds["split"] == "pool") & (rounds["round"] == 2)]
    theirs, ours = (
        values[values["strategy"] == name].sort_values("seed")["value"].to_numpy()
        for name in ("again", "margin")
    )
    expected = paired_test(theirs - ours, "accuracy")
    assert row["n_seeds"] == 3
    assert row["difference"] == pytest.approx(expected["difference"])
    assert row["p_value"] == pytest.approx(expected["p_value"])
    assert row["mean"] - row["reference_mean"] == pytest.approx(row["difference"])
    plain = []
    for seed in (0, 1, 2):
        first, second = (
            set(np.concatenate(picks[(*SETTING, name, seed)][1:])) for name in ("again", "margin")
        )
        plain.append(len(first & second) / len(first))
    assert row["shared"] == pytest.approx(np.mean(plain))


def test_only_seeds_of_both_count(rounds, picks):
    fewer = rounds[(rounds["strategy"] != "margin") | (rounds["seed"] != 1)]
    table = compare_replays(fewer, PAIRS, picks, {"digits": LABELS})
    assert set(table["n_seeds"]) == {2}
    alone = compare_replays(fewer[fewer["seed"] == 0], PAIRS, picks, {"digits": LABELS})
    assert alone["half_width"].isna().all()
    assert "±" not in replay_tables(alone, "accuracy")[0].cells[0][-2]


def test_without_a_pair_there_is_an_empty_table(rounds, picks):
    table = compare_replays(rounds[rounds["strategy"] != "margin"], PAIRS, picks, {})
    assert list(table.columns) == [name for name in REPLAY_COLUMNS if name != "annotator"]
    assert table.empty
    assert replay_tables(table, "accuracy") == []


def test_the_table_for_people(rounds, picks):
    table = compare_replays(rounds, PAIRS, picks, {"digits": LABELS})
    test, pool = replay_tables(table, "accuracy")
    assert test.title.startswith("recorded selections and ours, test accuracy, digits")
    assert pool.cells[0][:3] == ("again", "margin", "10")
    assert len(test.columns) == len(test.cells[0])
