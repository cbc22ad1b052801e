"""What a campaign's page says of numbers: intervals, bounds, and what cannot be told yet."""

import math

import pytest

from labelbench_core.campaign.audit.estimators import Estimate
from labelbench_core.campaign.audit.saving import Saving
from labelbench_core.campaign.standing_page import texts


def saving(**changes):
    usual = {
        "labels": 100.0, "level": 0.8, "strategy_labels": 50.0, "saving": 2.0, "low": 1.4,
        "high": 2.5, "told": True, "audit_labels_needed": 200.0,
    }  # fmt: skip
    return Saving(**{**usual, **changes})


def test_estimates_have_their_interval_or_say_that_nothing_is_known():
    assert texts.estimated(Estimate(0.876, 0.8, 0.93, 100, "plain")) == "87.6 % (80.0 to 93.0 %)"
    assert texts.estimated(Estimate(math.nan, 0, 1, 0, "plain")) == "cannot be told yet"


def test_what_is_counted_is_named():
    assert texts.quantity(False, "images") == (
        "how often the current model is right on a random image of the pool"
    )
    assert texts.quantity(True, "texts").endswith(
        "gets all classes right on a random text of the pool"
    )
    assert texts.quantity(False, "embeddings").endswith("a random row of the pool")


def test_a_saving_is_a_bound_or_cannot_be_told():
    told = texts.of_saving(saving(), 200, 1000)
    assert "needs fewer labels" in told
    assert told.endswith("95 % interval: 1.40 to 2.50.")
    assert "needs more labels than random selection" in texts.of_saving(
        saving(low=0.5, high=0.9), 200, 1000
    )
    open_end = texts.of_saving(saving(high=math.inf), 200, 1000)
    assert open_end.endswith("95 % interval: 1.40 to no upper bound.")
    untold = texts.of_saving(saving(low=0.0, told=False, audit_labels_needed=350.5), 200, 1000)
    assert "cannot be told yet" in untold
    assert "no lower bound to 2.50" in untold
    assert untold.endswith("it takes 351 decided rows of the audit.")
    never = texts.of_saving(saving(low=0.9, told=False, audit_labels_needed=math.inf), 200, 1000)
    assert never.endswith("it takes more rows than the pool has of the audit.")
    at_once = texts.of_saving(saving(low=1.0, told=False, audit_labels_needed=200), 200, 1000)
    assert "so that random labels reach as far as those bought" in at_once


@pytest.mark.parametrize("found", [None, saving(labels=0.0, level=math.nan, told=False)])
def test_without_a_comparison_the_saving_says_what_it_needs(found):
    assert "cannot be told yet" in texts.of_saving(found, 3, 1000)
