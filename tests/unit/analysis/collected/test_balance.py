"""Class balance: against a naive form, in known cases, and as the page shows it."""

import collections
import math

import numpy as np
import pandas as pd
import pytest

from labelbench_core.analysis.balance_texts import balance_tables
from labelbench_core.analysis.collected.balance import BALANCE, class_balance
from labelbench_core.analysis.collected.curves import t_interval
from labelbench_core.datasets import class_counts


def plain(bought: list[int], pool: list[int]) -> dict[str, float]:
    """The same, label by label; for a pool of several classes, and at least one label."""
    count, whole = collections.Counter(bought), collections.Counter(pool)
    share = {name: count[name] / len(bought) for name in whole}
    of_pool = {name: whole[name] / len(pool) for name in whole}

    def evenness(shares: dict[int, float]) -> float:
        total = sum(-one * math.log(one) for one in shares.values() if one > 0)
        return total / math.log(len(whole))

    return {
        "occurrences": len(bought),
        "classes": len(whole),
        "classes_without_label": sum(count[name] == 0 for name in whole),
        "evenness": evenness(share),
        "rarest_share": min(share.values()),
        "most_frequent_share": max(share.values()),
        "pool_evenness": evenness(of_pool),
        "pool_rarest_share": min(of_pool.values()),
        "pool_most_frequent_share": max(of_pool.values()),
        "distance_to_pool": sum(max(share[name] - of_pool[name], 0) for name in whole),
    }


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_plain_form(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 30))
    pool = np.concatenate(
        [[0, classes - 1], rng.choice(classes, 300, p=rng.dirichlet(np.ones(classes)))]
    )
    bought = rng.choice(pool, int(rng.integers(1, 200)), replace=False)
    found = class_balance(class_counts(bought, classes), class_counts(pool, classes))
    assert tuple(found) == BALANCE
    assert found == pytest.approx(plain(bought.tolist(), pool.tolist()), abs=1e-11)


def test_known_cases() -> None:
    pool = np.array([50, 50, 50, 50])
    even = class_balance(np.array([5, 5, 5, 5]), pool)
    assert (even["evenness"], even["distance_to_pool"]) == (1.0, 0.0)
    assert (even["rarest_share"], even["most_frequent_share"]) == (0.25, 0.25)
    one = class_balance(np.array([0, 9, 0, 0]), pool)
    assert (one["evenness"], one["classes_without_label"]) == (0.0, 3)
    assert one["distance_to_pool"] == 0.75
    two = class_balance(np.array([7, 7, 0, 0]), pool)
    assert (two["evenness"], two["distance_to_pool"]) == (0.5, 0.5)  # log 2 / log 4
    uneven = np.array([90, 10])
    assert class_balance(uneven, uneven)["distance_to_pool"] == 0.0
    assert class_balance(np.array([5, 5]), uneven)["distance_to_pool"] == pytest.approx(0.4)


def test_a_class_that_the_pool_has_not_does_not_count() -> None:
    found = class_balance(np.array([4, 0, 4]), np.array([20, 0, 20]))
    assert (found["classes"], found["classes_without_label"], found["evenness"]) == (2, 0, 1.0)


@pytest.mark.parametrize(("counts", "pool"), [([3], [9]), ([0, 3], [0, 9])])
def test_one_class_has_no_evenness(counts: list[int], pool: list[int]) -> None:
    found = class_balance(np.array(counts), np.array(pool))
    assert math.isnan(found["evenness"])
    assert (found["rarest_share"], found["distance_to_pool"]) == (1.0, 0.0)


def test_a_pool_without_any_label_has_no_shares() -> None:
    found = class_balance(np.zeros(3, int), np.zeros(3, int))
    assert (found["occurrences"], found["classes"]) == (0, 0)
    assert all(math.isnan(found[name]) for name in BALANCE[3:])


def test_a_row_of_several_classes_counts_once_for_each() -> None:
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
    assert class_counts(labels, 3).tolist() == [1, 2, 0]
    assert class_counts(np.tile(labels, (200, 1)), 3).tolist() == [200, 400, 0]
    assert class_counts(np.array([2, 0, 2]), 4).tolist() == [1, 0, 2, 0]


def rounds_of(first: dict[str, list[int]]) -> pd.DataFrame:
    """Five rounds of two strategies with two seeds; `first`: strategy → counts of round 0."""
    setting = {"dataset": "digits", "backbone": "tiny", "proxy": "linear", "schedule": "small"}
    pool = np.array([60, 40])
    lines = []
    for strategy, counts in first.items():
        for seed in (0, 1):
            for number in range(5):
                more = np.array(counts) + number * np.array([4 + seed, 6 - seed])
                lines.append(
                    {
                        **setting,
                        **{"strategy": strategy, "seed": seed, "round": number},
                        "num_labeled": int(more.sum()),
                        **class_balance(more, pool),
                    }
                )
    return pd.DataFrame(lines)


def test_the_table_has_first_middle_and_last_labels() -> None:
    table = rounds_of({"random": [6, 4], "margin": [6, 4]})
    (shown,) = balance_tables(table)
    assert shown.title == "class balance in %, digits / tiny / linear / small"
    assert [cells[:2] for cells in shown.cells] == [
        ("all strategies", "10"),
        *(("random", "30"), ("random", "50"), ("margin", "30"), ("margin", "50")),
        ("whole pool", "–"),
    ]
    assert shown.cells[0][2:] == (
        *("97.10 ± 0.00", "0.0 of 2", "40.00 ± 0.00", "60.00 ± 0.00", "0.00 ± 0.00", "2"),
    )
    last = table[(table["strategy"] == "margin") & (table["round"] == 4)]
    mean, half = t_interval(last["most_frequent_share"].to_numpy())
    low, high = 100 * (mean - half), 100 * (mean + half)
    assert shown.cells[4][5] == f"{100 * mean:.2f} ± {100 * half:.2f}"
    assert 0 < low < high < 100
    assert shown.cells[-1][2:] == ("97.10", "0 of 2", "40.00", "60.00", "–", "–")


def test_first_labels_that_differ_stand_with_each_strategy() -> None:
    (shown,) = balance_tables(rounds_of({"random": [6, 4], "margin": [7, 3]}))
    assert [cells[:2] for cells in shown.cells if cells[1] == "10"] == [
        ("random", "10"),
        ("margin", "10"),
    ]


def test_a_single_round_and_no_rounds() -> None:
    table = rounds_of({"random": [6, 4]})
    (shown,) = balance_tables(table[(table["round"] == 0) & (table["seed"] == 0)])
    assert [cells[0] for cells in shown.cells] == ["random", "whole pool"]
    assert shown.cells[0][2] == "97.10"  # one seed has no interval
    assert balance_tables(table[:0]) == []
