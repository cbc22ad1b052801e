"""The sentence on a fine-tuning: a corrected test beside an interval that is not corrected."""

import pytest

from labelbench_core.analysis.summary import finetuning_text

ENTRY = {
    **{"difference": 0.0713, "low": 0.0121, "high": 0.1306, "p_holm": 0.064, "n_seeds": 3},
    **{"verdict": "not distinguishable", "extra_labels": 0},
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "not distinguishable from the proxy when corrected for the number of comparisons: +7"),
        (
            {"low": -0.0121},
            "not distinguishable from the proxy: +7.13 points (uncorrected 95 %",
        ),
        (
            {"verdict": "better", "p_holm": 0.012},
            "better than the proxy: +7.13 points (uncorrected 95 % interval +1.21 to +13.06, "
            "corrected p 0.012, 3 seeds)",
        ),
        ({"low": None}, "+7.13 points with each of 3 seeds, without the spread that a test needs"),
        ({"n_seeds": 1}, "+7.13 points on a single seed, too few to tell a difference"),
    ],
)
def test_it_says_what_is_corrected(changes, told):
    assert finetuning_text({**ENTRY, **changes}, "accuracy").startswith(told)
