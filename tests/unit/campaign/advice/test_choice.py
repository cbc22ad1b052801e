"""The choice of a strategy and a proxy follows from what experiments measured, and says so."""

import pytest

from labelbench_core.campaign.advice.choice import Situation, choose_proxy, choose_strategy
from labelbench_core.campaign.advice.evidence import (
    LESS,
    ComparedProxy,
    Evidence,
    Experience,
    MeasuredSaving,
    shipped,
)
from labelbench_core.campaign.advice.wording import reason_for_proxy, reason_for_strategy


def saving(strategy, low, high, *, seeds=5, **bounds):
    return MeasuredSaving(strategy, seeds, (low * high) ** 0.5, low, high, **bounds)


def experience(dataset, per_class, *savings, **changes):
    """An experiment with ten classes."""
    values = {
        "experiment": f"of-{dataset}",
        "dataset": dataset,
        "rows": "images",
        "classes": 10,
        "multilabel": False,
        "long_tail": None,
        "annotator": "exact",
        "proxy": "linear",
        "metric": "accuracy",
        "batch": 10 * per_class,
        "last_labels": 100 * per_class,
        "savings": savings,
    }
    return Experience(**{**values, **changes})


FEW, MANY, TEXTS = (
    experience("few", 2, saving("covers", 1.5, 2), saving("doubts", 0.8, 1.2)),
    experience("many", 50, saving("covers", 0.7, 0.9), saving("doubts", 1.6, 2.2)),
    experience(
        "texts", 40, saving("covers", 0.9, 1.2), saving("doubts", 1.1, 1.4, seeds=3), rows="texts"
    ),
)
EVIDENCE = Evidence([FEW, MANY, TEXTS], [])


def asked(batch, classes=10, multilabel=False, rows="images", proxy="linear"):
    return Situation(batch, classes, multilabel, rows, proxy)


def chosen(situation, evidence=EVIDENCE, refused=()):
    return choose_strategy(evidence, situation, lambda name: name not in refused)


@pytest.mark.parametrize(
    ("batch", "strategy", "datasets"),
    [
        (20, "covers", ["few"]),
        (60, "covers", ["few"]),
        (500, "doubts", ["many", "texts"]),
        (140, "doubts", ["texts"]),
    ],
)
def test_experiments_with_as_many_labels_per_class_decide(batch, strategy, datasets):
    found = chosen(asked(batch))
    assert found.strategy == strategy
    assert [one.dataset for one in found.experiences] == datasets
    assert found.are_near
    assert found.is_supported


def test_where_none_is_near_the_nearest_decide_and_this_is_said():
    found = chosen(asked(5000))
    assert found.strategy == "doubts"
    assert not found.are_near
    reason = reason_for_strategy(found, asked(5000))
    assert "with 50 labels per class in a batch (yours has 500" in reason


def test_the_lower_ends_decide_and_each_data_set_counts_once():
    twice = [
        experience("a", 10, saving("wide", 1.0, 9), saving("narrow", 1.2, 1.3)),
        experience("b", 10, saving("wide", 1.7, 2.5), saving("narrow", 1.5, 1.6)),
    ]
    # Means of logarithms: wide 1.30, narrow 1.34; of points, wide would be first.
    assert chosen(asked(100), Evidence(twice, [])).strategy == "narrow"
    again = experience("b", 10, saving("wide", 1.9, 2.5), saving("narrow", 1.2, 1.6))
    # wide (1.0, mean of 1.7 and 1.9): 1.34; narrow (1.2, of 1.5 and 1.2): 1.27.
    assert chosen(asked(100), Evidence([*twice, again], [])).strategy == "wide"


def test_what_was_surely_worse_somewhere_or_not_run_everywhere_is_not_chosen():
    ran = [
        experience("a", 10, saving("best", 3, 4), saving("sound", 1.1, 1.3), saving("rare", 5, 6)),
        experience(
            "b",
            10,
            saving("best", 1, 1, bound=LESS, low_bound=LESS, high_bound=LESS),
            saving("sound", 0.9, 1.3),
        ),
    ]
    found = chosen(asked(100), Evidence(ran, []))
    assert found.strategy == "sound"
    reason = reason_for_strategy(found, asked(100))
    assert "1.08 (0.90 to 1.30; not surely more) on b (of-b)" in reason


def test_what_a_campaign_cannot_use_is_never_chosen():
    assert chosen(asked(20), refused={"doubts"}).strategy == "covers"
    # What is left was surely worse than random selection.
    found = chosen(asked(500), refused={"doubts"})
    assert (found.strategy, found.is_supported) == ("margin", False)


