"""DIRECT chooses what row-by-row loops choose, and its cuts are those of brute force."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plain import direct as plain_direct
from helpers.buying import Annotator, lines, signs, truth_and_pool
from helpers.choosing import choose
from labelbench_core.errors import InputError
from labelbench_core.selection.annotator import LabelSeller, SequentialPurchase
from labelbench_core.strategies import direct as direct_module
from labelbench_core.strategies.direct import reduction_shares
from labelbench_core.strategies.kernels import lines as lines_module
from labelbench_core.strategies.kernels import threshold
from labelbench_core.strategies.testing import Blocks

DEFAULTS = {
    "parallel": 20,
    "labels_per_class": 60,
    "share_bound": "least",
    "reduction_share": 0.5,
    "threshold": "line",
}
SMALL = {"parallel": 4, "labels_per_class": 9}


def errors(line, of_class, cut):
    """Labelled rows on the wrong side of a cut."""
    return sum(
        row in of_class and of_class[row] != (place >= cut) for place, row in enumerate(line)
    )


def open_cuts(line, of_class):
    """The lowest and the highest cut of the version space."""
    low, high = 0, len(line)
    for place, row in enumerate(line):
        if of_class.get(row):
            break
        if row in of_class:
            low = place + 1
    for place, row in reversed(list(enumerate(line))):
        if of_class.get(row) is False:
            break
        if row in of_class:
            high = place
    return low, high


def shrink(line, of_class, low, high, target):
    """Row by row."""
    lower_turn = True
    while sum(row not in of_class for row in line[low:high]) > target:
        wrong = errors(line, of_class, low) - errors(line, of_class, high)
        lower = wrong > 0
        if wrong == 0:
            lower, lower_turn = lower_turn, not lower_turn
        low, high = (low + 1, high) if lower else (low, high - 1)
    return low, high


def direct(pool, truth, budget, seed, **options):
    chosen_options = DEFAULTS | options
    parallel, bound = chosen_options["parallel"], chosen_options["labels_per_class"]
    rng = np.random.default_rng(seed)
    known = dict(zip(pool.labeled.tolist(), pool.labels, strict=True))
    chosen = []

    def buy(rows):
        known.update((int(row), truth[row]) for row in rows)
        chosen.extend(int(row) for row in rows)

    sizes = [sum(signs(pool, known, k).values()) for k in range(pool.num_classes)]
    classes = sorted(range(pool.num_classes), key=lambda k: (sizes[k], k))
    if pool.num_classes == 2 and not pool.multilabel:
        classes = classes[:1]
    total = int(chosen_options["reduction_share"] * budget)
    if chosen_options["share_bound"] == "least":
        count = min(len(classes), max(1, total // bound))
        shares = [total * (i + 1) // count - total * i // count for i in range(count)]
    else:
        shares = [min(bound, total // len(classes)) for _ in classes]

    spaces = {}
    for k, share in zip(classes, shares, strict=False):
        line = lines(pool)[k]
        low, high = open_cuts(line, signs(pool, known, k))
        while share > 0:
            free = [place for place in range(low, high) if line[place] not in known]
            if not free:
                break
            drawn = rng.choice(free, min(parallel, share, len(free)), replace=False)
            buy([line[place] for place in drawn])
            calls = math.ceil(share / parallel)
            if calls > 1:
                target = math.ceil((len(free) - len(drawn)) ** (1 - 1 / calls) - 1e-9)
                low, high = shrink(line, signs(pool, known, k), low, high, target)
            share -= len(drawn)
        spaces[k] = low, high

    left = budget - len(chosen)
    for i, k in enumerate(rng.permutation(classes)):
        line, of_class = lines(pool)[k], signs(pool, known, k)
        low, high = 0, len(line)
        if chosen_options["threshold"] == "interval":
            low, high = spaces.get(k) or open_cuts(line, of_class)
        cut = min(range(low, high + 1), key=lambda cut: (errors(line, of_class, cut), -cut))
        free = [place for place in range(len(line)) if line[place] not in known]
        free.sort(key=lambda place: (place - cut, 0) if place >= cut else (cut - 1 - place, 1))
        share = left * (i + 1) // len(classes) - left * i // len(classes)
        buy([line[place] for place in free[:share]])
    return chosen


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        {},
        SMALL | {"share_bound": "most"},
        SMALL | {"threshold": "interval"},
        SMALL | {"threshold": "interval", "labels_per_class": 30, "reduction_share": 0.3},
        {"parallel": 1, "labels_per_class": 5, "reduction_share": 1},
        {"reduction_share": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"classes": 2},
        {"classes": 5, "noise": 0.0},
        {"noise": 1.0, "seed": 3},
        {"kinds": 4},
        {"kinds": 1, "noise": 1.0},
        {"labeled": 1},
        {"labeled": 30},
        {"multilabel": True},
        {"multilabel": True, "classes": 2},
    ],
    ids=str,
)
def test_direct(kind, options):
    truth, pool = truth_and_pool(**({"rows": 70} | kind))
    for budget in (1, 36, len(pool.unlabeled())):
        ask = Annotator(truth)
        chosen = choose("direct", pool, budget, 1, ask=ask, **options)
        assert chosen.tolist() == direct(pool, truth, budget, 1, **options)
        assert ask.asked == chosen.tolist()
        assert max(ask.calls) <= (DEFAULTS | options)["parallel"]


@pytest.mark.parametrize(("classes", "labeled", "noise"), [(4, 20, 0.1), (2, 3, 0.3), (3, 1, 1.0)])
def test_direct_as_its_plain_form(classes, labeled, noise):
    truth, pool = truth_and_pool(400, classes, labeled, noise=noise)
    for budget in (300, len(pool.unlabeled())):
        plain = plain_direct.select(pool, budget, np.random.default_rng(1), Annotator(truth))
        assert choose("direct", pool, budget, 1, ask=Annotator(truth)).tolist() == plain.tolist()


def test_direct_keeps_few_lines_and_columns(monkeypatch):
    truth, pool = truth_and_pool(150, classes=5)
    expected = choose("direct", pool, 100, ask=Annotator(truth), **SMALL)
    for module in (lines_module, direct_module):
        monkeypatch.setattr(module, "VALUES_AHEAD", 2 * 150)
    few = replace(pool, probabilities=Blocks(pool.probabilities, 7))
    chosen = choose("direct", few, 100, ask=Annotator(truth), **SMALL)
    assert chosen.tolist() == expected.tolist()


@pytest.mark.parametrize("key", ["share_bound", "threshold"])
def test_variants_differ(key):
    truth, pool = truth_and_pool(300, classes=4, labeled=20)
    variant = {"share_bound": "most", "threshold": "interval"}[key]
    picks = [
        choose("direct", pool, 100, ask=Annotator(truth), **SMALL, **{key: value})
        for value in (DEFAULTS[key], variant)
    ]
    assert not np.array_equal(*picks)


def test_direct_spends_the_budget_that_it_returns():
    truth, pool = truth_and_pool()
    seller = LabelSeller(truth, pool.labeled)
    ask = SequentialPurchase(seller, 50)
    chosen = choose("direct", pool, 50, ask=ask)
    assert ask.asked == chosen.tolist()
    assert seller.bought.tolist() == [*pool.labeled, *chosen]


def test_a_threshold_is_found_in_spite_of_wrong_labels():
    rng = np.random.default_rng(0)
    rows, cut = 4000, 3700  # 300 rows are of the rare class
    truth, pool = truth_and_pool(rows, classes=2, labeled=40)
    order = lines(pool)[0]
    truth = np.ones(rows, int)
    truth[order[cut:]] = 0
    noisy = np.where(rng.random(rows) < 0.1, 1 - truth, truth)
    place = np.argsort(order)
    pool = replace(pool, labels=noisy[pool.labeled])
    chosen = choose("direct", pool, 200, ask=Annotator(noisy))
    assert np.abs(place[chosen[100:]] - cut).max() < 200


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((500, 10, 60, "least"), [62, 63] * 4),
        ((1300, 10, 60, "least"), [130] * 10),
        ((50, 10, 60, "least"), [50]),
        ((500, 10, 60, "most"), [50] * 10),
        ((1300, 10, 60, "most"), [60] * 10),
    ],
)
def test_reduction_shares(arguments, expected):
    assert reduction_shares(*arguments) == expected


LABELED = st.lists(st.sampled_from([None, None, True, False]), min_size=1, max_size=40)


def as_arrays(marks):
    places = np.array([i for i, mark in enumerate(marks) if mark is not None], dtype=np.int64)
    of_class = np.array([marks[i] for i in places], dtype=bool)
    return places, of_class, {i: marks[i] for i in places.tolist()}


@given(LABELED, st.data())
def test_cuts_are_those_of_brute_force(marks, data):
    places, of_class, known = as_arrays(marks)
    line = list(range(len(marks)))
    low, high = threshold.version_space(places, of_class, len(marks))
    assert (low, high) == open_cuts(line, known)
    wrong = threshold.errors(of_class)
    low = data.draw(st.integers(0, len(marks)))
    high = data.draw(st.integers(low, len(marks)))
    best = min(range(low, high + 1), key=lambda cut: (errors(line, known, cut), -cut))
    assert threshold.best_cut(places, wrong, low, high) == best
    target = data.draw(st.integers(0, len(marks)))
    expected = shrink(line, known, low, high, target)
    assert threshold.shrink(places, wrong, low, high, target) == expected


@given(LABELED, st.data())
def test_nearest_places(marks, data):
    free = np.array([mark is None for mark in marks])
    cut = data.draw(st.integers(0, len(marks)))
    count = data.draw(st.integers(0, int(free.sum())))
    places = sorted(np.flatnonzero(free).tolist(), key=lambda i: (abs(i + 0.5 - cut), i < cut))
    assert threshold.nearest(free, cut, count).tolist() == places[:count]


def test_a_version_space_shrinks_by_equal_factors_to_one_row():
    size, calls = 1000, 3
    for left in range(calls, 1, -1):
        size = threshold.target_size(size, left)
    assert size == 10  # one factor of 10 is left to the choice of the best cut
    assert threshold.target_size(0, 2) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parallel", 0),
        ("labels_per_class", 0),
        ("reduction_share", 1.5),
        ("share_bound", "other"),
        ("threshold", "other"),
    ],
)
def test_direct_options_are_checked(key, value):
    truth, pool = truth_and_pool()
    with pytest.raises(InputError, match=f"'direct': options.{key}: {value!r}; allowed"):
        choose("direct", pool, 3, ask=Annotator(truth), **{key: value})
