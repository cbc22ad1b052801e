"""What a campaign's page says of numbers: intervals, bounds, and what cannot be told yet."""

import math
from types import SimpleNamespace

import pytest

from labelbench_core.campaign.audit.estimators import Estimate
from labelbench_core.campaign.audit.extrapolation import Range
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


def outlook_at(estimate, needed):
    """The sentences of a target of 90 % with 90 labels, where the model is so accurate."""
    accuracy = None if estimate is None else SimpleNamespace(estimate=estimate)
    standing = SimpleNamespace(accuracy=accuracy, num_labeled=90)
    found = SimpleNamespace(gain=None, target=0.9, needed=needed, price=None)
    return texts.of_outlook(found, standing)


def test_a_target_is_reached_or_may_be_or_needs_more():
    needed = Range(120.0, 100.0, 200.0)
    [far] = outlook_at(Estimate(0.8, 0.7, 0.88, 50, "plain"), needed)
    assert far.startswith("To 90.0 %: 100 to 200 labels in all")
    assert outlook_at(None, needed) == [far]
    assert outlook_at(Estimate(math.nan, 0, 1, 0, "plain"), needed) == [far]
    needed = Range(90.0, 90.0, math.inf)
    _, maybe = outlook_at(Estimate(0.96, 0.86, 0.99, 50, "plain"), needed)
    assert "may have reached it, 96.0 % (86.0 to 99.0 %), but the interval begins below" in maybe
    _, reached = outlook_at(Estimate(0.96, 0.91, 0.99, 50, "plain"), needed)
    assert reached == "The current model has reached it: 96.0 % (91.0 to 99.0 %)."


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