def test_without_any_strategy_that_is_surely_better_this_is_said():
    unsure = Evidence([experience("a", 10, saving("doubts", 0.8, 1.4))], [])
    found = chosen(asked(100), unsure)
    assert (found.strategy, found.is_supported) == ("margin", False)
    reason = reason_for_strategy(found, asked(100))
    assert "surely better than random selection" in reason
    assert "in none of our experiments" in reason


def test_if_nothing_near_is_sure_all_experiments_of_the_kind_decide():
    unsure = experience("a", 500, saving("doubts", 0.8, 1.4))
    found = chosen(asked(5000), Evidence([unsure, MANY], []))
    assert found.strategy == "doubts"
    assert not found.are_near
    assert len(found.experiences) == 2


def test_several_labels_a_row_have_experiments_of_their_own():
    ranked = experience("m", 10, saving("ranks", 1.1, 1.2), multilabel=True)
    evidence = Evidence([FEW, MANY, ranked], [])
    assert chosen(asked(500, multilabel=True), evidence).strategy == "ranks"
    assert chosen(asked(100, multilabel=False), evidence).strategy != "ranks"


def test_the_reason_names_experiments_savings_and_where_they_end():
    situation = asked(500, classes=12, rows="images")
    reason = reason_for_strategy(chosen(situation), situation)
    assert reason.startswith("doubts, by our own experiments with a third to three times your 41.7")
    assert "1.88 (1.60 to 2.20) on many (of-many)" in reason
    assert "1.24 (1.10 to 1.40; 3 seeds) on texts (of-texts)" in reason
    assert "ends at 400 to 500 labels per class; it is of 10 classes, not of 12." in reason
    assert "How balanced the classes are is not known before labels come." in reason
    few = asked(20)
    assert "covers was surely worse than random selection on many" in reason_for_strategy(
        chosen(few), few
    )


def test_strategies_whose_intervals_overlap_everywhere_are_named():
    alike = experience("a", 10, saving("one", 1.5, 2), saving("two", 1.4, 1.9))
    found = chosen(asked(100), Evidence([alike], []))
    assert (found.strategy, found.alike) == ("one", ("two",))
    assert "Not told apart from one there: two." in reason_for_strategy(found, asked(100))
    apart = experience("a", 10, saving("one", 1.5, 2), saving("two", 1.2, 1.4))
    assert chosen(asked(100), Evidence([apart], [])).alike == ()


def compared(proxy, difference, half_width, **changes):
    values = {
        "experiment": "e",
        "dataset": "d",
        "multilabel": False,
        "strategy": "margin",
        "proxy": proxy,
        "other": "linear",
        "seeds": 5,
        "difference": difference,
        "half_width": half_width,
    }
    return ComparedProxy(**{**values, **changes})


@pytest.mark.parametrize(
    ("pairs", "proxy"),
    [
        ([], "linear"),
        ([compared("deep", 0.02, 0.03)], "linear"),
        ([compared("deep", 0.05, 0.03)], "deep"),
        ([compared("deep", 0.05, 0.03), compared("deep", 0.01, 0.03)], "linear"),
        ([compared("deep", 0.05, 0.03), compared("wide", 0.06, 0.01)], "wide"),
        ([compared("deep", 0.05, 0.03, multilabel=True)], "linear"),
        # That of the strategy counts, where there is one.
        ([compared("deep", 0.05, 0.03, strategy="random"), compared("deep", 0, 0.03)], "linear"),
    ],
)
def test_another_proxy_has_to_be_surely_better(pairs, proxy):
    found = choose_proxy(Evidence([], pairs), False, "margin", lambda name: True)
    assert found.proxy == proxy
    assert reason_for_proxy(found).startswith(f"{proxy}")
    assert choose_proxy(Evidence([], pairs), False, "margin", lambda _: False).proxy == "linear"


def test_shipped_evidence_covers_both_kinds_and_gives_reasons_everywhere():
    evidence = shipped()
    assert {one.multilabel for one in evidence.experiences} == {False, True}
    for one in evidence.experiences:
        for saving_ in one.savings:
            assert saving_.low <= saving_.saving <= saving_.high or saving_.bound
            assert not (saving_.is_better and saving_.is_worse)
    for batch in (1, 10, 100, 10_000):
        for classes in (None, 2, 10, 77, 1000):
            for multilabel in (False, True):
                situation = asked(batch, classes, multilabel)
                found = choose_strategy(evidence, situation, lambda name: True)
                assert found.strategy in reason_for_strategy(found, situation)
