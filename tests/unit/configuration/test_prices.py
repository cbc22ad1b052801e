"""Prices of labels: the experiment's, and those of its annotators."""

import pytest

from helpers.experiments_read import errors_of, load
from labelbench_core.configuration.prices import prices_of

CROWD = {"implementation": "uniform-noise", "options": {"share": 0.1}, "price": 0.04, "seconds": 2}


@pytest.fixture
def wanted(quickstart):
    return {**quickstart, "annotators": ["exact", "crowd"], "prices": {"gpu_hour": 2.0}}


@pytest.fixture
def with_crowd(catalogue):
    return {**catalogue, "annotators": {"crowd": CROWD, "other": {**CROWD, "price": 9}}}


def test_annotators_of_the_experiment_say_their_own(wanted, with_crowd):
    experiment = load(wanted, with_crowd)
    told = {"crowd": {"price": 0.04, "seconds": 2}}
    assert prices_of(wanted, experiment, with_crowd) == {"gpu_hour": 2.0, "annotators": told}
    alone = {**wanted, "annotators": ["exact"]}
    assert prices_of(alone, load(alone, with_crowd), with_crowd) == wanted["prices"]
    with_crowd["annotators"]["exact"] = {"implementation": "exact", "price": 1}
    told["exact"] = {"price": 1}
    assert prices_of(wanted, experiment, with_crowd)["annotators"] == told


def test_two_prices_of_the_same_labels_are_an_error_that_names_both(wanted, with_crowd):
    wanted["prices"] = {"label": 0.05}
    assert errors_of(wanted, with_crowd) == (
        "my.yaml: prices.label: 0.05, but annotator 'crowd' has price: 0.04 in the catalogue "
        "(annotators.yaml); allowed: one of the two, or the same price in both"
    )
    load({**wanted, "prices": {"label": 0.04}}, with_crowd)
    load({**wanted, "annotators": ["exact"]}, with_crowd)
    free = {**with_crowd, "annotators": {"crowd": {**CROWD, "price": 0}}}
    assert "has price: 0 in" in errors_of(wanted, free)


@pytest.mark.parametrize("currency", ["EUR\n", "E\nR", "E\rR", "", "E" * 11])
def test_a_currency_is_one_short_line(quickstart, catalogue, currency):
    told = errors_of({**quickstart, "prices": {"label": 1, "currency": currency}}, catalogue)
    assert told.startswith("my.yaml: prices.currency: ")
    assert told.endswith("; allowed: a string of one line, of 1 to 10 characters")
    load({**quickstart, "prices": {"label": 1, "currency": "a|b ¤"}}, catalogue)
