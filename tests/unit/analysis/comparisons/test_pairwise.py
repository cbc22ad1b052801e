"""The pairwise penalty matrix against its definition, written out naively."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.curves import curves
from labelbench_core.analysis.comparisons.pairwise import penalty_matrix


def test_matrix_is_that_of_badge_and_not_its_transpose() -> None:
    """Entry (i, j) gains 1 / n for each of n checkpoints at which i significantly beats j."""
    rng = np.random.default_rng(2)
    lifts = {"random": 0.0, "a": 0.02, "b": 0.05, "c": -0.03}
    rising = np.linspace(0.5, 0.9, 9)  # 99 % of the last value in round 8 only: rounds 1, 2, 4, 8
    values = {
        name: rising + lift * (np.arange(9) > 0) + rng.normal(0, 0.015, (5, 9))
        for name, lift in lifts.items()
    }
    checkpoints = (1, 2, 4, 8)
    wins = {(one, other): 0.0 for one in values for other in values}
    for one, other in wins:
        for number in checkpoints if one != other else ():
            left = values[one][:, number] - values[other][:, number]
            test = stats.ttest_rel(values[one][:, number], values[other][:, number])
            if test.pvalue < 0.05 and left.mean() > 0:
                wins[one, other] += 1 / len(checkpoints)
    found = penalty_matrix(
        curves({name: seeds.tolist() for name, seeds in values.items()}), "random"
    )
    for (one, other), share in wins.items():
        assert found.loc[one, other] == pytest.approx(share)
    assert found.loc["b", "c"] > 0.5 > found.loc["c", "b"]
    for name in values:
        others = [wins[one, name] for one in values if one != name]
        assert found.loc["mean", name] == pytest.approx(np.mean(others))


def test_what_lacks_a_setting_is_not_the_better_for_it() -> None:
    """Beaten by both others wherever it was run, `worst` is beaten as often as can be."""
    rng = np.random.default_rng(0)

    def setting(backbone: str, lifts: dict[str, float]) -> pd.DataFrame:
        values = {
            name: (np.array([0.5, 0.7 + lift]) + rng.normal(0, 0.001, (5, 2))).tolist()
            for name, lift in lifts.items()
        }
        return curves(values, backbone=backbone)

    others = {"random": 0.0, "margin": 0.05}
    frame = pd.concat(
        [
            setting("one", {**others, "worst": -0.05}),
            setting("two", others),
            setting("three", others),
        ]
    )
    found = penalty_matrix(frame, "random")
    assert found.loc["margin", "worst"] == 1  # the one setting that it has
    assert found.loc["mean"].to_dict() == {"random": 1.5, "margin": 0, "worst": 3}
